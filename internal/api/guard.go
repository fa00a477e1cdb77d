package api

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// securityToken names the only way to sign in, in the OpenAPI document.
const securityToken = "token"

// caller is the program that asks.
type caller struct {
	staff.Viewer
	token  staff.Token
	secret string // for streams, which look again whether it is still in force
}

// house is the caller where its scope was the permission: a token administers
// webhooks in the name of the group.
func (c caller) house() staff.Viewer {
	v := staff.System()
	v.ID, v.Name = c.ID, c.Name
	return v
}

type callerKey struct{}

func callerOf(ctx context.Context) caller {
	c, _ := ctx.Value(callerKey{}).(caller)
	return c
}

// needs marks an operation with the scope that a token must have.
func needs(scope string) []map[string][]string {
	return []map[string][]string{{securityToken: {scope}}}
}

// scopeOf reads that mark. An operation without one is closed to everybody.
func scopeOf(op *huma.Operation) (string, bool) {
	for _, s := range op.Security {
		if scopes := s[securityToken]; len(scopes) == 1 {
			return scopes[0], true
		}
	}
	return "", false
}

// admit lets a request through to its operation: a token in force, not too many
// requests, and the scope that the operation is marked with.
func (s *server) admit(ctx huma.Context, next func(huma.Context)) {
	c, err := s.identify(ctx.Context(), ctx.Header("Authorization"))
	if errors.Is(err, staff.ErrBadToken) {
		ctx.SetHeader("WWW-Authenticate", `Bearer realm="dingdong"`)
	}
	if err != nil {
		s.refuse(ctx, s.problem(ctx.Context(), err))
		return
	}
	if ok, wait := s.rate.take(c.token.ID, s.DB.Now()); !ok {
		ctx.SetHeader("Retry-After", strconv.Itoa(max(1, int(math.Ceil(wait.Seconds())))))
		s.refuse(ctx, newProblem(http.StatusTooManyRequests, "too-many-requests", "This token asks too often. Come again after Retry-After seconds."))
		return
	}
	scope, marked := scopeOf(ctx.Operation())
	if !marked || !c.token.Has(scope) {
		ctx.SetHeader("WWW-Authenticate", `Bearer realm="dingdong", error="insufficient_scope", scope="`+scope+`"`)
		s.refuse(ctx, missingScope(scope))
		return
	}
	next(huma.WithValue(ctx, callerKey{}, c))
}

func missingScope(scope string) *Problem {
	return newProblem(http.StatusForbidden, "missing-scope", "This needs a token with the scope "+scope+".")
}

func (s *server) refuse(ctx huma.Context, p *Problem) {
	_, w := humago.Unwrap(ctx)
	writeProblem(w, p)
}

// identify finds whose token a request shows.
func (s *server) identify(ctx context.Context, header string) (caller, error) {
	kind, secret, _ := strings.Cut(header, " ")
	if !strings.EqualFold(kind, "Bearer") || secret == "" {
		return caller{}, newProblemWith(staff.ErrBadToken, "Show an API token: Authorization: Bearer dd_...")
	}
	c := caller{secret: strings.TrimSpace(secret)}
	err := s.DB.Read(ctx, func(tx *db.Tx) error {
		var err error
		c.token, err = staff.TokenBySecret(tx, c.secret)
		return err
	})
	if err != nil {
		return caller{}, err
	}
	c.Viewer = c.token.Viewer()
	c.ID = "token/" + c.token.ID
	if c.token.TouchDue {
		err := s.DB.Write(ctx, func(tx *db.Tx) error { return staff.TouchToken(tx, c.token.ID) })
		if err != nil { // it can be answered all the same
			s.Log.WarnContext(ctx, "touching a token failed", "error", err)
		}
	}
	return c, nil
}

// newProblemWith is a refusal that errors.Is still knows by its cause.
func newProblemWith(cause error, detail string) error {
	return errors.Join(newProblem(http.StatusUnauthorized, "unauthorized", detail), cause)
}

// register adds an operation. Its handler returns plain errors; they become
// problems here.
func register[I, O any](s *server, op huma.Operation, handle func(context.Context, *I) (*O, error)) {
	op.Responses = withProblems(s.api, op)
	huma.Register(s.api, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := handle(ctx, in)
		if err != nil {
			return nil, s.problem(ctx, err)
		}
		return out, nil
	})
}

// withProblems documents what every operation may answer besides what it does.
func withProblems(api huma.API, op huma.Operation) map[string]*huma.Response {
	all := op.Responses
	if all == nil {
		all = map[string]*huma.Response{}
	}
	codes := []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusUnprocessableEntity, http.StatusTooManyRequests,
		http.StatusInternalServerError, http.StatusServiceUnavailable}
	if strings.Contains(op.Path, "{") {
		codes = append(codes, http.StatusNotFound)
	}
	if op.Method == http.MethodPost || op.Method == http.MethodPut || op.Method == http.MethodPatch {
		codes = append(codes, http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
	}
	schema := api.OpenAPI().Components.Schemas.Schema(problemGoType, true, "")
	for _, code := range codes {
		all[strconv.Itoa(code)] = &huma.Response{
			Description: http.StatusText(code),
			Content:     map[string]*huma.MediaType{"application/problem+json": {Schema: schema}},
		}
	}
	return all
}

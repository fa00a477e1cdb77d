package linefake

import (
	"bytes"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// maxCall is LINE's bound of a request body.
const maxCall = 2 << 20

// answer is what a call of the Messaging API gets.
type answer struct {
	status   int
	body     []byte
	kind     string // content type; JSON if empty
	accepted string // request id of the call that had used the retry key
}

// endpoint is one call of the Messaging API.
type endpoint func(r *http.Request, body []byte) answer

// ServeHTTP serves the Messaging API, the content host and the phone page.
func (p *Platform) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.routes.ServeHTTP(w, r) }

func (p *Platform) router() http.Handler {
	mux := http.NewServeMux()
	for pattern, call := range map[string]endpoint{
		"POST /v2/bot/message/push":                         p.push,
		"POST /v2/bot/message/reply":                        p.reply,
		"POST /v2/bot/message/validate/push":                p.validate,
		"POST /v2/bot/message/validate/reply":               p.validate,
		"GET /v2/bot/profile/{user}":                        p.profile,
		"GET /v2/bot/group/{group}/member/{user}":           p.member,
		"GET /v2/bot/room/{group}/member/{user}":            p.member,
		"GET /v2/bot/message/{message}/content":             p.content,
		"GET /v2/bot/message/{message}/content/preview":     p.content,
		"GET /v2/bot/message/{message}/content/transcoding": p.transcoding,
		"POST /v2/bot/chat/markAsRead":                      p.markAsRead,
		"POST /v2/bot/chat/loading/start":                   p.loading,
		"GET /v2/bot/message/quota":                         p.quota,
		"GET /v2/bot/message/quota/consumption":             p.consumption,
		"GET /v2/bot/info":                                  p.info,
		"GET /v2/bot/channel/webhook/endpoint":              p.endpoint,
		"PUT /v2/bot/channel/webhook/endpoint":              p.setEndpoint,
		"POST /v2/bot/channel/webhook/test":                 p.testEndpoint,
		"/v2/":                                              func(*http.Request, []byte) answer { return refuse(404, "Not found") },
	} {
		mux.Handle(pattern, p.serve(call))
	}
	mux.HandleFunc("POST /oauth2/v2.1/verify", p.verifyID)
	mux.HandleFunc("GET /liff/sdk.js", p.sdk)
	mux.Handle("/phone/", http.NewCrossOriginProtection().Handler(p.phone()))
	mux.Handle("GET /{$}", http.RedirectHandler("/phone/", http.StatusFound))
	return mux
}

// serve puts around a call what all share: the token, the rate, the latency and
// whatever is to go wrong.
func (p *Platform) serve(call endpoint) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Line-Request-Id", requestID(p.requests.Add(1)))
		body, err := io.ReadAll(io.LimitReader(r.Body, maxCall+1))
		if err != nil {
			panic(http.ErrAbortHandler) // the caller is gone
		}
		if len(body) > maxCall {
			p.write(w, refuse(413, "Request exceeds the max size of 2MB"))
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body)) // for who judges about faults
		fault := p.faults.next(r)
		if !p.wait(r, time.Duration(p.faults.latency.Load())+fault.Delay) {
			panic(http.ErrAbortHandler)
		}
		if fault.wrong() && !fault.After {
			p.happen(w, r, fault)
			return
		}
		ans := p.allowed(r)
		if ans.status == 0 {
			r.Header.Set("X-Line-Request-Id", w.Header().Get("X-Line-Request-Id"))
			ans = call(r, body)
		}
		if fault.wrong() {
			p.happen(w, r, fault)
			return
		}
		p.write(w, ans)
	})
}

// allowed answers those who may not call, or not so fast; status 0 lets pass.
func (p *Platform) allowed(r *http.Request) answer {
	want := "Bearer " + p.o.Token
	if subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte(want)) != 1 {
		return refuse(401, "Authentication failed due to the following reason: invalid token. Confirm that the access token in the authorization header is valid.")
	}
	if !p.rate.take(p.o.Now()) {
		return refuse(429, "The API rate limit has been exceeded. Try again later.")
	}
	if r.Header.Get("X-Line-Retry-Key") != "" && r.URL.Path != "/v2/bot/message/push" {
		return refuse(400, "The retry key is not supported by this API")
	}
	return answer{}
}

func (p *Platform) write(w http.ResponseWriter, a answer) {
	if a.kind == "" {
		a.kind = "application/json"
	}
	w.Header().Set("Content-Type", a.kind)
	if a.accepted != "" {
		w.Header().Set("X-Line-Accepted-Request-Id", a.accepted)
	}
	w.WriteHeader(a.status)
	w.Write(a.body)
}

// detail says which property was wrong, as LINE does.
type detail struct {
	Message  string `json:"message"`
	Property string `json:"property"`
}

func refuse(status int, message string, details ...detail) answer {
	return reply(status, struct {
		Message string   `json:"message"`
		Details []detail `json:"details,omitempty"`
	}{message, details})
}

func reply(status int, v any) answer {
	body, err := json.Marshal(v)
	if err != nil {
		return answer{status: 500, body: []byte(`{"message":"Internal server error"}`)}
	}
	return answer{status: status, body: body}
}

func requestID(n int64) string { return fmt.Sprintf("f4e0c0de-0000-4000-8000-%012x", n) }

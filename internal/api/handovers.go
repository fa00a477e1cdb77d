package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"dingdong/internal/db"
	"dingdong/internal/handover"
	"dingdong/internal/staff"
)

// Handover is one advisor's customers on their way to colleagues.
type Handover struct {
	ID          string     `json:"id" example:"hov_06hk2q8s1n7v0000000000000r"`
	Advisor     Named      `json:"advisor" doc:"Who leaves or is away."`
	Kind        string     `json:"kind" enum:"leaves,away" example:"leaves"`
	State       string     `json:"state" enum:"draft,waiting,moving,moved,returning,cancelling,done,returned,cancelled" example:"draft"`
	Paused      bool       `json:"paused"`
	Begins      time.Time  `json:"begins"`
	Ends        time.Time  `json:"ends" doc:"The minute the access of who leaves ends, or she is back."`
	By          []string   `json:"by" doc:"What decides who takes over." example:"[\"language\",\"load\"]"`
	QuietMonths int        `json:"quiet_months" doc:"Who was silent for so long is moved and not told." example:"24"`
	Pace        int        `json:"pace" doc:"Customers a minute." example:"60"`
	Counters    []string   `json:"counters"`
	CreatedBy   string     `json:"created_by" doc:"A staff id, or token/ and the id of a program."`
	CreatedAt   time.Time  `json:"created_at"`
	StartedAt   *time.Time `json:"started_at,omitempty"`
	ClosedAt    *time.Time `json:"closed_at,omitempty"`
}

// HandoverDetail is a handover with how far it is and who gets how many.
type HandoverDetail struct {
	Handover
	Progress HandoverProgress `json:"progress"`
	Shares   []HandoverShare  `json:"shares" doc:"Who takes over how many, by counter. Of a draft: who would."`
}

// HandoverProgress counts customers; one who is at two counters is counted twice.
type HandoverProgress struct {
	Total   int `json:"total"`
	Planned int `json:"planned" doc:"Not moved yet."`
	Moved   int `json:"moved"`
	Skipped int `json:"skipped"`
	Failed  int `json:"failed"`
	Back    int `json:"back" doc:"With their advisor again."`
	Kept    int `json:"kept" doc:"They stay as they chose themselves."`
	Told    int `json:"told"`
	Coming  int `json:"coming" doc:"Their message is planned, and goes when the contact budget has a place."`
	Silent  int `json:"silent"`
	Refused int `json:"refused"`
	Fine    int `json:"fine" doc:"Answered that it is fine."`
	Chose   int `json:"chose" doc:"Chose another advisor."`
	Stop    int `json:"stop" doc:"Want no messages."`
}

// HandoverShare is how many of the customers go to one colleague.
type HandoverShare struct {
	Counter   string `json:"counter" example:"cnt_06hk2q8s1n7v0000000000000c"`
	Colleague *Named `json:"colleague,omitempty" doc:"Absent: whoever is free at the counter."`
	Has       int    `json:"has" doc:"Customers of her own, without these."`
	Gets      int    `json:"gets"`
}

type handoverInput struct {
	ID string `path:"id" example:"hov_06hk2q8s1n7v0000000000000r"`
}

type newHandoverInput struct {
	Keyed
	Body struct {
		Advisor     string     `json:"advisor" minLength:"1" maxLength:"60" doc:"The id of an advisor." example:"stf_06hk2q8s1n7v0000000000000d"`
		Kind        string     `json:"kind" enum:"leaves,away" example:"leaves"`
		Begins      *time.Time `json:"begins,omitempty" doc:"When the first customer is moved; absent: at once when it is started."`
		Ends        time.Time  `json:"ends" doc:"The minute the access of who leaves ends, or she is back."`
		By          []string   `json:"by,omitempty" maxItems:"3" enum:"language,speciality,load" doc:"What decides who takes over; absent: language and load."`
		QuietMonths int        `json:"quiet_months,omitempty" minimum:"1" maximum:"120" doc:"Absent: 24."`
		Pace        int        `json:"pace,omitempty" minimum:"1" maximum:"600" doc:"Absent: 60."`
	}
}

type newHandoverOutput struct {
	Status int
	Again
	Body HandoverDetail
}

type handoverOutput struct{ Body HandoverDetail }

type handoversOutput struct {
	Body struct {
		Handovers []Handover `json:"handovers"`
	}
}

func (s *server) handoverOperations() {
	if s.Hands == nil {
		return
	}
	read, write := needs(staff.HandoversRead), needs(staff.HandoversWrite)
	register(s, huma.Operation{OperationID: "list-handovers", Method: http.MethodGet, Path: prefix + "/handovers", Tags: []string{tagHandovers},
		Summary: "List handovers", Security: read, Description: "Open ones first, then the latest; 500 at most."}, s.listHandovers)
	register(s, huma.Operation{OperationID: "get-handover", Method: http.MethodGet, Path: prefix + "/handovers/{id}", Tags: []string{tagHandovers},
		Summary: "How far a handover is", Security: read, Description: "Counts only: who the customers are stands in the console, for those who see their counter."}, s.getHandover)
	register(s, huma.Operation{OperationID: "propose-handover", Method: http.MethodPost, Path: prefix + "/handovers", Tags: []string{tagHandovers},
		Summary: "Propose a handover", Security: write, DefaultStatus: http.StatusCreated,
		Description: "A draft: nobody is moved and nobody is told. The answer says who would take over how many; a manager can look at it in the console, and change it by hand, before anything is begun. Programs hand over advisors only."}, s.proposeHandover)
	register(s, huma.Operation{OperationID: "drop-handover", Method: http.MethodDelete, Path: prefix + "/handovers/{id}", Tags: []string{tagHandovers},
		Summary: "Forget a draft", Security: write, DefaultStatus: http.StatusNoContent}, s.dropHandover)
	for _, a := range []struct {
		id, path, summary, about string
		do                       func(*handover.Room, *db.Tx, staff.Viewer, string) (handover.Handover, error)
	}{
		{"begin-handover", "begin", "Begin a handover", "Who leaves sees only her own customers from now on, and on its day the first is moved and told. Begun already, nothing happens.", (*handover.Room).Start},
		{"pause-handover", "pause", "Pause a handover", "Nobody more is moved. The end comes all the same.", (*handover.Room).Pause},
		{"resume-handover", "resume", "Let a paused handover go on", "", (*handover.Room).Resume},
		{"cancel-handover", "cancel", "Call a handover off", "Possible until its end: everything that was moved goes back, and who was told is told that her advisor stays.", (*handover.Room).Cancel},
		{"return-handover", "return", "She is back before her time", "Of who was away: what was moved goes back, but for customers who chose somebody themselves.", (*handover.Room).Recall},
	} {
		register(s, huma.Operation{OperationID: a.id, Method: http.MethodPost, Path: prefix + "/handovers/{id}/" + a.path, Tags: []string{tagHandovers},
			Summary: a.summary, Description: a.about, Security: write}, func(ctx context.Context, in *handoverInput) (*handoverOutput, error) {
			c, out := callerOf(ctx), &handoverOutput{}
			return out, s.write(ctx, func(tx *db.Tx) error {
				h, err := a.do(s.Hands, tx, c.Viewer, db.CleanText(in.ID))
				if err != nil {
					return err
				}
				out.Body, err = s.handover(tx, h)
				return err
			})
		})
	}
}

func newHandover(h handover.Handover) Handover {
	out := Handover{ID: h.ID, Advisor: Named{h.LeaverID, h.LeaverName}, Kind: string(h.Kind), State: string(h.State), Paused: h.Paused(), Begins: h.Begins, Ends: h.Ends,
		By: []string{}, QuietMonths: h.QuietMonths, Pace: h.Pace, Counters: append([]string{}, h.Counters...), CreatedBy: h.CreatedBy, CreatedAt: h.CreatedAt,
		StartedAt: moment(h.StartedAt), ClosedAt: moment(h.ClosedAt)}
	for _, rule := range []struct {
		name string
		on   bool
	}{{"language", h.Rule.Language}, {"speciality", h.Rule.Speciality}, {"load", h.Rule.Load}} {
		if rule.on {
			out.By = append(out.By, rule.name)
		}
	}
	return out
}

func (s *server) handover(tx *db.Tx, h handover.Handover) (HandoverDetail, error) {
	out := HandoverDetail{Handover: newHandover(h), Shares: []HandoverShare{}}
	p, err := s.Hands.Progress(tx, h)
	if err != nil {
		return out, err
	}
	out.Progress = HandoverProgress{Total: p.Total, Planned: p.Planned, Moved: p.Moved, Skipped: p.Skipped, Failed: p.Failed, Back: p.Back, Kept: p.Kept,
		Told: p.Told, Coming: p.Coming, Silent: p.Silent, Refused: p.Refused, Fine: p.Fine, Chose: p.Chose, Stop: p.Stop}
	shares, err := s.Hands.Shares(tx, h)
	for _, x := range shares {
		share := HandoverShare{Counter: x.CounterID, Has: x.Has, Gets: x.Gets}
		if x.ColleagueID != "" {
			share.Colleague = &Named{x.ColleagueID, x.Name}
		}
		out.Shares = append(out.Shares, share)
	}
	return out, err
}

func (s *server) listHandovers(ctx context.Context, _ *struct{}) (*handoversOutput, error) {
	c, out := callerOf(ctx), &handoversOutput{}
	out.Body.Handovers = []Handover{}
	return out, s.read(ctx, func(tx *db.Tx) error {
		list, err := s.Hands.List(tx, c.house()) // the scope was the permission
		for _, h := range list {
			out.Body.Handovers = append(out.Body.Handovers, newHandover(h))
		}
		return err
	})
}

func (s *server) getHandover(ctx context.Context, in *handoverInput) (*handoverOutput, error) {
	c, out := callerOf(ctx), &handoverOutput{}
	return out, s.read(ctx, func(tx *db.Tx) error {
		h, err := s.Hands.Get(tx, c.house(), in.ID)
		if err != nil {
			return err
		}
		out.Body, err = s.handover(tx, h)
		return err
	})
}

func (s *server) proposeHandover(ctx context.Context, in *newHandoverInput) (*newHandoverOutput, error) {
	c, out := callerOf(ctx), &newHandoverOutput{}
	f := handover.Form{LeaverID: in.Body.Advisor, Kind: handover.Kind(in.Body.Kind), Begins: given(in.Body.Begins).UTC(), Ends: in.Body.Ends.UTC(),
		QuietMonths: in.Body.QuietMonths, Pace: in.Body.Pace, Rule: handover.Rule{Language: in.Body.By == nil, Load: in.Body.By == nil}}
	for _, name := range in.Body.By {
		f.Rule.Language = f.Rule.Language || name == "language"
		f.Rule.Speciality = f.Rule.Speciality || name == "speciality"
		f.Rule.Load = f.Rule.Load || name == "load"
	}
	repeated, err := s.makeOnce(ctx, making{"handover", in.Key, in.Body, func(tx *db.Tx) (string, error) {
		h, err := s.Hands.Plan(tx, c.Viewer, f)
		return h.ID, err
	}}, func(tx *db.Tx, id string) error {
		h, err := s.Hands.Get(tx, c.house(), id)
		if err != nil {
			return err
		}
		out.Body, err = s.handover(tx, h)
		return err
	})
	if err != nil {
		return nil, err
	}
	out.Status = out.status(repeated)
	return out, nil
}

func (s *server) dropHandover(ctx context.Context, in *handoverInput) (*struct{}, error) {
	c := callerOf(ctx)
	return nil, s.write(ctx, func(tx *db.Tx) error { return s.Hands.Drop(tx, c.Viewer, db.CleanText(in.ID)) })
}

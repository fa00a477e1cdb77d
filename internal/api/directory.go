package api

import (
	"context"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"dingdong/internal/channel"
	"dingdong/internal/conversation"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

var problemGoType = reflect.TypeFor[Problem]()

// Account is one of the group's accounts on a messenger.
type Account struct {
	ID      string       `json:"id" example:"acc_06hk2q8s1n7v0000000000000e"`
	Channel channel.Kind `json:"channel" enum:"line,webchat" example:"line"`
	Name    string       `json:"name" example:"Rose, North store"`
	Counter string       `json:"counter" doc:"Where its customers' messages arrive." example:"cnt_06hk2q8s1n7v0000000000000c"`
	BasicID string       `json:"basic_id,omitempty" doc:"LINE: the @id." example:"@rose-north"`
	Halted  string       `json:"halted,omitempty" doc:"Why sending stands still, as a code."`
	Quota   *Quota       `json:"quota,omitempty" doc:"This month's allowance, where the platform has one."`
}

// Quota is a monthly allowance.
type Quota struct {
	Limit int       `json:"limit" example:"3000"`
	Used  int       `json:"used" example:"1200"`
	At    time.Time `json:"at" doc:"When the platform was asked."`
}

// Staff is somebody who works for the group.
type Staff struct {
	ID       string     `json:"id" example:"stf_06hk2q8s1n7v0000000000000f"`
	Name     string     `json:"name" example:"Lin Mei"`
	Role     staff.Role `json:"role" enum:"advisor,manager,marketing,privacy,admin" example:"advisor"`
	Counters []string   `json:"counters" doc:"Counters she is a member of."`
	Active   bool       `json:"active" doc:"False: she left."`
}

// Counter is the counter of one brand in one store.
type Counter struct {
	ID       string `json:"id" example:"cnt_06hk2q8s1n7v0000000000000c"`
	Name     string `json:"name"`
	Store    Named  `json:"store"`
	Brand    Named  `json:"brand"`
	Timezone string `json:"timezone" example:"Asia/Taipei"`
	Closed   bool   `json:"closed"`
}

// Named is something by its id and its name.
type Named struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

type accountsOutput struct {
	Body struct {
		Accounts []Account `json:"accounts"`
	}
}

type staffOutput struct {
	Body struct {
		Staff []Staff `json:"staff"`
	}
}

type countersOutput struct {
	Body struct {
		Counters []Counter `json:"counters"`
	}
}

func (s *server) directoryOperations() {
	register(s, huma.Operation{OperationID: "list-accounts", Method: http.MethodGet, Path: prefix + "/accounts", Tags: []string{tagDirectory},
		Summary: "List channel accounts", Security: needs(staff.AccountsRead)}, s.listAccounts)
	register(s, huma.Operation{OperationID: "list-staff", Method: http.MethodGet, Path: prefix + "/staff", Tags: []string{tagDirectory},
		Summary: "List staff", Description: "Everybody, those who left last.", Security: needs(staff.StaffRead)}, s.listStaff)
	register(s, huma.Operation{OperationID: "list-counters", Method: http.MethodGet, Path: prefix + "/counters", Tags: []string{tagDirectory},
		Summary: "List counters", Security: needs(staff.StaffRead)}, s.listCounters)
}

func (s *server) listAccounts(ctx context.Context, _ *struct{}) (*accountsOutput, error) {
	out := &accountsOutput{}
	out.Body.Accounts = []Account{}
	err := s.read(ctx, func(tx *db.Tx) error {
		list, err := s.Desk.Accounts(tx)
		for _, a := range list {
			out.Body.Accounts = append(out.Body.Accounts, newAccount(a))
		}
		return err
	})
	return out, err
}

func newAccount(a conversation.Account) Account {
	out := Account{ID: a.ID, Channel: a.Kind, Name: a.Name, Counter: a.CounterID, BasicID: a.BasicID, Halted: a.Halted}
	if a.Quota.Limited {
		out.Quota = &Quota{Limit: a.Quota.Limit, Used: a.Quota.Used, At: a.QuotaAt}
	}
	return out
}

func (s *server) listStaff(ctx context.Context, _ *struct{}) (*staffOutput, error) {
	out := &staffOutput{}
	out.Body.Staff = []Staff{}
	err := s.read(ctx, func(tx *db.Tx) error {
		list, err := staff.ListStaff(tx)
		for _, p := range list {
			out.Body.Staff = append(out.Body.Staff, Staff{ID: p.ID, Name: p.Name, Role: p.Role,
				Counters: append([]string{}, p.Counters...), Active: p.LeftAt.IsZero()})
		}
		return err
	})
	return out, err
}

func (s *server) listCounters(ctx context.Context, _ *struct{}) (*countersOutput, error) {
	out := &countersOutput{}
	out.Body.Counters = []Counter{}
	err := s.read(ctx, func(tx *db.Tx) error {
		d, err := staff.LoadDirectory(tx)
		for _, c := range d.Counters {
			out.Body.Counters = append(out.Body.Counters, Counter{ID: c.ID, Name: c.Name, Store: Named{c.StoreID, c.Store},
				Brand: Named{c.BrandID, c.Brand}, Timezone: c.Timezone, Closed: c.Closed})
		}
		return err
	})
	return out, err
}

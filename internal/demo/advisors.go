package demo

import (
	"context"
	"fmt"

	"dingdong/internal/channel"
	"dingdong/internal/channel/line/linefake"
	"dingdong/internal/conversation"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// shown is what customers read of an advisor when they choose theirs.
var shown = map[string]staff.Shown{
	"shufen":    {Languages: []string{"zh-Hant"}, Specialities: "抗老保養、送禮搭配"},
	"chienhung": {Languages: []string{"zh-Hant", "en"}, Specialities: "男士保養"},
	"mei":       {Languages: []string{"zh-Hant", "en"}, Specialities: "敏感肌底妝、新娘妝"},
	"yating":    {Languages: []string{"zh-Hant", "ms"}, Specialities: "唇彩試色、小眾香水"},
	"sophia":    {Languages: []string{"en", "zh-Hant", "id"}, Specialities: "Skincare for travellers, fragrance"},
	"chiachi":   {Languages: []string{"zh-Hant", "vi"}, Specialities: "換季保濕、敏感肌"},
	"peishan":   {Languages: []string{"zh-Hant"}, Specialities: "底妝與氣墊"},
	"wanru":     {Languages: []string{"zh-Hant", "en"}, Specialities: "眼妝、派對妝"},
}

// standIns answer for who is off, by counter.
var standIns = map[string]string{"chanty-xinyi": "yating", "chenglu-xinyi": "sophia"}

// awayAdvisor has two days off when the demonstration begins.
const awayAdvisor = "chiachi"

// choosingKey is the account that offers new customers a choice of advisors.
const choosingKey = "chanty-xinyi"

// cardKey is what a card is for.
type cardKey struct{ account, counter, advisor string }

// liffs are the LIFF apps of the accounts, by their keys. One account has none: its
// cards open the chat with a code typed in.
var liffs = map[string]conversation.LIFF{
	"chanty-xinyi":    {ID: "2000000001-Chanty01", LoginChannel: "2000000001"},
	"chenglu-xinyi":   {ID: "2000000002-Chenglu1", LoginChannel: "2000000002"},
	"chanty-taichung": {ID: "2000000003-Chanty02", LoginChannel: "2000000003"},
}

// liffOf is the LIFF app of an account whose stand-in is reached at base.
func liffOf(key, base string) conversation.LIFF {
	l, ok := liffs[key]
	if ok {
		l.SDK = base + "/liff/sdk.js"
	}
	return l
}

// openCards names the stand-ins, and lays out a card for every counter and for each
// of its advisors.
func (s *seeder) openCards(tx *db.Tx, g group) error {
	sys := staff.System()
	for key, who := range standIns {
		id := g.people[who]
		c, err := staff.GetCounter(tx, g.counters[key])
		if err != nil {
			return fmt.Errorf("counter %s: %w", key, err)
		}
		if _, err := staff.SaveCounter(tx, sys, staff.CounterForm{ID: c.ID, Name: c.Name, StandIn: &id}); err != nil {
			return fmt.Errorf("stand-in of %s: %w", key, err)
		}
	}
	cards := func(account conversation.Account, counter string) error {
		owners := []string{""}
		for _, p := range people {
			for _, at := range p.counters {
				if at == counter && p.role == staff.Advisor {
					owners = append(owners, g.people[p.key])
				}
			}
		}
		for _, owner := range owners {
			c, err := s.desk.SaveCard(tx, sys, conversation.CardForm{AccountID: account.ID, CounterID: g.counters[counter], AdvisorID: owner})
			if err != nil {
				return fmt.Errorf("card at %s: %w", counter, err)
			}
			s.cards[cardKey{c.AccountID, c.CounterID, c.AdvisorID}] = c.ID
		}
		return nil
	}
	for _, c := range counters {
		if err := cards(g.accounts[c.key], c.key); err != nil {
			return err
		}
	}
	return cards(g.accounts[webKey], webCounter)
}

// cardsOf lists what lies at the counters of a LINE account to be scanned.
func cardsOf(desk *conversation.Desk, account string) []linefake.Card {
	var out []linefake.Card
	err := desk.DB.Read(context.Background(), func(tx *db.Tx) error {
		out = nil
		a, err := desk.AccountByID(tx, account)
		if err != nil || a.Kind != channel.LINE {
			return err
		}
		all, err := desk.Cards(tx, staff.System())
		if err != nil {
			return err
		}
		directory, err := staff.LoadDirectory(tx)
		if err != nil {
			return err
		}
		for _, c := range all {
			if c.AccountID != account {
				continue
			}
			counter, _ := directory.Counter(c.CounterID)
			names, err := staff.StaffNames(tx, []string{c.AdvisorID})
			if err != nil {
				return err
			}
			name := counter.Name
			if who := names[c.AdvisorID]; who != "" {
				name = who + " · " + name
			}
			out = append(out, linefake.Card{Name: name, Link: desk.CardLink(c, a)})
		}
		return nil
	})
	if err != nil {
		return nil // the phone says that no card lies there
	}
	return out
}

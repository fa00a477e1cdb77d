package insight

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"dingdong/internal/channel"
	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
	"dingdong/internal/event"
)

func TestMessageBecomesCard(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.says(1, "我是敏感肌,想找口紅")
		h.wantCard("category:lipstick <- 我是敏感肌,想找口紅", "concern:sensitive <- 我是敏感肌,想找口紅", "sensitive=yes <- 我是敏感肌,想找口紅")
		want := []string{"said category:lipstick by zh-Hant/1/category.lipstick", "said concern:sensitive by zh-Hant/1/concern.sensitive",
			"said sensitive=yes by zh-Hant/1/concern.sensitive"}
		if got := h.mentions(); !slices.Equal(got, want) {
			t.Errorf("%q", got)
		}
		t.Run("a second time changes nothing", func(t *testing.T) {
			h.seen = 0
			h.react()
			if got := h.mentions(); !slices.Equal(got, want) {
				t.Errorf("%q", got)
			}
			if n := len(h.card()); n != 3 {
				t.Errorf("%d on the card", n)
			}
		})
	})
}

func TestTagExpires(t *testing.T) {
	clock := dbtest.NewClock(base)
	h := newHouse(t, dbtest.NewAt(t, clock), clock)
	h.says(1, "我是敏感肌")
	clock.Advance(91 * 24 * time.Hour)
	h.wantCard("sensitive=yes <- 我是敏感肌")
}

func TestStancesConclude(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		card []string
		news []string
	}{
		"denied":       {"我不是敏感肌", []string{"sensitive=no <- 我不是敏感肌"}, []string{"negated concern:sensitive by zh-Hant/1/concern.sensitive", "negated sensitive=yes by zh-Hant/1/concern.sensitive"}},
		"asked":        {"敏感肌可以用嗎", nil, []string{"asked concern:sensitive by zh-Hant/1/concern.sensitive", "asked sensitive=yes by zh-Hant/1/concern.sensitive"}},
		"asked, kept":  {"有沒有口紅", []string{"category:lipstick <- 有沒有口紅"}, []string{"asked category:lipstick by zh-Hant/1/category.lipstick"}},
		"other":        {"lipstick for my mum", nil, []string{"other category:lipstick by en/1/category.lipstick"}},
		"signal":       {"a gift for my mum", nil, []string{"said gift by en/1/signal.gift"}},
		"nothing":      {"幾點關門", nil, nil},
		"both of them": {"my mum has sensitive skin. I have sensitive skin", []string{"concern:sensitive <- …sensitive skin. I have sensitive skin"}, []string{"said concern:sensitive by en/1/concern.sensitive"}},
	} {
		t.Run(name, func(t *testing.T) {
			clock := dbtest.NewClock(base)
			h := newHouse(t, dbtest.NewAt(t, clock), clock)
			h.says(1, c.text)
			h.wantCard(c.card...)
			if got := h.mentions(); !slices.Equal(got, c.news) {
				t.Errorf("mentions %q, want %q", got, c.news)
			}
		})
	}
}

func TestEditAndUnsendTakeBack(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.says(1, "I have sensitive skin")
		h.says(2, "I have sensitive skin and very dry skin") // the first part proves nothing new
		h.wantCard("concern:sensitive <- I have sensitive skin", "skin:dry <- I have sensitive skin and very dry skin")

		h.tells(2, "I have sensitive skin and want a lipstick", func(in *channel.Inbound) { in.Kind, in.EventID = channel.Edit, "edit" })
		h.wantCard("category:lipstick <- …nsitive skin and want a lipstick", "concern:sensitive <- I have sensitive skin")

		h.tells(1, "", func(in *channel.Inbound) { in.Kind, in.EventID = channel.Unsend, "unsend" })
		h.wantCard("category:lipstick <- …nsitive skin and want a lipstick", // the second message still says so
			"concern:sensitive <- I have sensitive skin and want a lipstick")
		if got := h.mentions(); len(got) != 2 {
			t.Errorf("mentions %q", got)
		}

		h.tells(2, "", func(in *channel.Inbound) { in.Kind, in.EventID = channel.Unsend, "unsend too" })
		h.wantCard()
		if got := h.mentions(); len(got) != 0 {
			t.Errorf("mentions %q", got)
		}
	})
}

func TestAnotherDayProvesAnew(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.says(1, "I have sensitive skin")
		h.clock.Advance(25 * time.Hour)
		h.says(25*60+1, "yes, sensitive skin")
		h.wantCard("concern:sensitive <- yes, sensitive skin")
		h.tells(25*60+1, "", func(in *channel.Inbound) { in.Kind, in.EventID = channel.Unsend, "unsend" })
		h.wantCard("concern:sensitive <- I have sensitive skin")
	})
}

func TestWhatAnAdvisorTookIsNotConcludedAgain(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.says(1, "I have sensitive skin")
		h.write(func(tx *db.Tx) error {
			s, err := h.Book.Sight(tx, h.mei)
			check(t, err)
			tags, err := h.Book.TagsOf(tx, s, []string{h.yanIn(tx)})
			check(t, err)
			_, err = h.Book.TakeTag(tx, h.mei, tags[0].ID)
			return err
		})
		h.says(2, "really, I have sensitive skin")
		h.wantCard()
		if got := h.mentions(); len(got) != 2 {
			t.Errorf("it was mentioned all the same: %q", got)
		}
	})
}

func TestOnlyPersonsTextsAreRead(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.tells(1, "I have sensitive skin", func(in *channel.Inbound) { in.Peer = channel.Peer{Type: channel.Group, ID: "Cgroup", Sender: "Uyan"} })
		h.tells(2, "I have sensitive skin", func(in *channel.Inbound) { in.Body.Type = channel.Button })
		h.tells(3, "I have sensitive skin", func(in *channel.Inbound) { in.Body.Type = channel.Image })
		if got := h.mentions(); len(got) != 0 {
			t.Errorf("%q", got)
		}
		h.write(func(tx *db.Tx) error {
			return h.React(tx, event.Event{Kind: event.MessageReceived, Message: "msg_gone"})
		})
	})
}

func TestPagesHearOfMentions(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.says(1, "敏感肌可以用嗎")
		h.says(2, "I have sensitive skin")
		var got []string
		h.read(func(tx *db.Tx) error {
			events, err := event.After(tx, 0, 100)
			for _, e := range events {
				if e.Kind == event.CustomerChanged && e.Data["what"] != "" {
					got = append(got, e.Data["what"])
				}
			}
			return err
		})
		if !slices.Equal(got, []string{"mention", "tag"}) {
			t.Errorf("%q", got)
		}
	})
}

func TestWhatTheGroupClosedIsNotConcluded(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.write(func(tx *db.Tx) error {
			_, err := tx.Exec(`UPDATE tag SET closed_at = 1 WHERE name = 'concern:sensitive'`)
			check(t, err)
			_, err = tx.Exec(`UPDATE attribute_def SET closed_at = 1 WHERE name = 'sensitive'`)
			return err
		})
		h.says(1, "我是敏感肌,想找口紅")
		h.wantCard("category:lipstick <- 我是敏感肌,想找口紅")
	})
}

func TestCausesAreSealed(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.says(1, "I have sensitive skin")
		h.read(func(tx *db.Tx) error {
			var cause []byte
			check(t, tx.QueryRow(`SELECT cause FROM mention`).Scan(&cause))
			if len(cause) == 0 || bytes.Contains(cause, []byte("sensitive")) {
				t.Errorf("%q", cause)
			}
			words, err := h.Vault.OpenString(tx, h.yanIn(tx), labelCause, cause)
			if words != "I have sensitive skin" {
				t.Errorf("%q", words)
			}
			return err
		})
	})
}

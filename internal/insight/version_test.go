package insight

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"dingdong/internal/audit"
	"dingdong/internal/conversation"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// english is a lexicon with one rule, for the versions of the tests.
func english(phrase, tag string) string {
	return "language: en\nversion: 1\nrules:\n  - {id: r, phrases: [" + phrase + "], tag: \"" + tag + "\"}\n"
}

func TestPublish(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.says(1, "shimmer please")
		h.wantCard()
		second := h.publish("en", english("shimmer", "finish:shimmer"))
		if second.Version != 2 || second.State != StateDraft || second.By != h.mark.ID {
			t.Errorf("%+v", second)
		}
		h.says(2, "shimmer please") // the tag was made, and the words are read at once
		h.wantCard("finish:shimmer <- shimmer please")
		h.read(func(tx *db.Tx) error {
			tags, err := h.Book.Tags(tx)
			check(t, err)
			for _, tag := range tags {
				if tag.Name == "finish:shimmer" && tag.ByHand {
					t.Error("it is offered when she leaves the counter")
				}
			}
			list, err := h.Versions(tx, h.mark, "en")
			check(t, err)
			if len(list) != 2 || list[0].State != StateLive || list[1].State != StateOld || list[0].YAML != "" {
				t.Errorf("%+v", list)
			}
			rows, err := audit.List(tx, audit.Filter{Actor: h.mark.ID, Action: "lexicon_published"})
			if len(rows) != len(testTexts(t))+1 {
				t.Errorf("%d in the audit", len(rows))
			}
			return err
		})
		t.Run("the way back", func(t *testing.T) {
			h.write(func(tx *db.Tx) error {
				list, err := h.Versions(tx, h.mark, "en")
				check(t, err)
				return h.Publish(tx, h.mark, list[1].ID)
			})
			h.says(3, "I have dry skin and shimmer")
			if got := h.mentions(); len(got) != 2 || !strings.HasSuffix(got[1], "by en/1/skin.dry") {
				t.Errorf("%q", got)
			}
		})
	})
}

func TestAnotherProcessPublishes(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.says(1, "hello") // this process has compiled what is live
		other := &Room{Vault: h.Vault, Book: h.Book, Desk: h.Desk}
		h.write(func(tx *db.Tx) error {
			v, err := other.SaveDraft(tx, h.mark, Draft{Language: "en", YAML: english("shimmer", "finish:shimmer")})
			check(t, err)
			return other.Publish(tx, h.mark, v.ID)
		})
		h.clock.Advance(liveTime)
		h.says(2, "shimmer please")
		h.wantCard("finish:shimmer <- shimmer please")
	})
}

func TestDrafts(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		var draft Version
		h.write(func(tx *db.Tx) (err error) {
			draft, err = h.SaveDraft(tx, h.mark, Draft{Language: "en", YAML: english("shimmer", "finish:shimmer"), Note: "glitter"})
			check(t, err)
			changed, err := h.SaveDraft(tx, h.mark, Draft{ID: draft.ID, Language: "en", YAML: english("glitter", "finish:shimmer"), Note: "better"})
			if changed.ID != draft.ID || changed.Version != draft.Version || changed.Note != "better" || !strings.Contains(changed.YAML, "glitter") {
				t.Errorf("%+v", changed)
			}
			return err
		})
		h.says(1, "glitter please")
		h.wantCard() // a draft reads nothing
		for name, d := range map[string]Draft{
			"another language": {Language: "th", YAML: english("x", "a:b")},
			"broken":           {Language: "en", YAML: "rules"},
			"long note":        {Language: "en", YAML: english("x", "a:b"), Note: strings.Repeat("x", maxNote+1)},
		} {
			t.Run(name, func(t *testing.T) {
				err := h.db.Write(context.Background(), func(tx *db.Tx) error {
					_, err := h.SaveDraft(tx, h.mark, d)
					return err
				})
				var invalid db.Invalid
				if !errors.As(err, &invalid) {
					t.Errorf("%v", err)
				}
			})
		}
		h.write(func(tx *db.Tx) error { return h.Drop(tx, h.mark, draft.ID) })
		for name, act := range map[string]func(tx *db.Tx) error{
			"drop again": func(tx *db.Tx) error { return h.Drop(tx, h.mark, draft.ID) },
			"change": func(tx *db.Tx) error {
				_, err := h.SaveDraft(tx, h.mark, Draft{ID: draft.ID, Language: "en", YAML: english("x", "a:b")})
				return err
			},
			"publish nothing": func(tx *db.Tx) error { return h.Publish(tx, h.mark, "lex_none") },
		} {
			t.Run(name, func(t *testing.T) {
				if err := h.db.Write(context.Background(), act); !errors.Is(err, db.ErrNotFound) {
					t.Errorf("%v", err)
				}
			})
		}
	})
}

func TestWhoKeepsLexicons(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for name, act := range map[string]func(tx *db.Tx) error{
			"list":    func(tx *db.Tx) error { _, err := h.Versions(tx, h.mei, ""); return err },
			"read":    func(tx *db.Tx) error { _, err := h.Version(tx, h.mei, "x"); return err },
			"save":    func(tx *db.Tx) error { _, err := h.SaveDraft(tx, h.mei, Draft{}); return err },
			"publish": func(tx *db.Tx) error { return h.Publish(tx, h.mei, "x") },
			"drop":    func(tx *db.Tx) error { return h.Drop(tx, h.mei, "x") },
		} {
			t.Run(name, func(t *testing.T) {
				if err := h.db.Write(context.Background(), act); !errors.Is(err, staff.ErrForbidden) {
					t.Errorf("%v", err)
				}
			})
		}
	})
}

func TestEnsureShipped(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ship := func(version, phrase string) {
			h.write(func(tx *db.Tx) error {
				known, err := h.Versions(tx, staff.System(), "")
				check(t, err)
				yaml := strings.Replace(english(phrase, "finish:shimmer"), "version: 1", "version: "+version, 1)
				return h.ensure(tx, File{"ms.yaml", strings.Replace(yaml, "language: en", "language: ms", 1)}, known)
			})
		}
		states := func() (out []string) {
			h.read(func(tx *db.Tx) error {
				list, err := h.Versions(tx, h.mark, "ms")
				slices.Reverse(list)
				for _, v := range list {
					out = append(out, string(v.State))
				}
				return err
			})
			return out
		}
		want := func(wanted ...string) {
			t.Helper()
			if got := states(); !slices.Equal(got, wanted) {
				t.Errorf("%q, want %q", got, wanted)
			}
		}
		ship("3", "kilau")
		want("live")
		ship("3", "kilau")
		want("live") // a start with nothing new
		ship("4", "gemerlap")
		want("old", "live") // nobody had edited it
		h.says(1, "gemerlap")
		h.wantCard("finish:shimmer <- gemerlap")
		h.publish("ms", strings.Replace(english("kilat", "finish:shimmer"), "language: en", "language: ms", 1))
		ship("5", "sinar")
		want("old", "old", "live", "draft") // the group's own text stays
		h.write(func(tx *db.Tx) error {
			list, err := h.Versions(tx, h.mark, "ms")
			check(t, err)
			return h.Drop(tx, h.mark, list[0].ID)
		})
		ship("5", "sinar")
		want("old", "old", "live", "old") // and is not asked twice
	})
}

func TestShippedGoLive(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.write(func(tx *db.Tx) error {
			_, err := tx.Exec(`DELETE FROM lexicon`)
			check(t, err)
			check(t, h.EnsureShipped(tx))
			return h.EnsureShipped(tx)
		})
		files, err := Shipped()
		check(t, err)
		h.read(func(tx *db.Tx) error {
			list, err := h.Versions(tx, h.mark, "")
			if len(list) != len(files) {
				t.Errorf("%d of %d", len(list), len(files))
			}
			return err
		})
	})
}

func TestTry(t *testing.T) {
	results, err := Try(english("shimmer", "finish:shimmer"), []string{"any shimmer?", "no"})
	if err != nil || len(results) != 2 || len(results[0].Findings) != 1 || results[0].Findings[0].Words != "shimmer" || len(results[1].Findings) != 0 {
		t.Errorf("%+v, %v", results, err)
	}
	if _, err := Try("nonsense", nil); err == nil {
		t.Error("nonsense was tried")
	}
	if _, err := Try(english("x", "a:b"), make([]string, maxTries+1)); err == nil {
		t.Error("too many were tried")
	}
}

func TestOffers(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.write(func(tx *db.Tx) error {
			for _, r := range []conversation.Reply{
				{Title: "mild", Text: "Our mild range", Tag: "concern:sensitive", CounterID: h.counter}, {Title: "red", Text: "Our reds", Tag: "category:lipstick"},
				{Title: "hours", Text: "10 to 9"},
			} {
				_, err := h.Desk.SaveReply(tx, staff.System(), r)
				check(t, err)
			}
			return nil
		})
		offered := func() (out []string) {
			h.read(func(tx *db.Tx) error {
				o, err := h.Offers(tx, h.mei, h.thread())
				for _, r := range o.Replies {
					out = append(out, r.Title)
				}
				return err
			})
			return out
		}
		want := func(titles ...string) {
			t.Helper()
			if got := offered(); !slices.Equal(got, titles) {
				t.Errorf("%q, want %q", got, titles)
			}
		}
		h.says(1, "hello")
		want()
		h.says(2, "敏感肌可以用嗎")
		want("mild")
		h.says(3, "不要口紅")
		want("mild")
		h.says(4, "which lipstick?")
		h.says(5, "ok")
		want("red") // three messages back is too far
		h.read(func(tx *db.Tx) error {
			if _, err := h.Offers(tx, h.foreign, h.thread()); !errors.Is(err, db.ErrNotFound) {
				t.Errorf("%v", err)
			}
			return nil
		})
	})
}

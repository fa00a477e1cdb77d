package web

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestPresence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPresence()
		changed, stop := p.Listen("t")
		told := func() bool {
			select {
			case <-changed:
				return true
			default:
				return false
			}
		}
		mei := Present{ID: "1", Name: "Mei"}
		leave := p.Look("t", mei)
		again := p.Look("t", mei) // a second page of hers
		if here := p.Here("t"); !told() || len(here) != 1 || here[0] != mei {
			t.Errorf("here: %+v", here)
		}
		p.Types("t", Present{ID: "2", Name: "Ada"})
		if here := p.Here("t"); !told() || len(here) != 2 || !here[0].Typing {
			t.Errorf("here: %+v", here)
		}
		time.Sleep(4 * time.Second)
		p.Types("t", Present{ID: "2", Name: "Ada"})
		time.Sleep(4 * time.Second)
		if len(p.Here("t")) != 2 {
			t.Error("typing does not hold while it is repeated")
		}
		time.Sleep(3 * time.Second)
		if here := p.Here("t"); !told() || len(here) != 1 {
			t.Errorf("typing does not end: %+v", here)
		}
		leave()
		if len(p.Here("t")) != 1 {
			t.Error("her other page is gone with the first")
		}
		again()
		stop()
		if len(p.rooms) != 0 {
			t.Error("empty rooms are kept")
		}
		p.Stops("t", "2")
	})
}

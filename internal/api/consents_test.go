package api

import (
	"testing"
	"time"
)

func TestConsents(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		h.says("amy", "hello")
		at := "/customers/" + h.customerOf("amy") + "/consents"
		var got newConsentOutput
		standing := func() string {
			for _, c := range got.Body.Consents {
				if c.Purpose == "marketing" {
					if c.Allowed != (c.State == "granted") {
						t.Errorf("%+v", c)
					}
					return c.State
				}
			}
			return ""
		}
		h.get(prefix+at, &got.Body)
		if standing() != "never" {
			t.Errorf("she was never asked: %+v", got.Body)
		}
		h.ask("POST", at, m{"purpose": "marketing", "state": "granted", "how": "page", "language": "zh-TW", "version": 1, "words": "form 17"}, 201, &got.Body)
		if standing() != "granted" {
			t.Errorf("she agreed: %+v", got.Body)
		}
		h.ask("POST", at, m{"purpose": "marketing", "state": "withdrawn", "at": time.Now().AddDate(-1, 0, 0).UTC().Format(time.RFC3339)}, 201, &got.Body)
		if standing() != "granted" {
			t.Errorf("an old no undid a newer yes: %+v", got.Body)
		}
		h.ask("POST", at, m{"purpose": "marketing", "state": "withdrawn", "how": "staff", "staff": h.advisor.ID}, 201, &got.Body)
		if standing() != "withdrawn" {
			t.Errorf("she refused: %+v", got.Body)
		}
		for name, c := range map[string]struct {
			body  m
			field string
		}{
			"an unknown purpose": {m{"purpose": "spam", "state": "granted"}, "purpose"},
			"service":            {m{"purpose": "service", "state": "withdrawn"}, "purpose"},
			"tomorrow":           {m{"purpose": "marketing", "state": "granted", "at": time.Now().AddDate(0, 0, 1).UTC().Format(time.RFC3339)}, "at"},
			"said to nobody":     {m{"purpose": "marketing", "state": "granted", "how": "staff"}, "staff"},
			"said to a stranger": {m{"purpose": "marketing", "state": "granted", "how": "staff", "staff": "stf_0"}, "staff"},
			"a later version":    {m{"purpose": "marketing", "state": "granted", "version": 99}, "version"},
			"a signature":        {m{"purpose": "marketing", "state": "granted", "how": "tablet"}, "how"},
		} {
			t.Log(name)
			h.ask("POST", at, c.body, 422, nil)
		}
	})
}

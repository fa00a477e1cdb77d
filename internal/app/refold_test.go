package app

import "testing"

// At the first start after an upgrade the names are indexed once more, and never again.
func TestNamesAreIndexedAfterAnUpgrade(t *testing.T) {
	h := newHouse(t)
	eventually(t, func() string {
		if h.number(`SELECT COUNT(*) FROM setting WHERE name = 'customer.refold' AND value LIKE '%"done":true%'`) != 1 {
			return "it does not come to an end"
		}
		return ""
	})
	eventually(t, func() string {
		if h.number(`SELECT COUNT(*) FROM job WHERE kind = 'refold_names'`) != 0 {
			return "the job stays"
		}
		return ""
	})
	must(t, h.DB.Write(t.Context(), scheduleRefold))
	if n := h.number(`SELECT COUNT(*) FROM job WHERE kind = 'refold_names'`); n != 0 {
		t.Error("it begins again at the next start")
	}
}

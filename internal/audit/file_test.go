package audit

import (
	"bytes"
	"encoding/csv"
	"slices"
	"strings"
	"testing"

	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
)

// file writes rows as an export does.
func file(t *testing.T, rows []Row) string {
	t.Helper()
	var out bytes.Buffer
	out.WriteString("# an export; who and when\n")
	w := csv.NewWriter(&out)
	w.Write(append(append([]string{"when"}, Columns()...), "mark"))
	for _, r := range rows {
		w.Write(append(append([]string{"today"}, r.Cells()...), "m-1"))
	}
	w.Flush()
	return out.String()
}

func TestAFileIsVerifiedWithoutTheDatabase(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		happen(t, d, Entry{Actor: "stf_1", Action: "thread.open", Customer: "cus_1", Detail: "=1+1"}, Entry{Actor: "system", Action: "x", Detail: "'quoted, \"twice\""},
			Entry{Actor: "stf_2", Action: "y", Object: "-5"}, Entry{Actor: "stf_1", Action: "z"})
		rows := list(t, d, Filter{})
		slices.Reverse(rows)
		whole := file(t, rows)
		check := func(name, text string, want FileReport) {
			t.Helper()
			got, err := VerifyFile(strings.NewReader(text))
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if got.Hash = ""; got != want {
				t.Errorf("%s: %+v, want %+v", name, got, want)
			}
		}
		check("whole", whole, FileReport{Rows: 4, First: 1, Last: 4, Whole: true})
		check("filtered", file(t, []Row{rows[0], rows[2], rows[3]}), FileReport{Rows: 3, First: 1, Last: 4, Gaps: 1})
		check("a part", file(t, rows[1:3]), FileReport{Rows: 2, First: 2, Last: 3})
		check("changed", strings.Replace(whole, "cus_1", "cus_2", 1), FileReport{Broken: 1})
		swapped := slices.Clone(rows)
		swapped[1], swapped[2] = swapped[2], swapped[1]
		check("out of order", file(t, swapped), FileReport{Rows: 2, First: 1, Last: 3, Gaps: 1, Broken: 2})
		forged := slices.Clone(rows)
		forged[1].Actor = "nobody"
		forged[1].Hash = forged[1].sum()
		check("rewritten with its hash", file(t, forged), FileReport{Rows: 2, First: 1, Last: 2, Broken: 3})
		if _, err := VerifyFile(strings.NewReader("a,b\n1,2\n")); err == nil {
			t.Error("any table passes as an audit")
		}
		if _, err := VerifyFile(strings.NewReader("")); err == nil {
			t.Error("nothing passes as an audit")
		}
	})
}

package catalogue

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// shownValues are the values of the errors of a file, by line.
func (h *house) shownValues(k ImportKind, file string, dry bool) (out []string) {
	h.t.Helper()
	_, err := h.ImportFile(h.t.Context(), staff.System(), FileImport{Kind: k, Name: "f", From: strings.NewReader(file), DryRun: dry,
		Tell: func(_ Progress, bad []RowError) {
			for _, e := range bad {
				out = append(out, fmt.Sprintf("%d %s: %s", e.Line, e.Field, e.Value))
			}
		}})
	check(h.t, err)
	return out
}

func TestWhatIsWrongIsShown(t *testing.T) {
	long := strings.Repeat("很長", 50)
	each(t, func(t *testing.T, h *house) {
		for name, c := range map[string]struct {
			kind ImportKind
			file string
			want []string
		}{
			"a number":     {ImportCustomers, "member,phone,name\nA-1,12 34,林怡君\nA-2,,王芳\n", []string{"2 phone: 12 34"}},
			"a date":       {ImportPurchases, "ref,date,amount\n1,2026-02-30,100\n", []string{"2 at: 2026-02-30"}},
			"an amount":    {ImportPurchases, "ref,date,sku,amount\n1,2026-02-01,a,1\n1,2026-02-01,b,\"much, much\"\n", []string{"2 ref: 1", "3 amount: much, much"}},
			"a brand":      {ImportProducts, "ref,name,brand\nP,p,  Nobody\u202e \n", []string{"2 brand: Nobody"}},
			"a long one":   {ImportProducts, "ref,name,brand\nP,p," + long + "\n", []string{"2 brand: " + strings.Repeat("很長", 20) + "…"}},
			"nothing":      {ImportPurchases, "ref,date,amount\n,2026-02-01,1\n", []string{"2 ref: "}},
			"a short row":  {ImportPurchases, "ref,date,amount\n1\n", []string{"2 at: "}},
			"a quote":      {ImportPurchases, "ref,date,amount\n1,\"2026,1\n2,2026-02-01,1\n", []string{"2 row: "}},
			"JSON":         {ImportCustomers, `{"member":"A-3","phone":"98"}` + "\n" + `{"member":"A-4","birthday":"1990-02-31"}` + "\n", []string{"1 phone: 98", "2 birthday: 1990-02-31"}},
			"a JSON type":  {ImportProducts, `{"ref":"P1","name":["a","b"]}` + "\n", []string{`1 name: ["a","b"]`}},
			"broken JSON":  {ImportProducts, `{"ref":"P1","name":` + "\n", []string{`1 row: {"ref":"P1","name":`}},
			"after others": {ImportPurchases, "ref,date,sku,amount\n" + many1(MaxBatch+3) + "x,when,a,1\n", []string{fmt.Sprintf("%d at: when", MaxBatch+5)}},
		} {
			for _, dry := range []bool{true, false} {
				if got := h.shownValues(c.kind, c.file, dry); !slices.Equal(got, c.want) {
					t.Errorf("%s, dry %v: shown are %q, not %q", name, dry, got, c.want)
				}
			}
		}
		// It is stored nowhere.
		h.read(func(tx *db.Tx) error {
			rows, err := tx.Query(`SELECT field || ' ' || code FROM import_error`)
			check(t, err)
			defer rows.Close()
			for rows.Next() {
				var all string
				check(t, rows.Scan(&all))
				for _, value := range []string{"12 34", "98", "1990", "Nobody", "much,"} {
					if strings.Contains(all, value) {
						t.Errorf("stored is %q", all)
					}
				}
			}
			return rows.Err()
		})
	})
}

func TestADryRunCountsEachCustomerOnce(t *testing.T) {
	many := "member,phone,name\n"
	for i := range 3 * customersAtOnce { // in another batch as well
		many += fmt.Sprintf("M-%d,,n\n", i%customersAtOnce)
	}
	each(t, func(t *testing.T, h *house) {
		if p, _ := h.enrols("member,phone,name\nKNOWN,0955000111,Known\n", ImportOptions{Proved: true}); p.Added != 1 {
			t.Fatalf("%+v", p)
		}
		for name, c := range map[string]struct {
			file            string
			proved          bool
			added, repeated int64
		}{
			"her number twice":            {"member,name\nA-1,Lin\nA-2,Wang\na-1,Lin\n", false, 2, 1},
			"far apart":                   {many, false, customersAtOnce, 2 * customersAtOnce},
			"her phone, proved":           {"member,phone\nA-1,0912 345 678\n,+886912345678\n", true, 1, 1},
			"her phone, not proved":       {"phone,name\n0912345678,Lin\n0912-345-678,Lin\n", false, 1, 1},
			"the phone of two members":    {"member,phone\nA-1,0912345678\nA-2,0912345678\n", false, 2, 0},
			"a proved one, then a weak":   {"member,phone\nA-1,0912345678\n,0912345678\n", false, 1, 1},
			"one whom the house knows":    {"member,email\nKNOWN,a@example.com\nKNOWN,a@example.com\n", false, 1, 1},
			"one whom it knows all about": {"member\nKNOWN\nKNOWN\n", false, 0, 2},
			"an e-mail of a household":    {"member,email\nA-1,home@example.com\nA-2,home@example.com\n", false, 2, 0},
		} {
			p, err := h.ImportFile(t.Context(), staff.System(), FileImport{Kind: ImportCustomers, Name: "f", From: strings.NewReader(c.file), DryRun: true,
				Options: ImportOptions{Proved: c.proved}})
			check(t, err)
			if p.Added != c.added || p.Repeated != c.repeated || p.Bad != 0 {
				t.Errorf("%s: %+v", name, p)
			}
		}
	})
}

// A killed import of the command line does not go on for ever in the list; one that was
// only slow does.
func TestAnImportThatWasKilledIsStopped(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		state := func() ImportState {
			var list []Import
			h.read(func(tx *db.Tx) (err error) { list, err = h.Imports(tx, h.admin, 1); return err })
			var one Import
			h.read(func(tx *db.Tx) (err error) { one, err = h.ImportByID(tx, h.admin, list[0].ID); return err })
			if one.State != list[0].State {
				t.Errorf("it is %s, and %s in the list", one.State, list[0].State)
			}
			return one.State
		}
		pipe, in := io.Pipe()
		told, ended := make(chan Progress, 8), make(chan error, 1)
		go func() {
			_, err := h.ImportFile(context.Background(), staff.System(), FileImport{Kind: ImportPurchases, Name: "slow.csv", From: pipe,
				Tell: func(p Progress, _ []RowError) { told <- p }})
			ended <- err
		}()
		io.WriteString(in, "ref,date,sku,amount\n"+many1(MaxBatch+5))
		// The first piece is read ahead of its end: fill the buffer behind it.
		io.WriteString(in, strings.Repeat("\n", maxJSONRow+8192))
		<-told
		h.clock.Advance(stoppedAfter - time.Second)
		if got := state(); got != ImportRunning {
			t.Errorf("after a slow while it is %s", got)
		}
		h.clock.Advance(2 * time.Second)
		if got := state(); got != ImportStopped {
			t.Errorf("after a long while it is %s", got)
		}
		in.Close() // it was only slow
		check(t, <-ended)
		if got := state(); got != ImportDone {
			t.Errorf("at its end it is %s", got)
		}

		// An uploaded file waits for its job as long as it takes; a killed one is dropped for good.
		i, err := h.Upload(t.Context(), h.admin, ImportUpload{Kind: ImportPurchases, Name: "up.csv", From: strings.NewReader("ref,date,amount\n1,2026-11-01,1\n")})
		check(t, err)
		h.write(func(tx *db.Tx) error { _, err := h.RunImport(tx, h.admin, i.ID, ImportOptions{}); return err })
		h.clock.Advance(24 * time.Hour)
		if got := state(); got != ImportRunning {
			t.Errorf("an uploaded file is %s", got)
		}
		h.write(func(tx *db.Tx) error {
			_, err := tx.Exec(`INSERT INTO import (id, kind, name, by, at, state) VALUES ('imp_zzz', 'purchases', 'killed.csv', 'system', $1, 'running')`, db.Micro(tx.Now.Add(-time.Hour)))
			return err
		})
		if got := state(); got != ImportStopped {
			t.Errorf("a killed one is %s", got)
		}
		check(t, h.DropImport(t.Context(), h.admin, "imp_zzz"))
		if got := state(); got != ImportDropped {
			t.Errorf("a dropped one is %s", got)
		}
		err = h.DB.Write(t.Context(), func(tx *db.Tx) error { return keep(tx, "imp_zzz", Progress{Rows: 1}, nil) })
		if !errors.Is(err, errStopped) {
			t.Errorf("and goes on: %v", err)
		}
	})
}

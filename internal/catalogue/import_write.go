package catalogue

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"dingdong/internal/customer"
	"dingdong/internal/db"
)

// keptErrors is how many wrong rows of an import are kept; the others are counted.
const keptErrors = 10_000

// prepareBatch does what can be done with a batch before its turn to write comes.
func (s *Shop) prepareBatch(ctx context.Context, r *importReader, b *importBatch, importID string) error {
	for i, e := range b.entries {
		if !e.spoiled {
			b.places = append(b.places, i)
		}
	}
	switch r.kind {
	case ImportCustomers:
		return s.prepareCustomers(ctx, r, b)
	case ImportProducts:
		return nil
	}
	b.receipts = newReceipts(pick(b.purchases, b.places))
	b.purchases = nil
	return s.DB.Read(ctx, func(tx *db.Tx) error {
		r.words.trim()
		if err := s.prepare(tx, b.receipts, r.words); err != nil {
			return err
		}
		return b.receipts.findStored(tx, importID)
	})
}

// writing is the import that a batch is written for; the zero value writes nothing.
type writing struct {
	importID, by string
	write        bool
	seen         customer.Seen // of customers, where nothing is written
}

// settle reads what is there already, stores what is new, and tells
// what became of the entries. Its errors are sorted by line, one a line.
func (s *Shop) settle(tx *db.Tx, b *importBatch, w writing) (p Progress, bad []RowError, err error) {
	results, err := s.settleEntries(tx, b, w)
	if err != nil {
		return p, nil, err
	}
	bad = slices.Clone(b.bad)
	wrong := map[int]bool{}
	for n, res := range results {
		i := b.places[n]
		switch res.State {
		case Added, Changed:
			p.Added++
		case Repeated:
			p.Repeated++
		default:
			wrong[i] = true
			bad = append(bad, b.entries[i].blame(res))
		}
	}
	for i, e := range b.entries {
		if !e.spoiled && !wrong[i] {
			continue
		}
		for _, line := range e.rows { // they are not in either
			bad = append(bad, RowError{Line: line, Field: "ref", Code: withOther})
		}
	}
	slices.SortStableFunc(bad, func(a, b RowError) int { return cmp.Compare(a.Line, b.Line) })
	bad = slices.CompactFunc(bad, func(a, b RowError) bool { return a.Line == b.Line })
	b.show(bad)
	p.Rows, p.Bytes, p.Bad = b.settled, b.bytes, int64(len(bad))
	return p, bad, nil
}

// withOther is the code of rows that are right, but whose receipt has a wrong one.
const withOther = "with_other"

// scattered is the code of rows whose receipt stood further up in the file as well.
const scattered = "scattered"

// settleEntries works on the entries without a wrong row, which stand at b.places.
func (s *Shop) settleEntries(tx *db.Tx, b *importBatch, w writing) ([]Result, error) {
	switch {
	case len(b.customers) > 0:
		return s.settleCustomers(tx, b, w)
	case b.receipts == nil:
		return s.settleProducts(tx, pick(b.products, b.places), w.write)
	}
	r := b.receipts.attempt()
	err := s.findOwners(tx, r)
	if err == nil && w.write {
		if err = r.write(tx, w.importID); err == nil {
			err = r.findScattered(tx, w.importID)
		}
	}
	r.forgiveAgain()
	return r.results, err
}

func (s *Shop) settleProducts(tx *db.Tx, forms []ProductForm, write bool) ([]Result, error) {
	if len(forms) == 0 {
		return nil, nil
	}
	u, err := s.readUpsert(tx, forms)
	if err != nil || !write {
		return u.results, err
	}
	if err := u.write(tx); err != nil {
		return nil, err
	}
	if u.arrived {
		err = Schedule(tx)
	}
	return u.results, err
}

func pick[T any](list []T, places []int) []T {
	if len(places) == len(list) {
		return list
	}
	out := make([]T, len(places))
	for n, i := range places {
		out[n] = list[i]
	}
	return out
}

// findStored marks what is there already. Receipts are never taken away, so what is
// there before the batch has its turn is there then.
func (r *receipts) findStored(tx *db.Tx, importID string) error {
	return r.markStored(tx, Added, importID)
}

// findScattered marks receipts of which other rows were recorded by this very import:
// they stand apart in the file, so that these would be lost without a word.
func (r *receipts) findScattered(tx *db.Tx, importID string) error {
	return r.markStored(tx, again, importID)
}

// markStored marks, of the receipts in a state, those that are there.
func (r *receipts) markStored(tx *db.Tx, state State, importID string) error {
	refs := map[string][]string{} // by source
	for i, res := range r.results {
		if res.State == state {
			refs[r.forms[i].Source] = append(refs[r.forms[i].Source], res.Ref)
		}
	}
	if len(refs) == 0 {
		return nil
	}
	by := map[receiptKey]string{} // the import that brought it
	for source, mine := range refs {
		err := eachPart(mine, func(part []string) error {
			marks, args := db.In(part, 2)
			rows, err := tx.Query(`SELECT ref, import_id FROM purchase WHERE source = $1 AND ref IN (`+marks+`)`, append([]any{source}, args...)...)
			_, err = db.Collect(rows, err, func(row *sql.Rows) (none struct{}, err error) {
				var ref, importID string
				err = row.Scan(&ref, &importID)
				by[receiptKey{source, ref}] = importID
				return none, err
			})
			return err
		})
		if err != nil {
			return fmt.Errorf("receipts that are there: %w", err)
		}
	}
	for i := range r.results {
		res := &r.results[i]
		if res.State != state {
			continue
		}
		who, there := by[receiptKey{r.forms[i].Source, res.Ref}]
		switch {
		case there && importID != "" && who == importID:
			res.State, res.Field, res.Code = Bad, "ref", scattered
		case there:
			res.State = Repeated
		}
	}
	return nil
}

// blame finds the row of a file that an error is about.
func (e entry) blame(r Result) RowError {
	bad := RowError{Line: e.rows[0], Field: r.Field, Code: r.Code}
	list, rest, ok := strings.Cut(r.Field, ".")
	if !ok || list != "lines" && list != "variants" {
		return bad
	}
	n, field, ok := strings.Cut(rest, ".")
	at, err := strconv.Atoi(n)
	if !ok || err != nil {
		return bad
	}
	if at >= 1 && at <= len(e.parts) {
		bad.Line = e.parts[at-1]
		bad.Field = field[strings.LastIndexByte(field, '.')+1:]
	}
	return bad
}

// work imports the batches of a reader into an import that is running. One goroutine
// reads and looks up while the other writes. tell is called after each batch, and may be nil.
func (s *Shop) work(ctx context.Context, i Import, r *importReader, tell func(p Progress, bad []RowError)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type read struct {
		batch *importBatch
		err   error
	}
	batches := make(chan read, 2)
	go func() {
		defer close(batches)
		for {
			b, err := r.Next()
			if errors.Is(err, io.EOF) {
				return
			}
			if err == nil {
				err = s.prepareBatch(ctx, r, b, i.ID)
			}
			select {
			case batches <- read{b, err}:
			case <-ctx.Done():
				return
			}
			if err != nil {
				return
			}
		}
	}()
	defer func() {
		cancel()
		for range batches { // until the reader has let go of the file
		}
	}()
	var sum Progress
	for next := range batches {
		if next.err != nil {
			return fmt.Errorf("import: %w", next.err)
		}
		var p Progress
		var bad []RowError
		err := s.DB.Write(ctx, func(tx *db.Tx) (err error) {
			if p, bad, err = s.settle(tx, next.batch, writing{importID: i.ID, by: i.By, write: true}); err != nil {
				return err
			}
			return keep(tx, i.ID, p, bad)
		})
		if err != nil {
			return fmt.Errorf("import: %w", err)
		}
		sum = Progress{Rows: p.Rows, Bytes: p.Bytes, Added: sum.Added + p.Added, Repeated: sum.Repeated + p.Repeated, Bad: sum.Bad + p.Bad}
		if tell != nil {
			tell(sum, bad)
		}
	}
	return ctx.Err()
}

// errStopped says that an import was dropped or finished by somebody else.
var errStopped = errors.New("the import is not running any more")

// keep writes down how far an import has come, with what it stored: so no row is dealt
// with twice, whenever the house stops.
func keep(tx *db.Tx, importID string, p Progress, bad []RowError) error {
	var before int64
	err := tx.QueryRow(`UPDATE import SET settled = $2, total = CASE WHEN total < $2 THEN $2 ELSE total END, added = added + $3,
		repeated = repeated + $4, bad = bad + $5, moved_at = $6 WHERE id = $1 AND state = 'running' RETURNING bad - $5`,
		importID, p.Rows, p.Added, p.Repeated, p.Bad, db.Micro(tx.Now)).Scan(&before)
	if errors.Is(err, sql.ErrNoRows) {
		return errStopped
	}
	if err != nil {
		return fmt.Errorf("progress: %w", db.NotFound(err))
	}
	if room := keptErrors - before; int64(len(bad)) > room {
		bad = bad[:max(room, 0)]
	}
	args := make([]any, 0, len(bad)*4)
	for _, e := range bad {
		args = append(args, importID, e.Line, e.Field, e.Code)
	}
	return tx.Insert(`INSERT INTO import_error (import_id, line, field, code)`, 4, args, `ON CONFLICT (import_id, line) DO NOTHING`)
}

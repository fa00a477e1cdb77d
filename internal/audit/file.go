package audit

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"dingdong/internal/db"
)

// Columns are the headings of a row in a file, in the order of Cells. With them a file
// can be verified without the database.
func Columns() []string {
	return []string{"seq", "at_us", "actor", "action", "customer", "object", "detail", "prev", "hash"}
}

// Cells are the row under Columns.
func (r Row) Cells() []string {
	return []string{strconv.FormatInt(r.Seq, 10), strconv.FormatInt(db.Micro(r.At), 10), harmless(r.Actor), harmless(r.Action), harmless(r.Customer),
		harmless(r.Object), harmless(r.Detail), r.Prev, r.Hash}
}

// harmless is text that a spreadsheet does not run: OWASP, "CSV Injection".
func harmless(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r'", rune(s[0])) {
		return "'" + s
	}
	return s
}

func plain(s string) string { return strings.TrimPrefix(s, "'") }

// FileReport is what the verification of a file found.
type FileReport struct {
	Rows  int64
	First int64 // number of the first row
	Last  int64
	Hash  string // of the last row: compare it with one that was noted elsewhere
	Gaps  int64  // places where rows are left out, as a filter does
	// Broken is the number of the first row that was changed, or that does not follow the
	// one before it; 0: none.
	Broken int64
	// Whole says that the file begins with the first row and leaves none out, so that it
	// proves the whole chain up to its last row. Otherwise each row that stands is as it
	// was written, and nothing can be said of the others.
	Whole bool
}

// VerifyFile verifies a CSV file of rows: lines that begin with # and columns it does not
// know are passed over, and rows may be left out.
func VerifyFile(from io.Reader) (FileReport, error) {
	var rep FileReport
	bytes := bufio.NewReaderSize(from, 64<<10)
	if mark, _ := bytes.Peek(3); string(mark) == "\ufeff" {
		_, _ = bytes.Discard(3) // what was peeked at is there
	}
	in := csv.NewReader(bytes)
	in.FieldsPerRecord, in.ReuseRecord, in.LazyQuotes = -1, true, false
	in.Comment = '#'
	head, err := in.Read()
	if err != nil {
		return rep, fmt.Errorf("read the headings: %w", err)
	}
	var at []int
	head = slices.Clone(head)
	for _, name := range Columns() {
		i := slices.Index(head, name)
		if i < 0 {
			return rep, fmt.Errorf("this is no file of the audit: the column %q is missing", name)
		}
		at = append(at, i)
	}
	prev := Row{}
	for {
		cells, err := in.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return rep, fmt.Errorf("read the file: %w", err)
		}
		row, ok := rowOf(cells, at)
		if !ok || row.Hash != row.sum() || row.Seq <= prev.Seq || row.Seq == prev.Seq+1 && row.Prev != prev.Hash {
			if rep.Broken = row.Seq; rep.Broken <= 0 {
				rep.Broken = prev.Seq + 1
			}
			return rep, nil
		}
		if rep.Rows == 0 {
			rep.First = row.Seq
		} else if row.Seq != prev.Seq+1 {
			rep.Gaps++
		}
		rep.Rows++
		rep.Last, rep.Hash, prev = row.Seq, row.Hash, row
	}
	rep.Whole = rep.First == 1 && rep.Gaps == 0
	return rep, nil
}

func rowOf(cells []string, at []int) (r Row, ok bool) {
	if slices.Max(at) >= len(cells) {
		return r, false
	}
	get := func(i int) string { return cells[at[i]] }
	seq, err := strconv.ParseInt(get(0), 10, 64)
	us, err2 := strconv.ParseInt(get(1), 10, 64)
	if err != nil || err2 != nil {
		return r, false
	}
	r = Row{Seq: seq, At: time.UnixMicro(us).UTC(), Prev: get(7), Hash: get(8),
		Entry: Entry{Actor: plain(get(2)), Action: plain(get(3)), Customer: plain(get(4)), Object: plain(get(5)), Detail: plain(get(6))}}
	return r, true
}

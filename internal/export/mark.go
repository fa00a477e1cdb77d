package export

import (
	"bufio"
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/base32"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"dingdong/internal/audit"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// Three things lead from a file, or a piece of one, back to who had it made and when:
//
//   - its first lines say so in words;
//   - every line ends with a mark, "K7PWD3QM-12-x9f2": the file's code, the line's number,
//     and a check that only this house can make, so that nobody can put a colleague's mark
//     on a line of her own;
//   - whether the first cell of a line stands in quotation marks, which CSV leaves open,
//     spells the file's code once in forty lines. It is seen by nobody and is lost when a
//     spreadsheet saves the file anew; it shows where a file was cut by hand.
//
// Whoever types the names off a screen leaves no trace but the audit's.

// alphabet has no letter that is taken for another when it is read out.
const alphabet = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"

const codeLength = 8 // letters of five bits: forty lines

var codes = base32.NewEncoding(alphabet).WithPadding(base32.NoPadding)

func newCode() string {
	b := make([]byte, 5)
	rand.Read(b) // never fails
	return codes.EncodeToString(b)
}

// bits are the forty bits of a code.
func bits(code string) (out [codeLength * 5]bool) {
	for i := range out {
		out[i] = strings.IndexByte(alphabet, code[i/5])>>(4-i%5)&1 == 1
	}
	return out
}

const labelMark = "export.mark"

func (r *Room) mark(code string, line int) string {
	text := code + "-" + strconv.Itoa(line)
	return text + "-" + r.Vault.Hash(labelMark, text)[:4]
}

// Traced is where a mark leads.
type Traced struct {
	Export  Export
	Line    int  // 0: of the whole file
	Genuine bool // the check is this house's own
}

// Trace follows the mark of a line, or the code of a file, to who had it made.
func (r *Room) Trace(tx *db.Tx, v staff.Viewer, mark string) (Traced, error) {
	var out Traced
	if !v.May(staff.SeeAudit) {
		return out, staff.ErrForbidden
	}
	parts := strings.Split(strings.TrimSpace(db.CleanText(mark)), "-")
	code := strings.ToUpper(parts[0])
	if len(code) != codeLength || len(parts) > 3 {
		return out, db.Invalid{Field: "mark", Code: "unknown"}
	}
	x, err := r.scan(tx.QueryRow(`SELECT `+columns+` FROM export WHERE code = $1`, code).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return out, db.Invalid{Field: "mark", Code: "unknown"}
	}
	if err != nil {
		return out, fmt.Errorf("trace: %w", db.NotFound(err))
	}
	out.Export = x
	if len(parts) == 3 {
		out.Line, _ = strconv.Atoi(parts[1])
		out.Genuine = out.Line > 0 && r.mark(code, out.Line) == code+"-"+parts[1]+"-"+strings.ToLower(parts[2])
	}
	return out, nil
}

// NoteTraced puts on record that somebody followed a mark.
func NoteTraced(tx *db.Tx, v staff.Viewer, x Export) {
	audit.Record(tx, audit.Entry{Actor: v.ID, Action: "export.traced", Object: x.ID})
}

// Fingerprint reads the quotation marks of at least forty lines of a file that lost its
// marks, and gives the exports that they can come from.
func (r *Room) Fingerprint(ctx context.Context, v staff.Viewer, from io.Reader) ([]Export, error) {
	if !v.May(staff.SeeAudit) {
		return nil, staff.ErrForbidden
	}
	var read []bool
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() && len(read) < 4000 {
		if text := strings.TrimPrefix(lines.Text(), "\ufeff"); text != "" && text[0] != '#' {
			read = append(read, text[0] == '"')
		}
	}
	if err := lines.Err(); err != nil {
		return nil, db.Invalid{Field: "file", Code: "not_text"}
	}
	if len(read) < codeLength*5 {
		return nil, db.Invalid{Field: "file", Code: "too_short"}
	}
	var found []Export
	err := r.DB.Read(ctx, func(tx *db.Tx) error {
		rows, err := tx.Query(`SELECT ` + columns + ` FROM export WHERE rows > 0 ORDER BY id DESC LIMIT 20000`)
		all, err := db.Collect(rows, err, func(rows *sql.Rows) (Export, error) { return r.scan(rows.Scan) })
		found = nil
		for _, x := range all {
			if spells(read, bits(x.Code)) || spells(read[1:], bits(x.Code)) { // with the headings before it
				found = append(found, x)
			}
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("fingerprint: %w", err)
	}
	return found, nil
}

// spells tells whether lines are those of a code, from any of its bits on.
func spells(read []bool, code [codeLength * 5]bool) bool {
	if len(read) < len(code) {
		return false
	}
	for start := range code {
		same := true
		for i := 0; same && i < len(read); i++ {
			same = read[i] == code[(start+i)%len(code)]
		}
		if same {
			return true
		}
	}
	return false
}

package catalogue

import (
	"encoding/json"
	"sort"
	"strings"
)

// What a file says where it is wrong is shown to whoever hands it in, beside the reason:
// as it stands there, and not as it was read. It comes from the file and goes no further.

const (
	shownLetters = 40
	maxShownLine = 4 << 10 // bytes of a line of JSON that is looked into again
)

// remember keeps the cells of a row until its batch is settled.
func (b *importBatch) remember(line int64, cells ...string) {
	b.cells = append(b.cells, cells...)
	b.lines = append(b.lines, rowCells{line, len(b.cells)})
}

// show puts beside each error what the file says there.
func (b *importBatch) show(bad []RowError) {
	for i := range bad {
		bad[i].Value = b.valueOf(bad[i])
	}
}

func (b *importBatch) valueOf(e RowError) string {
	n := sort.Search(len(b.lines), func(i int) bool { return b.lines[i].line >= e.Line })
	if n == len(b.lines) || b.lines[n].line != e.Line {
		return ""
	}
	from := 0
	if n > 0 {
		from = b.lines[n-1].end
	}
	row, field := b.cells[from:b.lines[n].end], e.Field[strings.LastIndexByte(e.Field, '.')+1:]
	if b.named.at != nil {
		return begins(b.named.cell(row, field))
	}
	var object map[string]any // of JSON lines
	if json.Unmarshal([]byte(row[0]), &object) != nil {
		return begins(row[0])
	}
	switch value := object[field].(type) {
	case nil:
		return ""
	case string:
		return begins(value)
	default:
		raw, err := json.Marshal(value)
		if err != nil {
			return ""
		}
		return begins(string(raw))
	}
}

// begins is the beginning of a text, on one line.
func begins(s string) string {
	s = oneLine(s)
	if letters := []rune(s); len(letters) > shownLetters {
		return strings.TrimSpace(string(letters[:shownLetters])) + "…"
	}
	return s
}

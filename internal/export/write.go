package export

import (
	"bufio"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"
)

// Writer writes a file: who and why, the headings, then rows, each with its mark.
type Writer struct {
	Export
	out   *bufio.Writer
	bits  [codeLength * 5]bool
	mark  func(line int) string
	lines int
	err   error
}

// head is what stands above the headings. It is in English in every house, so that who
// finds the file can read it.
func (w *Writer) head(who string, now time.Time) {
	fmt.Fprintf(w.out, "\ufeff# Dingdong export %s. Asked for by %s on %s. Confidential.\r\n", w.ID, plainLine(who), now.UTC().Format("2006-01-02 15:04 UTC"))
	fmt.Fprintf(w.out, "# Reason: %s\r\n", plainLine(w.Reason))
	fmt.Fprintf(w.out, "# Every line ends with a mark that leads to this request. Destroy the file when its purpose is served.\r\n")
}

// plainLine keeps a text on its line, and a comma in it from beginning a formula.
func plainLine(s string) string {
	return cellFormula.ReplaceAllString(strings.Join(strings.Fields(s), " "), "$1'$2")
}

// cellFormula is what a spreadsheet takes for the beginning of a cell that it runs.
var (
	cellFormula  = regexp.MustCompile(`([,;][" ]*)([=+@-])`)
	splitFormula = regexp.MustCompile(`(;["\s]*)([=+@-])`) // in a cell, whose commas are quoted
)

// Headings writes the names of the columns.
func (w *Writer) Headings(names ...string) {
	w.line(append(names, "mark"), false)
}

// Row writes a row, in which no cell is a formula.
func (w *Writer) Row(cells ...string) {
	for i := range cells {
		cells[i] = harmless(cells[i])
	}
	w.Exact(cells...)
}

// Exact writes a row whose cells are harmless already.
func (w *Writer) Exact(cells ...string) {
	quoted := w.bits[w.lines%len(w.bits)]
	w.lines++
	w.line(append(cells, w.mark(w.lines)), quoted)
}

func (w *Writer) line(cells []string, quoted bool) {
	for i, c := range cells {
		if i > 0 {
			w.out.WriteByte(',')
		}
		c = strings.NewReplacer("\r", " ", "\n", " ").Replace(c)
		if i == 0 && quoted || strings.ContainsAny(c, `",`) {
			c = `"` + strings.ReplaceAll(c, `"`, `""`) + `"`
		}
		if _, err := w.out.WriteString(c); err != nil && w.err == nil {
			w.err = err
		}
	}
	w.out.WriteString("\r\n")
}

// Err is what went wrong while writing: ask now and then.
func (w *Writer) Err() error { return w.err }

// harmless is text that a spreadsheet does not run: OWASP, "CSV Injection". Where a comma
// stands in numbers, as in Indonesia and Vietnam, a spreadsheet splits lines at semicolons.
func harmless(s string) string {
	s = splitFormula.ReplaceAllString(s, "$1'$2")
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}

func (r *Room) newWriter(x Export, to io.Writer) *Writer {
	return &Writer{Export: x, out: bufio.NewWriterSize(to, 32<<10), bits: bits(x.Code), mark: func(line int) string { return r.mark(x.Code, line) }}
}

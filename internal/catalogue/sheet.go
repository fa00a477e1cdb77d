package catalogue

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/traditionalchinese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// A sheet is a file of rows as tills and spreadsheets write it, read in constant
// memory. encoding/csv is not used: a quote that is never closed makes it read the whole
// rest of a file as one cell, and one wrong row must not take a million good ones along.

const (
	maxRow     = 64 << 10  // bytes of a row
	maxJSONRow = 256 << 10 // bytes of a row of JSON lines
	maxColumns = 200
	headBytes  = 32 << 10 // from which encoding and delimiter are told
)

// The encodings of files.
const (
	encodingUTF8  = "utf-8"
	encodingBig5  = "big5"
	encodingUTF16 = "utf-16"
)

// The formats of files.
const (
	formatCSV   = "csv"
	formatLines = "jsonl"
)

// sheet reads rows.
type sheet struct {
	format, encoding string
	comma            byte

	in   *bufio.Reader // of raw bytes: UTF-8, or Big5, whose second bytes are no commas, quotes or line ends
	read int64         // bytes given to rows
	line int64         // of the file, of the row that was read last
	next int64         // the line at which the next row begins
	row  []string
	text []byte // the cells of a row, one after another
	ends []int
}

// openSheet looks at the beginning of a file and tells what it is.
func openSheet(r io.Reader) (*sheet, error) {
	in := bufio.NewReaderSize(r, maxJSONRow+4096)
	head, err := in.Peek(headBytes)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read the file: %w", err)
	}
	s := &sheet{encoding: encodingUTF8, in: in, next: 1}
	switch {
	case bytes.HasPrefix(head, []byte("\xef\xbb\xbf")):
		in.Discard(3)
	case bytes.HasPrefix(head, []byte("\xff\xfe")), bytes.HasPrefix(head, []byte("\xfe\xff")):
		s.wide(unicode.UTF16(unicode.LittleEndian, unicode.UseBOM))
	case zeros(head, 1) > len(head)/5 && zeros(head, 0) == 0:
		s.wide(unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM))
	case zeros(head, 0) > len(head)/5 && zeros(head, 1) == 0:
		s.wide(unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM))
	case !validHead(head):
		s.encoding = encodingBig5
	}
	if head, err = s.in.Peek(headBytes); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read the file: %w", err)
	}
	s.format, s.comma = formatCSV, commaOf(head)
	if trimmed := bytes.TrimLeft(head, " \t\r\n"); len(trimmed) > 0 && trimmed[0] == '{' {
		s.format = formatLines
	}
	return s, nil
}

func (s *sheet) wide(e encoding.Encoding) {

	s.encoding = encodingUTF16
	s.in = bufio.NewReaderSize(transform.NewReader(s.in, e.NewDecoder()), maxJSONRow+4096)
}

// zeros counts the NULs at even or odd places: western text in UTF-16 is half of them.
func zeros(head []byte, from int) int {
	n := 0
	for i := from; i < len(head); i += 2 {
		if head[i] == 0 {
			n++
		}
	}
	return n
}

// validHead says whether the beginning is UTF-8, whose last letter may be cut.
func validHead(head []byte) bool {
	for range 3 {
		if utf8.Valid(head) {
			return true
		}
		if len(head) > 0 {
			head = head[:len(head)-1]
		}
	}
	return utf8.Valid(head)
}

// commaOf tells what parts the columns: what the first line has the most of, outside quotes.
func commaOf(head []byte) byte {
	counts := map[byte]int{}
	quoted := false
	for _, c := range head {
		if c == '"' {
			quoted = !quoted
		}
		if c == '\n' && !quoted {
			break
		}
		if !quoted {
			counts[c]++
		}
	}
	best := byte(',')
	for _, c := range []byte{';', '\t'} {
		if counts[c] > counts[best] {
			best = c
		}
	}
	return best
}

// faultyRow is a row that cannot be read. The next one can.
type faultyRow struct{ code string }

func (e faultyRow) Error() string { return "row: " + e.code }

// Next reads a row; the cells are good until the next call. Empty lines are passed over.
func (s *sheet) Next() ([]string, error) {
	for {
		s.line = s.next
		row, err := s.csvRow()
		if err != nil || len(row) > 1 || len(row) == 1 && row[0] != "" {
			return row, err
		}
	}
}

// NextLine reads a line of a file of JSON lines.
func (s *sheet) NextLine() ([]byte, error) {
	for {
		s.line = s.next
		line, ended, err := s.window(maxJSONRow)
		if err != nil {
			return nil, err
		}
		end := bytes.IndexByte(line, '\n')
		if end < 0 && !ended {
			return nil, s.skipLine()
		}
		if end < 0 {
			end = len(line) - 1
		}
		text := bytes.TrimSpace(line[:end+1])
		out := append(s.text[:0], text...)
		s.text = out
		s.pass(line[:end+1])
		if len(out) > 0 {
			return out, nil
		}
	}
}

// window shows what lies ahead, up to size bytes; ended says that there is no more.
func (s *sheet) window(size int) (ahead []byte, ended bool, err error) {
	ahead, err = s.in.Peek(size)
	switch {
	case err == nil:
		return ahead, false, nil
	case !errors.Is(err, io.EOF):
		return nil, false, fmt.Errorf("read the file: %w", err)
	case len(ahead) == 0:
		return nil, true, io.EOF
	}
	return ahead, true, nil
}

// pass moves on behind bytes that window showed.
func (s *sheet) pass(b []byte) {
	s.next += int64(bytes.Count(b, []byte{'\n'}))
	s.read += int64(len(b))
	s.in.Discard(len(b)) // they are in the buffer
}

// skipLine passes the rest of a line that is too long, without keeping it.
func (s *sheet) skipLine() error {
	for {
		part, err := s.in.ReadSlice('\n')
		s.read += int64(len(part))
		switch {
		case err == nil:
			s.next++
			return faultyRow{"too_large"}
		case errors.Is(err, io.EOF):
			return faultyRow{"too_large"}
		case !errors.Is(err, bufio.ErrBufferFull):
			return fmt.Errorf("read the file: %w", err)
		}
	}
}

// csvRow reads one row. A quote that is not closed within the longest row spoils its
// own line only: what follows is read as if it had not been there.
func (s *sheet) csvRow() ([]string, error) {
	// Nearly every row is short: the large window is looked at only where it must be.
	for _, size := range [...]int{4 << 10, maxRow} {
		ahead, ended, err := s.window(size)
		if err != nil {
			return nil, err
		}
		n, quoted := s.split(ahead, ended)
		switch {
		case n > 0:
			s.pass(ahead[:n])
			return s.cells()
		case size < maxRow && !ended:
			continue
		case quoted:
			end := bytes.IndexByte(ahead, '\n')
			if end < 0 && !ended {
				return nil, s.skipLine()
			}
			if end < 0 {
				end = len(ahead) - 1
			}
			s.pass(ahead[:end+1])
			return nil, faultyRow{"quote"}
		}
	}
	return nil, s.skipLine()
}

// split finds the cells of the row that begins ahead, and tells how many bytes it has;
// none when its end is not to be seen, and then whether that is for a quote.
func (s *sheet) split(ahead []byte, ended bool) (n int, quoted bool) {
	s.text, s.ends = s.text[:0], s.ends[:0]
	i := 0
	for {
		for i < len(ahead) && ahead[i] == ' ' {
			i++
		}
		if i < len(ahead) && ahead[i] == '"' {
			i++
			for {
				end := bytes.IndexByte(ahead[i:], '"')
				if end < 0 {
					return 0, true
				}
				s.text = append(s.text, ahead[i:i+end]...)
				if i += end + 1; i < len(ahead) && ahead[i] == '"' {
					s.text = append(s.text, '"')
					i++
					continue
				}
				break
			}
		}
		from := i
		for i < len(ahead) && ahead[i] != s.comma && ahead[i] != '\n' {
			i++
		}
		if i == len(ahead) && !ended {
			return 0, false
		}
		s.text = append(s.text, ahead[from:i]...)
		if i == len(ahead) || ahead[i] == '\n' {
			if last := len(s.text); last > 0 && s.text[last-1] == '\r' {
				s.text = s.text[:last-1]
			}
			s.ends = append(s.ends, len(s.text))
			return min(i+1, len(ahead)), false
		}
		s.ends = append(s.ends, len(s.text))
		i++
	}
}

// cells makes strings of what split found.
func (s *sheet) cells() ([]string, error) {
	if len(s.ends) > maxColumns {
		return nil, faultyRow{"too_many"}
	}
	text := s.text
	wide := s.encoding == encodingBig5 || !utf8.Valid(text)
	if bytes.IndexByte(text, 0) >= 0 {
		wide = true
	}
	s.row = s.row[:0]
	from := 0
	if !wide {
		all := string(text)
		for _, end := range s.ends {
			s.row = append(s.row, all[from:end])
			from = end
		}
		return s.row, nil
	}
	for _, end := range s.ends {
		cell, ok := s.decode(text[from:end])
		if !ok {
			return nil, faultyRow{"encoding"}
		}
		s.row = append(s.row, cell)
		from = end
	}
	return s.row, nil
}

// decode reads a cell that is not plain UTF-8. A file that begins in English shows only
// later that it is Big5.
func (s *sheet) decode(b []byte) (string, bool) {
	if bytes.IndexByte(b, 0) >= 0 {
		b = bytes.ReplaceAll(b, []byte{0}, nil)
	}
	if s.encoding != encodingBig5 && utf8.Valid(b) {
		return string(b), true
	}
	if s.encoding == encodingUTF16 {
		return "", false
	}
	out, err := traditionalchinese.Big5.NewDecoder().Bytes(b)
	if err != nil || bytes.ContainsRune(out, utf8.RuneError) {
		return "", false
	}
	return string(out), true
}

package line

import (
	"encoding/json"
	"strconv"
	"unicode/utf8"
)

// maxDepth is how deep values may be nested, the bound of encoding/json too.
const maxDepth = 10000

// scanner reads JSON in one pass, without reflection: webhooks come by thousands a
// second, and each event has to be able to fail alone, with its raw bytes kept. It
// accepts what encoding/json accepts; FuzzScanner holds the two against each other.
//
// Every reading method consumes exactly one value. A value of another type than
// asked for is passed over and noted in mismatch; null reads as nothing.
type scanner struct {
	data     []byte
	at       int
	depth    int
	broken   bool // no JSON: nothing that was read counts
	mismatch bool
}

// next passes over white space and gives the byte that follows, 0 at the end.
func (s *scanner) next() byte {
	for s.at < len(s.data) {
		switch c := s.data[s.at]; c {
		case ' ', '\t', '\r', '\n':
			s.at++
		default:
			return c
		}
	}
	return 0
}

// fail ends all reading.
func (s *scanner) fail() {
	s.broken = true
	s.at = len(s.data)
}

func (s *scanner) expect(c byte) bool {
	if s.next() != c {
		s.fail()
		return false
	}
	s.at++
	return true
}

// ended tells whether nothing but white space is left of sound JSON.
func (s *scanner) ended() bool {
	s.next()
	return !s.broken && s.at == len(s.data)
}

// object reads an object and calls field at each value, which field must consume;
// a nil field passes over all.
func (s *scanner) object(field func(key []byte)) {
	if s.next() != '{' {
		s.other()
		return
	}
	s.open()
	if s.next() == '}' {
		s.shut()
		return
	}
	for !s.broken {
		if s.next() != '"' {
			s.fail()
			return
		}
		key := s.key()
		if !s.expect(':') {
			return
		}
		if field != nil {
			field(key)
		} else {
			s.skip()
		}
		if s.next() == '}' {
			s.shut()
			return
		}
		s.expect(',')
	}
}

// array reads an array and calls item at each value, which item must consume; a nil
// item passes over all.
func (s *scanner) array(item func()) {
	if s.next() != '[' {
		s.other()
		return
	}
	s.open()
	if s.next() == ']' {
		s.shut()
		return
	}
	for !s.broken {
		if item != nil {
			item()
		} else {
			s.skip()
		}
		if s.next() == ']' {
			s.shut()
			return
		}
		s.expect(',')
	}
}

func (s *scanner) open() {
	s.at++
	if s.depth++; s.depth > maxDepth {
		s.fail()
	}
}

func (s *scanner) shut() {
	s.at++
	s.depth--
}

// other passes over a value of a type that was not asked for.
func (s *scanner) other() {
	if s.next() != 'n' {
		s.mismatch = true
	}
	s.skip()
}

// skip passes over one value of any type.
func (s *scanner) skip() {
	switch c := s.next(); {
	case c == '"':
		s.quoted()
	case c == '{':
		s.object(nil)
	case c == '[':
		s.array(nil)
	case c == '-' || c >= '0' && c <= '9':
		s.digits()
	case c == 't':
		s.word("true")
	case c == 'f':
		s.word("false")
	case c == 'n':
		s.word("null")
	default:
		s.fail()
	}
}

func (s *scanner) word(w string) {
	if len(s.data)-s.at < len(w) || string(s.data[s.at:s.at+len(w)]) != w {
		s.fail()
		return
	}
	s.at += len(w)
}

// quoted passes over a string; plain tells that it has no escapes.
func (s *scanner) quoted() (span []byte, plain bool) {
	start := s.at
	plain = true
	for i := start + 1; i < len(s.data); i++ {
		switch c := s.data[i]; {
		case c == '"':
			s.at = i + 1
			return s.data[start:s.at], plain
		case c == '\\':
			plain = false
			n := escape(s.data[i:])
			if n == 0 {
				s.fail()
				return nil, false
			}
			i += n - 1
		case c < 0x20:
			s.fail()
			return nil, false
		}
	}
	s.fail()
	return nil, false
}

// escape gives the length of the escape that b begins with, 0 if it is none.
func escape(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	switch b[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if len(b) < 6 {
			return 0
		}
		for _, c := range b[2:6] {
			if (c < '0' || c > '9') && (c < 'a' || c > 'f') && (c < 'A' || c > 'F') {
				return 0
			}
		}
		return 6
	}
	return 0
}

func (s *scanner) key() []byte {
	span, plain := s.quoted()
	if s.broken {
		return nil
	}
	if plain {
		return span[1 : len(span)-1]
	}
	return []byte(unquote(span))
}

// unquote leaves escapes, surrogate pairs and broken UTF-8 to encoding/json.
func unquote(span []byte) string {
	var text string
	// The span was checked to be a string: this cannot fail.
	_ = json.Unmarshal(span, &text)
	return text
}

// digits passes over a number.
func (s *scanner) digits() []byte {
	start := s.at
	if s.data[s.at] == '-' {
		s.at++
	}
	ok := true
	if s.at < len(s.data) && s.data[s.at] == '0' {
		s.at++
	} else {
		ok = s.run()
	}
	if ok && s.at < len(s.data) && s.data[s.at] == '.' {
		s.at++
		ok = s.run()
	}
	if ok && s.at < len(s.data) && (s.data[s.at] == 'e' || s.data[s.at] == 'E') {
		s.at++
		if s.at < len(s.data) && (s.data[s.at] == '+' || s.data[s.at] == '-') {
			s.at++
		}
		ok = s.run()
	}
	if !ok {
		s.fail()
		return nil
	}
	return s.data[start:s.at]
}

// run passes over one or more digits.
func (s *scanner) run() bool {
	start := s.at
	for s.at < len(s.data) && s.data[s.at] >= '0' && s.data[s.at] <= '9' {
		s.at++
	}
	return s.at > start
}

// text reads a string, without what no store takes.
func (s *scanner) text(into *string) {
	if s.next() != '"' {
		s.other()
		return
	}
	span, plain := s.quoted()
	switch {
	case s.broken:
	case plain && utf8.Valid(span):
		*into = string(span[1 : len(span)-1])
	default:
		*into = clean(unquote(span))
	}
}

// texts reads an array of strings.
func (s *scanner) texts(into *[]string) {
	s.array(func() {
		var one string
		s.text(&one)
		*into = append(*into, one)
	})
}

func (s *scanner) integer(into *int64) {
	if c := s.next(); c != '-' && (c < '0' || c > '9') {
		s.other()
		return
	}
	n, err := strconv.ParseInt(string(s.digits()), 10, 64)
	if err != nil {
		s.mismatch = true
		return
	}
	*into = n
}

func (s *scanner) number(into *float64) {
	if c := s.next(); c != '-' && (c < '0' || c > '9') {
		s.other()
		return
	}
	n, err := strconv.ParseFloat(string(s.digits()), 64)
	if err != nil {
		s.mismatch = true
		return
	}
	*into = n
}

func (s *scanner) boolean(into *bool) {
	switch s.next() {
	case 't':
		s.word("true")
		*into = true
	case 'f':
		s.word("false")
		*into = false
	default:
		s.other()
	}
}

// raw keeps a value as it is written; null as nothing.
func (s *scanner) raw(into *[]byte) {
	null := s.next() == 'n'
	start := s.at
	s.skip()
	if !s.broken && !null {
		*into = s.data[start:s.at]
	}
}

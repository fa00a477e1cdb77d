package conversation

import (
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/vault"
)

// Bounds of a query: somebody who pastes an essay means its beginning.
const (
	maxFindLetters = 120
	maxFindWords   = 8
)

// queryWords are the folded words that all must occur.
func queryWords(query string) []string {
	if len(query) > 8*maxFindLetters {
		query = query[:8*maxFindLetters]
	}
	letters := []rune(customer.SearchFold(db.CleanText(query)))
	words := strings.Fields(string(letters[:min(len(letters), maxFindLetters)]))
	return words[:min(len(words), maxFindWords)]
}

// searched is what of a stored body is looked through.
type searched struct {
	Text  string `json:"text"`
	Media *struct {
		Name string `json:"name"`
	} `json:"media"`
	Place *struct {
		Title   string `json:"title"`
		Address string `json:"address"`
	} `json:"place"`
}

func (s searched) text() string {
	text := s.Text
	if s.Media != nil {
		text = strings.TrimSpace(text + "\n" + s.Media.Name)
	}
	if s.Place != nil {
		text = strings.TrimSpace(text + "\n" + s.Place.Title + "\n" + s.Place.Address)
	}
	return text
}

// matchStep is how many messages are opened before it is asked whether that is
// enough, and matchShare how many one goroutine takes at a time.
const (
	matchStep  = 2048
	matchShare = 128
)

// matchFor is what a piece of messages is opened for.
type matchFor struct {
	words []string
	limit int
}

// matching is the opening of a piece, which goes on beside the reading of the next.
type matching struct {
	ready chan struct{} // nil: there was nothing to do
	found []sealedText
	err   error
}

func (m *matching) wait() {
	if m.ready != nil {
		<-m.ready
	}
}

// add waits for what matched and puts it after what was found before.
func (m *matching) add(to []sealedText) ([]sealedText, error) {
	m.wait()
	return append(to, m.found...), m.err
}

// match begins to look for those with every word, in their order, at most limit.
func (d *Desk) match(tx *db.Tx, piece []sealedText, f matchFor) (*matching, error) {
	if len(piece) == 0 {
		return &matching{}, nil
	}
	customers := make([]string, 0, 256)
	last := ""
	for _, s := range piece {
		if s.customerID != last {
			customers, last = append(customers, s.customerID), s.customerID
		}
	}
	slices.Sort(customers)
	opener, err := d.Vault.Opener(tx, slices.Compact(customers))
	if err != nil {
		return nil, fmt.Errorf("find messages: %w", err)
	}
	m := &matching{ready: make(chan struct{})}
	ctx := tx.Ctx
	go func() {
		defer close(m.ready)
		for len(piece) > 0 && len(m.found) < f.limit && m.err == nil {
			step := piece[:min(len(piece), matchStep)]
			piece = piece[len(step):]
			if m.err = ctx.Err(); m.err == nil {
				m.err = matchAll(opener, step, f.words)
			}
			for _, s := range step {
				if s.text != "" && len(m.found) < f.limit {
					m.found = append(m.found, s)
				}
			}
		}
	}()
	return m, nil
}

// matchAll sets the text of those that match.
func matchAll(opener vault.Opener, list []sealedText, words []string) error {
	var next atomic.Int64
	var failed atomic.Pointer[error]
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), 4, len(list)/matchShare+1) {
		wg.Go(func() {
			for failed.Load() == nil {
				from := int(next.Add(matchShare)) - matchShare
				if from >= len(list) {
					return
				}
				for i := from; i < min(from+matchShare, len(list)); i++ {
					if err := list[i].match(opener, words); err != nil {
						failed.Store(&err)
						return
					}
				}
			}
		})
	}
	wg.Wait()
	if err := failed.Load(); err != nil {
		return fmt.Errorf("find messages: %w", *err)
	}
	return nil
}

// match keeps the text when every word occurs in it. What was erased matches nothing.
func (s *sealedText) match(opener vault.Opener, words []string) error {
	plain, err := opener.Open(s.customerID, labelBody, s.body)
	if errors.Is(err, vault.ErrErased) {
		return nil
	}
	if err != nil {
		return err
	}
	var body searched
	if err := json.Unmarshal(plain, &body); err != nil {
		return fmt.Errorf("message body: %w", err)
	}
	text := body.text()
	if text == "" {
		return nil
	}
	folded := customer.SearchFold(text)
	for _, w := range words {
		if !strings.Contains(folded, w) {
			return nil
		}
	}
	s.text = text
	return nil
}

// Piece is a part of a snippet.
type Piece struct {
	Text   string
	Marked bool // a word of the query
}

// Letters of a snippet before the first word that was found, and in all.
const (
	snippetBefore = 24
	snippetLength = 120
)

// snippet cuts out of a text what stands around the first word found in it, and
// marks all words.
func snippet(text string, words []string) []Piece {
	marks := marked(text, words)
	from := 0
	if len(marks) > 0 {
		from = back(text, marks[0][0], snippetBefore)
	}
	to := forth(text, from, snippetLength)
	var out []Piece
	add := func(text string, marked bool) {
		text = strings.Map(func(r rune) rune { // one line
			if unicode.IsSpace(r) {
				return ' '
			}
			return r
		}, text)
		if text != "" {
			out = append(out, Piece{text, marked})
		}
	}
	if from > 0 {
		add("…", false)
	}
	at := from
	for _, m := range marks {
		if m[0] >= to {
			break
		}
		add(text[at:m[0]], false)
		at = min(m[1], to)
		add(text[m[0]:at], true)
	}
	add(text[at:to], false)
	if to < len(text) {
		add("…", false)
	}
	return out
}

func back(text string, at, letters int) int {
	for ; letters > 0 && at > 0; letters-- {
		_, size := utf8.DecodeLastRuneInString(text[:at])
		at -= size
	}
	return at
}

func forth(text string, at, letters int) int {
	for ; letters > 0 && at < len(text); letters-- {
		_, size := utf8.DecodeRuneInString(text[at:])
		at += size
	}
	return at
}

// marked finds where folded words stand in a text that is not folded, in order
// and not overlapping.
func marked(text string, words []string) [][2]int {
	var folded []byte
	var starts, ends []int // of the letter of the text that a byte of the folded one came from
	for at, r := range text {
		end := at + utf8.RuneLen(r)
		if r == utf8.RuneError {
			_, size := utf8.DecodeRuneInString(text[at:])
			end = at + size
		}
		if customer.Accent(r) && len(ends) > 0 { // a mark belongs to what stands before it
			for i := len(ends) - 1; i >= 0 && ends[i] == at; i-- {
				ends[i] = end
			}
			continue
		}
		for _, part := range norm.NFKD.String(string(r)) {
			if customer.Accent(part) {
				continue
			}
			before := len(folded)
			folded = utf8.AppendRune(folded, customer.SearchRune(unicode.ToLower(part)))
			for range len(folded) - before {
				starts, ends = append(starts, at), append(ends, end)
			}
		}
	}
	var out [][2]int
	for _, w := range words {
		for at := 0; ; {
			i := strings.Index(string(folded[at:]), w)
			if i < 0 {
				break
			}
			first, last := at+i, at+i+len(w)-1
			out = append(out, [2]int{starts[first], ends[last]})
			at = last + 1
		}
	}
	slices.SortFunc(out, func(a, b [2]int) int { return a[0] - b[0] })
	var merged [][2]int
	for _, m := range out {
		if n := len(merged); n > 0 && m[0] <= merged[n-1][1] {
			merged[n-1][1] = max(merged[n-1][1], m[1])
			continue
		}
		merged = append(merged, m)
	}
	return merged
}

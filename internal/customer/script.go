package customer

import (
	_ "embed"
	"sync"
	"unicode/utf8"
)

// scriptPairs are Chinese characters, each with the one that stands for it in a search:
// Traditional ones with the Simplified, and what is written in two ways within one
// orthography (裏 and 裡, 妳 and 你). Which belong together is from the Unicode Character
// Database. Several become one (髮 and 發): a search finds more rather than less.
//
//go:embed script.txt
var scriptPairs string

const (
	firstHan = '\u4e00'
	lastHan  = '\u9fff'
)

// scriptTable is scriptPairs as a table: every letter of many thousand messages is looked up.
var scriptTable = sync.OnceValue(func() *[lastHan - firstHan + 1]uint16 {
	var table [lastHan - firstHan + 1]uint16
	for i := range table {
		table[i] = uint16(firstHan + i)
	}
	for rest := scriptPairs; rest != ""; {
		from, n := utf8.DecodeRuneInString(rest)
		rest = rest[n:]
		if from == '\n' {
			continue
		}
		to, n := utf8.DecodeRuneInString(rest)
		rest = rest[n:]
		table[from-firstHan] = uint16(to)
	}
	return &table
})

// SearchRune is the letter that stands for another in a search, after Fold.
func SearchRune(r rune) rune {
	if firstHan <= r && r <= lastHan {
		return rune(scriptTable()[r-firstHan])
	}
	return r
}

// SearchFold is Fold for what is looked for and what it is looked for in: Traditional
// and Simplified are equal too. What it makes is never stored but as a hash of the index
// of names; attributes and contacts, which are compared for good, have Fold.
func SearchFold(s string) string { return foldWith(s, scriptTable()) }

package db

import (
	"slices"
	"testing"
)

func TestPositional(t *testing.T) {
	for _, tc := range []struct {
		name, in, out string
		order         []int
	}{
		{"in order", "INSERT INTO t VALUES ($1,$2)", "INSERT INTO t VALUES (?,?)", []int{0, 1}},
		{"repeated", "SELECT $2, $1, $2", "SELECT ?, ?, ?", []int{1, 0, 1}},
		{"two digits", "$10", "?", []int{9}},
		{"in a text", "SELECT '$1', \"$2\", $1", "SELECT '$1', \"$2\", ?", []int{0}},
		{"quote in a text", "SELECT 'it''s $1', $1", "SELECT 'it''s $1', ?", []int{0}},
		{"in a comment", "SELECT $1 -- $2\n, $2", "SELECT ? -- $2\n, ?", []int{0, 1}},
		{"unclosed", "SELECT '$1", "SELECT '$1", nil},
		{"a name", "SELECT $name", "SELECT $name", nil},
		{"a limit", "SELECT a FROM t WHERE b = $2 LIMIT $1", "SELECT a FROM t WHERE b = ? LIMIT ?+0", []int{1, 0}},
		{"none", "COMMIT", "COMMIT", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			out, order := positional(tc.in)
			if out != tc.out || !slices.Equal(order, tc.order) {
				t.Errorf("%q %v", out, order)
			}
		})
	}
}

func TestArrange(t *testing.T) {
	args := []any{"a", "b"}
	if got := arrange([]int{1, 0, 1}, args); !slices.Equal(got, []any{"b", "a", "b"}) {
		t.Errorf("%v", got)
	}
	if got := arrange([]int{0, 1}, args); &got[0] != &args[0] {
		t.Error("copied for nothing")
	}
	if got := arrange([]int{0, 2}, args); !slices.Equal(got, args) {
		t.Errorf("%v", got)
	}
}

package db

import (
	"strconv"
	"strings"
)

// positional turns "$1 ... $2 ... $1" into "? ... ? ... ?" and says which
// argument each mark takes. SQLite treats $1 as a name, and its driver looks
// every name up for every value it binds, by a walk over all of them: for a
// statement of a thousand values that is most of the work.
func positional(q string) (text string, order []int) {
	var b strings.Builder
	b.Grow(len(q))
	for i := 0; i < len(q); {
		switch c := q[i]; {
		case c == '\'' || c == '"':
			end := i + 1 + strings.IndexByte(q[i+1:], c)
			if end == i { // not closed: the engine will say so
				return q, nil
			}
			b.WriteString(q[i : end+1])
			i = end + 1
		case c == '-' && strings.HasPrefix(q[i:], "--"):
			end := strings.IndexByte(q[i:], '\n')
			if end < 0 {
				end = len(q) - i
			}
			b.WriteString(q[i : i+end])
			i += end
		case c == '$':
			end := i + 1
			for end < len(q) && q[end] >= '0' && q[end] <= '9' {
				end++
			}
			n, err := strconv.Atoi(q[i+1 : end])
			if err != nil || n < 1 {
				return q, nil
			}
			order = append(order, n-1)
			b.WriteByte('?')
			if strings.HasSuffix(q[:i], "LIMIT ") {
				// SQLite looks at the value behind a bare LIMIT ? while it plans, and so
				// plans anew whenever one is bound. It does not look through a sum.
				b.WriteString("+0")
			}
			i = end
		default:
			b.WriteByte(c)
			i++
		}
	}
	return b.String(), order
}

// arrange puts the arguments where the marks of a statement want them.
func arrange(order []int, args []any) []any {
	inPlace := len(order) == len(args)
	for i, n := range order {
		if n >= len(args) {
			return args // too few: the driver will say so
		}
		inPlace = inPlace && n == i
	}
	if inPlace {
		return args
	}
	out := make([]any, len(order))
	for i, n := range order {
		out[i] = args[n]
	}
	return out
}

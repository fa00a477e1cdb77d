package catalogue

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// rowsOf reads a whole sheet; a faulty row stands as "!code".
func rowsOf(t testing.TB, in io.Reader) (rows [][]string, lines []int64) {
	t.Helper()
	s, err := openSheet(in)
	check(t, err)
	for {
		row, err := s.Next()
		var f faultyRow
		switch {
		case errors.Is(err, io.EOF):
			return rows, lines
		case errors.As(err, &f):
			row = []string{"!" + f.code}
		case err != nil:
			t.Fatal(err)
		}
		rows = append(rows, append([]string(nil), row...))
		lines = append(lines, s.line)
	}
}

func TestSheet(t *testing.T) {
	long := strings.Repeat("x", maxRow+10)
	cases := map[string]struct{ in, rows, lines string }{
		"plain":                       {"a,b\n1,2\n", "[[a b] [1 2]]", "[1 2]"},
		"no end":                      {"a,b", "[[a b]]", "[1]"},
		"empty lines":                 {"\n\r\na,b\n\n\n1,2\n", "[[a b] [1 2]]", "[3 6]"},
		"quotes":                      {"\"a,\"\"x\"\"\",b\n\"1\n2\",3\n4,5\n", "[[a,\"x\" b] [1\n2 3] [4 5]]", "[1 2 4]"},
		"an inch":                     {"a,5\" brush\n1,2\n", "[[a 5\" brush] [1 2]]", "[1 2]"},
		"behind a quote":              {"\"a\"x,b\n", "[[ax b]]", "[1]"},
		"a quote never closed":        {"a,b\n\"1,2\n3,4\n5,6\n", "[[a b] [!quote] [3 4] [5 6]]", "[1 2 3 4]"},
		"a quote closed far below":    {"a,b\n\"1,2\n" + strings.Repeat("3,4\n", 20000) + "\"", "", ""},
		"a long line":                 {"a,b\n" + long + "\n1,2\n", "[[a b] [!too_large] [1 2]]", "[1 2 3]"},
		"a long quoted line":          {"a,b\n\"" + long + "\n1,2\n", "[[a b] [!too_large] [1 2]]", "[1 2 3]"},
		"ten thousand columns":        {"a,b\n" + strings.Repeat(",", 10000) + "\n1,2\n", "[[a b] [!too_many] [1 2]]", "[1 2 3]"},
		"NUL":                         {"a,b\n\x001\x00,2\n", "[[a b] [1 2]]", "[1 2]"},
		"broken letters":              {"a,b\n\xff\xff,2\n1,2\n", "[[a b] [!encoding] [1 2]]", "[1 2 3]"},
		"Big5 that shows late":        {"a,b\n" + strings.Repeat("1,2\n", 10000) + "\xb2\xb4,2\n", "", ""},
		"semicolons":                  {"a;b,c\n1;2\n", "[[a;b c] [1;2]]", ""},
		"more semicolons":             {"a;b;c\n1;2;3,5\n", "[[a b c] [1 2 3,5]]", ""},
		"a comma inside quotes":       {"\"a,,,\";b\n", "[[a,,, b]]", ""},
		"tabs":                        {"a\tb\n1\t\n", "[[a b] [1 ]]", ""},
		"nothing":                     {"", "[]", ""},
		"a mark and nothing":          {"\xef\xbb\xbf", "[]", ""},
		"formulas stay what they are": {"a,b\n=1+1,@x\n", "[[a b] [=1+1 @x]]", ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			rows, lines := rowsOf(t, strings.NewReader(c.in))
			if c.rows != "" && fmt.Sprint(rows) != c.rows {
				t.Errorf("%.300v", rows)
			}
			if c.lines != "" && fmt.Sprint(lines) != c.lines {
				t.Errorf("lines %v", lines)
			}
			switch name {
			case "a quote closed far below":
				if len(rows) != 20003 || rows[1][0] != "!quote" || rows[2][0] != "3" {
					t.Errorf("%d rows, %v", len(rows), rows[1:3])
				}
			case "Big5 that shows late":
				if last := rows[len(rows)-1]; last[0] != "眼" {
					t.Errorf("%v", last)
				}
			}
		})
	}
}

// endless is one line that never ends.
type endless struct{ left int }

func (e *endless) Read(p []byte) (int, error) {
	if e.left <= 0 {
		return 0, io.EOF
	}
	n := min(len(p), e.left)
	for i := range n {
		p[i] = 'x'
	}
	e.left -= n
	return n, nil
}

func TestSheetOfOneLongLine(t *testing.T) {
	in := io.MultiReader(strings.NewReader("a,b\n"), &endless{100 << 20}, strings.NewReader("\n1,2\n"))
	rows, _ := rowsOf(t, in)
	if fmt.Sprint(rows) != "[[a b] [!too_large] [1 2]]" {
		t.Errorf("%.200v", rows)
	}
	s, err := openSheet(io.MultiReader(strings.NewReader(`{"ref":"`), &endless{10 << 20}, strings.NewReader("\n{}\n")))
	check(t, err)
	if _, err := s.NextLine(); !errors.As(err, new(faultyRow)) {
		t.Errorf("a long line of JSON: %v", err)
	}
	if line, err := s.NextLine(); err != nil || string(line) != "{}" {
		t.Errorf("the line behind it: %q %v", line, err)
	}
}

func FuzzSheet(f *testing.F) {
	for _, s := range []string{"a,b\n1,2\n", "\"a\n\"\"b\",c\r\n", "a;b\n\"", "\xff\xfea\x00,\x00", "{\"ref\":1}\n", "單號,日期\n\xb2\xb4,1"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		rows, lines := rowsOf(t, strings.NewReader(string(in)))
		last := int64(0)
		for i, line := range lines {
			if line <= last {
				t.Fatalf("line %d behind %d", line, last)
			}
			last = line
			for _, cell := range rows[i] {
				if !utf8.ValidString(cell) || strings.ContainsRune(cell, 0) {
					t.Fatalf("cell %q", cell)
				}
			}
		}
		for _, k := range ImportKinds() {
			r, err := newImportReader(k, strings.NewReader(string(in)), ImportOptions{})
			for err == nil {
				_, err = r.Next()
			}
		}
	})
}

func TestParseAmount(t *testing.T) {
	cases := []struct {
		in, currency string
		want         int64
		ok           bool
	}{
		{"1280", "TWD", 128000, true}, {"1,280", "TWD", 128000, true}, {"NT$1,280.00", "TWD", 128000, true}, {"NT$ 1,280", "TWD", 128000, true},
		{"$12.5", "USD", 1250, true}, {"-1,280", "TWD", -128000, true}, {"(90)", "TWD", -9000, true}, {"1,280-", "TWD", -128000, true},
		{"１，２８０元", "TWD", 128000, true}, {"1.280.000", "IDR", 128000000, true}, {"Rp1.280.000,50", "IDR", 128000050, true}, {"1,280", "JPY", 1280, true},
		{"1.280", "VND", 1280, true}, {"¥1280", "JPY", 1280, true}, {"1.234", "KWD", 1234, true}, {"12.340", "TWD", 1234, true}, {"0", "TWD", 0, true}, {"+5", "TWD", 500, true},
		{"", "TWD", 0, false}, {"-", "TWD", 0, false}, {"1.2345", "TWD", 0, false}, {"1.280", "TWD", 128, true}, {"1.285", "TWD", 0, false}, {"12,80,00", "TWD", 0, false},
		{"1e9", "TWD", 0, false}, {"=1+1", "TWD", 0, false}, {"much", "TWD", 0, false}, {"99999999999999999999", "TWD", 0, false}, {"--5", "TWD", 0, false},
		{"1", "NTD", 0, false}, {"1.5", "JPY", 0, false}, {"1-2", "TWD", 0, false}, {".", "TWD", 0, false}, {"1,2,3.4,5", "TWD", 0, false},
	}
	for _, c := range cases {
		got, err := ParseAmount(c.in, c.currency)
		if (err == nil) != c.ok || got != c.want {
			t.Errorf("%q %s: %d %v", c.in, c.currency, got, err)
		}
	}
	for amount, want := range map[int64]string{128000: "1280", 1250: "12.50", -905: "-9.05", 0: "0"} {
		if got := FormatAmount(amount, "TWD"); got != want {
			t.Errorf("%d: %s", amount, got)
		}
	}
}

func TestParseMoment(t *testing.T) {
	cases := []struct {
		date, clock string
		roc         bool
		want        string // in Taipei; empty: refused
	}{
		{"2026-11-22", "", false, "2026-11-22 00:00:00"}, {"2026/11/2", "", false, "2026-11-02 00:00:00"}, {"2026.11.22", "", false, "2026-11-22 00:00:00"},
		{"20261122", "", false, "2026-11-22 00:00:00"}, {"2026年11月22日", "", false, "2026-11-22 00:00:00"}, {"2026/11/22 13:05", "", false, "2026-11-22 13:05:00"},
		{"2026-11-22T13:05:09Z", "", false, "2026-11-22 21:05:09"}, {"2026-11-22T13:05:09.123+08:00", "", false, "2026-11-22 13:05:09"},
		{"20261122130509", "", false, "2026-11-22 13:05:09"}, {"20261122", "1305", false, "2026-11-22 13:05:00"}, {"20261122", "13:05:09", false, "2026-11-22 13:05:09"},
		{"2026/11/22", "下午 01:05", false, "2026-11-22 13:05:00"}, {"2026/11/22 12:05 AM", "", false, "2026-11-22 00:05:00"}, {"２０２６／１１／２２", "", false, "2026-11-22 00:00:00"},
		{"115/01/02", "", true, "2026-01-02 00:00:00"}, {"1150102", "", true, "2026-01-02 00:00:00"}, {"民國115年1月2日", "", true, "2026-01-02 00:00:00"}, {"2026/01/02", "", true, "2026-01-02 00:00:00"},
		{"115/01/02", "", false, ""}, {"22/11/2026", "", false, ""}, {"2026-13-01", "", false, ""}, {"2026-02-29", "", false, ""}, {"2026-11-22 25:00", "", false, ""},
		{"", "", false, ""}, {"soon", "", false, ""}, {"2026", "", false, ""}, {"2026-11", "", false, ""}, {"=NOW()", "", false, ""}, {"2026-11-22 10", "", false, ""},
		{strings.Repeat("9", 400), "", false, ""}, {"1-2-3-4-5-6-7-8", "", false, ""},
	}
	for _, c := range cases {
		at, ok := moments{taipei, c.roc}.parse(c.date, c.clock)
		got := ""
		if ok {
			got = at.In(taipei).Format(time.DateTime)
		}
		if got != c.want {
			t.Errorf("%q %q: %q", c.date, c.clock, got)
		}
	}
}

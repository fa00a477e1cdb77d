package staff

import (
	"strings"
	"testing"
)

func TestParseHash(t *testing.T) {
	const good = "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	if h, err := parseHash(good); err != nil || h.String() != good {
		t.Fatalf("%v, %v", h, err)
	}
	cases := map[string]string{
		"empty":                    "",
		"other algorithm":          strings.Replace(good, "argon2id", "argon2i", 1),
		"other version":            strings.Replace(good, "v=19", "v=16", 1),
		"all memory":               strings.Replace(good, "m=64", "m=4294967295", 1),
		"no memory":                strings.Replace(good, "m=64", "m=0", 1),
		"for ever":                 strings.Replace(good, "t=1", "t=1000000", 1),
		"no pass":                  strings.Replace(good, "t=1", "t=0", 1),
		"leading zero":             strings.Replace(good, "t=1", "t=01", 1),
		"sign":                     strings.Replace(good, "t=1", "t=+1", 1),
		"too many threads":         strings.Replace(good, "p=1", "p=255", 1),
		"more threads than memory": strings.Replace(good, "p=1", "p=9", 1),
		"order":                    strings.Replace(good, "m=64,t=1", "t=1,m=64", 1),
		"parameter more":           strings.Replace(good, "p=1", "p=1,x=1", 1),
		"short salt":               strings.Replace(good, "c29tZXNhbHRzb21lc2FsdA", "c29t", 1),
		"short sum":                strings.Replace(good, strings.Repeat("A", 43), "AAAA", 1),
		"padding":                  good + "=",
		"line break":               strings.Replace(good, "$AAAA", "$AA\nAA", 1),
		"part more":                good + "$",
		"very long":                good + strings.Repeat("A", 1000),
	}
	for name, s := range cases {
		t.Run(name, func(t *testing.T) {
			if h, err := parseHash(s); err == nil {
				t.Errorf("accepted as %+v", h)
			}
		})
	}
}

func FuzzParseHash(f *testing.F) {
	f.Add(noHash)
	f.Add("$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	f.Add("$argon2id$v=19$m=,t=,p=$$")
	f.Fuzz(func(t *testing.T, s string) {
		h, err := parseHash(s)
		if err != nil {
			return
		}
		if h.String() != s {
			t.Errorf("%q reads as %q", s, h)
		}
		if h.memory > 1<<18 || h.passes > 64 || h.threads > 16 || len(h.salt) > 64 || len(h.sum) > 64 {
			t.Errorf("%q asks for too much", s)
		}
	})
}

func TestPasswords(t *testing.T) {
	stored, err := hashPassword(t.Context(), "a quiet morning")
	if err != nil {
		t.Fatal(err)
	}
	again, err := hashPassword(t.Context(), "a quiet morning")
	if err != nil || again == stored {
		t.Errorf("two hashes of one password are equal, or %v", err)
	}
	// The same password under last year's cheaper parameters.
	cheap := hashed{memory: 64, passes: 1, threads: 1, salt: []byte("0123456789abcdef"), sum: make([]byte, 32)}.compute("a quiet morning").String()
	cases := map[string]struct {
		stored, password string
		fits, outdated   bool
	}{
		"right":              {stored, "a quiet morning", true, false},
		"wrong":              {stored, "a quiet Morning", false, false},
		"none":               {stored, "", false, false},
		"right, outdated":    {cheap, "a quiet morning", true, true},
		"wrong, outdated":    {cheap, "a loud morning", false, false},
		"nobody":             {"", "a quiet morning", false, false},
		"nobody, none":       {"", "", false, false},
		"broken":             {"$argon2id$", "a quiet morning", false, false},
		"longer than a page": {stored, strings.Repeat("a quiet morning", 1000), false, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			fits, outdated, err := verifyPassword(t.Context(), c.stored, c.password)
			if fits != c.fits || outdated != c.outdated || err != nil {
				t.Errorf("fits %v, outdated %v, %v", fits, outdated, err)
			}
		})
	}
}

// People we do not know must cost as much work as those we know, or the time of the
// answer would tell who works here.
func TestUnknownPeopleCostTheSame(t *testing.T) {
	for name, stored := range map[string]string{"nobody": "", "broken hash": "x"} {
		t.Run(name, func(t *testing.T) {
			h, known := parseOr(stored, noHash)
			if known {
				t.Error("known")
			}
			if !h.current() {
				t.Errorf("the stand-in has other parameters than new hashes: %s", h)
			}
		})
	}
}

func TestPasswordField(t *testing.T) {
	cases := map[string]struct{ password, code string }{
		"good":             {"a quiet morning", ""},
		"Chinese":          {"安靜的早晨安靜的早晨", ""},
		"none":             {"", "required"},
		"nine":             {"123456abc", "too_short"},
		"nine Chinese":     {"安靜的早晨安靜的早", "too_short"},
		"two hundred":      {strings.Repeat("ab", 100), ""},
		"more":             {strings.Repeat("ab", 100) + "c", "too_long"},
		"her address":      {"Mei.Lin@Example.com", "same_as_email"},
		"common":           {"1234567890", "too_common"},
		"common, capitals": {"PassWord123", "too_common"},
		"one letter":       {"zzzzzzzzzzzz", "too_common"},
		"one sign":         {"早早早早早早早早早早", "too_common"},
		"spaces":           {"            ", "too_common"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			err := passwordField(c.password, "mei.lin@example.com")
			if c.code == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			invalid(t, err, "password", c.code)
		})
	}
	if n := strings.Count(commonPasswords, "\n"); n != 100 {
		t.Errorf("%d common passwords", n)
	}
}

func TestOneTimePassword(t *testing.T) {
	seen := map[string]bool{}
	for range 100 {
		p := oneTimePassword()
		if len(p) != 19 || strings.Count(p, "-") != 3 || seen[p] || passwordField(p, "") != nil {
			t.Fatalf("got %q", p)
		}
		seen[p] = true
	}
}

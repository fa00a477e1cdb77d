package staff

import (
	"context"
	"crypto/rand"
	_ "embed"
	"strings"
	"unicode/utf8"

	"dingdong/internal/db"
)

const (
	minPassword = 10  // characters
	maxPassword = 200 // characters; also bounds what a stranger can make us hash
)

// commonPasswords are the hundred that guessers try first among those long enough to be
// allowed at all, one a line, in small letters.
//
//go:embed common_passwords.txt
var commonPasswords string

// passwordField checks a new password. Rules about capitals and digits are left out on
// purpose: they make passwords worse (NIST SP 800-63B, section 5.1.1.2).
func passwordField(password, email string) error {
	n := utf8.RuneCountInString(password)
	code := ""
	switch {
	case n == 0:
		code = "required"
	case n < minPassword:
		code = "too_short"
	case n > maxPassword:
		code = "too_long"
	case normalEmail(password) == email:
		code = "same_as_email"
	case isCommon(password):
		code = "too_common"
	}
	if code != "" {
		return db.Invalid{Field: "password", Code: code}
	}
	return nil
}

func isCommon(password string) bool {
	password = strings.ToLower(strings.TrimSpace(password))
	for line := range strings.Lines(commonPasswords) {
		if strings.TrimSpace(line) == password {
			return true
		}
	}
	first, _ := utf8.DecodeRuneInString(password)
	return strings.Trim(password, string(first)) == "" // one character again and again, or only spaces
}

// noHash stands in for the hash of people we do not know, so that an answer about them
// takes as long as an answer about the others. No password is known to fit it.
const noHash = "$argon2id$v=19$m=19456,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

// hashing lets two hashes be computed at once in the process: each takes 19 MiB, and a
// crowd that guesses must not take all memory, nor all processors from the counters.
var hashing = make(chan struct{}, 2)

func enter(ctx context.Context) error {
	select {
	case hashing <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// hashPassword makes a new hash. It takes tens of milliseconds: never call it in a
// transaction, there is one writer.
func hashPassword(ctx context.Context, password string) (string, error) {
	if err := enter(ctx); err != nil {
		return "", err
	}
	defer func() { <-hashing }()
	h := hashed{memory: hashMemory, passes: hashPasses, threads: hashThreads,
		salt: make([]byte, saltSize), sum: make([]byte, sumSize)}
	rand.Read(h.salt)
	return h.compute(password).String(), nil
}

// verifyPassword says whether the password has the stored hash, and whether the hash
// should be made anew with today's parameters. An empty or broken hash fits nothing, and
// takes as long to say so.
func verifyPassword(ctx context.Context, stored, password string) (fits, outdated bool, err error) {
	h, known := parseOr(stored, noHash)
	if err := enter(ctx); err != nil {
		return false, false, err
	}
	defer func() { <-hashing }()
	if utf8.RuneCountInString(password) > maxPassword {
		password, known = "", false
	}
	fits = h.fits(password) && known
	return fits, fits && !h.current(), nil
}

func parseOr(stored, instead string) (hashed, bool) {
	if h, err := parseHash(stored); err == nil {
		return h, true
	}
	h, err := parseHash(instead)
	if err != nil {
		panic("staff: " + err.Error()) // a constant of this file; its test would have failed
	}
	return h, false
}

// oneTimePassword is four groups of four letters and digits that cannot be mistaken for
// one another when read out over the phone: 77 bits.
func oneTimePassword() string {
	const letters = "abcdefghjkmnpqrstuvwxyz23456789"
	var b strings.Builder
	buf := make([]byte, 1)
	for b.Len() < 19 {
		if b.Len()%5 == 4 {
			b.WriteByte('-')
			continue
		}
		rand.Read(buf)
		// 248 is the largest multiple of 31 in a byte: above it some letters would come more often.
		if buf[0] < 248 {
			b.WriteByte(letters[buf[0]%31])
		}
	}
	return b.String()
}

package staff

import (
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"
)

// hashed is a password hash with its parameters, as the PHC string format writes it:
// $argon2id$v=19$m=19456,t=2,p=1$salt$sum
// (https://github.com/P-H-C/phc-string-format). The parameters travel with each hash, so
// that they can be raised later: see SignIn.
type hashed struct {
	memory  uint32 // KiB
	passes  uint32
	threads uint8
	salt    []byte
	sum     []byte
}

// The parameters of new hashes: the second choice of OWASP's password storage cheat
// sheet, for many people signing in on a small machine.
const (
	hashMemory  = 19 * 1024
	hashPasses  = 2
	hashThreads = 1
	saltSize    = 16
	sumSize     = 32
)

var errHash = errors.New("staff: broken password hash")

// String writes the hash for the database.
func (h hashed) String() string {
	e := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version,
		h.memory, h.passes, h.threads, e.EncodeToString(h.salt), e.EncodeToString(h.sum))
}

// parseHash reads a hash. It bounds every parameter: a hash that came in with a restored
// or edited database must not be able to ask for all memory.
func parseHash(s string) (hashed, error) {
	if len(s) > 512 {
		return hashed{}, errHash
	}
	part := strings.Split(s, "$")
	if len(part) != 6 || part[0] != "" || part[1] != "argon2id" || part[2] != "v="+strconv.Itoa(argon2.Version) {
		return hashed{}, errHash
	}
	param := strings.Split(part[3], ",")
	if len(param) != 3 {
		return hashed{}, errHash
	}
	memory, err1 := number(param[0], "m=", 8, 1<<18) // at most 256 MiB
	passes, err2 := number(param[1], "t=", 1, 64)
	threads, err3 := number(param[2], "p=", 1, 16)
	if err := errors.Join(err1, err2, err3); err != nil || memory < 8*threads {
		return hashed{}, errHash
	}
	e := base64.RawStdEncoding.Strict()
	salt, err1 := e.DecodeString(part[4])
	sum, err2 := e.DecodeString(part[5])
	if err1 != nil || err2 != nil || len(salt) < 8 || len(salt) > 64 || len(sum) < 16 || len(sum) > 64 {
		return hashed{}, errHash
	}
	h := hashed{memory: memory, passes: passes, threads: uint8(threads), salt: salt, sum: sum}
	if h.String() != s { // the decoder skips line breaks
		return hashed{}, errHash
	}
	return h, nil
}

// number reads a decimal as the format demands it: no sign, no leading zero.
func number(s, prefix string, low, high uint32) (uint32, error) {
	digits, found := strings.CutPrefix(s, prefix)
	if !found || digits == "" || digits[0] < '1' || digits[0] > '9' {
		return 0, errHash
	}
	n, err := strconv.ParseUint(digits, 10, 32)
	if err != nil || uint32(n) < low || uint32(n) > high {
		return 0, errHash
	}
	return uint32(n), nil
}

// current says whether the hash was made with today's parameters.
func (h hashed) current() bool {
	return h.memory == hashMemory && h.passes == hashPasses && h.threads == hashThreads &&
		len(h.salt) == saltSize && len(h.sum) == sumSize
}

// compute fills in the sum for the password.
func (h hashed) compute(password string) hashed {
	h.sum = argon2.IDKey([]byte(password), h.salt, h.passes, h.memory, h.threads, uint32(len(h.sum)))
	return h
}

// fits says whether the password has this hash; the comparison takes the same time
// wherever the two differ.
func (h hashed) fits(password string) bool {
	return subtle.ConstantTimeCompare(h.compute(password).sum, h.sum) == 1
}

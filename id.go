package shortbreaks

import (
	"crypto/rand"
	"strings"

	"github.com/google/uuid"
)

// NewID is a new UUIDv7: time-ordered, so indexes stay hot at their right edge.
func NewID() uuid.UUID { return uuid.Must(uuid.NewV7()) }

// crockford is base 32 without I, L, O and U, so that a reference read aloud
// or copied by hand is not mistaken.
const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// NewReference is a new booking reference such as "SB-7K3Q-9F2M": seven random
// characters and one that checks them.
func NewReference() string {
	var raw [7]byte
	_, _ = rand.Read(raw[:]) // crypto/rand.Read never fails
	digits := make([]byte, 0, 8)
	for _, b := range raw {
		digits = append(digits, crockford[b&31])
	}
	digits = append(digits, checkCharacter(digits))
	return "SB-" + string(digits[:4]) + "-" + string(digits[4:])
}

// ParseReference tidies a reference a person typed (case, spaces, I, L and O)
// and says whether its check character agrees.
func ParseReference(typed string) (string, bool) {
	s := strings.NewReplacer(" ", "", "-", "", "I", "1", "L", "1", "O", "0").Replace(strings.ToUpper(typed))
	s = strings.TrimPrefix(s, "SB")
	if len(s) != 8 {
		return "", false
	}
	for _, c := range s {
		if !strings.ContainsRune(crockford, c) {
			return "", false
		}
	}
	if checkCharacter([]byte(s[:7])) != s[7] {
		return "", false
	}
	return "SB-" + s[:4] + "-" + s[4:], true
}

// checkCharacter weighs each place by an odd number, so one wrong character is
// always found.
func checkCharacter(digits []byte) byte {
	sum := 0
	for i, d := range digits {
		sum += (2*i + 1) * strings.IndexByte(crockford, d)
	}
	return crockford[sum%32]
}

package people

import (
	"crypto/rand"
	"strings"
)

const codeLetters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ" // none that sound or look like others

// NewCode is a fresh code of ten characters, which are fifty bits, such as
// "7K3QM-9F2XD". A person can read it out or type it off a letter.
func NewCode() string {
	var raw [10]byte
	_, _ = rand.Read(raw[:]) // never fails: it would end the program
	var b strings.Builder
	for i, r := range raw {
		if i == 5 {
			b.WriteByte('-')
		}
		b.WriteByte(codeLetters[r&31])
	}
	return b.String()
}

// TidyCode is a code as it was meant, whoever wrote it down.
func TidyCode(typed string) string {
	return strings.NewReplacer(" ", "", "-", "", "I", "1", "L", "1", "O", "0").Replace(strings.ToUpper(typed))
}

package booking

import (
	"crypto/rand"
	"crypto/subtle"
	"strings"

	"golang.org/x/crypto/argon2"
)

// A collection password is kept as Argon2id of it: 19 MiB, twice over, as OWASP
// advises at least. Words are short, so guessing has to be dear.
const (
	secretMemoryKiB = 19 << 10
	secretPasses    = 2
	secretBytes     = 32
	saltBytes       = 16
)

// hashing lets two passwords be worked out at a time, so that many at once
// cannot take the server's memory.
var hashing = make(chan struct{}, 2)

// hashSecret is a password as it is kept, with a fresh salt.
func hashSecret(words string) (hash, salt []byte) {
	salt = make([]byte, saltBytes)
	_, _ = rand.Read(salt) // never fails: it would end the program
	return derive(words, salt), salt
}

// sameSecret reports whether words are the password that was kept, in a time
// that does not tell how much of them was right.
func sameSecret(words string, hash, salt []byte) bool {
	return len(hash) > 0 && subtle.ConstantTimeCompare(derive(words, salt), hash) == 1
}

// derive leaves out case and outer spaces: the password is said aloud at a door.
func derive(words string, salt []byte) []byte {
	hashing <- struct{}{}
	defer func() { <-hashing }()
	return argon2.IDKey([]byte(strings.ToLower(strings.TrimSpace(words))), salt, secretPasses, secretMemoryKiB, 1, secretBytes)
}

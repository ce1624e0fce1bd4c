package people

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
)

// KeySettings say which keys sign and check tokens.
type KeySettings struct {
	Issuer   string // "iss": the address of this service
	Audience string // "aud": who the tokens are for

	// PEM holds an Ed25519 private key (PKCS #8) that signs. Further private
	// or public keys are accepted but do not sign, which is how one key
	// follows another without signing anybody out.
	PEM []byte

	// Seed is the private key instead: 32 random bytes in base64.
	Seed string

	// Generate makes a key for as long as the process lives if none is given.
	// For the demo and tests: without it, no key is an error.
	Generate bool
}

// Keys sign and check tokens. Safe for concurrent use.
type Keys struct {
	issuer, audience string
	signs            string // kid of private
	private          ed25519.PrivateKey
	order            []string // kids as given, for JWKS
	public           map[string]ed25519.PublicKey
	seen             tokenCache
}

// NewKeys reads the keys. It refuses missing ones, and ones that no random
// source gave, so that a server cannot start on an example's key.
func NewKeys(s KeySettings) (*Keys, error) {
	if s.Issuer == "" || s.Audience == "" {
		return nil, errors.New("token keys: issuer and audience must be set")
	}
	k := &Keys{issuer: s.Issuer, audience: s.Audience, public: map[string]ed25519.PublicKey{}}
	if err := k.read(s); err != nil {
		return nil, fmt.Errorf("token keys: %w", err)
	}
	return k, nil
}

func (k *Keys) read(s KeySettings) error {
	switch {
	case len(s.PEM) > 0 && s.Seed != "":
		return errors.New("give a PEM or a seed, not both")
	case len(s.PEM) > 0:
		return k.readPEM(s.PEM)
	case s.Seed != "":
		seed, err := base64.StdEncoding.DecodeString(s.Seed)
		if err != nil || len(seed) != ed25519.SeedSize {
			return errors.New("the seed must be 32 bytes in base64")
		}
		return k.addPrivate(ed25519.NewKeyFromSeed(seed))
	case s.Generate:
		_, private, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			return fmt.Errorf("make a key: %w", err)
		}
		return k.addPrivate(private)
	default:
		return errors.New("none given; make one with: openssl genpkey -algorithm ed25519")
	}
}

func (k *Keys) readPEM(text []byte) error {
	for {
		block, rest := pem.Decode(text)
		if block == nil {
			break
		}
		if err := k.readBlock(block); err != nil {
			return err
		}
		text = rest
	}
	if k.private == nil {
		return errors.New("the PEM holds no private key")
	}
	return nil
}

func (k *Keys) readBlock(block *pem.Block) error {
	switch block.Type {
	case "PRIVATE KEY":
		parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		if err != nil {
			return fmt.Errorf("read private key: %w", err)
		}
		private, ok := parsed.(ed25519.PrivateKey)
		if !ok {
			return errors.New("only Ed25519 keys are used")
		}
		return k.addPrivate(private)
	case "PUBLIC KEY":
		parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
		if err != nil {
			return fmt.Errorf("read public key: %w", err)
		}
		public, ok := parsed.(ed25519.PublicKey)
		if !ok {
			return errors.New("only Ed25519 keys are used")
		}
		k.addPublic(public)
		return nil
	default:
		return fmt.Errorf("the PEM holds a %q, not a key", block.Type)
	}
}

// addPrivate signs with the first key it is given. 32 random bytes hold far
// more than 8 different ones; a repeated letter, zeros or a count do not pass
// for random.
func (k *Keys) addPrivate(private ed25519.PrivateKey) error {
	seed := private.Seed()
	different := map[byte]bool{}
	steps := map[byte]bool{}
	for i, b := range seed {
		different[b] = true
		steps[b-seed[max(i-1, 0)]] = true
	}
	if len(different) < 8 || len(steps) < 8 {
		return errors.New("the key is not random; make one with: openssl genpkey -algorithm ed25519")
	}
	kid := k.addPublic(private.Public().(ed25519.PublicKey))
	if k.private == nil {
		k.private, k.signs = private, kid
	}
	return nil
}

// addPublic names a key by its own thumbprint (RFC 7638), so that a name
// always means the same key.
func (k *Keys) addPublic(public ed25519.PublicKey) string {
	x := base64.RawURLEncoding.EncodeToString(public)
	sum := sha256.Sum256([]byte(`{"crv":"Ed25519","kty":"OKP","x":"` + x + `"}`))
	kid := base64.RawURLEncoding.EncodeToString(sum[:])
	if _, known := k.public[kid]; !known {
		k.order = append(k.order, kid)
		k.public[kid] = public
	}
	return kid
}

// JWKS is a JSON Web Key Set (RFC 7517).
type JWKS struct {
	Keys []JWK `json:"keys"`
}

// JWK is one Ed25519 public key (RFC 8037).
type JWK struct {
	Kty string `json:"kty"`
	Kid string `json:"kid"`
	Use string `json:"use"`
	Alg string `json:"alg"`
	Crv string `json:"crv"`
	X   string `json:"x"`
}

// JWKS is the public half of the keys, for whoever wants to check a token.
func (k *Keys) JWKS() JWKS {
	set := JWKS{Keys: []JWK{}}
	for _, kid := range k.order {
		set.Keys = append(set.Keys, JWK{
			Kty: "OKP", Kid: kid, Use: "sig", Alg: "EdDSA", Crv: "Ed25519", X: base64.RawURLEncoding.EncodeToString(k.public[kid]),
		})
	}
	return set
}

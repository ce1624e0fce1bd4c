package people_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/people"
)

const issuer, audience = "https://short-breaks.test", "short-breaks"

var issuedAt = time.Date(2027, 1, 4, 12, 0, 0, 0, time.UTC)

func newKeys(t testing.TB) *people.Keys {
	t.Helper()
	keys, err := people.NewKeys(people.KeySettings{Issuer: issuer, Audience: audience, Generate: true})
	require.NoError(t, err)
	return keys
}

func TestATokenSaysWhoAndInWhichRole(t *testing.T) {
	t.Parallel()
	keys, person, session := newKeys(t), shortbreaks.NewID(), shortbreaks.NewID()
	token, err := keys.Issue(person, shortbreaks.Finance, session, issuedAt)
	require.NoError(t, err)
	for range 2 { // worked out, then remembered
		claims, err := keys.Verify(token, issuedAt)
		require.NoError(t, err)
		require.Equal(t, people.Claims{
			Person: person, Role: shortbreaks.Finance, Session: session, ExpiresAt: claims.ExpiresAt,
		}, claims)
		require.True(t, claims.ExpiresAt.Equal(issuedAt.Add(15*time.Minute)))
	}
}

func TestATokenLastsFifteenMinutesEvenOnceRemembered(t *testing.T) {
	t.Parallel()
	fresh, used := newKeys(t), newKeys(t)
	for name, keys := range map[string]*people.Keys{"fresh": fresh, "remembered": used} {
		token, err := keys.Issue(shortbreaks.NewID(), shortbreaks.Family, shortbreaks.NewID(), issuedAt)
		require.NoError(t, err)
		if keys == used {
			_, err = keys.Verify(token, issuedAt)
			require.NoError(t, err)
		}
		_, err = keys.Verify(token, issuedAt.Add(15*time.Minute+10*time.Second))
		require.ErrorIs(t, err, people.ErrTokenInvalid, name)
		_, err = keys.Verify(token, issuedAt.Add(-11*time.Second))
		require.ErrorIs(t, err, people.ErrTokenInvalid, name)
		_, err = keys.Verify(token, issuedAt.Add(15*time.Minute+9*time.Second))
		require.NoError(t, err, name)
		_, err = keys.Verify(token, issuedAt.Add(-10*time.Second))
		require.NoError(t, err, name)
	}
}

// forge signs claims as an attacker would: with whatever key and header.
func forge(t *testing.T, method jwt.SigningMethod, key any, header map[string]any, claims jwt.MapClaims) string {
	t.Helper()
	token := jwt.NewWithClaims(method, claims)
	for name, value := range header {
		token.Header[name] = value
	}
	signed, err := token.SignedString(key)
	require.NoError(t, err)
	return signed
}

func TestForgedTokensAreRefused(t *testing.T) {
	t.Parallel()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	keys, err := people.NewKeys(people.KeySettings{
		Issuer: issuer, Audience: audience, Seed: base64.StdEncoding.EncodeToString(private.Seed()),
	})
	require.NoError(t, err)
	_, stranger, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	der, err := x509.MarshalPKIXPublicKey(public)
	require.NoError(t, err)
	publicPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})

	kid := keys.JWKS().Keys[0].Kid
	header := map[string]any{"kid": kid}
	with := func(changes jwt.MapClaims) jwt.MapClaims {
		claims := jwt.MapClaims{
			"iss": issuer, "aud": audience, "sub": shortbreaks.NewID().String(), "sid": shortbreaks.NewID().String(), "role": "family",
			"iat": issuedAt.Unix(), "exp": issuedAt.Add(time.Minute).Unix(),
		}
		for name, value := range changes {
			if value == nil {
				delete(claims, name)
				continue
			}
			claims[name] = value
		}
		return claims
	}
	signed := func(changes jwt.MapClaims) string {
		return forge(t, jwt.SigningMethodEdDSA, private, header, with(changes))
	}
	good := signed(nil)
	_, err = keys.Verify(good, issuedAt)
	require.NoError(t, err, "the forger's tools make good tokens too, or this test shows nothing")
	parts := strings.Split(good, ".")
	recoded := func(part int, change func(string) string) string {
		raw, err := base64.RawURLEncoding.DecodeString(parts[part])
		require.NoError(t, err)
		forged := append([]string{}, parts...)
		forged[part] = base64.RawURLEncoding.EncodeToString([]byte(change(string(raw))))
		return strings.Join(forged, ".")
	}

	for name, token := range map[string]string{
		"empty":                      "",
		"not a token":                "Bearer",
		"alg none":                   forge(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, header, with(nil)),
		"alg none, our signature":    recoded(0, func(h string) string { return strings.Replace(h, "EdDSA", "none", 1) }),
		"HS256 with the public key":  forge(t, jwt.SigningMethodHS256, []byte(public), header, with(nil)),
		"HS256 with the public PEM":  forge(t, jwt.SigningMethodHS256, publicPEM, header, with(nil)),
		"RS256":                      forge(t, jwt.SigningMethodRS256, rsaKey, header, with(nil)),
		"another's key, our kid":     forge(t, jwt.SigningMethodEdDSA, stranger, header, with(nil)),
		"our key, another kid":       forge(t, jwt.SigningMethodEdDSA, private, map[string]any{"kid": "other"}, with(nil)),
		"our key, no kid":            forge(t, jwt.SigningMethodEdDSA, private, nil, with(nil)),
		"our key, kid not a text":    forge(t, jwt.SigningMethodEdDSA, private, map[string]any{"kid": []string{kid}}, with(nil)),
		"a key of its own in header": forge(t, jwt.SigningMethodEdDSA, stranger, map[string]any{"kid": "x", "jwk": map[string]string{"kty": "OKP", "crv": "Ed25519", "x": base64.RawURLEncoding.EncodeToString(stranger.Public().(ed25519.PublicKey))}}, with(nil)),
		"critical extension":         forge(t, jwt.SigningMethodEdDSA, private, map[string]any{"kid": kid, "crit": []string{"b64"}, "b64": false}, with(nil)),
		"another issuer":             signed(jwt.MapClaims{"iss": "https://elsewhere.test"}),
		"no issuer":                  signed(jwt.MapClaims{"iss": nil}),
		"another audience":           signed(jwt.MapClaims{"aud": "payroll"}),
		"no audience":                signed(jwt.MapClaims{"aud": nil}),
		"expired":                    signed(jwt.MapClaims{"exp": issuedAt.Add(-time.Minute).Unix()}),
		"no expiry":                  signed(jwt.MapClaims{"exp": nil}),
		"expiry as text":             signed(jwt.MapClaims{"exp": "soon"}),
		"good for an hour":           signed(jwt.MapClaims{"exp": issuedAt.Add(time.Hour).Unix()}),
		"no time of issue":           signed(jwt.MapClaims{"iat": nil}),
		"not yet valid":              signed(jwt.MapClaims{"nbf": issuedAt.Add(time.Minute).Unix()}),
		"issued in the future":       signed(jwt.MapClaims{"iat": issuedAt.Add(time.Minute).Unix()}),
		"no subject":                 signed(jwt.MapClaims{"sub": nil}),
		"subject is not an id":       signed(jwt.MapClaims{"sub": "pat"}),
		"subject is nobody":          signed(jwt.MapClaims{"sub": uuid.Nil.String()}),
		"no role":                    signed(jwt.MapClaims{"role": nil}),
		"no session":                 signed(jwt.MapClaims{"sid": nil}),
		"role changed":               recoded(1, func(c string) string { return strings.Replace(c, "family", "finance", 1) }),
		"signature cut off":          parts[0] + "." + parts[1] + ".",
		"signature missing":          parts[0] + "." + parts[1],
		"signature of another":       parts[0] + "." + parts[1] + "." + strings.Split(signed(nil), ".")[2],
		"signature with a tail":      good + "A",
		"padded":                     good + "==",
		"a fourth part":              good + ".x",
		"many dots":                  strings.Repeat(".", 1_000_000),
		"very long":                  parts[0] + "." + strings.Repeat("A", 1_000_000) + "." + parts[2],
		"line break":                 parts[0] + "." + parts[1] + "\n." + parts[2],
	} {
		_, err := keys.Verify(token, issuedAt)
		require.ErrorIs(t, err, people.ErrTokenInvalid, name)
		_, err = keys.Verify(token, issuedAt)
		require.ErrorIs(t, err, people.ErrTokenInvalid, "%s, the second time", name)
	}
}

// The last character of a signature carries bits that mean nothing; only one
// spelling of a token is good.
func TestATokenHasOneSpelling(t *testing.T) {
	t.Parallel()
	keys := newKeys(t)
	token, err := keys.Issue(shortbreaks.NewID(), shortbreaks.Family, shortbreaks.NewID(), issuedAt)
	require.NoError(t, err)
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	good := 0
	for _, c := range alphabet {
		if _, err := keys.Verify(token[:len(token)-1]+string(c), issuedAt); err == nil {
			good++
		}
	}
	require.Equal(t, 1, good)
}

func TestKeysAreRefusedUnlessRandom(t *testing.T) {
	t.Parallel()
	counted := make([]byte, 32)
	for i := range counted {
		counted[i] = byte(i)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	rsaDER, err := x509.MarshalPKCS8PrivateKey(rsaKey)
	require.NoError(t, err)
	ours := people.KeySettings{Issuer: issuer, Audience: audience}
	for name, change := range map[string]func(*people.KeySettings){
		"none":        func(*people.KeySettings) {},
		"no issuer":   func(s *people.KeySettings) { s.Issuer, s.Generate = "", true },
		"no audience": func(s *people.KeySettings) { s.Audience, s.Generate = "", true },
		"zeros":       func(s *people.KeySettings) { s.Seed = base64.StdEncoding.EncodeToString(make([]byte, 32)) },
		"a count":     func(s *people.KeySettings) { s.Seed = base64.StdEncoding.EncodeToString(counted) },
		"a word": func(s *people.KeySettings) {
			s.Seed = base64.StdEncoding.EncodeToString([]byte(strings.Repeat("secret", 6)[:32]))
		},
		"too short":  func(s *people.KeySettings) { s.Seed = "c2VjcmV0" },
		"not base64": func(s *people.KeySettings) { s.Seed = "changeme" },
		"not a key":  func(s *people.KeySettings) { s.PEM = []byte("changeme") },
		"another kind": func(s *people.KeySettings) {
			s.PEM = pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: rsaDER})
		},
		"a certificate": func(s *people.KeySettings) {
			s.PEM = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: rsaDER})
		},
		"both": func(s *people.KeySettings) {
			s.PEM, s.Seed = []byte("x"), "x"
		},
	} {
		s := ours
		change(&s)
		_, err := people.NewKeys(s)
		require.Error(t, err, name)
	}
}

func TestKeysFollowOneAnotherWithoutSigningAnybodyOut(t *testing.T) {
	t.Parallel()
	block := func(key any) []byte {
		if public, ok := key.(ed25519.PublicKey); ok {
			der, err := x509.MarshalPKIXPublicKey(public)
			require.NoError(t, err)
			return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
		}
		der, err := x509.MarshalPKCS8PrivateKey(key)
		require.NoError(t, err)
		return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	}
	oldPublic, oldPrivate, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	_, newPrivate, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	before, err := people.NewKeys(people.KeySettings{Issuer: issuer, Audience: audience, PEM: block(oldPrivate)})
	require.NoError(t, err)
	after, err := people.NewKeys(people.KeySettings{Issuer: issuer, Audience: audience, PEM: append(block(newPrivate), block(oldPublic)...)})
	require.NoError(t, err)

	old, err := before.Issue(shortbreaks.NewID(), shortbreaks.Family, shortbreaks.NewID(), issuedAt)
	require.NoError(t, err)
	_, err = after.Verify(old, issuedAt)
	require.NoError(t, err)
	fresh, err := after.Issue(shortbreaks.NewID(), shortbreaks.Family, shortbreaks.NewID(), issuedAt)
	require.NoError(t, err)
	_, err = before.Verify(fresh, issuedAt)
	require.ErrorIs(t, err, people.ErrTokenInvalid)
	_, err = people.NewKeys(people.KeySettings{Issuer: issuer, Audience: audience, PEM: block(oldPublic)})
	require.Error(t, err, "a public key cannot sign")

	set := after.JWKS()
	require.Len(t, set.Keys, 2)
	text, err := json.Marshal(set)
	require.NoError(t, err)
	require.NotContains(t, string(text), `"d"`, "the private half stays private")
	x, err := base64.RawURLEncoding.DecodeString(set.Keys[1].X)
	require.NoError(t, err)
	require.Equal(t, []byte(oldPublic), x)
}

func TestKeysServeManyAtOnceAndRememberABoundedNumber(t *testing.T) {
	t.Parallel()
	keys := newKeys(t)
	keys.Remember(256)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range 150 { // together a little more than are remembered
				person := shortbreaks.NewID()
				token, err := keys.Issue(person, shortbreaks.Family, person, issuedAt)
				if err != nil {
					t.Error(err)
					return
				}
				if claims, err := keys.Verify(token, issuedAt); err != nil || claims.Person != person {
					t.Errorf("token %d: %v", i, err)
					return
				}
			}
		})
	}
	wg.Wait()
	require.LessOrEqual(t, keys.Remembered(), 512)
	require.Greater(t, keys.Remembered(), 0)
}

func BenchmarkVerify(b *testing.B) {
	keys := newKeys(b)
	for _, c := range []struct {
		name   string
		tokens int
	}{{"one token", 1}, {"always another", 20_000}} {
		tokens := make([]string, c.tokens)
		for i := range tokens {
			tokens[i], _ = keys.Issue(shortbreaks.NewID(), shortbreaks.Family, shortbreaks.NewID(), issuedAt)
		}
		b.Run(c.name, func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				if _, err := keys.Verify(tokens[i%len(tokens)], issuedAt); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

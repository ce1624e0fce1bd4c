package people

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"shortbreaks"
)

const (
	// TokenLasts is how long a token can be used. Short, because it cannot be
	// called back; what its bearer may do is read anew for each request.
	TokenLasts = 15 * time.Minute

	// tokenLeeway forgives two servers whose clocks differ a little.
	tokenLeeway = 10 * time.Second

	// tokenMost is far above the 400 bytes of a real token; longer ones are
	// thrown away before anything is decoded.
	tokenMost = 2048
)

// ErrTokenInvalid is the one answer to a token that is forged, foreign,
// malformed or out of date: it never says which.
var ErrTokenInvalid = shortbreaks.NewError(shortbreaks.Unauthorized, "token-invalid", "This token cannot be used")

// Claims are what a token says: who, acting in which role, in which session.
// Not what they may do: see Load.
type Claims struct {
	Person    uuid.UUID
	Role      shortbreaks.Role
	Session   uuid.UUID // one sign-in
	ExpiresAt time.Time
}

// tokenClaims are Claims as written in the token.
type tokenClaims struct {
	jwt.RegisteredClaims
	Role    shortbreaks.Role `json:"role"`
	Session uuid.UUID        `json:"sid"`
}

// Issue signs a token for a person acting in a role. It does not check that
// they hold it: each request does.
func (k *Keys) Issue(person uuid.UUID, role shortbreaks.Role, session uuid.UUID, now time.Time) (string, error) {
	t := jwt.NewWithClaims(jwt.SigningMethodEdDSA, tokenClaims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: k.issuer, Audience: jwt.ClaimStrings{k.audience}, Subject: person.String(),
			IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(TokenLasts)),
		},
		Role: role, Session: session,
	})
	t.Header["kid"] = k.signs
	signed, err := t.SignedString(k.private)
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	return signed, nil
}

// Verify is what a token says, if it is one of ours and current; otherwise
// ErrTokenInvalid. A signature is worked out once and remembered; issuer,
// audience and times are checked every time.
func (k *Keys) Verify(token string, now time.Time) (Claims, error) {
	if len(token) > tokenMost || strings.Count(token, ".") != 2 {
		return Claims{}, ErrTokenInvalid
	}
	sum := sha256.Sum256([]byte(token))
	claims, known := k.seen.get(sum)
	if !known {
		var err error
		if claims, err = k.signed(token); err != nil {
			return Claims{}, ErrTokenInvalid
		}
	}
	if err := k.current(claims, now); err != nil {
		return Claims{}, ErrTokenInvalid
	}
	person, err := uuid.Parse(claims.Subject)
	if err != nil || person == uuid.Nil || claims.Role == "" || claims.Session == uuid.Nil {
		return Claims{}, ErrTokenInvalid
	}
	if !known {
		k.seen.put(sum, claims)
	}
	return Claims{Person: person, Role: claims.Role, Session: claims.Session, ExpiresAt: claims.ExpiresAt.Time}, nil
}

// signed decodes a token whose signature is by one of our keys, with the one
// algorithm we use whatever the token's header asks for.
func (k *Keys) signed(token string) (*tokenClaims, error) {
	var claims tokenClaims
	parser := jwt.NewParser(jwt.WithValidMethods([]string{jwt.SigningMethodEdDSA.Alg()}), jwt.WithStrictDecoding(), jwt.WithoutClaimsValidation())
	_, err := parser.ParseWithClaims(token, &claims, func(t *jwt.Token) (any, error) {
		if _, demands := t.Header["crit"]; demands {
			return nil, errors.New("a token may not demand extensions") // RFC 7515, 4.1.11: not understood, so refused
		}
		kid, _ := t.Header["kid"].(string)
		public, ok := k.public[kid]
		if !ok {
			return nil, errors.New("not our key")
		}
		return public, nil
	})
	if err != nil {
		return nil, err
	}
	return &claims, nil
}

// current checks issuer, audience and times against now. No token of ours
// lives longer than TokenLasts, so one that would was not made by Issue.
func (k *Keys) current(claims *tokenClaims, now time.Time) error {
	if claims.IssuedAt == nil || claims.ExpiresAt == nil || claims.ExpiresAt.Sub(claims.IssuedAt.Time) > TokenLasts {
		return errors.New("not a lifetime we give")
	}
	return jwt.NewValidator(jwt.WithIssuer(k.issuer), jwt.WithAudience(k.audience), jwt.WithExpirationRequired(), jwt.WithIssuedAt(),
		jwt.WithLeeway(tokenLeeway), jwt.WithTimeFunc(func() time.Time { return now })).Validate(claims)
}

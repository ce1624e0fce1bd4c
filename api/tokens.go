package api

import (
	"context"
	"time"

	"shortbreaks"
	"shortbreaks/api/gen"
	"shortbreaks/people"
)

// IssueToken signs in to the demo by name alone; anywhere else it refuses.
func (s *Server) IssueToken(ctx context.Context, r gen.IssueTokenRequestObject) (gen.IssueTokenResponseObject, error) {
	if !s.Demo {
		return nil, people.ErrSignInUnavailable
	}
	t, err := people.SignInDemo(ctx, s.DB, s.Keys, r.Body.Subject, shortbreaks.Role(given(r.Body.Role)))
	if err != nil {
		return nil, err
	}
	return gen.IssueToken200JSONResponse{
		AccessToken: t.Access, TokenType: gen.TokenTypeBearer, ExpiresIn: int(t.ExpiresIn / time.Second), PersonID: t.Person,
		Role: gen.Role(t.Role), Roles: words[gen.Role](t.Roles),
	}, nil
}

// GetJWKS gives the public halves of the keys.
func (s *Server) GetJWKS(context.Context, gen.GetJWKSRequestObject) (gen.GetJWKSResponseObject, error) {
	return gen.GetJWKS200JSONResponse{Keys: mapped(s.Keys.JWKS().Keys, keyOut)}, nil
}

func keyOut(k people.JWK) gen.JWK {
	return gen.JWK{Kty: k.Kty, Kid: k.Kid, Use: k.Use, Alg: k.Alg, Crv: k.Crv, X: k.X}
}

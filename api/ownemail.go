package api

import (
	"context"

	"shortbreaks/api/gen"
	"shortbreaks/people"
)

// GetOwnEmail reads the caller's own e-mail address.
func (s *Server) GetOwnEmail(ctx context.Context, _ gen.GetOwnEmailRequestObject) (gen.GetOwnEmailResponseObject, error) {
	e, err := people.OwnEmail(ctx, s.DB, who(ctx))
	if err != nil {
		return nil, err
	}
	return gen.GetOwnEmail200JSONResponse(ownEmailOut(e)), nil
}

// SetOwnEmail has a code sent to an address the caller gives.
func (s *Server) SetOwnEmail(ctx context.Context, r gen.SetOwnEmailRequestObject) (gen.SetOwnEmailResponseObject, error) {
	if !s.Mail {
		return nil, people.ErrNoMailHere
	}
	e, err := people.SetEmail(ctx, s.DB, who(ctx), r.Body.Address)
	if err != nil {
		return nil, err
	}
	return gen.SetOwnEmail200JSONResponse(ownEmailOut(e)), nil
}

// ConfirmOwnEmail takes the code back that was sent.
func (s *Server) ConfirmOwnEmail(ctx context.Context, r gen.ConfirmOwnEmailRequestObject) (gen.ConfirmOwnEmailResponseObject, error) {
	e, err := people.ConfirmEmail(ctx, s.DB, who(ctx), r.Body.Code)
	if err != nil {
		return nil, err
	}
	return gen.ConfirmOwnEmail200JSONResponse(ownEmailOut(e)), nil
}

// RemoveOwnEmail takes the caller's address away.
func (s *Server) RemoveOwnEmail(ctx context.Context, _ gen.RemoveOwnEmailRequestObject) (gen.RemoveOwnEmailResponseObject, error) {
	if err := people.RemoveEmail(ctx, s.DB, who(ctx)); err != nil {
		return nil, err
	}
	return gen.RemoveOwnEmail204Response{}, nil
}

func ownEmailOut(e *people.Email) gen.OwnEmail {
	return gen.OwnEmail{Address: optional(e.Address), Waiting: optional(e.Waiting), ExpiresAt: londonOrNone(e.ExpiresAt)}
}

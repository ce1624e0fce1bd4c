package api

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"shortbreaks"
	"shortbreaks/people"
)

// caller is who asks, at which address and for which kind of answer; all
// travel in the request's context, as the generated handlers pass on nothing
// else.
type caller struct {
	who     shortbreaks.Actor // reaches nothing yet where rights are read late
	address *url.URL
	accept  string // the Accept header
}

type callerKey struct{}

func callerOf(ctx context.Context) caller {
	c, _ := ctx.Value(callerKey{}).(caller)
	return c
}

// who is the actor of a request; Anonymous if nobody signed in.
func who(ctx context.Context) shortbreaks.Actor { return callerOf(ctx).who }

// signIn finds out who asks before an operation of the contract runs, and
// refuses roles the operation does not name. What they reach is read from
// their grants for this request; which records they reach is the domain's to
// say. A public operation needs no token, but one that is sent must be good.
func (s *Server) signIn(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		o := s.contract.OperationOf(c)
		if o == nil {
			return next(c)
		}
		actor, err := s.actor(c.Request(), o)
		if err != nil {
			return err
		}
		req := c.Request()
		c.SetRequest(req.WithContext(context.WithValue(req.Context(), callerKey{}, caller{who: actor, address: req.URL, accept: req.Header.Get(echo.HeaderAccept)})))
		return next(c)
	}
}

// rightsLate are the operations whose use case reads the caller's grants
// itself, with what else it reads: there the actor has no reach until then.
var rightsLate = map[string]bool{"createBooking": true}

func (s *Server) actor(req *http.Request, o *Operation) (shortbreaks.Actor, error) {
	token, sent, err := bearer(req)
	if err != nil {
		return shortbreaks.Anonymous, err
	}
	if !sent {
		if o.Public {
			return shortbreaks.Anonymous, nil
		}
		return shortbreaks.Anonymous, ErrSignInRequired
	}
	claims, err := s.Keys.Verify(token, s.Now())
	if err != nil {
		return shortbreaks.Anonymous, err
	}
	if !o.Public && !slices.Contains(o.Roles, claims.Role) {
		return shortbreaks.Anonymous, shortbreaks.ErrForbidden
	}
	if rightsLate[o.ID] {
		return shortbreaks.Actor{Person: claims.Person, Role: claims.Role}, nil
	}
	return s.rights.Load(req.Context(), claims.Person, claims.Role)
}

// bearer is the token of a request, and whether one was sent at all. Anything
// in the header that is not one bearer token is a bad token, not none: a
// mistake must not turn into acting as nobody.
func bearer(req *http.Request) (token string, sent bool, err error) {
	headers := req.Header.Values(echo.HeaderAuthorization)
	if len(headers) == 0 {
		return "", false, nil
	}
	scheme, token, found := strings.Cut(headers[0], " ")
	if len(headers) > 1 || !found || !strings.EqualFold(scheme, "Bearer") || token == "" {
		return "", true, people.ErrTokenInvalid
	}
	return token, true, nil
}

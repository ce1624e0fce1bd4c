package people

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// The refusals of signing in.
var (
	ErrSignInUnknown     = shortbreaks.NewError(shortbreaks.Unauthorized, "sign-in-unknown", "We do not know that sign-in name")
	ErrSignInUnavailable = shortbreaks.NewError(shortbreaks.Forbidden, "sign-in-unavailable", "Demo sign-in is switched off here")
)

// Token is what a person who signed in is given.
type Token struct {
	Access    string // the token itself, to be sent as a bearer
	ExpiresAt time.Time
	ExpiresIn time.Duration // from now
	Person    uuid.UUID
	Role      shortbreaks.Role   // acted in
	Roles     []shortbreaks.Role // all held today
}

// subjectSQL finds a sign-in before its person is known; the policy shows only
// rows of the subject that the scope names.
const subjectSQL = `SELECT person_id FROM sign_in WHERE subject = $1 AND kind = 'demo' AND ended_at IS NULL LIMIT 2`

// SignInDemo signs someone in by name alone, which only a demo may allow: the
// caller must have checked that this is one (else ErrSignInUnavailable). With
// no role it is the first one granted. Errors: ErrSignInUnknown,
// ErrRoleNotHeld.
func SignInDemo(ctx context.Context, d *db.DB, keys *Keys, subject string, role shortbreaks.Role) (*Token, error) {
	person, err := demoPerson(ctx, d, subject)
	if err != nil {
		return nil, err
	}
	roles, now, err := rolesHeld(ctx, d, person)
	if err != nil {
		return nil, err
	}
	if role == "" && len(roles) > 0 {
		role = roles[0]
	}
	if !slices.Contains(roles, role) {
		return nil, ErrRoleNotHeld
	}
	access, err := keys.Issue(person, role, shortbreaks.NewID(), now)
	if err != nil {
		return nil, err
	}
	return &Token{Access: access, ExpiresAt: now.Add(TokenLasts), ExpiresIn: TokenLasts, Person: person, Role: role, Roles: roles}, nil
}

// demoPerson is whose sign-in a subject is. A subject two people claim is
// nobody's: better no one in than the wrong one.
func demoPerson(ctx context.Context, d *db.DB, subject string) (uuid.UUID, error) {
	if subject == "" {
		return uuid.Nil, ErrSignInUnknown
	}
	var found []uuid.UUID
	err := d.Read(ctx, db.Scope{SignIn: subject}, func(tx *db.Tx) error {
		rows, err := tx.PGX.Query(ctx, subjectSQL, subject)
		if err != nil {
			return err
		}
		found, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
		return err
	})
	if err != nil {
		return uuid.Nil, fmt.Errorf("look up sign-in: %w", err)
	}
	if len(found) != 1 {
		return uuid.Nil, ErrSignInUnknown
	}
	return found[0], nil
}

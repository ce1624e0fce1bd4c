package people

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// ErrRoleNotHeld is given when a person asks to act in a role that no grant
// gives today.
var ErrRoleNotHeld = shortbreaks.NewError(shortbreaks.Forbidden, "role-not-held", "You do not hold that role")

// heldSQL is the one place where a grant counts or not: $2 is today's date in
// London.
const heldSQL = `FROM role_grant WHERE person_id = $1 AND starts_on <= $2 AND (ends_on IS NULL OR ends_on >= $2)`

const (
	reachSQL = `SELECT authority_id, provider_id, child_id ` + heldSQL + ` AND role = $3 ORDER BY id`
	// Ids are time-ordered, so the smallest is the first granted; uuid has no min().
	rolesSQL = `SELECT role ` + heldSQL + ` GROUP BY role ORDER BY min(id::text)`
)

// Load is who a request comes from: the person in this role, reaching what the
// grants of this moment reach. It is called for every request, so that a role
// taken away ends at once. A role without a grant is ErrRoleNotHeld.
func Load(ctx context.Context, d *db.DB, person uuid.UUID, role shortbreaks.Role) (shortbreaks.Actor, error) {
	who := shortbreaks.Actor{Person: person, Role: role}
	held := false
	err := d.Read(ctx, db.Scope{Person: person}, func(tx *db.Tx) error {
		rows, err := tx.PGX.Query(ctx, reachSQL, person, shortbreaks.Date(tx.Now), string(role))
		if err != nil {
			return err
		}
		var authority, provider, child *uuid.UUID
		_, err = pgx.ForEachRow(rows, []any{&authority, &provider, &child}, func() error {
			held = true
			who.Authorities = addOnce(who.Authorities, authority)
			who.Providers = addOnce(who.Providers, provider)
			who.Children = addOnce(who.Children, child)
			return nil
		})
		return err
	})
	if err != nil {
		return shortbreaks.Actor{}, fmt.Errorf("load rights: %w", err)
	}
	if !held {
		return shortbreaks.Actor{}, ErrRoleNotHeld
	}
	return who, nil
}

// Roles are those a person holds today, the first granted first.
func Roles(ctx context.Context, d *db.DB, person uuid.UUID) ([]shortbreaks.Role, error) {
	var roles []shortbreaks.Role
	err := d.Read(ctx, db.Scope{Person: person}, func(tx *db.Tx) (err error) {
		roles, err = rolesHeld(ctx, tx, person)
		return err
	})
	return roles, err
}

func rolesHeld(ctx context.Context, tx *db.Tx, person uuid.UUID) ([]shortbreaks.Role, error) {
	rows, err := tx.PGX.Query(ctx, rolesSQL, person, shortbreaks.Date(tx.Now))
	if err != nil {
		return nil, fmt.Errorf("read roles: %w", err)
	}
	roles, err := pgx.CollectRows(rows, pgx.RowTo[shortbreaks.Role])
	if err != nil {
		return nil, fmt.Errorf("read roles: %w", err)
	}
	return roles, nil
}

func addOnce(ids []uuid.UUID, id *uuid.UUID) []uuid.UUID {
	if id == nil || slices.Contains(ids, *id) {
		return ids
	}
	return append(ids, *id)
}

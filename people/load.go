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

// ErrRoleNotHeld is given when a person asks to act in a role that no grant
// gives today.
var ErrRoleNotHeld = shortbreaks.NewError(shortbreaks.Forbidden, "role-not-held", "You do not hold that role")

// grantsSQL reads grants in the order they were given: ids are time-ordered.
const grantsSQL = `SELECT person_id, role, authority_id, provider_id, child_id, starts_on, ends_on FROM role_grant WHERE person_id = ANY ($1) ORDER BY id`

// heldOn is the one place where a grant counts or not, on a London date.
func (g *Grant) heldOn(day time.Time) bool {
	return !day.Before(g.StartsOn) && (g.EndsOn == nil || !day.After(*g.EndsOn))
}

// Rights finds out what people may do. Those asked for at the same time are
// read together.
type Rights struct {
	gather db.Gather[Acting, shortbreaks.Actor]
}

// Acting is a person in a role, as a token says it: what they reach is yet to
// be read from their grants.
type Acting struct {
	Person uuid.UUID
	Role   shortbreaks.Role
}

// As is what a token says of an actor, without what they reach.
func As(who shortbreaks.Actor) Acting { return Acting{who.Person, who.Role} }

// NewRights reads rights in d.
func NewRights(d *db.DB) *Rights {
	return &Rights{db.Gather[Acting, shortbreaks.Actor]{
		Do: func(ctx context.Context, asked []Acting) []db.Answer[shortbreaks.Actor] {
			return loadAll(ctx, d, asked)
		},
		Most: 256, AtOnce: 2,
	}}
}

// Load is who a request comes from: the person in this role, reaching what the
// grants of this moment reach. It is called for every request, so that a role
// taken away ends at once. A role without a grant is ErrRoleNotHeld.
func (r *Rights) Load(ctx context.Context, person uuid.UUID, role shortbreaks.Role) (shortbreaks.Actor, error) {
	return r.gather.Ask(ctx, Acting{person, role})
}

// Load is Rights.Load for one alone.
func Load(ctx context.Context, d *db.DB, person uuid.UUID, role shortbreaks.Role) (shortbreaks.Actor, error) {
	got := loadAll(ctx, d, []Acting{{person, role}})[0]
	return got.Is, got.Err
}

func loadAll(ctx context.Context, d *db.DB, asked []Acting) []db.Answer[shortbreaks.Actor] {
	persons := make([]uuid.UUID, len(asked))
	for i, a := range asked {
		persons[i] = a.Person
	}
	held, now, err := readGrants(ctx, d, persons)
	answers := make([]db.Answer[shortbreaks.Actor], len(asked))
	for i, a := range asked {
		if err != nil {
			answers[i].Err = fmt.Errorf("load rights: %w", err)
			continue
		}
		answers[i].Is, answers[i].Err = held.Actor(a, now)
	}
	return answers
}

// Held are the grants of some people.
type Held struct{ of map[uuid.UUID][]*Grant }

// QueueRights puts into a batch what reads all grants of these people. The
// transaction's scope must ask for their rights (db.Scope.RightsOf).
func QueueRights(batch *pgx.Batch, persons []uuid.UUID) *Held {
	h := &Held{map[uuid.UUID][]*Grant{}}
	batch.Queue(grantsSQL, persons).Query(func(rows pgx.Rows) error {
		for rows.Next() {
			g := new(Grant)
			if err := rows.Scan(&g.PersonID, (*string)(&g.Role), &g.AuthorityID, &g.ProviderID, &g.ChildID, &g.StartsOn, &g.EndsOn); err != nil {
				return err
			}
			h.of[g.PersonID] = append(h.of[g.PersonID], g)
		}
		return rows.Err()
	})
	return h
}

// QueueReach widens the scope of a transaction that reads, from here to its
// end, to the authorities named in any grant of these people. Whoever uses it
// still asks of each record whether the Actor it is read for reaches it.
func QueueReach(batch *pgx.Batch, persons []uuid.UUID) {
	batch.Queue(`SELECT set_config('app.authorities', coalesce((SELECT string_agg(DISTINCT authority_id::text, ',') FROM role_grant
		WHERE person_id = ANY ($1)), ''), true)`, persons)
}

// Actor is who these grants make of a person in a role at a time. A role
// without a grant that day is ErrRoleNotHeld.
func (h *Held) Actor(a Acting, now time.Time) (shortbreaks.Actor, error) {
	who, held, today := shortbreaks.Actor{Person: a.Person, Role: a.Role}, false, shortbreaks.Date(now)
	for _, g := range h.of[a.Person] {
		if g.Role == a.Role && g.heldOn(today) {
			held = true
			who.Authorities = addOnce(who.Authorities, g.AuthorityID)
			who.Providers = addOnce(who.Providers, g.ProviderID)
			who.Children = addOnce(who.Children, g.ChildID)
		}
	}
	if !held {
		return shortbreaks.Actor{}, ErrRoleNotHeld
	}
	return who, nil
}

// readGrants are all grants of these people, and the time they were read.
func readGrants(ctx context.Context, d *db.DB, persons []uuid.UUID) (held *Held, now time.Time, err error) {
	now, err = d.ReadAtOnce(ctx, db.Scope{RightsOf: persons}, func(batch *pgx.Batch) { held = QueueRights(batch, persons) })
	return held, now, err
}

// Roles are those a person holds today, the first granted first.
func Roles(ctx context.Context, d *db.DB, person uuid.UUID) ([]shortbreaks.Role, error) {
	roles, _, err := rolesHeld(ctx, d, person)
	return roles, err
}

// rolesHeld are the roles, and the time they were read.
func rolesHeld(ctx context.Context, d *db.DB, person uuid.UUID) ([]shortbreaks.Role, time.Time, error) {
	held, now, err := readGrants(ctx, d, []uuid.UUID{person})
	if err != nil {
		return nil, now, fmt.Errorf("read roles: %w", err)
	}
	today := shortbreaks.Date(now)
	var roles []shortbreaks.Role
	for _, g := range held.of[person] {
		if g.heldOn(today) && !slices.Contains(roles, g.Role) {
			roles = append(roles, g.Role)
		}
	}
	return roles, now, nil
}

func addOnce(ids []uuid.UUID, id *uuid.UUID) []uuid.UUID {
	if id == nil || slices.Contains(ids, *id) {
		return ids
	}
	return append(ids, *id)
}

package db

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
)

// Role is what every transaction runs as. It owns nothing and bypasses
// nothing, so row-level security binds even a login that could bypass it.
const Role = "shortbreaks_app"

// Scope is what a transaction may see and change; policies in the schema read
// it. The zero Scope is the public's: it sees nothing of any tenant.
type Scope struct {
	Person      uuid.UUID   // whose own details are in reach
	Providers   []uuid.UUID // whose drafts, staff and bookings are in reach
	Authorities []uuid.UUID // whose children, budgets and ledger are in reach
	SignIn      string      // the subject being looked up while signing in
	RightsOf    []uuid.UUID // whose grants are being read, and nothing else of theirs
	Link        []byte      // the hash of a secret address being looked up

	byKey bool
}

// ByKey is the same scope for a transaction that finds every row by key: each
// of its statements is planned once for a connection, for any values, and not
// again each time. Planning was half of what such a use case cost PostgreSQL.
func (s Scope) ByKey() Scope {
	s.byKey = true
	return s
}

// For is the scope of an actor, as read from the grants for this request.
func For(who shortbreaks.Actor) Scope {
	return Scope{Person: who.Person, Providers: who.Providers, Authorities: who.Authorities}
}

// scopeSQL sets role, scope and clock in one round trip. Everything in it is
// local to the transaction, so a connection goes back to the pool, or to a
// pooler, with nothing of the last caller on it.
const scopeSQL = `SELECT now(),
	set_config('role', '` + Role + `', true),
	set_config('app.authorities', $1, true),
	set_config('app.providers', $2, true),
	set_config('app.person', $3, true),
	set_config('app.sign_in', $4, true),
	set_config('app.rights_of', $5, true)`

// limitsSQL joins scopeSQL behind a pooler, which passes no start-up settings.
var limitsSQL = `,
	set_config('statement_timeout', '` + millis(statementTimeout) + `', true),
	set_config('lock_timeout', '` + millis(lockTimeout) + `', true),
	set_config('idle_in_transaction_session_timeout', '` + millis(idleTimeout) + `', true)`

// byKeySQL joins scopeSQL for a scope ByKey. A page costs little there, so
// that a table which had few rows when a statement was planned is not read
// whole for as long as the plan is kept.
const byKeySQL = `,
	set_config('plan_cache_mode', 'force_generic_plan', true),
	set_config('enable_seqscan', 'off', true),
	set_config('enable_hashjoin', 'off', true),
	set_config('enable_mergejoin', 'off', true),
	set_config('random_page_cost', '0.1', true)`

// queueScope adds to a batch what makes its transaction run as the serving
// role within s, and reads the clock.
func (d *DB) queueScope(batch *pgx.Batch, s Scope, now *time.Time) {
	statement, skipped := scopeSQL, 6
	if d.cfg.Pooler {
		statement, skipped = scopeSQL+limitsSQL, 9
	}
	if s.byKey {
		statement, skipped = statement+byKeySQL, skipped+5
	}
	person := ""
	if s.Person != uuid.Nil {
		person = s.Person.String()
	}
	into := append([]any{now}, make([]any, skipped)...)
	batch.Queue(statement, idList(s.Authorities), idList(s.Providers), person, s.SignIn, idList(s.RightsOf)).QueryRow(func(row pgx.Row) error {
		return row.Scan(into...)
	})
	if s.Link != nil {
		batch.Queue(`SELECT set_config('app.link', $1, true)`, hex.EncodeToString(s.Link))
	}
}

// EnterAuthority adds authorities to the scope for the rest of the
// transaction. It is for a provider's use case that moves an authority's
// money, after the domain has checked that the item is the provider's; every
// such call site stands on a tested list.
func (tx *Tx) EnterAuthority(ctx context.Context, authorities ...uuid.UUID) error {
	// Set even if they seem to be there already: rolling back to a savepoint
	// takes the setting back, and this list would not know.
	ids := slices.Clone(tx.scope.Authorities)
	for _, a := range authorities {
		if a == uuid.Nil {
			return errors.New("enter authority: no authority given")
		}
		if !slices.Contains(ids, a) {
			ids = append(ids, a)
		}
	}
	if _, err := tx.PGX.Exec(ctx, `SELECT set_config('app.authorities', $1, true)`, idList(ids)); err != nil {
		return fmt.Errorf("enter authorities %v: %w", authorities, err)
	}
	tx.scope.Authorities = ids
	return nil
}

// AskRights lets the rest of the transaction read the grants of these people,
// and nothing else of theirs.
func (tx *Tx) AskRights(ctx context.Context, persons []uuid.UUID) error {
	if _, err := tx.PGX.Exec(ctx, `SELECT set_config('app.rights_of', $1, true)`, idList(persons)); err != nil {
		return fmt.Errorf("ask for rights: %w", err)
	}
	return nil
}

// TakeTime lets the transaction work things out between two statements for up
// to 100 seconds instead of 10. It is for a job that decides on thousands of
// rows at once and holds no lock that others wait for meanwhile.
func (tx *Tx) TakeTime(ctx context.Context) error {
	if _, err := tx.PGX.Exec(ctx, `SELECT set_config('idle_in_transaction_session_timeout', '100s', true)`); err != nil {
		return fmt.Errorf("take time: %w", err)
	}
	return nil
}

// AllAuthorities is every authority of this installation.
func (d *DB) AllAuthorities(ctx context.Context) (ids []uuid.UUID, err error) {
	err = d.Read(ctx, Scope{}, func(tx *Tx) error {
		rows, err := tx.PGX.Query(ctx, `SELECT id FROM authority ORDER BY id`)
		if err != nil {
			return err
		}
		ids, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list authorities: %w", err)
	}
	return ids, nil
}

// System is the scope of jobs, sweeps and the audit: every authority.
func (d *DB) System(ctx context.Context) (Scope, error) {
	ids, err := d.AllAuthorities(ctx)
	return Scope{Authorities: ids}, err
}

// idList writes ids as the settings carry them; app_ids reads them back.
func idList(ids []uuid.UUID) string {
	var b strings.Builder
	b.Grow(37 * len(ids))
	for i, id := range ids {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(id.String())
	}
	return b.String()
}

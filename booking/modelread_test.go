package booking_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"shortbreaks/booking"
	"shortbreaks/internal/db"
)

// What is.

type lineRow struct {
	state         booking.WaitState
	booking, item uuid.UUID
}

func (m *lifeModel) system(f func(tx *db.Tx) error) {
	scope, err := m.w.d.System(m.w.ctx)
	require.NoError(m.rt, err)
	require.NoError(m.rt, m.w.d.Read(m.w.ctx, scope, f))
}

func (m *lifeModel) childIDs() (ids []uuid.UUID) {
	for _, k := range m.kids {
		ids = append(ids, k.child)
	}
	return ids
}

func (m *lifeModel) readLines() map[uuid.UUID]lineRow {
	found := map[uuid.UUID]lineRow{}
	m.system(func(tx *db.Tx) error {
		rows, err := tx.PGX.Query(m.w.ctx, `SELECT id, state, coalesce(booking_id, id), coalesce(item_id, id) FROM waitlist_entry WHERE child_id = ANY ($1)`, m.childIDs())
		if err != nil {
			return err
		}
		var id uuid.UUID
		var r lineRow
		_, err = pgx.ForEachRow(rows, []any{&id, &r.state, &r.booking, &r.item}, func() error { found[id] = r; return nil })
		return err
	})
	return found
}

func (m *lifeModel) readAccounts() {
	m.system(func(tx *db.Tx) error {
		for _, k := range m.kids {
			if err := tx.PGX.QueryRow(m.w.ctx, `SELECT id FROM account WHERE child_id = $1 AND kind = 'budget'`, k.child).Scan(&k.account); err != nil {
				return err
			}
		}
		return nil
	})
}

// compare holds everything there is against the model.
func (m *lifeModel) compare(name string) {
	want, have := map[string]string{}, map[string]string{}
	for i, k := range m.kids {
		want[fmt.Sprint("child ", i)] = fmt.Sprint(k.balance, k.held, k.lineHeld, k.lineSpent)
	}
	for i, s := range m.seats {
		capacity := s.capacity
		want[fmt.Sprint("session ", i)] = fmt.Sprint(capacity, s.taken(), s.off)
	}
	for _, t := range m.trips {
		for _, l := range t.lives {
			want["item "+l.id.String()] = fmt.Sprint(l.state, times(l.expires), times(l.auto))
		}
	}
	for _, e := range m.waiters() {
		want["in line "+e.id.String()] = fmt.Sprint(e.state)
	}
	m.system(func(tx *db.Tx) error { return m.readAll(tx, have) })
	require.Equal(m.rt, want, have, "after: %s (%s)", name, m.said)
}

func times(at time.Time) string {
	if at.IsZero() {
		return "-"
	}
	return at.UTC().Format(time.RFC3339)
}

func (m *lifeModel) readAll(tx *db.Tx, have map[string]string) error {
	var batch pgx.Batch
	for i, k := range m.kids {
		batch.Queue(`SELECT a.balance, a.held, l.held, l.spent FROM account a JOIN plan_line l ON l.id = $2 WHERE a.id = $1`, k.account, k.line).QueryRow(func(row pgx.Row) error {
			var balance, held, lineHeld, lineSpent int64
			err := row.Scan(&balance, &held, &lineHeld, &lineSpent)
			have[fmt.Sprint("child ", i)] = fmt.Sprint(balance, held, lineHeld, lineSpent)
			return err
		})
	}
	for i, s := range m.seats {
		batch.Queue(`SELECT p.capacity, p.taken, s.state <> 'scheduled' FROM session_places p JOIN session s ON s.id = p.session_id WHERE p.session_id = $1`, s.id()).QueryRow(func(row pgx.Row) error {
			var capacity, taken int
			var off bool
			err := row.Scan(&capacity, &taken, &off)
			have[fmt.Sprint("session ", i)] = fmt.Sprint(capacity, taken, off)
			return err
		})
	}
	batch.Queue(`SELECT id, state, expires_at, auto_confirm_at FROM booking_item WHERE child_id = ANY ($1)`, m.childIDs()).Query(func(rows pgx.Rows) error {
		var id uuid.UUID
		var state string
		var expires, auto *time.Time
		_, err := pgx.ForEachRow(rows, []any{&id, &state, &expires, &auto}, func() error {
			have["item "+id.String()] = fmt.Sprint(state, orNone(expires), orNone(auto))
			return nil
		})
		return err
	})
	if err := tx.PGX.SendBatch(m.w.ctx, &batch).Close(); err != nil {
		return errors.Join(errors.New("reading what is"), err)
	}
	for id, r := range m.readLines() {
		have["in line "+id.String()] = fmt.Sprint(r.state)
	}
	return nil
}

func orNone(at *time.Time) string {
	if at == nil {
		return "-"
	}
	return times(*at)
}

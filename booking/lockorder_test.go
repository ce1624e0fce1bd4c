package booking_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"shortbreaks/booking"
	"shortbreaks/internal/db/dbtest"
	"shortbreaks/marketplace"
	"shortbreaks/people"
)

// row is one that a booking locks.
type row struct {
	table, where string
	id           uuid.UUID
}

func (r row) lock(how string) string {
	return `SELECT FROM ` + r.table + ` WHERE ` + r.where + ` = $1 ` + how
}

// requireOrder holds each row in turn, lets the nth booking run into it, and
// finds that it has by then locked those that come before and none after.
func (w *world) requireOrder(of func(n int) (booking.CreateQuote, []row)) {
	w.t.Helper()
	desk := booking.NewDesk(w.d)
	_, all := of(0)
	for n := range all {
		want, rows := of(n)
		c := toBook(w.quote(w.parent, want))
		c.Idem = once(w.parent, fmt.Sprint(want.SessionIDs, want.Visits), c)
		ended := make(chan error, 1)
		var wrong []string
		w.holding(rows[n], func(waits func() bool) {
			go func() {
				_, err := desk.Create(w.ctx, people.As(w.parent), c)
				ended <- err
			}()
			require.Eventually(w.t, waits, dbtest.Patience, time.Millisecond, "nobody waits for %s", rows[n].table)
			for i, r := range rows {
				if i != n && w.isLocked(r) != (i < n) {
					wrong = append(wrong, r.table+" while it waits for "+rows[n].table)
				}
			}
		})
		require.NoError(w.t, <-ended)
		require.Empty(w.t, wrong)
	}
}

// holding keeps a row locked while f runs, which can ask if anybody waits.
func (w *world) holding(r row, f func(waits func() bool)) {
	w.t.Helper()
	owner := dbtest.Owner(w.t, w.d)
	require.NoError(w.t, pgx.BeginFunc(w.ctx, owner, func(tx pgx.Tx) error {
		if _, err := tx.Exec(w.ctx, r.lock(`FOR UPDATE`), r.id); err != nil {
			return err
		}
		f(func() bool {
			var waits bool
			err := owner.QueryRow(w.ctx, `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE $1 = ANY (pg_blocking_pids(pid)))`, tx.Conn().PgConn().PID()).Scan(&waits)
			return err == nil && waits
		})
		return nil
	}))
}

func (w *world) isLocked(r row) bool {
	return pgx.BeginFunc(w.ctx, dbtest.Owner(w.t, w.d), func(tx pgx.Tx) error {
		_, err := tx.Exec(w.ctx, r.lock(`FOR UPDATE NOWAIT`), r.id)
		return err
	}) != nil
}

// The desk locks blocks, places, plan lines and accounts in this order; those
// who also lock some of them do so too, so nobody waits in a circle.
func TestTheDeskLocksInOneOrder(t *testing.T) {
	w := newWorld(t)
	club := w.publish(inBlocks("arrears"))
	block := w.block(club)
	line, account := w.payersOf(w.child)
	w.requireOrder(func(n int) (booking.CreateQuote, []row) {
		c := off(block, club, n)
		if n == 3 { // a block of three is used up
			c.TicketID = nil
		}
		c.ChargeKinds = []string{"meal"}
		rows := []row{{"ticket", "id", block.ID}, {"session_places", "session_id", club.Sessions[n].ID}, {"plan_line", "id", line}, {"account", "id", account}}
		if n == 3 {
			rows[0] = rows[1] // no block is asked for
		}
		return c, rows
	})
}

func TestTheDeskLocksWorkersBeforeMoney(t *testing.T) {
	w := newWorld(t)
	support := w.publish(hourly(2000))
	line, account := w.payersOf(w.child)
	w.requireOrder(func(n int) (booking.CreateQuote, []row) {
		at := fmt.Sprintf("2027-01-1%dT10:00", n)
		return booking.CreateQuote{ChildID: w.child, OfferID: support.Offer.ID, Visits: []marketplace.Visit{{LocalStart: at, Minutes: 60}}},
			[]row{{"lane", "provider_id", w.house.ID}, {"plan_line", "id", line}, {"account", "id", account}}
	})
}

// payersOf are the line and the account that pay for a child.
func (w *world) payersOf(child uuid.UUID) (line, account uuid.UUID) {
	w.t.Helper()
	require.NoError(w.t, dbtest.Owner(w.t, w.d).QueryRow(w.ctx, `SELECT l.id, a.id FROM plan_line l
		JOIN account a ON a.authority_id = l.authority_id AND a.child_id = l.child_id AND a.kind = 'budget' WHERE l.child_id = $1`, child).Scan(&line, &account))
	return line, account
}

// A booking and the answer its key gives are there both or neither: if the
// answer cannot be kept, nothing is booked, alone or in a batch.
func TestT03_AnAnswerThatCannotBeKeptLeavesNoBooking(t *testing.T) {
	w := newWorld(t)
	club := w.clubFor(5)
	_, err := dbtest.Owner(t, w.d).Exec(w.ctx, `ALTER TABLE idempotency ADD CONSTRAINT nothing_is_kept CHECK (false) NOT VALID`)
	require.NoError(t, err)
	c := toBook(w.quote(w.parent, ask(w.child, club, 1)))
	c.Idem = once(w.parent, "key", c)
	_, _, err = booking.Create(w.ctx, w.d, w.parent, c)
	require.Error(t, err)
	_, err = booking.NewDesk(w.d).Create(w.ctx, people.As(w.parent), c)
	require.Error(t, err)
	w.requireMoney(w.child, 0, 0, 100_000)
	require.Zero(t, w.taken(club, 0))
}

// A quote of a visit is read before its worker is locked: that it was booked
// meanwhile is what the schema knows.
func TestAQuoteOfAVisitIsBookedOnceHoweverManyTryAtOnce(t *testing.T) {
	w := newWorld(t)
	support := w.publish(hourly(2000))
	c := toBook(w.quote(w.parent, booking.CreateQuote{ChildID: w.child, OfferID: support.Offer.ID, Visits: []marketplace.Visit{{LocalStart: "2027-01-11T10:00", Minutes: 60}}}))
	booked := 0
	for _, err := range together(8, func(int) error {
		_, _, err := booking.Create(w.ctx, w.d, w.parent, c)
		return err
	}) {
		if err == nil {
			booked++
			continue
		}
		require.ErrorIs(t, err, booking.ErrQuoteUsed)
	}
	require.Equal(t, 1, booked)
	w.requireMoney(w.child, 2000, 0, 98_000)
}

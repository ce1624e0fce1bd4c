package main

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/booking"
	"shortbreaks/internal/db"
	"shortbreaks/internal/db/dbtest"
	"shortbreaks/internal/demo"
	"shortbreaks/people"
)

// pages counts the pages of tables and indexes that use cases look at. They
// all go through one connection, which is made to tell what it read.
type pages struct {
	t *testing.T
	d *db.DB
}

func (p pages) of(use func() error) (n int64) {
	p.t.Helper()
	before := p.read()
	require.NoError(p.t, use())
	return p.read() - before
}

func (p pages) read() (n int64) {
	p.t.Helper()
	ctx := p.t.Context()
	_, err := p.d.Pool.Exec(ctx, `SELECT pg_stat_force_next_flush()`)
	require.NoError(p.t, err)
	require.NoError(p.t, p.d.Pool.QueryRow(ctx, `SELECT sum(coalesce(heap_blks_hit, 0) + coalesce(heap_blks_read, 0) + coalesce(idx_blks_hit, 0) + coalesce(idx_blks_read, 0))
		FROM pg_statio_user_tables WHERE schemaname = 'public'`).Scan(&n))
	return n
}

// lives takes a booking made of each of some quotes through the use cases of
// its life, each booking another, and gives the pages each looked at.
func lives(t *testing.T, d *db.DB, clock *dbtest.Clock, quotes []demo.BulkQuote) map[string]int64 {
	t.Helper()
	ctx, p, now := t.Context(), pages{t, d}, clock.Now()
	defer clock.Set(now)
	next := func() (family, provider shortbreaks.Actor, b *booking.Booking) {
		q := quotes[0]
		quotes = quotes[1:]
		family, err := people.Load(ctx, d, q.Person, shortbreaks.Family)
		require.NoError(t, err)
		basket, _, err := booking.Create(ctx, d, family, booking.CreateBooking{Quotes: []booking.QuoteToBook{{QuoteID: q.ID, ExpectedTotalPence: q.TotalPence}}})
		require.NoError(t, err)
		b = basket.Bookings[0]
		return family, shortbreaks.Actor{Person: q.Person, Role: shortbreaks.Coordinator, Providers: []uuid.UUID{b.ProviderID}}, b
	}
	looked := map[string]int64{}
	family, provider, b := next()
	looked["read by the family"] = p.of(func() error { _, err := booking.Load(ctx, d, family, b.ID); return err })
	looked["read by the provider"] = p.of(func() error { _, err := booking.Load(ctx, d, provider, b.ID); return err })
	looked["cancelled"] = p.of(func() error {
		_, err := booking.Cancel(ctx, d, family, booking.CancelBooking{BookingID: b.ID})
		return err
	})
	family, provider, b = next()
	clock.Set(b.Items[0].EndsAt.Add(time.Hour))
	looked["attended"] = p.of(func() error {
		_, err := booking.Record(ctx, d, provider, booking.RecordAttendance{ItemID: b.Items[0].ID, Outcome: booking.Delivered})
		return err
	})
	looked["agreed"] = p.of(func() error { _, err := booking.Confirm(ctx, d, family, b.Items[0].ID); return err })
	clock.Set(now)
	_, err := d.Pool.Exec(ctx, `SELECT 1`)
	require.NoError(t, err)
	_, provider, b = next()
	looked["refused once confirmed"] = p.of(func() error {
		_, err := booking.Accept(ctx, d, provider, b.ID)
		require.ErrorIs(t, err, booking.ErrWrongState)
		return nil
	})
	return looked
}

// bookAll books quotes, many at once.
func bookAll(ctx context.Context, t *testing.T, d *db.DB, quotes []demo.BulkQuote) {
	t.Helper()
	desk := booking.NewDesk(d)
	errs := make(chan error, len(quotes))
	for _, q := range quotes {
		go func() {
			c := booking.CreateBooking{Quotes: []booking.QuoteToBook{{QuoteID: q.ID, ExpectedTotalPence: q.TotalPence}}}
			c.Idem = &shortbreaks.Idem{Caller: q.Person, Key: q.ID.String(), Operation: "test", Hash: []byte("hash"), Render: func(any) (int, []byte, error) { return 201, []byte("{}"), nil }}
			_, err := desk.Create(ctx, people.Acting{Person: q.Person, Role: shortbreaks.Family}, c)
			errs <- err
		}()
	}
	for range quotes {
		require.NoError(t, <-errs)
	}
}

// analyse tells PostgreSQL how much there is, as it finds out by itself in time.
func analyse(t *testing.T, owner *pgxpool.Pool) {
	t.Helper()
	_, err := owner.Exec(t.Context(), `ANALYZE`)
	require.NoError(t, err)
}

// The indexes of a few thousand bookings have a hundred pages each: whoever
// looks at them all is found out long before it is felt.
func TestABookingIsFoundHoweverManyThereAre(t *testing.T) {
	t.Parallel()
	clock := dbtest.NewClock(time.Now().UTC())
	d := dbtest.New(t)
	owner := dbtest.Owner(t, d)
	w, err := demo.Bulk(t.Context(), owner, demo.BulkSize{Authorities: 3, Budgets: 600, Providers: 10, Sessions: 300, Capacity: 60})
	require.NoError(t, err)
	quotes, err := w.Quotes(t.Context(), owner, 4_000, 1)
	require.NoError(t, err)
	serve, _ := dbtest.URLs(t, d)
	single, err := db.Open(t.Context(), db.Config{URL: serve, MaxConns: 1, Clock: func(time.Time) time.Time { return clock.Now() }})
	require.NoError(t, err)
	t.Cleanup(single.Close)

	bookAll(t.Context(), t, d, quotes[20:120])
	analyse(t, owner)
	few := lives(t, single, clock, quotes[:10])
	bookAll(t.Context(), t, d, quotes[120:])
	analyse(t, owner)
	many := lives(t, single, clock, quotes[10:20])
	for name, n := range few {
		require.Positive(t, n, name)
		require.Less(t, many[name], n+n/2+40, "%s: %d pages were looked at among a hundred bookings, %d among 4,000", name, n, many[name])
	}
	auditIsClean(t, d)
}

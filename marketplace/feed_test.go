package marketplace_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/internal/db/dbtest"
	"shortbreaks/internal/demo"
	"shortbreaks/marketplace"
	"shortbreaks/marketplace/tariff"
)

// pool is a club that has an activity of OpenActive's list.
func pool(title string) marketplace.OfferDraft {
	d := single()
	d.Title, d.Category = title, "swimming"
	return d
}

// refresh brings the feeds up to date and says how many marks there were.
func (s *stall) refresh() int {
	s.t.Helper()
	n, err := marketplace.RefreshFeeds(s.ctx, s.d)
	require.NoError(s.t, err)
	return n
}

// follower keeps a copy of both feeds, as those outside do.
type follower struct {
	s                *stall
	series, sessions int64
	offers           map[uuid.UUID]*marketplace.OpenOffer
	dates            map[uuid.UUID]*marketplace.FedSession
}

func (s *stall) follower() *follower {
	return &follower{s: s, offers: map[uuid.UUID]*marketplace.OpenOffer{}, dates: map[uuid.UUID]*marketplace.FedSession{}}
}

// read goes on to the end of both and says how many items there were. Numbers
// only grow.
func (f *follower) read() (n int) {
	f.s.t.Helper()
	for {
		page, err := marketplace.SeriesChanges(f.s.ctx, f.s.d, f.series)
		require.NoError(f.s.t, err)
		if len(page) == 0 {
			break
		}
		for _, c := range page {
			require.Greater(f.s.t, c.Change, f.series)
			f.series, f.offers[c.ID], n = c.Change, c.Series, n+1
		}
	}
	for {
		page, err := marketplace.SessionChanges(f.s.ctx, f.s.d, f.sessions)
		require.NoError(f.s.t, err)
		if len(page) == 0 {
			return n
		}
		require.LessOrEqual(f.s.t, len(page), marketplace.FeedLimit)
		for _, c := range page {
			require.Greater(f.s.t, c.Change, f.sessions)
			f.sessions, f.dates[c.ID], n = c.Change, c.Session, n+1
		}
	}
}

// live is how many dates the copy has.
func (f *follower) live() (n int) {
	for _, d := range f.dates {
		if d != nil {
			n++
		}
	}
	return n
}

func TestFeedsTellWhatFitsAndThenOnlyWhatChanged(t *testing.T) {
	t.Parallel()
	s := setup(t)
	swim := s.publish(s.owner, pool("Swimming"))
	s.publish(s.owner, single())
	s.publish(s.owner, support(hourly()))
	_, err := marketplace.CreateOffer(s.ctx, s.d, s.owner, pool("A draft"))
	require.NoError(t, err)
	require.Positive(t, s.refresh())
	f := s.follower()
	require.Equal(t, 1+11, f.read(), "a club, support by the hour and a draft are not in")
	require.Equal(t, "Swimming", f.offers[swim.Offer.ID].Offer.Title)
	require.Len(t, f.offers[swim.Offer.ID].Schedules, 2, "before half term and after it")
	require.Equal(t, 12, f.dates[swim.Sessions[0].ID].PlacesLeft)
	require.Zero(t, s.refresh(), "nothing changed")
	require.Zero(t, f.read())

	key := marketplace.PlaceKey{Provider: swim.Offer.ProviderID, Session: swim.Sessions[0].ID}
	require.NoError(t, s.d.Do(s.ctx, db.Scope{}, func(tx *db.Tx) error {
		return marketplace.TakePlaces(s.ctx, tx, map[marketplace.PlaceKey]int{key: 3})
	}))
	require.Zero(t, f.read(), "a booking leaves a mark and nothing else")
	require.Equal(t, 1, s.refresh())
	require.Equal(t, 1, f.read())
	require.Equal(t, 9, f.dates[key.Session].PlacesLeft)

	_, err = marketplace.CallOffSession(s.ctx, s.d, s.owner, swim.Sessions[1].ID, "No heating")
	require.NoError(t, err)
	s.refresh()
	require.Equal(t, 2, f.read(), "the date, and the series that lost it")
	require.Nil(t, f.dates[swim.Sessions[1].ID], "is told as gone")
	require.Equal(t, 10, f.live())
}

func TestWhatIsPausedIsGoneAndComesBackWithItsDates(t *testing.T) {
	t.Parallel()
	s := setup(t)
	swim := s.publish(s.owner, pool("Swimming"))
	s.refresh()
	f := s.follower()
	f.read()
	_, err := marketplace.PauseOffer(s.ctx, s.d, s.owner, swim.Offer.ID)
	require.NoError(t, err)
	late := s.follower()
	late.read()
	require.Nil(t, late.offers[swim.Offer.ID], "at once, numbered or not")
	require.Zero(t, late.live())
	s.refresh()
	require.Equal(t, 12, f.read())
	require.Nil(t, f.offers[swim.Offer.ID])
	require.Zero(t, f.live())
	_, err = marketplace.ResumeOffer(s.ctx, s.d, s.owner, swim.Offer.ID)
	require.NoError(t, err)
	s.refresh()
	f.read()
	require.NotNil(t, f.offers[swim.Offer.ID])
	require.Equal(t, 11, f.live())
	_, err = marketplace.Withdraw(s.ctx, s.d, s.owner, swim.Offer.ID)
	require.NoError(t, err)
	s.refresh()
	f.read()
	require.Nil(t, f.offers[swim.Offer.ID])
	require.Zero(t, f.live())
	require.Zero(t, s.refresh())
}

func TestSessionsLongOverLeaveTheFeed(t *testing.T) {
	t.Parallel()
	s := setup(t)
	s.publish(s.owner, pool("Swimming"))
	s.refresh()
	s.clock.Set(at("2027-02-01T09:00"))
	s.refresh()
	f := s.follower()
	f.read()
	require.Equal(t, 8, f.live(), "the fourth ended, but not a week ago")
}

// A reader follows numbers upwards, so a number must never appear behind one
// that was read. Of two who write at the same moment, the one with the smaller
// number may commit last: without the lock of number_feed_item its change is
// lost to everybody who read in between. Both are shown.
func TestNoChangeAppearsBehindOneThatWasRead(t *testing.T) {
	t.Parallel()
	require.True(t, bothAreRead(t, ""), "with the lock")
	require.False(t, bothAreRead(t, `CREATE OR REPLACE FUNCTION number_feed_item() RETURNS trigger LANGUAGE plpgsql AS $$
		BEGIN NEW.change := nextval('feed_change'); RETURN NEW; END $$`), "the test sees what the lock is for")
}

// bothAreRead lets two transactions change an offer each: the first takes its
// number first and commits last. A reader reads while the first is open.
func bothAreRead(t *testing.T, broken string) bool {
	t.Helper()
	s := setup(t)
	first, second := s.publish(s.owner, pool("First")), s.publish(s.owner, pool("Second"))
	s.refresh()
	f := s.follower()
	f.read()
	_, err := s.admin.Exec(s.ctx, broken)
	require.NoError(t, err)

	touch := func(tx pgx.Tx, id uuid.UUID) error {
		_, err := tx.Exec(s.ctx, `UPDATE feed_item SET gone = gone WHERE kind = 'session_series' AND id = $1`, id)
		return err
	}
	slow, err := s.admin.Begin(s.ctx)
	require.NoError(t, err)
	defer func() { _ = slow.Rollback(s.ctx) }()
	require.NoError(t, touch(slow, first.Offer.ID))
	done := make(chan error, 1)
	ended := atomic.Bool{}
	go func() {
		done <- pgx.BeginFunc(s.ctx, s.admin, func(tx pgx.Tx) error { return touch(tx, second.Offer.ID) })
		ended.Store(true)
	}()
	require.Eventually(t, func() bool {
		waits := 0
		err := s.admin.QueryRow(s.ctx, `SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
			AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`).Scan(&waits)
		return err == nil && (waits > 0 || ended.Load())
	}, dbtest.Patience, 5*time.Millisecond)

	seen := map[uuid.UUID]bool{}
	read := func() {
		page, err := marketplace.SeriesChanges(s.ctx, s.d, f.series)
		require.NoError(t, err)
		for _, c := range page {
			f.series, seen[c.ID] = c.Change, true
		}
	}
	read()
	require.NoError(t, slow.Commit(s.ctx))
	require.NoError(t, <-done)
	read()
	return seen[first.Offer.ID] && seen[second.Offer.ID]
}

// A change that commits while the feeds are brought up to date is not lost:
// its mark is seen then or the next time.
func TestAChangeCommittedLateIsNumberedLater(t *testing.T) {
	t.Parallel()
	s := setup(t)
	swim := s.publish(s.owner, pool("Swimming"))
	s.refresh()
	f := s.follower()
	f.read()
	slow, err := s.admin.Begin(s.ctx)
	require.NoError(t, err)
	defer func() { _ = slow.Rollback(s.ctx) }()
	_, err = slow.Exec(s.ctx, `UPDATE session_places SET taken = 5 WHERE session_id = $1`, swim.Sessions[2].ID)
	require.NoError(t, err)
	require.Zero(t, s.refresh(), "it has not happened yet")
	other := s.publish(s.owner, pool("Another"))
	s.refresh()
	f.read()
	require.NotNil(t, f.offers[other.Offer.ID])
	require.Equal(t, 12, f.dates[swim.Sessions[2].ID].PlacesLeft)
	require.NoError(t, slow.Commit(s.ctx))
	s.refresh()
	f.read()
	require.Equal(t, 7, f.dates[swim.Sessions[2].ID].PlacesLeft)
}

// While one process brings the feeds up to date another has nothing to do, and
// takes no marks from it.
func TestOneProcessAtATimeNumbers(t *testing.T) {
	t.Parallel()
	s := setup(t)
	s.publish(s.owner, pool("Swimming"))
	held, err := s.admin.Begin(s.ctx)
	require.NoError(t, err)
	defer func() { _ = held.Rollback(s.ctx) }()
	_, err = held.Exec(s.ctx, `SELECT pg_advisory_xact_lock(7214053891147)`)
	require.NoError(t, err)
	require.Zero(t, s.refresh())
	require.NoError(t, held.Rollback(s.ctx))
	require.Positive(t, s.refresh())
}

func TestAWalkOfManyPagesSeesEverySessionAndWhatChangedMeanwhile(t *testing.T) {
	t.Parallel()
	s := setup(t)
	daily := pool("Every day")
	daily.Sessions.Weekdays, daily.Sessions.LastDate, daily.Sessions.Except = []int{1, 2, 3, 4, 5, 6, 7}, date("2027-12-31"), nil
	one, two := s.publish(s.owner, daily), s.publish(s.owner, daily)
	s.refresh()
	first, err := marketplace.SessionChanges(s.ctx, s.d, 0)
	require.NoError(t, err)
	require.Len(t, first, marketplace.FeedLimit)
	_, err = s.admin.Exec(s.ctx, `UPDATE session_places SET taken = 1 WHERE session_id = $1`, first[0].ID)
	require.NoError(t, err)
	s.refresh()
	f := s.follower()
	for _, c := range first {
		f.sessions, f.dates[c.ID] = c.Change, c.Session
	}
	require.Equal(t, 2+2*357-marketplace.FeedLimit+1, f.read(), "two series, the rest, and the one that changed")
	require.Equal(t, 2*357, f.live())
	require.Equal(t, 11, f.dates[first[0].ID].PlacesLeft)
	require.NotNil(t, f.offers[one.Offer.ID])
	require.NotNil(t, f.offers[two.Offer.ID])
}

func TestFeedsHidePricesByContractAndDiscreetPlaces(t *testing.T) {
	t.Parallel()
	s := setup(t)
	alone := s.provider("Ann Teaches Swimming", 1)
	_, err := s.admin.Exec(s.ctx, `UPDATE provider SET kind = 'sole_trader' WHERE id = $1`, alone.Providers[0])
	require.NoError(t, err)
	council, contract := shortbreaks.NewID(), shortbreaks.NewID()
	_, err = s.admin.Exec(s.ctx, `INSERT INTO authority (id, name, slug, area) VALUES ($1, 'Ashmere', 'ashmere', 'Ashmere')`, council)
	require.NoError(t, err)
	_, err = s.admin.Exec(s.ctx, `INSERT INTO contract VALUES ($1, $2, $3, 'framework', 'F1', 'Framework', '2027-01-01', '2027-12-31', $2, $4)`,
		council, contract, alone.Providers[0], start)
	require.NoError(t, err)
	agreed := option("Agreed", charge("place", "session", 700))
	agreed.WhoMayUse, agreed.ContractID = tariff.ByContract, &contract
	draft := pool("Swimming with Ann")
	draft.Tariff = tariffOf(option("Standard", charge("place", "session", 900)), agreed)
	mine := s.publish(alone, draft)
	s.refresh()
	f := s.follower()
	f.read()
	o := f.offers[mine.Offer.ID]
	require.Len(t, o.Costs(), 1)
	require.NotContains(t, o.Fees(), "7.00")
	require.True(t, o.Place.Discreet)
	require.Equal(t, "ZZ1", o.Place.Postcode)
	require.NotContains(t, o.Place.Name, "Willow")
	require.Empty(t, o.Place.Lines)
	exact := mine.Setting
	require.NotEqual(t, exact.Latitude, o.Place.Lat)
	require.InDelta(t, exact.Latitude, o.Place.Lat, 0.026)
}

// The demo's world reaches the feeds whole.
func TestTheDemosSessionsReachTheFeeds(t *testing.T) {
	t.Parallel()
	s := setup(t)
	require.NoError(t, demo.Load(s.ctx, s.d, demo.Seed))
	s.refresh()
	f := s.follower()
	f.read()
	n := 0
	require.NoError(t, s.admin.QueryRow(s.ctx, `SELECT count(*) FROM session e JOIN offer o ON o.id = e.offer_id WHERE o.state = 'published'
		AND o.category IN ('swimming', 'hydrotherapy', 'sport', 'holiday_scheme') AND e.state = 'scheduled' AND e.ends_at > $1`, start).Scan(&n))
	require.Positive(t, n)
	require.Equal(t, n, f.live())
}

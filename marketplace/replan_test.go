package marketplace_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/marketplace"
)

// sessionFee is a club of 11 Saturdays at £9.00.
func (s *stall) sessionFee() *marketplace.OfferDetail {
	s.t.Helper()
	return s.publish(s.owner, club(tariffOf(option("Standard", charge("place", "session", 900)))))
}

// taken takes places of a session as the desk does.
func (s *stall) taken(session uuid.UUID, n int) {
	s.t.Helper()
	require.NoError(s.t, s.d.Do(s.ctx, db.Scope{}, func(tx *db.Tx) error {
		k := marketplace.PlaceKey{Provider: s.owner.Providers[0], Session: session}
		if _, err := marketplace.LockPlaces(s.ctx, tx, []marketplace.PlaceKey{k}); err != nil {
			return err
		}
		return marketplace.TakePlaces(s.ctx, tx, map[marketplace.PlaceKey]int{k: n})
	}))
}

// starts are the local starts an offer shows, as short dates.
func (s *stall) starts(id uuid.UUID) string {
	s.t.Helper()
	o, err := marketplace.Get(s.ctx, s.d, shortbreaks.Anonymous, id)
	require.NoError(s.t, err)
	var all []string
	for _, e := range o.Sessions {
		all = append(all, strings.TrimPrefix(e.LocalStart, "2027-"))
	}
	return strings.Join(all, " ")
}

func ptr[T any](v T) *T { return &v }

func TestT37_MovingOrSkippingOneOccurrenceShiftsNeitherTheOthersNorTheirPrice(t *testing.T) {
	t.Parallel()
	s := setup(t)
	o := s.publish(s.owner, bundled(club(tariffOf(option("Term", charge("place", "term", 11000)))), "term"))
	before := s.starts(o.Offer.ID)
	bundle := func() *marketplace.Offered {
		got, err := s.offering(marketplace.Want{OfferID: o.Offer.ID, BundleID: &o.Bundles[0].Term.ID})
		require.NoError(t, err)
		return got
	}
	require.EqualValues(t, 11000, bundle().TotalPence)

	// The second moves behind the fourth, to the afternoon.
	moved, err := marketplace.MoveSession(s.ctx, s.d, s.owner, marketplace.SessionMove{
		SessionID: o.Sessions[1].ID, On: date("2027-02-02"), From: "14:00", To: "17:00", Reason: "The hall is let.",
	})
	require.NoError(t, err)
	require.Equal(t, "2027-02-02T14:00", moved.LocalStart)
	require.Equal(t, "2027-01-16T10:00", *moved.PlannedStart)
	require.Equal(t, o.Bundles[0].Term.ID, *moved.TermID)
	after := s.starts(o.Offer.ID)
	require.Equal(t, strings.Replace(strings.Replace(before, "01-16T10:00 ", "", 1), "01-30T10:00", "01-30T10:00 02-02T14:00", 1), after)
	require.EqualValues(t, 11000, bundle().TotalPence)
	for _, item := range bundle().Items {
		require.EqualValues(t, 1000, item.PricePence)
	}

	_, err = marketplace.CallOffSession(s.ctx, s.d, s.owner, o.Sessions[4].ID, "Staff training")
	require.NoError(t, err)
	require.Equal(t, strings.Replace(after, "02-06T10:00 ", "", 1), s.starts(o.Offer.ID))
	require.EqualValues(t, 10000, bundle().TotalPence, "ten of eleven, at what each cost before")
	require.Len(t, bundle().Items, 10)
	for _, item := range bundle().Items {
		require.EqualValues(t, 1000, item.PricePence)
	}
	_, err = marketplace.CallOffSession(s.ctx, s.d, s.owner, o.Sessions[4].ID, "Staff training")
	require.ErrorIs(t, err, marketplace.ErrWrongState)
	// Moved again, it still knows where it was first planned.
	moved, err = marketplace.MoveSession(s.ctx, s.d, s.owner, marketplace.SessionMove{SessionID: o.Sessions[1].ID, On: date("2027-01-17"), From: "10:00", To: "13:00"})
	require.NoError(t, err)
	require.Equal(t, "2027-01-16T10:00", *moved.PlannedStart)
}

func TestT35_ASessionIsNotMovedToAnHourThatIsMissingOrDoubled(t *testing.T) {
	t.Parallel()
	s := setup(t)
	o := s.sessionFee()
	for _, m := range []marketplace.SessionMove{
		{On: date("2027-03-28"), From: "01:30", To: "05:00"},
		{On: date("2027-10-31"), From: "01:30", To: "05:00"},
		{On: date("2027-10-30"), From: "20:00", To: "01:30"},
		{On: date("2027-01-03"), From: "10:00", To: "12:00"}, // past
		{On: date("2030-01-03"), From: "10:00", To: "12:00"},
	} {
		m.SessionID = o.Sessions[0].ID
		_, err := marketplace.MoveSession(s.ctx, s.d, s.owner, m)
		require.Equal(t, []string{"/date"}, fields(err), "%+v", m)
	}
	_, err := marketplace.ChangeSessions(s.ctx, s.d, s.owner, marketplace.SessionChange{
		OfferID: o.Offer.ID, From: date("2027-01-01"), Weekday: ptr(6), ToDay: ptr(7), Start: ptr("01:30"),
	})
	require.Equal(t, []string{"/to_weekday"}, fields(err), "Sunday 28 March has no 01:30")
}

func TestFromADateOnTimesDayAndPlacesChangeAndWhatIsBeforeStays(t *testing.T) {
	t.Parallel()
	s := setup(t)
	o := s.sessionFee()
	n, err := marketplace.ChangeSessions(s.ctx, s.d, s.owner, marketplace.SessionChange{
		OfferID: o.Offer.ID, From: date("2027-03-06"), Weekday: ptr(6), ToDay: ptr(3), Start: ptr("16:00"), End: ptr("18:30"), Capacity: ptr(8),
	})
	require.NoError(t, err)
	require.Equal(t, 4, n)
	require.Equal(t, "01-09T10:00 01-16T10:00 01-23T10:00 01-30T10:00 02-06T10:00 02-13T10:00 02-27T10:00 "+
		"03-03T16:00 03-10T16:00 03-17T16:00 03-24T16:00", s.starts(o.Offer.ID))
	shown, err := marketplace.Get(s.ctx, s.d, shortbreaks.Anonymous, o.Offer.ID)
	require.NoError(t, err)
	require.Equal(t, 12, shown.Sessions[6].Capacity)
	require.Equal(t, 8, shown.Sessions[7].Capacity)
	require.Equal(t, 150*time.Minute, shown.Sessions[7].EndsAt.Sub(shown.Sessions[7].StartsAt))

	for _, c := range []marketplace.SessionChange{
		{},
		{Weekday: ptr(6)},
		{ToDay: ptr(6)},
		{Weekday: ptr(8), Start: ptr("10:00")},
		{Start: ptr("25:00")},
		{End: ptr("noon")},
		{Capacity: ptr(0)},
		{Weekday: ptr(2), Capacity: ptr(3)}, // no Tuesdays
	} {
		c.OfferID, c.From = o.Offer.ID, date("2027-01-01")
		_, err := marketplace.ChangeSessions(s.ctx, s.d, s.owner, c)
		require.ErrorIs(t, err, shortbreaks.ErrInvalid, "%+v", c)
	}
	s.clock.Set(at("2027-02-06T10:30"))
	n, err = marketplace.ChangeSessions(s.ctx, s.d, s.owner, marketplace.SessionChange{OfferID: o.Offer.ID, From: date("2027-01-01"), Capacity: ptr(5)})
	require.NoError(t, err)
	require.Equal(t, 6, n, "what has begun stays as it was")
}

func TestWhatFamiliesHaveBookedIsNotMovedBehindTheirBacks(t *testing.T) {
	t.Parallel()
	s := setup(t)
	o := s.sessionFee()
	s.taken(o.Sessions[2].ID, 2)
	s.taken(o.Sessions[5].ID, 1)
	at := func(ids ...int) (list []string) {
		for _, i := range ids {
			list = append(list, "/sessions/"+o.Sessions[i].ID.String())
		}
		return list
	}
	before := s.starts(o.Offer.ID)
	_, err := marketplace.ChangeSessions(s.ctx, s.d, s.owner, marketplace.SessionChange{OfferID: o.Offer.ID, From: date("2027-01-01"), Start: ptr("11:00")})
	require.ErrorIs(t, err, marketplace.ErrSessionBooked)
	require.Equal(t, at(2, 5), fields(err))
	_, err = marketplace.CallOffSession(s.ctx, s.d, s.owner, o.Sessions[2].ID, "No staff")
	require.ErrorIs(t, err, marketplace.ErrSessionBooked)
	require.Equal(t, at(2), fields(err))
	_, err = marketplace.MoveSession(s.ctx, s.d, s.owner, marketplace.SessionMove{SessionID: o.Sessions[5].ID, On: date("2027-02-14"), From: "10:00", To: "13:00"})
	require.ErrorIs(t, err, marketplace.ErrSessionBooked)
	_, err = marketplace.CreateClosure(s.ctx, s.d, s.owner, marketplace.NewClosure{StartsOn: date("2027-01-20"), EndsOn: date("2027-01-31"), Reason: "Flood"})
	require.ErrorIs(t, err, marketplace.ErrSessionBooked)
	require.Equal(t, at(2), fields(err))
	require.Equal(t, before, s.starts(o.Offer.ID))
	require.Zero(t, s.count("closure"))
}

func TestT50_CapacityIsNotCutBelowWhatIsTaken(t *testing.T) {
	t.Parallel()
	s := setup(t)
	o := s.sessionFee()
	s.taken(o.Sessions[3].ID, 5)
	s.taken(o.Sessions[4].ID, 4)
	change := marketplace.SessionChange{OfferID: o.Offer.ID, From: date("2027-01-01"), Capacity: ptr(4)}
	_, err := marketplace.ChangeSessions(s.ctx, s.d, s.owner, change)
	require.ErrorIs(t, err, marketplace.ErrBelowTaken)
	require.Equal(t, []string{"/sessions/" + o.Sessions[3].ID.String()}, fields(err))
	change.Capacity = ptr(5)
	n, err := marketplace.ChangeSessions(s.ctx, s.d, s.owner, change)
	require.NoError(t, err)
	require.Equal(t, 11, n, "places of booked sessions may change as long as they suffice")
}

// Places are taken while the capacity is cut: whichever comes first, there are
// never fewer places than are taken, and whoever is too late is refused.
func TestT50_CuttingCapacityAndBookingAtOnce(t *testing.T) {
	t.Parallel()
	s := setup(t)
	o := s.sessionFee()
	key := marketplace.PlaceKey{Provider: o.Offer.ProviderID, Session: o.Sessions[0].ID}
	var wg sync.WaitGroup
	took := make([]bool, 12)
	for i := range took {
		wg.Go(func() {
			took[i] = s.d.Do(s.ctx, db.Scope{}, func(tx *db.Tx) error {
				p, err := marketplace.LockPlaces(s.ctx, tx, []marketplace.PlaceKey{key})
				if err != nil || p[key].Free() == 0 {
					return shortbreaks.ErrInvalid
				}
				return marketplace.TakePlaces(s.ctx, tx, map[marketplace.PlaceKey]int{key: 1})
			}) == nil
		})
	}
	errs := make([]error, 6)
	for i := range errs {
		wg.Go(func() {
			_, errs[i] = marketplace.ChangeSessions(s.ctx, s.d, s.owner, marketplace.SessionChange{OfferID: o.Offer.ID, From: date("2027-01-01"), Capacity: ptr(6 - i)})
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			require.ErrorIs(t, err, marketplace.ErrBelowTaken)
		}
	}
	var capacity, taken, count int
	require.NoError(t, s.admin.QueryRow(s.ctx, `SELECT capacity, taken FROM session_places WHERE session_id = $1`, key.Session).Scan(&capacity, &taken))
	for _, ok := range took {
		if ok {
			count++
		}
	}
	require.Equal(t, count, taken)
	require.LessOrEqual(t, taken, capacity)
}

func TestAClosureCallsOffWhatFallsIntoItAndLetsNothingBePlanned(t *testing.T) {
	t.Parallel()
	s := setup(t)
	here := s.sessionFee()
	elsewhere := club(tariffOf(option("Standard", charge("place", "session", 900))))
	elsewhere.Setting = &marketplace.SettingDraft{Name: "Moor Hall", Postcode: "ZX1 1AA"}
	there := s.publish(s.owner, elsewhere)
	done, err := marketplace.CreateClosure(s.ctx, s.d, s.owner, marketplace.NewClosure{
		SettingID: &here.Setting.ID, StartsOn: date("2027-01-16"), EndsOn: date("2027-01-23"), Reason: "New floor",
	})
	require.NoError(t, err)
	require.Equal(t, 2, done.Sessions)
	require.NotContains(t, s.starts(here.Offer.ID), "01-16")
	require.Contains(t, s.starts(there.Offer.ID), "01-16")
	// What is planned later leaves the days out, at that setting.
	p, err := marketplace.PreviewSessions(s.ctx, s.d, s.owner, marketplace.PreviewSeries{
		SettingID: &here.Setting.ID,
		Series:    marketplace.SessionSeries{Dates: []time.Time{date("2027-01-15"), date("2027-01-16"), date("2027-01-24")}, From: "22:00", To: "08:00", Capacity: 2},
	})
	require.NoError(t, err)
	require.Equal(t, "2027-01-24T22:00", walls(p), "a night that reaches into the first morning is out too")
	require.Equal(t, "Closed: New floor", p.LeftOut[0].LeftOut)
	again := s.sessionFee()
	require.NotContains(t, s.starts(again.Offer.ID), "01-16")
	_, err = marketplace.MoveSession(s.ctx, s.d, s.owner, marketplace.SessionMove{SessionID: again.Sessions[0].ID, On: date("2027-01-20"), From: "10:00", To: "13:00"})
	require.Equal(t, []string{"/date"}, fields(err))
	list, next, err := marketplace.ListClosures(s.ctx, s.d, s.owner, "", 10)
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.Empty(t, next)

	for _, n := range []marketplace.NewClosure{
		{StartsOn: date("2027-01-20"), EndsOn: date("2027-01-19"), Reason: "x"},
		{StartsOn: date("2027-01-01"), EndsOn: date("2027-01-19"), Reason: "x"},
		{StartsOn: date("2027-01-20"), EndsOn: date("2027-01-20"), Reason: " "},
		{StartsOn: date("2027-01-20"), EndsOn: date("2029-01-20"), Reason: "x"},
		{StartsOn: date("2027-01-20"), EndsOn: date("2027-01-20"), Reason: "x", SettingID: ptr(shortbreaks.NewID())},
	} {
		_, err := marketplace.CreateClosure(s.ctx, s.d, s.owner, n)
		require.ErrorIs(t, err, shortbreaks.ErrInvalid)
	}
}

func TestNoVisitIsOfferedOrPickedWhileTheProviderIsShut(t *testing.T) {
	t.Parallel()
	s := setup(t)
	o := s.publish(s.owner, support(hourly()))
	wish := marketplace.LaneWish{Provider: o.Offer.ProviderID, Offer: o.Offer.ID, From: at("2027-01-20T10:00"), To: at("2027-01-20T12:30")}
	claim := func(item uuid.UUID, w marketplace.LaneWish) bool {
		ok := false
		require.NoError(t, s.d.Do(s.ctx, db.Scope{}, func(tx *db.Tx) error {
			board, err := marketplace.LockLanes(s.ctx, tx, []marketplace.LaneWish{w})
			if err != nil {
				return err
			}
			var lane uuid.UUID
			if lane, ok = board.Pick(w); !ok {
				return nil
			}
			return marketplace.ClaimLanes(s.ctx, tx, []marketplace.LaneClaim{{Provider: w.Provider, Lane: lane, Item: item, From: w.From, To: w.To}})
		}))
		return ok
	}
	require.True(t, claim(shortbreaks.NewID(), wish))
	shut := marketplace.NewClosure{StartsOn: date("2027-01-20"), EndsOn: date("2027-01-21"), Reason: "Away day"}
	_, err := marketplace.CreateClosure(s.ctx, s.d, s.owner, shut)
	require.ErrorIs(t, err, marketplace.ErrSessionBooked)
	require.ErrorContains(t, err, "1 booked time")
	shut.StartsOn = date("2027-01-21")
	_, err = marketplace.CreateClosure(s.ctx, s.d, s.owner, shut)
	require.NoError(t, err)
	visit := marketplace.Want{OfferID: o.Offer.ID, Visits: []marketplace.Visit{{LocalStart: "2027-01-21T10:00", Minutes: 120}}}
	_, err = s.offering(visit)
	require.ErrorIs(t, err, marketplace.ErrOfferClosed)
	require.ErrorContains(t, err, "Away day")
	wish.From, wish.To = at("2027-01-21T10:00"), at("2027-01-21T12:30")
	require.False(t, claim(shortbreaks.NewID(), wish), "a quote made before the closure takes nobody")
	compared, err := marketplace.Compare(s.ctx, s.d, marketplace.Pattern{Weekdays: []int{4}, Minutes: 120, From: "10:00", StartsOn: date("2027-01-21"), EndsOn: date("2027-01-28")})
	require.NoError(t, err)
	require.Equal(t, []time.Time{date("2027-01-21")}, compared[0].MissingDates)
}

func TestOnlyTheProvidersOwnStaffChangeItsPlan(t *testing.T) {
	t.Parallel()
	s := setup(t)
	o := s.sessionFee()
	other := s.provider("Moor Lane", 3)
	worker := s.owner
	worker.Role = shortbreaks.Worker
	for who, want := range map[*shortbreaks.Actor]error{&other: shortbreaks.ErrNotFound, &worker: shortbreaks.ErrForbidden} {
		_, err := marketplace.CallOffSession(s.ctx, s.d, *who, o.Sessions[0].ID, "x")
		require.ErrorIs(t, err, want)
		_, err = marketplace.MoveSession(s.ctx, s.d, *who, marketplace.SessionMove{SessionID: o.Sessions[0].ID, On: date("2027-02-14"), From: "10:00", To: "13:00"})
		require.ErrorIs(t, err, want)
		_, err = marketplace.ChangeSessions(s.ctx, s.d, *who, marketplace.SessionChange{OfferID: o.Offer.ID, From: date("2027-01-01"), Capacity: ptr(3)})
		require.ErrorIs(t, err, want)
		_, err = marketplace.CreateClosure(s.ctx, s.d, *who, marketplace.NewClosure{ProviderID: &s.owner.Providers[0], StartsOn: date("2027-02-14"), EndsOn: date("2027-02-14"), Reason: "x"})
		require.ErrorIs(t, err, want)
	}
}

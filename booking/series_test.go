package booking_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/booking"
	"shortbreaks/internal/db/dbtest"
	"shortbreaks/marketplace"
	"shortbreaks/marketplace/tariff"
)

// The spring of 2027 as a council gives it, and as a school of its own does.
const (
	councilTerm = "kind,first_date,last_date,name\nterm,2027-01-04,2027-03-25,Spring term\nhalf term,2027-02-15,2027-02-19,February half term\n"
	schoolTerm  = "kind,first_date,last_date,name\nterm,2027-01-04,2027-03-25,Spring term\nhalf term,2027-02-22,2027-02-26,Our half term\ninset,2027-03-01,,INSET day\n"
)

// mondays is a club after school, every Monday of the spring, whatever the
// schools do.
func mondays(pence shortbreaks.Pence) marketplace.OfferDraft {
	d := saturdays(tariffOf(charge("place", "session", pence)))
	d.Sessions.FirstDate, d.Sessions.LastDate, d.Sessions.Weekdays = day("2027-01-11"), day("2027-03-29"), []int{1}
	d.Sessions.From, d.Sessions.To = "16:00", "18:00"
	return d
}

func everyWeek(weekday int, from, until, start string) marketplace.SeriesAsk {
	return marketplace.SeriesAsk{Weekdays: []int{weekday}, First: day(from), Last: day(until), Start: start}
}

// series asks what a rule comes to.
func (w *world) series(c booking.QuoteSeries) *booking.SeriesQuote {
	w.t.Helper()
	made, err := booking.MakeSeriesQuote(w.ctx, w.d, w.parent, c)
	require.NoError(w.t, err)
	return made
}

// left are the dates that cannot be had, with the code of each.
func left(made *booking.SeriesQuote) map[string]string {
	by := map[string]string{}
	for _, d := range made.Dates {
		if d.Code != "" {
			by[d.On.Format("01-02")] = d.Code
		}
	}
	return by
}

// atSchool gives the child a school with term dates of its own.
func (w *world) atSchool(child uuid.UUID) {
	w.t.Helper()
	_, err := marketplace.ImportCalendar(w.ctx, w.d, w.council.Practitioner, strings.NewReader(councilTerm), marketplace.CalendarImport{Format: "csv"})
	require.NoError(w.t, err)
	_, err = marketplace.ImportCalendar(w.ctx, w.d, w.council.Practitioner, strings.NewReader(schoolTerm), marketplace.CalendarImport{SchoolName: "Hill School", Format: "csv"})
	require.NoError(w.t, err)
	done, err := dbtest.Owner(w.t, w.d).Exec(w.ctx, `UPDATE child SET school_id = (SELECT id FROM school WHERE name = 'Hill School') WHERE id = $1`, child)
	require.NoError(w.t, err)
	require.EqualValues(w.t, 1, done.RowsAffected())
}

func TestT36_ASeriesInTermTimeKeepsToTheTermOfTheChildsOwnSchool(t *testing.T) {
	w := newWorld(t)
	w.atSchool(w.child)
	club := w.publish(mondays(800))
	rule := everyWeek(1, "2027-01-11", "2027-04-05", "")
	rule.TermTimeOnly, rule.Except = true, []time.Time{day("2027-01-18")}
	made := w.series(booking.QuoteSeries{Wanted: booking.CreateQuote{ChildID: w.child, OfferID: club.Offer.ID}, Rule: rule})
	require.Equal(t, map[string]string{
		"01-18": marketplace.SeriesSkipped, "02-22": marketplace.SeriesNoSchool, "03-01": marketplace.SeriesNoSchool,
		"03-29": marketplace.SeriesUnknownTerm, "04-05": marketplace.SeriesUnknownTerm,
	}, left(made))
	require.Len(t, made.Quote.Document.Items, 8)
	require.EqualValues(t, 6400, made.Quote.TotalPence)
	require.Equal(t, "Hill School: INSET day", made.Dates[7].Because)

	other := w.series(booking.QuoteSeries{Wanted: booking.CreateQuote{ChildID: w.sibling, OfferID: club.Offer.ID}, Rule: rule})
	require.Equal(t, marketplace.SeriesNoSchool, left(other)["02-15"], "the sibling has no school: its council's dates count")
	require.Empty(t, left(other)["02-22"])

	rule.TermTimeOnly, rule.SkipBankHolidays = false, true
	made = w.series(booking.QuoteSeries{Wanted: booking.CreateQuote{ChildID: w.child, OfferID: club.Offer.ID}, Rule: rule})
	require.Equal(t, map[string]string{"01-18": marketplace.SeriesSkipped, "03-29": marketplace.SeriesBankHoliday, "04-05": marketplace.SeriesNoSession}, left(made))
}

func TestASeriesSaysOfEachDateWhyItCannotBeHad(t *testing.T) {
	w := newWorld(t)
	d := mondays(800)
	d.Sessions.Capacity = 1
	horizon := 60
	d.HorizonDays = &horizon
	club := w.publish(d)
	w.booksAs(w.guests(1)[0], booking.CreateQuote{OfferID: club.Offer.ID, SessionIDs: []uuid.UUID{club.Sessions[2].ID}})
	w.book(booking.CreateQuote{ChildID: w.child, OfferID: club.Offer.ID, SessionIDs: []uuid.UUID{club.Sessions[3].ID}})
	_, _, err := booking.CallOffSession(w.ctx, w.d, w.house.Owner, club.Sessions[4].ID, "Boiler")
	require.NoError(t, err)
	asked := booking.QuoteSeries{
		Wanted: booking.CreateQuote{ChildID: w.child, OfferID: club.Offer.ID},
		Rule:   everyWeek(1, "2027-01-11", "2027-03-29", "16:00"),
	}
	made := w.series(asked)
	require.Equal(t, map[string]string{
		"01-25": "session-full", "02-01": "already-booked", "02-08": "offer-closed",
		"03-08": "too-far-ahead", "03-15": "too-far-ahead", "03-22": "too-far-ahead", "03-29": "too-far-ahead",
	}, left(made))
	require.Equal(t, "The session of 2027-01-25T16:00 is full.", made.Dates[2].Because)
	require.EqualValues(t, 5*800, made.Quote.TotalPence)
	require.EqualValues(t, 800, made.Dates[0].Item.PricePence)
	require.Nil(t, made.Dates[2].Item)
	w.requireMoney(w.child, 800, 0, 99_200)

	asked.AllOrNone = true
	require.Nil(t, w.series(asked).Quote, "not all of it can be had")
	asked.Rule.Last = day("2027-01-18")
	require.NotNil(t, w.series(asked).Quote)
	asked.Rule.Start = "17:00"
	made = w.series(asked)
	require.Nil(t, made.Quote)
	require.Equal(t, map[string]string{"01-11": marketplace.SeriesNoSession, "01-18": marketplace.SeriesNoSession}, left(made))
}

func TestASeriesGoesAsFarAsTheMoney(t *testing.T) {
	w := newWorld(t)
	club := w.publish(mondays(30_000)) // £1,000 pay for three
	made := w.series(booking.QuoteSeries{Wanted: booking.CreateQuote{ChildID: w.child, OfferID: club.Offer.ID}, Rule: everyWeek(1, "2027-01-11", "2027-02-08", "")})
	require.Equal(t, map[string]string{"02-01": "budget-too-low", "02-08": "budget-too-low"}, left(made))
	_, _, err := booking.Create(w.ctx, w.d, w.parent, toBook(made.Quote))
	require.NoError(t, err, "what is quoted can be booked")
	w.requireMoney(w.child, 90_000, 0, 10_000)
}

func TestASeriesOfVisitsFindsWhoIsFree(t *testing.T) {
	w := newWorld(t)
	offer := w.publish(hourly(2000))
	lanes, err := marketplace.Get(w.ctx, w.d, w.house.Owner, offer.Offer.ID)
	require.NoError(t, err)
	first, second := lanes.Lanes[0].ID, lanes.Lanes[1].ID
	visit := func(child uuid.UUID, lane *uuid.UUID, start string) {
		w.book(booking.CreateQuote{ChildID: child, OfferID: offer.Offer.ID, Visits: []marketplace.Visit{{LocalStart: start, Minutes: 60, LaneID: lane}}})
	}
	visit(w.sibling, &first, "2027-01-16T12:00") // buffers of a quarter of an hour
	visit(w.sibling, &second, "2027-01-23T10:00")
	visit(w.sibling, &first, "2027-01-23T10:00")
	asked := booking.QuoteSeries{Wanted: booking.CreateQuote{ChildID: w.child, OfferID: offer.Offer.ID, LaneID: &first}, Rule: everyWeek(6, "2027-01-09", "2027-02-06", "10:00")}
	asked.Rule.Minutes = 120
	require.Equal(t, map[string]string{"01-16": "lane-taken", "01-23": "lane-taken"}, left(w.series(asked)))
	asked.Wanted.LaneID = nil
	made := w.series(asked)
	require.Equal(t, map[string]string{"01-23": "lane-taken"}, left(made))
	require.EqualValues(t, 4*4000, made.Quote.TotalPence)
	basket, _, err := booking.Create(w.ctx, w.d, w.parent, toBook(made.Quote))
	require.NoError(t, err)
	require.Len(t, basket.Bookings[0].Items, 4)

	asked.Rule.Minutes = 30
	_, err = booking.MakeSeriesQuote(w.ctx, w.d, w.parent, asked)
	require.ErrorIs(t, err, shortbreaks.ErrInvalid)
	require.ErrorContains(t, err, "A visit lasts from 1 hour")
	asked.Rule.Minutes, asked.Rule.Start = 120, "19:00"
	require.Len(t, left(w.series(asked)), 5, "not within its hours")
}

func TestT33_ASeriesKeepsItsWallTimeOverAChangeOfTheClocks(t *testing.T) {
	w := newWorld(t)
	w.clock.Set(time.Date(2027, 3, 1, 9, 0, 0, 0, time.UTC))
	offer := w.publish(hourly(2000))
	asked := booking.QuoteSeries{Wanted: booking.CreateQuote{ChildID: w.child, OfferID: offer.Offer.ID}, Rule: everyWeek(6, "2027-03-20", "2027-03-28", "16:00")}
	asked.Rule.Weekdays, asked.Rule.Minutes = []int{6, 7}, 60
	made := w.series(asked)
	require.Len(t, made.Quote.Document.Items, 4)
	require.Equal(t, "2027-03-28T15:00:00Z", made.Quote.Document.Items[3].StartsAt.UTC().Format(time.RFC3339))
	require.Equal(t, "2027-03-28T16:00", made.Quote.Document.Items[3].LocalStart)
}

func TestT88_EachDateOfASeriesHasThePriceInForceOnIt(t *testing.T) {
	w := newWorld(t)
	d := mondays(700)
	later := d.Tariff.Options[0]
	later.Name, later.ValidFrom, later.Charges = "From February", "2027-02-01", []tariff.Charge{charge("place", "session", 900)}
	d.Tariff.Options[0].ValidTo = "2027-01-31"
	d.Tariff.Options = append(d.Tariff.Options, later)
	d.Tariff.Options[1].ValidTo = "2027-02-20"
	club := w.publish(d)
	made := w.series(booking.QuoteSeries{Wanted: booking.CreateQuote{ChildID: w.child, OfferID: club.Offer.ID}, Rule: everyWeek(1, "2027-01-18", "2027-02-22", "")})
	require.Equal(t, map[string]string{"02-22": booking.SeriesNotOffered}, left(made), "no price is set for that date; the others have theirs")
	prices := make([]shortbreaks.Pence, 0, 5)
	for _, it := range made.Quote.Document.Items {
		prices = append(prices, it.PricePence)
	}
	require.Equal(t, []shortbreaks.Pence{700, 700, 900, 900, 900}, prices)
}

func TestT37_OneDateOfASeriesIsSkippedOrMovedAndTheOthersStay(t *testing.T) {
	w := newWorld(t)
	club := w.publish(mondays(800))
	made := w.series(booking.QuoteSeries{Wanted: booking.CreateQuote{ChildID: w.child, OfferID: club.Offer.ID}, Rule: everyWeek(1, "2027-01-11", "2027-02-01", "")})
	basket, _, err := booking.Create(w.ctx, w.d, w.parent, toBook(made.Quote))
	require.NoError(t, err)
	b := basket.Bookings[0]
	_, err = booking.Cancel(w.ctx, w.d, w.parent, booking.CancelBooking{BookingID: b.ID, ItemIDs: itemIDs(b, 1), Reason: "plans_changed"})
	require.NoError(t, err)
	_, err = w.move(b.Items[2], w.to(w.child, club, 5))
	require.NoError(t, err)
	got := w.load(guest{w.parent, w.child}, b)
	require.Equal(t, []booking.State{booking.Confirmed, booking.CancelledByFamily, booking.CancelledByFamily, booking.Confirmed}, stateOf(got))
	for _, n := range []int{0, 3} {
		require.Equal(t, b.Items[n].StartsAt, got.Items[n].StartsAt)
		require.EqualValues(t, 800, got.Items[n].PricePence)
	}
	w.requireMoney(w.child, 2400, 0, 97_600)
	again := w.series(booking.QuoteSeries{Wanted: booking.CreateQuote{ChildID: w.child, OfferID: club.Offer.ID}, Rule: everyWeek(1, "2027-01-11", "2027-02-01", "")})
	require.Equal(t, map[string]string{"01-11": "already-booked", "02-01": "already-booked"}, left(again))
}

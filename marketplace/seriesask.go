package marketplace

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// MostSeriesDates is how many dates one series may book.
const MostSeriesDates = 60

// SeriesAsk is a rule of which dates of one offer a family would have: every
// Saturday in term, at ten. Dates are London's, midnight UTC.
type SeriesAsk struct {
	Weekdays         []int // ISO, Monday 1 to Sunday 7
	First, Last      time.Time
	Start            string     // London wall time, "10:00"; of sessions it may be empty
	Minutes          int        // of a visit; 0 for sessions
	LaneID           *uuid.UUID // of a visit: whom to have
	TermTimeOnly     bool       // by the calendar of the child's school, else of its council (T36)
	SchoolID         *uuid.UUID // of the child; nil: none is known
	Authority        uuid.UUID  // of the child
	SkipBankHolidays bool
	Except           []time.Time // not these
}

// The codes of a date of a series that cannot be had, beside those of the
// refusals of a quote and of the desk.
const (
	SeriesSkipped     = "skipped"            // the family left it out
	SeriesNoSchool    = "not-in-term"        // holidays, half term or INSET (T36)
	SeriesUnknownTerm = "term-dates-unknown" // the calendar does not reach so far
	SeriesBankHoliday = "bank-holiday"
	SeriesNoSession   = "no-session" // the offer has none on that day, or none at that time
	SeriesChooseStart = "several-sessions"
)

// SeriesDate is one date that a rule names: what would be booked on it, or why
// nothing can be.
type SeriesDate struct {
	On        time.Time
	SessionID *uuid.UUID
	Visit     *Visit

	Code, Because string // why it cannot be had; "": it may
}

// Open reports whether nothing stands against the date so far.
func (s *SeriesDate) Open() bool { return s.Code == "" }

// LeftOut reports whether the rule itself leaves the date out: nothing is
// missing for it.
func (s *SeriesDate) LeftOut() bool {
	return s.Code == SeriesSkipped || s.Code == SeriesNoSchool || s.Code == SeriesBankHoliday
}

// Leave notes why the date cannot be had.
func (s *SeriesDate) Leave(code, because string) { s.Code, s.Because = code, because }

// SeriesDates are the dates a rule names, in order, each with the session or
// visit it comes to or the reason there is none. It takes nothing. Errors:
// invalid, offer-closed, not-found.
func SeriesDates(ctx context.Context, tx *db.Tx, offerID uuid.UUID, ask SeriesAsk) ([]SeriesDate, error) {
	offer, err := findOffer(ctx, tx, offerID)
	if err != nil {
		return nil, err
	}
	if offer.State != Published {
		return nil, ErrOfferClosed.With("The provider does not sell it at present. Search for another.")
	}
	if err := ask.check(offer.Visits != nil, tx.Now); err != nil {
		return nil, err
	}
	dates, err := ask.leaveOut(ctx, tx)
	if err != nil {
		return nil, err
	}
	if offer.Visits == nil {
		if err := ask.findSessions(ctx, tx, offer, dates); err != nil {
			return nil, err
		}
	} else {
		for i := range dates {
			dates[i].Visit = &Visit{LocalStart: wallOf(dates[i].On, ask.Start), Minutes: ask.Minutes, LaneID: ask.LaneID}
		}
	}
	open := 0
	for i := range dates {
		if dates[i].Open() {
			open++
		}
	}
	if open > MostSeriesDates {
		return nil, shortbreaks.ErrInvalid.At("/until", fmt.Sprintf("A series books at most %d dates; this one would have %d. End it earlier.", MostSeriesDates, open))
	}
	return dates, nil
}

// check refuses a rule that cannot be read, every fault at once.
func (ask SeriesAsk) check(visits bool, now time.Time) error {
	var f shortbreaks.Faults
	f.Days("/weekdays", ask.Weekdays)
	f.Unless(!ask.First.Before(shortbreaks.Date(now)), "/from", "This date has passed; begin today or later.")
	f.Unless(!ask.Last.Before(ask.First), "/until", "The last date is before the first.")
	f.Unless(ask.Last.Sub(ask.First) <= longestSeries, "/until", "A series runs for two years at most.")
	if ask.Start != "" {
		f.Clock("/start", ask.Start)
	}
	if visits {
		f.Unless(ask.Start != "", "/start", "Say when each visit begins.")
		f.Unless(ask.Minutes > 0, "/minutes", "Say how long each visit lasts.")
	} else {
		f.Unless(ask.Minutes == 0, "/minutes", "This is sold by its sessions; they have their own length.")
		f.Unless(ask.LaneID == nil, "/lane_id", "This is sold by its sessions, not with a worker of your choosing.")
	}
	return f.As(shortbreaks.ErrInvalid)
}

// leaveOut names the dates of the rule, with why some are left out.
func (ask SeriesAsk) leaveOut(ctx context.Context, tx *db.Tx) ([]SeriesDate, error) {
	named := datesOf(ask.First, ask.Last, ask.Weekdays, nil)
	if len(named) == 0 {
		return nil, shortbreaks.ErrInvalid.At("/weekdays", "None of these weekdays falls between the first and the last date.")
	}
	var calendar *SchoolCalendar
	var holidays map[time.Time]string
	var err error
	if ask.TermTimeOnly {
		if calendar, err = TermDates(ctx, tx, &ask.Authority, ask.SchoolID); err != nil {
			return nil, pointAt(err, "/term_time_only")
		}
	}
	if ask.SkipBankHolidays {
		if holidays, err = BankHolidays(ctx, tx, ask.First, ask.Last); err != nil {
			return nil, err
		}
	}
	dates := make([]SeriesDate, len(named))
	for i, on := range named {
		d := &dates[i]
		d.On = on
		name, isHoliday := holidays[on]
		switch {
		case slices.ContainsFunc(ask.Except, on.Equal):
			d.Leave(SeriesSkipped, "You left it out.")
		case isHoliday:
			d.Leave(SeriesBankHoliday, "Bank holiday: "+name)
		case calendar != nil:
			calendar.keepTerm(d)
		}
	}
	return dates, nil
}

// pointAt says which field a refusal is about.
func pointAt(err error, at string) error {
	if refusal, is := err.(*shortbreaks.Error); is { //nolint:errorlint // steps give it bare
		return refusal.At(at, refusal.Detail)
	}
	return err
}

// keepTerm leaves a date out that is not in term. A weekend between two weeks of
// a term is within its range, and so in term.
func (c SchoolCalendar) keepTerm(d *SeriesDate) {
	left, because, reached := c.leaves(TermTime, d.On)
	switch {
	case !reached:
		d.Leave(SeriesUnknownTerm, "The term dates of "+c.Name+" do not reach this date.")
	case !left:
		d.Leave(SeriesNoSchool, because)
	}
}

// findSessions finds the session of each date: the one at the time asked for,
// or the only one.
func (ask SeriesAsk) findSessions(ctx context.Context, tx *db.Tx, offer Offer, dates []SeriesDate) error {
	all, err := gorm.G[Session](tx.DB).Where("provider_id = ? AND offer_id = ? AND starts_at >= ? AND starts_at < ?", offer.ProviderID, offer.ID,
		shortbreaks.At(ask.First, 0), shortbreaks.At(ask.Last, 24*60)).Order("starts_at, id").Find(ctx)
	if err != nil {
		return fmt.Errorf("reading the sessions of a series: %w", err)
	}
	on := map[time.Time][]Session{}
	for _, s := range all {
		if ask.Start == "" || s.LocalStart[len("2027-01-09T"):] == ask.Start {
			day := shortbreaks.Date(s.StartsAt)
			on[day] = append(on[day], s)
		}
	}
	for i := range dates {
		d := &dates[i]
		found := on[d.On]
		if running := slices.DeleteFunc(slices.Clone(found), func(s Session) bool { return s.State != "scheduled" }); len(running) > 0 {
			found = running
		}
		switch {
		case !d.Open():
		case len(found) == 0:
			d.Leave(SeriesNoSession, "There is no session on "+shortbreaks.LongDate(shortbreaks.At(d.On, 12*60))+ask.at()+".")
		case len(found) > 1:
			d.Leave(SeriesChooseStart, "There are several sessions that day; say at what time.")
		default:
			d.SessionID = &found[0].ID
		}
	}
	return nil
}

func (ask SeriesAsk) at() string {
	if ask.Start == "" {
		return ""
	}
	return " at " + ask.Start
}

// QueueLookAtLanes reads into a batch, without locks, who is free for these
// wishes: to say what a booking would come to and not to make one.
func QueueLookAtLanes(batch *pgx.Batch, wishes []LaneWish) *LaneBoard {
	if len(wishes) == 0 {
		b, _, _ := newBoard(wishes)
		return b
	}
	return queueLanes(batch, wishes)
}

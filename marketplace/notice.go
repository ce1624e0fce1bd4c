package marketplace

import (
	"time"

	"shortbreaks"
)

// The most an offer may ask for: 90 days of notice, two years ahead.
const (
	mostNotice  = 90 * 24 * 60
	mostHorizon = 730
)

// CanBook reports whether something that starts at an instant may be booked
// now: it has not begun, there is notice enough, and it is not too far ahead.
// Notice is elapsed time, to the instant; the horizon is days of London's
// calendar. The SQL function can_book says the same; every list and every
// check uses one of the two (T41).
func (o Offer) CanBook(starts, now time.Time) bool { return o.tooLateOrEarly(starts, now) == nil }

// tooLateOrEarly is the refusal of a start that may not be booked now, without
// a place.
func (o Offer) tooLateOrEarly(starts, now time.Time) *shortbreaks.Error {
	switch {
	case !starts.After(now):
		return ErrSessionStarted.With("What was on " + shortbreaks.LongDate(starts) + " has started; choose a later one.")
	case starts.Before(o.cutoff(now)):
		return ErrNotice.With("Book at least " + shortbreaks.Minutes(o.NoticeMinutes) + " before the start. Choose a later one than " + shortbreaks.LongDate(starts) + ".")
	case o.HorizonDays != nil && shortbreaks.Date(starts).After(shortbreaks.Date(now).AddDate(0, 0, *o.HorizonDays)):
		return ErrHorizon.With("You can book " + shortbreaks.Plural(*o.HorizonDays, "day") + " ahead. " + shortbreaks.LongDate(starts) + " cannot be booked yet.")
	}
	return nil
}

// gone is the latest start that may be booked no more.
func (o Offer) gone(now time.Time) time.Time {
	if o.NoticeMinutes == 0 {
		return now
	}
	return o.cutoff(now).Add(-time.Microsecond) // the database keeps no less
}

// cutoff is the earliest start that may be booked now, if it has not begun.
func (o Offer) cutoff(now time.Time) time.Time {
	return now.Add(time.Duration(o.NoticeMinutes) * time.Minute)
}

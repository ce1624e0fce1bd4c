package shortbreaks

import (
	"time"
	_ "time/tzdata" // the binary carries its own zones
)

// ZoneName is the zone of every wall time a person agrees to.
const ZoneName = "Europe/London"

// London is the zone of dates and wall times.
var London = func() *time.Location {
	zone, err := time.LoadLocation(ZoneName)
	if err != nil {
		panic(err) // impossible: tzdata is embedded
	}
	return zone
}()

// WallLayout writes a wall time without offset: "2027-01-09T10:00".
const WallLayout = "2006-01-02T15:04"

// Wall is the London wall time of an instant, as kept beside it.
func Wall(t time.Time) string { return t.In(London).Format(WallLayout) }

// Date is the London calendar date of an instant at midnight UTC, as a SQL
// date reads back.
func Date(t time.Time) time.Time {
	y, m, d := t.In(London).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// At is the instant of a wall time on a date in London; time.Date settles the
// one missing and the one doubled hour of the year.
func At(date time.Time, minutes int) time.Time {
	y, m, d := date.Date()
	return time.Date(y, m, d, minutes/60, minutes%60, 0, 0, London)
}

// AgeOn is whole years of age on a date; a child born on 29 February comes of
// age on 1 March in a common year.
func AgeOn(born, on time.Time) int {
	age := on.Year() - born.Year()
	if on.Month() < born.Month() || (on.Month() == born.Month() && on.Day() < born.Day()) {
		age--
	}
	return age
}

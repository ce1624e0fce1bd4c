package marketplace

import (
	"strings"
	"time"

	ics "github.com/arran4/golang-ical"

	"shortbreaks"
)

// maxEvents is the most events one iCalendar file may hold.
const maxEvents = 5000

// readICal reads an iCalendar file. What is in it, titles included, is never
// repeated in a refusal: it may be somebody's diary.
func readICal(text string) ([]*ics.VEvent, error) {
	cal, err := ics.ParseCalendarWithOptions(strings.NewReader(text), ics.WithUnknownPropertyHandler(ics.AcceptUnknownPropertyHandler))
	if err != nil || !strings.HasSuffix(strings.TrimSpace(text), "END:VCALENDAR") {
		return nil, unreadable("This is not an iCalendar file, or a part of it is missing.")
	}
	events := cal.Events()
	if len(events) > maxEvents {
		return nil, unreadable("The calendar has more than 5,000 events.")
	}
	return events, nil
}

// eventTime is a moment of an event: a whole day, or an instant.
type eventTime struct {
	at     time.Time // of a whole day: midnight UTC, as a date is kept
	allDay bool
	wall   time.Time      // wall time in zone, written as if it were UTC
	zone   *time.Location // the event's own
}

// instant is the moment itself; a whole day begins at midnight in London.
func (e eventTime) instant() time.Time {
	if e.allDay {
		return shortbreaks.At(e.at, 0)
	}
	return e.at
}

// eventTimeOf reads DTSTART, DTEND, EXDATE or RECURRENCE-ID; false if it
// cannot be understood.
func eventTimeOf(value string, params map[string][]string) (eventTime, bool) {
	if len(value) == len("20060102") {
		on, err := time.Parse("20060102", value)
		return eventTime{at: on, allDay: true, wall: on, zone: time.UTC}, err == nil
	}
	zone, known := zoneOf(params["TZID"])
	if text, isUTC := strings.CutSuffix(value, "Z"); isUTC {
		value, zone, known = text, time.UTC, true
	}
	wall, err := time.Parse("20060102T150405", value)
	if err != nil || !known {
		return eventTime{}, false
	}
	return eventTime{at: inZone(wall, zone), wall: wall, zone: zone}, true
}

// inZone is the instant at which a zone's clocks show this.
func inZone(wall time.Time, zone *time.Location) time.Time {
	return time.Date(wall.Year(), wall.Month(), wall.Day(), wall.Hour(), wall.Minute(), wall.Second(), 0, zone)
}

// zoneOf is the zone of a TZID. A time without one is London's, and so are the
// names some office programs have for it.
func zoneOf(tzid []string) (*time.Location, bool) {
	if len(tzid) == 0 {
		return shortbreaks.London, true
	}
	name := strings.Trim(tzid[0], `"/`)
	switch name {
	case "GMT Standard Time", "(UTC+00:00) Dublin, Edinburgh, Lisbon, London", "London":
		return shortbreaks.London, true
	case "", "Local":
		return nil, false
	}
	zone, err := time.LoadLocation(name)
	return zone, err == nil
}

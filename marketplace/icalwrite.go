package marketplace

import (
	"strings"
	"time"
	"unicode"

	ics "github.com/arran4/golang-ical"

	"shortbreaks"
)

// icalStamp writes an instant in UTC, icalWall a wall time.
const (
	icalStamp = "20060102T150405Z"
	icalWall  = "20060102T150405"
)

// CalendarStatus is how sure an entry of a calendar is.
type CalendarStatus = ics.ObjectStatus

// How sure an entry is; a cancelled one stays in the file, so that programs
// that kept it learn of it.
const (
	CalendarConfirmed CalendarStatus = ics.ObjectStatusConfirmed
	CalendarTentative CalendarStatus = ics.ObjectStatusTentative
	CalendarCancelled CalendarStatus = ics.ObjectStatusCancelled
)

// CalendarEvent is one entry of a calendar that other programs read.
type CalendarEvent struct {
	UID      string // stays the same for good; unique among the entries of this service
	From, To time.Time
	Changed  time.Time // when it became what it is
	Sequence int       // higher with each change of time or state
	Status   CalendarStatus
	Busy     bool // whoever has it in a calendar is not free then
	Summary  string
	Place    string // "" is not told
	About    string
}

// CalendarFile writes entries as a calendar (RFC 5545) of a product and a
// name. The same entries give the same bytes.
func CalendarFile(product, name string, events []CalendarEvent) string {
	cal := ics.NewCalendarFor("shortbreaks")
	cal.SetProductId("-//Short Breaks//" + product + "//EN")
	cal.SetCalscale("GREGORIAN")
	cal.SetMethod(ics.MethodPublish)
	cal.SetXWRCalName(plain(name))
	cal.SetRefreshInterval("PT1H", ics.WithValue("DURATION"))
	addLondon(cal)
	for _, e := range events {
		e.add(cal.AddEvent(e.UID + "@shortbreaks"))
	}
	return cal.Serialize(ics.WithNewLine("\r\n"))
}

func (e CalendarEvent) add(to *ics.VEvent) {
	london, changed := ics.WithTZID(shortbreaks.ZoneName), e.Changed.UTC().Format(icalStamp)
	to.SetProperty(ics.ComponentPropertyDtstamp, changed)
	to.SetProperty(ics.ComponentPropertyLastModified, changed)
	to.SetProperty(ics.ComponentPropertyDtStart, e.From.In(shortbreaks.London).Format(icalWall), london)
	to.SetProperty(ics.ComponentPropertyDtEnd, e.To.In(shortbreaks.London).Format(icalWall), london)
	to.SetSequence(e.Sequence)
	to.SetStatus(e.Status)
	to.SetTimeTransparency(ics.TransparencyTransparent)
	if e.Busy && e.Status != CalendarCancelled {
		to.SetTimeTransparency(ics.TransparencyOpaque)
	}
	to.SetSummary(plain(e.Summary))
	if e.Place != "" {
		to.SetLocation(plain(e.Place))
	}
	to.SetDescription(plain(e.About))
}

// plain is a text without signs that would end a line of the file; the library
// writes line feeds as the standard wants them.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' {
			return ' '
		}
		return r
	}, text)
}

// addLondon says how London's clocks run: forward on the last Sunday of March,
// back on that of October, both at 1:00 UTC.
func addLondon(cal *ics.Calendar) {
	zone := cal.AddTimezone(shortbreaks.ZoneName)
	summer := ics.Daylight{}
	summer.SetProperty(ics.ComponentPropertyDtStart, "19810329T010000")
	summer.AddRrule("FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU")
	summer.SetProperty(ics.ComponentProperty(ics.PropertyTzoffsetfrom), "+0000")
	summer.SetProperty(ics.ComponentProperty(ics.PropertyTzoffsetto), "+0100")
	summer.SetProperty(ics.ComponentProperty(ics.PropertyTzname), "BST")
	winter := zone.AddStandard()
	winter.SetProperty(ics.ComponentPropertyDtStart, "19961027T020000")
	winter.AddRrule("FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU")
	winter.SetProperty(ics.ComponentProperty(ics.PropertyTzoffsetfrom), "+0100")
	winter.SetProperty(ics.ComponentProperty(ics.PropertyTzoffsetto), "+0000")
	winter.SetProperty(ics.ComponentProperty(ics.PropertyTzname), "GMT")
	zone.Components = append(zone.Components, &summer)
}

package marketplace_test

import (
	"strings"
	"testing"

	ics "github.com/arran4/golang-ical"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/marketplace"
)

func (s *stall) feed(o *marketplace.OfferDetail) string {
	s.t.Helper()
	text, err := marketplace.OfferFeed(s.ctx, s.d, shortbreaks.Anonymous, o.Offer.ID)
	require.NoError(s.t, err)
	return text
}

func TestAnOffersCalendarIsWrittenAsTheStandardWantsIt(t *testing.T) {
	t.Parallel()
	s := setup(t)
	draft := club(tariffOf(option("Standard", charge("place", "session", 900))))
	draft.Title = "Club; games, music\r\nBEGIN:VEVENT\\ £ and a name that is long enough to be folded over more than one line"
	draft.Summary = "Ein Café für alle – " + strings.Repeat("ééééé ", 40)
	o := s.publish(s.owner, draft)
	text := s.feed(o)
	require.Equal(t, strings.Count(text, "\n"), strings.Count(text, "\r\n"), "every line ends in CRLF")
	require.Equal(t, strings.Count(text, "\r"), strings.Count(text, "\r\n"), "and none is broken by a title")
	for _, line := range strings.Split(text, "\r\n") {
		require.LessOrEqual(t, len(line), 75, "octets of %q", line)
	}
	for _, want := range []string{
		"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n", "BEGIN:VTIMEZONE\r\nTZID:Europe/London\r\n", "TZOFFSETFROM:+0000\r\n", "TZNAME:BST\r\n", "BYMONTH=10;BYDAY=-1SU\r\n",
		"DTSTART;TZID=Europe/London:20270109T100000\r\n", "DTEND;TZID=Europe/London:20270109T130000\r\n", "SEQUENCE:0\r\n", "STATUS:CONFIRMED\r\n",
	} {
		require.Contains(t, text, want)
	}
	require.Equal(t, text, s.feed(o), "the same sessions give the same bytes")
	cal, err := ics.ParseCalendar(strings.NewReader(text))
	require.NoError(t, err)
	require.Len(t, cal.Events(), 11, "a title makes no events")
	for _, e := range cal.Events() {
		for _, p := range []ics.ComponentProperty{ics.ComponentPropertyUniqueId, ics.ComponentPropertyDtstamp, ics.ComponentPropertyDtStart, ics.ComponentPropertyDtEnd} {
			require.Len(t, e.GetProperties(p), 1)
		}
		starts, err := e.GetStartAt()
		require.NoError(t, err)
		require.Equal(t, "10:00", starts.In(shortbreaks.London).Format("15:04"))
	}
}

func TestACalendarKeepsWhatWasMovedOrCalledOff(t *testing.T) {
	t.Parallel()
	s := setup(t)
	o := s.sessionFee()
	before := s.feed(o)
	s.clock.Set(at("2027-01-05T12:00"))
	_, err := marketplace.MoveSession(s.ctx, s.d, s.owner, marketplace.SessionMove{SessionID: o.Sessions[0].ID, On: date("2027-01-10"), From: "14:00", To: "17:00", Reason: "The hall is let."})
	require.NoError(t, err)
	_, err = marketplace.CallOffSession(s.ctx, s.d, s.owner, o.Sessions[1].ID, "No heating")
	require.NoError(t, err)
	events := func(text string) map[string]*ics.VEvent {
		cal, err := ics.ParseCalendar(strings.NewReader(text))
		require.NoError(t, err)
		all := map[string]*ics.VEvent{}
		for _, e := range cal.Events() {
			all[e.Id()] = e
		}
		return all
	}
	was, is := events(before), events(s.feed(o))
	require.Len(t, is, 11)
	for id := range was {
		require.Contains(t, is, id, "its UID stays")
	}
	value := func(e *ics.VEvent, p ics.ComponentProperty) string { return e.GetProperty(p).Value }
	moved, off := is[o.Sessions[0].ID.String()+"@shortbreaks"], is[o.Sessions[1].ID.String()+"@shortbreaks"]
	require.Equal(t, "1", value(moved, ics.ComponentPropertySequence))
	require.Equal(t, "20270110T140000", value(moved, ics.ComponentPropertyDtStart))
	require.Equal(t, "20270105T120000Z", value(moved, ics.ComponentPropertyDtstamp))
	require.Equal(t, "CONFIRMED", value(moved, ics.ComponentPropertyStatus))
	require.Equal(t, "CANCELLED", value(off, ics.ComponentPropertyStatus))
	require.Equal(t, "20270116T100000", value(off, ics.ComponentPropertyDtStart))
	require.Contains(t, value(off, ics.ComponentPropertyDescription), "No heating")
	made, err := marketplace.CreateOffer(s.ctx, s.d, s.owner, club(tariffOf(option("Standard", charge("place", "session", 900)))))
	require.NoError(t, err)
	_, err = marketplace.OfferFeed(s.ctx, s.d, shortbreaks.Anonymous, made.Offer.ID)
	require.ErrorIs(t, err, shortbreaks.ErrNotFound, "a draft is its provider's alone")
}

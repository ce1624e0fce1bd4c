package api_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/api/gen"
	"shortbreaks/marketplace"
)

func init() {
	openapi3filter.RegisterBodyDecoder("text/calendar", func(body io.Reader, _ http.Header, _ *openapi3.SchemaRef, _ openapi3filter.EncodingFn) (any, error) {
		text, err := io.ReadAll(body)
		return string(text), err
	})
}

const busyFile = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART:20271224T100000Z\r\nDURATION:PT1H\r\nSUMMARY:Dentist\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"

// sessionID is a session nobody has booked, of an offer of its own.
func (m *cast) sessionID(target string, fresh bool) uuid.UUID {
	return m.record("session", target, fresh, func() uuid.UUID {
		made, err := marketplace.CreateOffer(m.ctx, m.d, m.houseOf(target).Owner, club())
		require.NoError(m.t, err)
		return made.Sessions[0].ID
	})
}

// busyLaneID is a lane with a busy calendar.
func (m *cast) busyLaneID(target string, _ bool) uuid.UUID {
	if target == "missing" {
		return shortbreaks.NewID()
	}
	lane := m.visits[target].Lanes[0].ID
	_, err := marketplace.SetBusyCalendar(m.ctx, m.d, m.houseOf(target).Owner, marketplace.SetBusy{LaneID: lane, File: busyFile})
	require.NoError(m.t, err)
	return lane
}

// ofProvider asks for something of a target's provider.
func (m *cast) ofProvider(path string, body object) func(string, bool) request {
	return func(target string, _ bool) request {
		sent := object{"provider_id": m.houseOf(target).ID}
		if target == "missing" {
			sent["provider_id"] = shortbreaks.NewID()
		}
		for k, v := range body {
			sent[k] = v
		}
		return req(http.MethodPost, path, sent)
	}
}

// termDates imports those of a target's council.
func (m *cast) termDates(target string, _ bool) request {
	authority := shortbreaks.NewID()
	if c := m.council[target]; c != nil {
		authority = c.ID
	}
	return req(http.MethodPost, "/v1/calendar-imports", object{"authority_id": authority, "format": "csv", "file": "kind,first_date,last_date\nterm,2027-01-04,2027-03-25\n"})
}

func TestTermDatesAreImportedAndASeriesKeepsToThem(t *testing.T) {
	w := setup(t)
	file := "kind,first_date,last_date,name\nterm,2027-01-04,2027-03-25,Spring\nhalf_term,2027-02-15,2027-02-19,\nnonsense,2027-01-01,x,\n"
	body := object{"school_name": "Hill Academy", "format": "csv", "file": file}
	p := w.practitioner.post("/v1/calendar-imports", body).refused(422, "invalid")
	require.Len(t, p.Errors, 2)
	require.Equal(t, "/rows/4/kind", p.Errors[0].Pointer)
	body["file"] = strings.Replace(file, "nonsense,2027-01-01,x,\n", "", 1)
	body["dry_run"] = true
	require.Nil(t, into[gen.CalendarImported](w.practitioner.post("/v1/calendar-imports", body), 200).CalendarID)
	delete(body, "dry_run")
	made := into[gen.CalendarImported](w.practitioner.post("/v1/calendar-imports", body), 200)
	require.True(t, made.NewSchool)
	list := into[gen.CalendarList](w.nobody().get("/v1/calendars?name=hill"), 200)
	require.Equal(t, *made.CalendarID, list.Items[0].ID)
	require.Len(t, list.Items[0].Ranges, 2)

	series := object{
		"first_date": "2027-02-06", "rrule": "FREQ=WEEKLY;BYDAY=MO,SA;UNTIL=20270301", "from": "10:00", "to": "13:00", "capacity": 8,
		"calendar": object{"school_id": list.Items[0].SchoolID, "only": "holidays"},
	}
	owner := w.as(w.stars.Owner)
	seen := into[gen.SessionPreview](owner.post("/v1/session-previews", object{"sessions": series}), 200)
	require.Equal(t, "2027-02-15T10:00", seen.Sessions[0].LocalStart)
	require.Len(t, seen.LeftOut, 7)
	draft := draftBody(object{"sessions": series, "notice_minutes": 1440, "horizon_days": 90})
	made2 := into[gen.Offer](owner.post("/v1/offers", draft), 201)
	require.Len(t, made2.Sessions, 1)
	require.Equal(t, 1440, made2.NoticeMinutes)
	require.Equal(t, 90, *made2.HorizonDays)
	series["rrule"] = "FREQ=WEEKLY;BYSETPOS=1;COUNT=3"
	p = owner.post("/v1/session-previews", object{"sessions": series}).refused(422, "invalid")
	require.Equal(t, "/sessions/rrule", p.Errors[0].Pointer)
}

func TestWhatIsPlannedChangesAndTheCalendarTellsIt(t *testing.T) {
	w := setup(t)
	w.fund(w.ash, w.sam)
	o := w.publish(w.stars, club())
	owner := w.as(w.stars.Owner)
	path := func(i int) string { return "/v1/sessions/" + o.Sessions[i].ID.String() }
	feed := func() string {
		a := w.nobody().get("/v1/offers/" + o.Offer.ID.String() + "/calendar.ics")
		require.Equal(t, 200, a.status)
		require.True(t, strings.HasPrefix(a.header.Get("Content-Type"), "text/calendar"))
		return string(a.body)
	}
	require.Equal(t, 13, strings.Count(feed(), "BEGIN:VEVENT"))
	q := w.mother.quote(w.sam, o, 2)
	moved := into[gen.PlannedSession](owner.post(path(1)+"/move", object{"date": "2027-01-17", "from": "14:00", "to": "17:00"}), 200)
	require.Equal(t, "2027-01-17T14:00", moved.LocalStart)
	// A quote made before the move would book another time than the family saw.
	w.mother.post("/v1/bookings", toBook(q), key("a")).refused(409, "quote-expired")
	w.mother.book(w.sam, o, 1)
	owner.post(path(0)+"/calling-off", object{"reason": "Snow"}).refused(409, "session-booked")
	w.fund(w.ash, w.rosa)
	w.mother.book(w.rosa, o, 1)
	change := "/v1/offers/" + o.Offer.ID.String() + "/session-changes"
	owner.post(change, object{"from_date": "2027-01-05", "capacity": 1}).refused(409, "capacity-below-taken")
	owner.post(change, object{"from_date": "2027-01-05", "start": "11:00"}).refused(409, "session-booked")
	owner.post("/v1/closures", object{"starts_on": "2027-01-09", "ends_on": "2027-01-10", "reason": "Snow"}).refused(409, "session-booked")
	require.Equal(t, gen.SessionsChanged{Changed: 12}, into[gen.SessionsChanged](owner.post(change, object{"from_date": "2027-01-10", "capacity": 1}), 200))
	off := into[gen.PlannedSession](owner.post(path(2)+"/calling-off", object{"reason": "Snow"}), 200)
	require.Equal(t, gen.SessionStateCancelled, off.State)
	shut := into[gen.ClosureMade](owner.post("/v1/closures", object{"starts_on": "2027-01-30", "ends_on": "2027-02-06", "reason": "Painting"}), 201)
	require.Equal(t, 2, shut.SessionsCalledOff)
	require.Len(t, into[gen.ClosureList](owner.get("/v1/closures"), 200).Items, 1)
	text := feed()
	require.Equal(t, 3, strings.Count(text, "STATUS:CANCELLED"))
	require.Contains(t, text, "DTSTART;TZID=Europe/London:20270117T140000")
	for _, name := range []string{"Sam", "Rosa", "oakley", w.sam.String(), "Oakley"} {
		require.NotContains(t, text, name)
	}
}

func TestAWorkersCalendarIsShownWithoutItsAddress(t *testing.T) {
	w := setup(t)
	o := w.publish(w.stars, visits())
	owner := w.as(w.stars.Owner)
	path := "/v1/lanes/" + o.Lanes[0].ID.String() + "/busy-calendar"
	owner.get(path).refused(404, "not-found")
	set := func(body object) answer { return owner.ask(http.MethodPut, path, body) }
	a := set(object{"address": "https://calendar.example.org/secret-token/busy.ics"})
	require.Equal(t, "calendar.example.org", *into[gen.BusyStatus](a, 200).Host)
	require.NotContains(t, string(a.body), "secret-token")
	require.NotContains(t, w.log.String(), "secret-token")
	require.Equal(t, 1, into[gen.BusyStatus](set(object{"file": busyFile}), 200).BusyTimes)
	require.NotContains(t, string(owner.get(path).body), "Dentist")
	set(object{"file": "hello"}).refused(422, "invalid")
	set(object{"address": "http://calendar.example.org/"}).refused(422, "invalid")
	set(object{"address": "https://a.example/", "file": busyFile}).refused(400, "malformed")
	set(object{}).refused(400, "malformed")
	require.Equal(t, 204, owner.ask(http.MethodDelete, path, nil).status)
	owner.get(path).refused(404, "not-found")
}

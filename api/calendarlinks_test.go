package api_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	ical "github.com/emersion/go-ical"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/api/gen"
	"shortbreaks/internal/db/dbtest"
)

// address makes a secret address and gives its path.
func (c caller) address(kind string, more ...object) (path string, link gen.CalendarLink) {
	c.w.t.Helper()
	body := object{"kind": kind, "name": "My phone"}
	for _, m := range more {
		for k, v := range m {
			body[k] = v
		}
	}
	made := into[gen.MadeCalendarLink](c.post("/v1/calendar-links", body), http.StatusCreated)
	path, found := strings.CutPrefix(made.Address, "http://127.0.0.1:8080")
	require.True(c.w.t, found, made.Address)
	return path, made.Link
}

// entries reads a calendar with a parser that did not write it.
func entries(t *testing.T, a answer) map[string]*ical.Event {
	t.Helper()
	require.Equal(t, http.StatusOK, a.status, "%s", a.body)
	cal, err := ical.NewDecoder(strings.NewReader(string(a.body))).Decode()
	require.NoError(t, err)
	all := map[string]*ical.Event{}
	for _, e := range cal.Events() {
		uid, err := e.Props.Text(ical.PropUID)
		require.NoError(t, err)
		require.NotContains(t, all, uid)
		for _, p := range []string{ical.PropDateTimeStamp, ical.PropLastModified, ical.PropDateTimeStart, ical.PropDateTimeEnd, ical.PropSequence, ical.PropStatus} {
			require.Len(t, e.Props.Values(p), 1, p)
		}
		all[uid] = &e
	}
	return all
}

func prop(t *testing.T, e *ical.Event, name string) string {
	t.Helper()
	require.NotNil(t, e)
	p := e.Props.Get(name)
	require.NotNil(t, p, name)
	return p.Value
}

func TestACalendarIsReadByItsSecretAddress(t *testing.T) {
	w := setup(t)
	w.fund(w.ash, w.sam)
	d := club()
	d.Title = "Club; games, music\\ – for all"
	b := w.mother.book(w.sam, w.publish(w.stars, d), 2)
	visit := w.mother.visit(w.sam, w.publish(w.stars, visits()), "2027-01-06T15:00")
	path, link := w.mother.address("bookings")
	a := w.nobody().get(path)
	text := string(a.body)
	require.Equal(t, "text/calendar; charset=utf-8", a.header.Get("Content-Type"))
	require.Equal(t, "private, no-cache", a.header.Get("Cache-Control"))
	require.Equal(t, "no-referrer", a.header.Get("Referrer-Policy"))
	require.Equal(t, strings.Count(text, "\n"), strings.Count(text, "\r\n"))
	for _, line := range strings.Split(text, "\r\n") {
		require.LessOrEqual(t, len(line), 75, line)
	}
	for _, want := range []string{"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n", "PRODID:", "BEGIN:VTIMEZONE\r\nTZID:Europe/London\r\n"} {
		require.Contains(t, text, want)
	}
	for _, private := range []string{"Sam", "Oakley", "oakley", "mother", "My phone", w.sam.String()} {
		require.NotContains(t, text, private)
	}
	shown := entries(t, a)
	require.Len(t, shown, 3)
	first := shown[b.Items[0].ID.String()+"@shortbreaks"]
	require.Equal(t, "CONFIRMED", prop(t, first, "STATUS"))
	require.Equal(t, "Europe/London", first.Props.Get("DTSTART").Params.Get("TZID"))
	starts, err := first.DateTimeStart(nil)
	require.NoError(t, err)
	require.True(t, starts.Equal(b.Items[0].StartsAt))
	require.Contains(t, prop(t, first, "DESCRIPTION"), b.Reference)
	asked := shown[visit.Items[0].ID.String()+"@shortbreaks"]
	require.Equal(t, "TENTATIVE", prop(t, asked, "STATUS"))
	require.Nil(t, asked.Props.Get("LOCATION"), "a visit may be at home")

	// What a program has it need not be sent again, until something changes.
	tag := a.header.Get("ETag")
	same := w.nobody().ask(http.MethodGet, path, nil, "If-None-Match: "+tag)
	require.Equal(t, http.StatusNotModified, same.status)
	require.Empty(t, same.body)
	require.Equal(t, 200, w.mother.post("/v1/bookings/"+b.ID.String()+"/cancellation", object{"reason": "ill", "item_ids": []uuid.UUID{b.Items[0].ID}}).status)
	next := w.nobody().ask(http.MethodGet, path, nil, "If-None-Match: "+tag)
	was := entries(t, next)[b.Items[0].ID.String()+"@shortbreaks"]
	require.Equal(t, "CANCELLED", prop(t, was, "STATUS"))
	require.Equal(t, "1", prop(t, was, "SEQUENCE"))

	require.Len(t, into[gen.CalendarLinkList](w.mother.get("/v1/calendar-links"), 200).Items, 1)
	require.Empty(t, into[gen.CalendarLinkList](w.father.get("/v1/calendar-links"), 200).Items, "the other parent has none")
	revoke := "/v1/calendar-links/" + link.ID.String()
	w.father.ask(http.MethodDelete, revoke, nil).refused(404, "not-found")
	require.Equal(t, 204, w.mother.ask(http.MethodDelete, revoke, nil).status)
	gone, never := w.nobody().get(path), w.nobody().get("/v1/calendar-feeds/"+strings.Repeat("A", 43)+"/calendar.ics")
	for _, a := range []answer{gone, never, w.nobody().get("/v1/calendar-feeds/x/calendar.ics")} {
		p := a.refused(404, "not-found")
		p.Instance = ""
		q := gone.refused(404, "not-found")
		q.Instance = ""
		require.Equal(t, q, p, "nobody can tell which it was")
	}
}

// TestASecretAddressIsWrittenDownNowhere looks for the secret in the log, in
// the figures and in every table.
func TestASecretAddressIsWrittenDownNowhere(t *testing.T) {
	w := setup(t)
	path, _ := w.mother.address("bookings")
	secret := strings.Split(path, "/")[3]
	require.Len(t, secret, 43, "256 bits")
	other, _ := w.mother.address("bookings")
	require.NotEqual(t, path, other)
	require.Equal(t, 200, w.nobody().get(path).status)
	w.nobody().get(strings.Replace(path, secret, secret[:40], 1)).refused(404, "not-found")
	rec := httptest.NewRecorder()
	w.server.MetricsHandler().ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	require.Contains(t, rec.Body.String(), `route="/v1/calendar-feeds/:secret/calendar.ics"`)
	require.NotContains(t, rec.Body.String(), secret)
	require.Contains(t, w.log.String(), "/v1/calendar-feeds/:secret/calendar.ics")
	require.NotContains(t, w.log.String(), secret)
	var kept string
	require.NoError(t, dbtest.Owner(t, w.d).QueryRow(w.ctx, `SELECT string_agg(l::text, ' ') FROM calendar_link l`).Scan(&kept))
	require.NotContains(t, kept, secret)
	require.NotContains(t, string(w.mother.get("/v1/calendar-links").body), secret)
}

func TestACalendarShowsWhatItsOwnerMaySeeNow(t *testing.T) {
	w := setup(t)
	w.fund(w.ash, w.sam)
	w.fund(w.ash, w.begum.Children[0].ID)
	o := w.publish(w.stars, club())
	mine := w.mother.book(w.sam, o, 1)
	w.as(w.begum.Parents[0]).book(w.begum.Children[0].ID, o, 2)
	mother, _ := w.mother.address("bookings")
	father, _ := w.father.address("bookings")
	setting, _ := w.as(w.stars.Coordinator).address("setting", object{"setting_id": o.Setting.ID})
	require.Len(t, entries(t, w.nobody().get(mother)), 1, "another family's are not in it")
	require.Contains(t, entries(t, w.nobody().get(father)), mine.Items[0].ID.String()+"@shortbreaks")
	first := entries(t, w.nobody().get(setting))["setting-"+o.Sessions[0].ID.String()+"@shortbreaks"]
	require.Equal(t, "2 of 10 places taken.", strings.ReplaceAll(prop(t, first, "DESCRIPTION"), `\,`, ","))

	owner := dbtest.Owner(t, w.d)
	yesterday := shortbreaks.Date(monday.AddDate(0, 0, -1))
	end := func(who shortbreaks.Actor, more string) {
		_, err := owner.Exec(w.ctx, `UPDATE role_grant SET ends_on = $2 WHERE person_id = $1 `+more, who.Person, yesterday)
		require.NoError(t, err)
	}
	end(w.oakley.Parents[1], `AND child_id = '`+w.sam.String()+`'`)
	require.Empty(t, entries(t, w.nobody().get(father)), "Rosa's calendar is still there; Sam is no longer in it")
	require.Len(t, entries(t, w.nobody().get(mother)), 1)
	end(w.oakley.Parents[1], "")
	w.nobody().get(father).refused(404, "not-found")
	end(w.stars.Coordinator, "")
	w.nobody().get(setting).refused(404, "not-found")
}

func TestAWorkersCalendarHasTheirVisitsAlone(t *testing.T) {
	w := setup(t)
	for _, child := range []uuid.UUID{w.sam, w.rosa} {
		w.fund(w.ash, child)
	}
	o := w.publish(w.stars, visits())
	for _, child := range []uuid.UUID{w.sam, w.rosa} {
		w.mother.visit(child, o, "2027-01-06T15:00") // at the same hour, so by two workers
	}
	worker := shortbreaks.NewID()
	owner := dbtest.Owner(t, w.d)
	for _, sql := range []string{
		`INSERT INTO worker (provider_id, id, display_name, person_id) VALUES ('%s', '%s', 'Jo', '` + w.stars.Worker.Person.String() + `')`,
		`UPDATE lane SET worker_id = '%[2]s' WHERE provider_id = '%[1]s' AND id = '` + o.Lanes[0].ID.String() + `'`,
	} {
		_, err := owner.Exec(w.ctx, fmt.Sprintf(sql, w.stars.ID, worker))
		require.NoError(t, err)
	}
	path, _ := w.as(w.stars.Worker).address("visits")
	require.Len(t, entries(t, w.nobody().get(path)), 1)
	theirs, _ := w.as(w.stars.Coordinator).address("visits")
	require.Empty(t, entries(t, w.nobody().get(theirs)))
}

func TestCalendarAddressesThatCannotBeMade(t *testing.T) {
	w := setup(t)
	o := w.publish(w.stars, club())
	far := w.publish(w.moor, club())
	const post, path = http.MethodPost, "/v1/calendar-links"
	body := func(kind string, setting any) object {
		b := object{"kind": kind, "name": "Mine"}
		if setting != nil {
			b["setting_id"] = setting
		}
		return b
	}
	worker := w.as(w.stars.Worker)
	w.refuse([]refusal{
		{"a family's visits", w.mother, post, path, body("visits", nil), nil, 422, "invalid", "/kind"},
		{"a worker's bookings", worker, post, path, body("bookings", nil), nil, 422, "invalid", "/kind"},
		{"a setting of no name", worker, post, path, body("setting", nil), nil, 422, "invalid", "/setting_id"},
		{"bookings of a setting", w.mother, post, path, body("bookings", o.Setting.ID), nil, 422, "invalid", "/setting_id"},
		{"another's setting", worker, post, path, body("setting", far.Setting.ID), nil, 404, "not-found", ""},
		{"a setting, as a family", w.mother, post, path, body("setting", o.Setting.ID), nil, 404, "not-found", ""},
		{"a name of spaces", worker, post, path, object{"kind": "visits", "name": "  "}, nil, 422, "invalid", "/name"},
	})
	for range 20 {
		w.mother.address("bookings")
	}
	w.mother.post(path, body("bookings", nil)).refused(409, "too-many-links")
}

// TestACalendarOverTheChangesOfTheClocks: ten o'clock is ten o'clock on either
// side of both Sundays of 2027, and a night over a change has its real length.
func TestACalendarOverTheChangesOfTheClocks(t *testing.T) {
	w := setup(t)
	w.fund(w.ash, w.sam)
	d := club()
	d.Sessions.Weekdays, d.Sessions.LastDate = []int{6, 7}, time.Date(2027, 11, 7, 0, 0, 0, 0, time.UTC)
	d.Tariff.Options[0].Charges[0] = charge("place", "session", 100)
	o := w.publish(w.stars, d)
	watch := map[string]time.Duration{"2027-03-27": 0, "2027-03-28": time.Hour, "2027-10-30": time.Hour, "2027-10-31": 0}
	path, _ := w.as(w.stars.Owner).address("setting", object{"setting_id": o.Setting.ID})
	seen := 0
	for _, e := range entries(t, w.nobody().get(path)) {
		starts, err := e.DateTimeStart(nil)
		require.NoError(t, err)
		offset, of := watch[starts.In(shortbreaks.London).Format(time.DateOnly)]
		if !of {
			continue
		}
		seen++
		require.True(t, strings.HasSuffix(prop(t, e, "DTSTART"), "T100000"), "wall time")
		require.Equal(t, 10*time.Hour-offset, starts.UTC().Sub(starts.UTC().Truncate(24*time.Hour)), "the instant")
	}
	require.Equal(t, 4, seen)
}

package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/api/gen"
	"shortbreaks/booking"
	"shortbreaks/marketplace"
)

// From the code a family reads out to its yes, over HTTP: what each side reads.
func TestABookingByTelephoneFromTheCodeToTheYes(t *testing.T) {
	w := setup(t)
	w.fund(w.ash, w.sam)
	o := w.publish(w.stars, club())
	desk := w.as(w.stars.Coordinator)
	made := w.mother.post("/v1/booking-codes", object{"child_id": w.sam, "provider_id": w.stars.ID})
	code := into[gen.BookingCode](made, http.StatusCreated)
	require.Regexp(t, `^[0-9A-HJKMNP-TV-Z]{5}-[0-9A-HJKMNP-TV-Z]{5}$`, *code.Code)
	want := object{"code": *code.Code, "offer_id": o.Offer.ID, "session_ids": []uuid.UUID{o.Sessions[0].ID}, "reference": "Form 12"}
	desk.post("/v1/offline-bookings", want).refused(http.StatusBadRequest, "idempotency-key-required")
	first := desk.post("/v1/offline-bookings", want, key("call-1"))
	entered := into[gen.OfflineBooking](first, http.StatusCreated)
	require.Equal(t, gen.ItemStateHeld, entered.State)
	require.NotContains(t, string(first.body), w.sam.String(), "a provider is not told a child's id")
	require.Equal(t, first.body, desk.post("/v1/offline-bookings", want, key("call-1")).body, "asked again, the same answer")
	desk.post("/v1/offline-bookings", want, key("call-2")).refused(http.StatusNotFound, "code-unknown")

	codes := into[gen.BookingCodeList](w.mother.get("/v1/booking-codes"), 200)
	require.Nil(t, codes.Items[0].Code, "told once")
	require.EqualValues(t, "used", codes.Items[0].State)
	waiting := into[gen.OfflineBookingList](w.mother.get("/v1/offline-bookings?waiting=true"), 200)
	require.Equal(t, w.sam, *waiting.Items[0].ChildID)
	_, err := booking.Teller{DB: w.d}.Tell(w.ctx)
	require.NoError(t, err)
	news := into[gen.NewsList](w.mother.get("/v1/news"), 200)
	require.EqualValues(t, "entered", news.Items[0].Kind)

	yes := "/v1/offline-bookings/" + entered.BookingID.String() + "/agreement"
	desk.post(yes, nil).refused(http.StatusForbidden, "forbidden")
	require.Equal(t, gen.ItemStateConfirmed, into[gen.OfflineBooking](w.mother.post(yes, nil), 200).State)
	w.mother.post(yes, nil).refused(http.StatusConflict, "wrong-state")
	require.Empty(t, into[gen.OfflineBookingList](desk.get("/v1/offline-bookings?waiting=true"), 200).Items)
}

// bookingsOf is a file that books each child into the sessions.
func bookingsOf(children []uuid.UUID, sessions ...marketplace.SessionDetail) string {
	var b strings.Builder
	b.WriteString("reference,child,session_id\n")
	for i, c := range children {
		for j, s := range sessions {
			fmt.Fprintf(&b, "A-%d-%d,%s,%s\n", i, j, c, s.ID)
		}
	}
	return b.String()
}

// crowdOf are children with money who have a practitioner.
func (w *world) crowdOf(n int) []uuid.UUID {
	w.t.Helper()
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("Child%d", i)
	}
	var ids []uuid.UUID
	for _, c := range w.family(w.ash, "many", names, "many").Children {
		w.fund(w.ash, c.ID)
		ids = append(ids, c.ID)
	}
	return ids
}

// sending is one request of a race: a file if its body is bytes.
type sending struct {
	who  caller
	path string
	body any
	key  string
}

// sendAll sends requests of several kinds over real connections, all released
// together, and holds every answer against the contract.
func (w *world) sendAll(all []sending) []outcome {
	w.t.Helper()
	server := httptest.NewServer(w.server.Handler())
	defer server.Close()
	outcomes := make([]outcome, len(all))
	start := make(chan struct{})
	var group sync.WaitGroup
	for i, s := range all {
		group.Add(1)
		go func() {
			defer group.Done()
			<-start
			o := outcome{status: http.StatusServiceUnavailable}
			for o.err == nil && o.status == http.StatusServiceUnavailable {
				o = w.sendOne(server.URL, s)
			}
			outcomes[i] = o
		}()
	}
	close(start)
	group.Wait()
	for _, o := range outcomes {
		require.NoError(w.t, o.err)
	}
	return outcomes
}

func (w *world) sendOne(base string, s sending) outcome {
	text, raw := s.body.([]byte)
	kind := "text/csv"
	if !raw {
		var err error
		if text, err = json.Marshal(s.body); err != nil {
			return outcome{err: err}
		}
		kind = "application/json"
	}
	req, err := http.NewRequestWithContext(w.ctx, http.MethodPost, base+s.path, bytes.NewReader(text))
	if err != nil {
		return outcome{err: err}
	}
	req.Header.Set("Content-Type", kind)
	req.Header.Set("Authorization", "Bearer "+s.who.token)
	if s.key != "" {
		req.Header.Set("Idempotency-Key", s.key)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return outcome{err: err}
	}
	defer func() { _ = res.Body.Close() }()
	got, err := io.ReadAll(res.Body)
	if err == nil {
		err = w.contract.CheckResponse(req, res.StatusCode, res.Header, got)
	}
	o := outcome{status: res.StatusCode, body: got, err: err}
	if res.StatusCode >= 400 && err == nil {
		var p gen.Problem
		o.err = json.Unmarshal(got, &p)
		o.code = p.Code
	}
	return o
}

func TestRace_ImportsAndFamiliesAndTheProvidersDeskForTheSamePlaces(t *testing.T) {
	const places, contenders = 40, 150
	w := setup(t)
	w.fund(w.ash, w.sam)
	d := club()
	d.Sessions.Capacity = places
	o := w.publish(w.stars, d)
	session := o.Sessions[0]
	children := w.crowdOf(8)
	quotes := w.crowd(w.mother.quote(w.sam, o, 1), contenders)
	desk := w.as(w.stars.Coordinator)
	var all []sending
	for i, q := range quotes {
		all = append(all, sending{w.practitioner, "/v1/bookings", toBook(gen.Quote{ID: q, TotalPence: 1200}), fmt.Sprint("family-", i)})
		if i%3 == 0 {
			all = append(all, sending{desk, "/v1/outside-places", object{"session_ids": []uuid.UUID{session.ID}, "reference": fmt.Sprint("Form ", i)}, ""})
		}
		if n := i / 8; i%8 == 0 && n < len(children) {
			file := bookingsOf(children[n:n+1], session)
			all = append(all, sending{w.practitioner, "/v1/booking-imports", []byte(strings.Replace(file, "A-0", fmt.Sprint("A-", n), 1)), fmt.Sprint("file-", i)})
		}
	}
	outcomes := w.sendAll(all)
	got := tally(outcomes)
	require.Equal(t, places, got["201 "], "%v", got)
	require.Equal(t, len(outcomes)-places, got["409 session-full"]+got["422 invalid"], "%v", got)
	require.Zero(t, into[gen.Offer](w.nobody().get("/v1/offers/"+o.Offer.ID.String()), 200).Sessions[0].PlacesLeft)
}

func TestRace_TheSameFileAtOnceIsImportedOnce(t *testing.T) {
	const senders = 12
	w := setup(t)
	o := w.publish(w.stars, club())
	children := w.crowdOf(4)
	file := bookingsOf(children, o.Sessions[:3]...)
	var all []sending
	for i := range senders {
		for _, key := range []string{"one", fmt.Sprint("own-", i)} {
			all = append(all, sending{w.practitioner, "/v1/booking-imports", []byte(file), key})
		}
	}
	made := 0
	for _, o := range w.sendAll(all) {
		if o.status == http.StatusConflict {
			require.Equal(t, "request-in-progress", o.code)
			continue
		}
		require.Equal(t, http.StatusCreated, o.status, "%s", o.body)
		var r gen.BookingImport
		require.NoError(t, json.Unmarshal(o.body, &r))
		require.Equal(t, 12, r.Made+r.Unchanged)
		made = max(made, r.Made)
	}
	require.Equal(t, 12, made)
	for n := range 3 {
		require.Equal(t, 10-len(children), into[gen.Offer](w.nobody().get("/v1/offers/"+o.Offer.ID.String()), 200).Sessions[n].PlacesLeft)
	}
}

func TestAnImportOverHTTPTellsEveryErrorAndAWorkbookIsReadAlike(t *testing.T) {
	w := setup(t)
	w.fund(w.ash, w.sam)
	o := w.publish(w.stars, club())
	p := w.practitioner
	bad := fmt.Sprintf("reference,child,session_id\nA,%s,%s\n=1+1,%s,%s\n", shortbreaks.NewID(), o.Sessions[0].ID, w.sam, o.Sessions[0].ID)
	refused := p.ask(http.MethodPost, "/v1/booking-imports", []byte(bad), asCSV, key("bad"))
	refused.refused(http.StatusUnprocessableEntity, "invalid")
	require.Contains(t, string(refused.body), `"pointer":"/rows/2/child"`)
	require.Contains(t, string(refused.body), `"pointer":"/rows/3/reference"`)
	good := []byte(bookingsOf([]uuid.UUID{w.sam}, o.Sessions[0]))
	dry := into[gen.BookingImport](p.ask(http.MethodPost, "/v1/booking-imports?dry_run=true", good, asCSV, key("dry")), http.StatusCreated)
	require.Equal(t, []any{1, true}, []any{dry.Made, dry.DryRun})
	first := p.ask(http.MethodPost, "/v1/booking-imports", good, asCSV, key("good"))
	require.Equal(t, 1, into[gen.BookingImport](first, http.StatusCreated).Made)
	again := p.ask(http.MethodPost, "/v1/booking-imports", good, asCSV, key("good"))
	require.Equal(t, first.body, again.body)
	require.Equal(t, "true", again.header.Get("Idempotency-Replayed"))
	p.ask(http.MethodPost, "/v1/booking-imports?dry_run=true", good, asCSV, key("good")).refused(http.StatusUnprocessableEntity, "idempotency-key-reused")
	p.ask(http.MethodPost, "/v1/booking-imports", []byte("PK\x03\x04 no workbook"), "Content-Type: "+marketplace.MediaXLSX, key("xlsx")).refused(http.StatusUnprocessableEntity, "invalid")
}

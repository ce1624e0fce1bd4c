package api_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shortbreaks/api"
	"shortbreaks/api/gen"
	"shortbreaks/internal/db/dbtest"
	"shortbreaks/people"
)

// operationOf is the operation a GET is routed to.
func operationOf(w *world, path string) string {
	path, _, _ = strings.Cut(path, "?")
	parts := strings.Split(path, "/")
	for _, o := range w.contract.Operations() {
		want := strings.Split(o.Path, "/")
		same := o.Method == http.MethodGet && len(want) == len(parts)
		for i := 0; same && i < len(want); i++ {
			same = want[i] == parts[i] || strings.HasPrefix(want[i], "{")
		}
		if same {
			return o.ID
		}
	}
	return ""
}

// plain asks for something that is not part of the contract.
func (w *world) plain(h http.Handler, method, path string) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequestWithContext(w.ctx, method, path, nil))
	return rec
}

func (w *world) addContact(person any, kind, value string) {
	w.t.Helper()
	_, err := dbtest.Owner(w.t, w.d).Exec(w.ctx, `INSERT INTO contact (person_id, id, kind, value) VALUES ($1, gen_random_uuid(), $2, $3)`, person, kind, value)
	require.NoError(w.t, err)
}

func TestServer_Probes(t *testing.T) {
	w := setup(t)
	h := w.server.Handler()
	require.Equal(t, http.StatusOK, w.plain(h, http.MethodGet, "/livez").Code)
	require.Equal(t, http.StatusOK, w.plain(h, http.MethodGet, "/readyz").Code)
	w.server.Drain()
	require.Equal(t, http.StatusOK, w.plain(h, http.MethodGet, "/livez").Code)
	require.Equal(t, http.StatusServiceUnavailable, w.plain(h, http.MethodGet, "/readyz").Code)
	require.Equal(t, 200, w.nobody().get("/v1/offers").status) // what still comes is served
}

func TestServer_WithoutItsDatabase(t *testing.T) {
	w := setup(t)
	gone := dbtest.New(t)
	keys, err := people.NewKeys(people.KeySettings{Issuer: "x", Audience: "x", Generate: true})
	require.NoError(t, err)
	s, err := api.New(api.Config{DB: gone, Keys: keys, Searches: w.searches, Now: w.clock.Now})
	require.NoError(t, err)
	gone.Close()
	require.Equal(t, http.StatusOK, w.plain(s.Handler(), http.MethodGet, "/livez").Code)
	for _, path := range []string{"/readyz", "/v1/offers"} {
		rec := w.plain(s.Handler(), http.MethodGet, path)
		require.GreaterOrEqual(t, rec.Code, 500, path)
		require.NotContains(t, rec.Body.String(), "pool", path)
	}
}

func TestServer_NeedsItsParts(t *testing.T) {
	t.Parallel()
	_, err := api.New(api.Config{})
	require.ErrorContains(t, err, "must be given")
}

func TestServer_Pages(t *testing.T) {
	w := setup(t)
	for path, holds := range map[string]string{
		"/docs": "redoc", "/openapi.yaml": "operationId: createBooking", "/problems/session-full": "session-full", "/problems": "price-changed",
	} {
		rec := w.plain(w.server.Handler(), http.MethodGet, path)
		require.Equal(t, http.StatusOK, rec.Code, path)
		require.Contains(t, rec.Body.String(), holds, path)
	}
}

func TestServer_AddressesThatAreNone(t *testing.T) {
	w := setup(t)
	for path, want := range map[string]int{
		"/": 404, "/v1": 404, "/v1/nothing": 404, "/v1/bookings/": 404, "/v1//bookings": 404, "/metrics": 404, "/debug/pprof/": 404, "/v2/offers": 404,
	} {
		rec := w.plain(w.server.Handler(), http.MethodGet, path)
		require.Equal(t, want, rec.Code, path)
		require.Equal(t, api.ProblemMIME, rec.Header().Get("Content-Type"), path)
	}
	rec := w.plain(w.server.Handler(), http.MethodDelete, "/v1/bookings")
	require.Equal(t, http.StatusMethodNotAllowed, rec.Code)
	require.Contains(t, rec.Body.String(), "method-not-allowed")
}

func TestServer_LogsRoutesAndNobody(t *testing.T) {
	w := setup(t)
	w.fund(w.ash, w.sam)
	b := w.mother.book(w.sam, w.publish(w.stars, club()), 1)
	w.mother.get("/v1/bookings/" + b.ID.String())
	w.mother.get("/v1/bookings?child_id=" + w.sam.String())
	w.nobody().get("/v1/offers?q=SECRETWORD")
	w.plain(w.server.Handler(), http.MethodGet, "/v1/"+w.sam.String())
	for _, secret := range []string{w.sam.String(), b.ID.String(), "SECRETWORD", w.mother.token, b.Reference, w.oakley.Parents[0].Person.String()} {
		require.NotContains(t, w.log.String(), secret)
	}
	lines := strings.Split(strings.TrimSpace(w.log.String()), "\n")
	for _, line := range lines {
		var entry map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &entry))
		for name := range entry {
			require.Contains(t, []string{"time", "level", "msg", "request_id", "method", "route", "status", "took"}, name)
		}
	}
	require.Contains(t, w.log.String(), `"route":"/v1/bookings/:booking_id","status":200`)
	require.Contains(t, w.log.String(), `"route":"none","status":404`)
}

func TestServer_MetricsHaveBoundedLabels(t *testing.T) {
	w := setup(t)
	w.nobody().get("/v1/offers")
	for _, path := range []string{"/a", "/b", "/v1/" + w.sam.String()} {
		w.plain(w.server.Handler(), http.MethodGet, path)
	}
	w.plain(w.server.Handler(), "BREW", "/v1/offers")
	text := w.plain(w.server.MetricsHandler(), http.MethodGet, "/").Body.String()
	require.Contains(t, text, `shortbreaks_http_requests_total{class="2xx",method="GET",route="/v1/offers"} 1`)
	require.Contains(t, text, `shortbreaks_http_requests_total{class="4xx",method="GET",route="none"} 3`)
	require.Contains(t, text, `method="other"`)
	require.Contains(t, text, `shortbreaks_http_request_seconds_count{route="/v1/offers"}`)
	require.Contains(t, text, "shortbreaks_db_connections ")
	require.NotContains(t, text, w.sam.String())
}

func TestServer_TimeLimits(t *testing.T) {
	t.Parallel()
	s := api.HTTPServer("127.0.0.1:0", http.NotFoundHandler())
	require.Equal(t, 5*time.Second, s.ReadHeaderTimeout)
	require.Equal(t, 10*time.Second, s.ReadTimeout)
	require.Equal(t, 30*time.Second, s.WriteTimeout)
	require.Equal(t, time.Minute, s.IdleTimeout)
	require.Equal(t, 16<<10, s.MaxHeaderBytes)
}

// TestServer_WaitsForALockNoLongerThanItsCaller: a lock that is not let go is
// answered as "try again later", and then works.
func TestServer_WaitsForALockNoLongerThanItsCaller(t *testing.T) {
	w := setup(t)
	w.fund(w.ash, w.sam)
	o := w.publish(w.stars, club())
	body := toBook(w.mother.quote(w.sam, o, 1))
	tx, err := dbtest.Owner(t, w.d).Begin(w.ctx)
	require.NoError(t, err)
	_, err = tx.Exec(w.ctx, `SELECT FROM session_places WHERE session_id = $1 FOR UPDATE`, o.Sessions[0].ID)
	require.NoError(t, err)
	began := time.Now()
	a := w.mother.post("/v1/bookings", body, key("k"))
	a.refused(http.StatusServiceUnavailable, "unavailable")
	require.NotEmpty(t, a.header.Get("Retry-After"))
	require.Less(t, time.Since(began), 10*time.Second)
	require.NoError(t, tx.Rollback(w.ctx))
	require.Equal(t, http.StatusCreated, w.mother.post("/v1/bookings", body, key("k")).status)
}

func TestServer_OverRealConnections(t *testing.T) {
	w := setup(t)
	server := httptest.NewUnstartedServer(w.server.Handler())
	server.Config = api.HTTPServer("", w.server.Handler())
	server.Start()
	defer server.Close()
	req, err := http.NewRequestWithContext(w.ctx, http.MethodPost, server.URL+"/v1/tokens", strings.NewReader(`{"subject":"mother.oakley"}`))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Request-Id", "walk-through-1")
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer func() { require.NoError(t, res.Body.Close()) }()
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.NoError(t, w.contract.CheckResponse(req, res.StatusCode, res.Header, body))
	require.Equal(t, "walk-through-1", res.Header.Get("X-Request-Id"))
	require.Equal(t, "nosniff", res.Header.Get("X-Content-Type-Options"))
	require.Equal(t, "no-store", res.Header.Get("Cache-Control"))
	var token gen.Token
	require.NoError(t, json.Unmarshal(body, &token))
	require.NotEmpty(t, token.AccessToken)
}

package api

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"
)

func TestLimits_RefuseALargeBody(t *testing.T) {
	t.Parallel()
	e := border(t)
	large := with(aPattern, `"q":"`+strings.Repeat("a", MaxBody)+`"`)
	p := problem(t, ask(e, "POST", "/v1/offer-comparisons", large))
	require.Equal(t, http.StatusRequestEntityTooLarge, p.Status)
	require.Equal(t, "body-too-large", p.Code)

	// the edge: one byte more is too many
	pad := aPattern + strings.Repeat(" ", MaxBody-len(aPattern))
	require.Equal(t, 204, ask(e, "POST", "/v1/offer-comparisons", pad).Code)
	require.Equal(t, 413, ask(e, "POST", "/v1/offer-comparisons", pad+" ").Code)

	raw := strings.Repeat(" ", MaxRawBody)
	require.Equal(t, 204, ask(e, "POST", "/v1/stripe-events", raw, "Stripe-Signature: x").Code)
	require.Equal(t, 413, ask(e, "POST", "/v1/stripe-events", raw+" ", "Stripe-Signature: x").Code)
}

// A body that says it is too large is refused before any of it is read.
func TestLimits_ALargeBodyIsNotRead(t *testing.T) {
	t.Parallel()
	req := httptest.NewRequest("POST", "/v1/offer-comparisons", iotest.ErrReader(errors.New("was read")))
	req.ContentLength = MaxBody + 1
	rec := httptest.NewRecorder()
	border(t).ServeHTTP(rec, req)
	require.Equal(t, http.StatusRequestEntityTooLarge, problem(t, rec).Status)
}

// A body sent in chunks names no length and is cut off while it is read.
func TestLimits_RefuseALargeBodyOfUnknownLength(t *testing.T) {
	t.Parallel()
	e := border(t)
	e.POST("/elsewhere", func(c echo.Context) error {
		_, err := readBody(c)
		return err
	})
	for _, path := range []string{"/v1/offer-comparisons", "/elsewhere"} {
		server := newServer(t, e)
		req, err := http.NewRequestWithContext(t.Context(), "POST", server+path, struct{ *strings.Reader }{strings.NewReader(strings.Repeat(" ", MaxBody+1))})
		require.NoError(t, err)
		req.Header.Set("Content-Type", "application/json")
		res, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		require.Equal(t, http.StatusRequestEntityTooLarge, res.StatusCode, path)
	}
}

func TestManners_SafeHeadersOnEveryAnswer(t *testing.T) {
	t.Parallel()
	e := border(t)
	for _, path := range []string{"/v1/offers", "/v1/offers/17", "/nowhere"} {
		h := ask(e, "GET", path, "").Header()
		require.Equal(t, "nosniff", h.Get("X-Content-Type-Options"), path)
		require.Equal(t, "DENY", h.Get("X-Frame-Options"), path)
		require.Equal(t, "no-referrer", h.Get("Referrer-Policy"), path)
		require.Contains(t, h.Get("Content-Security-Policy"), "default-src 'none'", path)
		require.Empty(t, h.Get("Strict-Transport-Security"), path)
		require.NotEmpty(t, h.Get("X-Request-Id"), path)
	}
	e.SchemeExtractor = func(*http.Request) string { return "https" }
	h := ask(e, "GET", "/v1/offers", "").Header()
	require.NotEmpty(t, h.Get("Strict-Transport-Security"))
}

func TestManners_PrivateAnswersAreNotKept(t *testing.T) {
	t.Parallel()
	e := border(t)
	require.Empty(t, ask(e, "GET", "/v1/offers", "").Header().Get("Cache-Control"))
	require.Equal(t, "no-store", ask(e, "GET", "/v1/offers", "", "Authorization: Bearer x").Header().Get("Cache-Control"))
	require.Equal(t, "no-store", ask(e, "GET", "/v1/offers", "", "Cookie: s=1").Header().Get("Cache-Control"))
	require.Equal(t, "no-store", ask(e, "POST", "/v1/offer-comparisons", aPattern).Header().Get("Cache-Control"))
	require.Equal(t, "no-store", ask(e, "GET", "/nowhere", "").Header().Get("Cache-Control"))
}

func TestManners_RequestIDsCannotWriteToLogs(t *testing.T) {
	t.Parallel()
	e := border(t)
	rec := ask(e, "GET", "/nowhere", "", "X-Request-Id: from-the-proxy_1")
	require.Equal(t, "from-the-proxy_1", rec.Header().Get("X-Request-Id"))
	require.Equal(t, "from-the-proxy_1", problem(t, rec).Instance)
	for _, bad := range []string{"short", "with space in it", strings.Repeat("a", 65), "line\nbreak-it"} {
		got := ask(e, "GET", "/nowhere", "", "X-Request-Id: "+bad).Header().Get("X-Request-Id")
		require.Len(t, got, 36, bad)
	}
}

package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"

	"shortbreaks"
)

func newServer(t *testing.T, h http.Handler) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// answer is how an error returned by a handler is answered.
func answer(t *testing.T, err error) *httptest.ResponseRecorder {
	t.Helper()
	e := echo.New()
	e.HTTPErrorHandler = HandleError
	e.Use(contract(t).Manners())
	e.GET("/v1/offers", func(echo.Context) error { return err })
	rec := ask(e, "GET", "/v1/offers", "")
	return rec
}

func TestProblems_KindsHaveTheirStatus(t *testing.T) {
	t.Parallel()
	for kind, want := range map[shortbreaks.Kind]int{
		shortbreaks.Malformed: 400, shortbreaks.Unauthorized: 401, shortbreaks.Forbidden: 403, shortbreaks.NotFound: 404,
		shortbreaks.Conflict: 409, shortbreaks.Invalid: 422, shortbreaks.Internal: 500, shortbreaks.Unavailable: 503,
		shortbreaks.Kind(99): 500,
	} {
		require.Equal(t, want, status(&shortbreaks.Error{Kind: kind, Code: "x"}), kind)
	}
	require.Equal(t, 405, status(ErrMethodNotAllowed))
	require.Equal(t, 413, status(ErrBodyTooLarge))
	require.Equal(t, 415, status(ErrUnsupportedMediaType))
}

func TestProblems_ARefusalIsAnsweredInFull(t *testing.T) {
	t.Parallel()
	full := shortbreaks.NewError(shortbreaks.Conflict, "session-full", "This session has no places left")
	rec := answer(t, fmt.Errorf("booking: %w", full.With("Nothing was booked.").At("/quotes/0/quote_id", "Its session is full.")))
	require.Equal(t, Problem{
		Type: "/problems/session-full", Title: "This session has no places left", Status: 409, Detail: "Nothing was booked.",
		Instance: rec.Header().Get("X-Request-Id"), Code: "session-full",
		Errors: []shortbreaks.Field{{Pointer: "/quotes/0/quote_id", Detail: "Its session is full."}},
	}, problem(t, rec))
	require.Equal(t, "no-store", rec.Header().Get("Cache-Control"))
	require.Empty(t, rec.Header().Get("Retry-After"))
	require.Equal(t, "Bearer", answer(t, ErrSignInRequired).Header().Get("WWW-Authenticate"))
	require.Equal(t, "1", answer(t, ErrUnavailable).Header().Get("Retry-After"))
	require.Equal(t, "1", answer(t, shortbreaks.ErrStillRunning).Header().Get("Retry-After"))
}

func TestProblems_OfTheWebServer(t *testing.T) {
	t.Parallel()
	e := border(t)
	require.Equal(t, "not-found", problem(t, ask(e, "GET", "/v1/nothing", "")).Code)
	wrong := ask(e, "DELETE", "/v1/offers", "")
	require.Equal(t, "method-not-allowed", problem(t, wrong).Code)
	require.Equal(t, http.StatusMethodNotAllowed, wrong.Code)
	require.Contains(t, wrong.Header().Get("Allow"), "GET")
	for code, want := range map[int]string{
		400: "malformed", 401: "sign-in-required", 403: "forbidden", 404: "not-found", 408: "unavailable", 413: "body-too-large",
		415: "unsupported-media-type", 418: "malformed", 500: "internal", 502: "internal", 503: "unavailable", 504: "unavailable",
	} {
		require.Equal(t, want, problem(t, answer(t, echo.NewHTTPError(code, "secret"))).Code, code)
	}
	require.Equal(t, "unavailable", problem(t, answer(t, fmt.Errorf("reading: %w", context.DeadlineExceeded))).Code)
	require.Empty(t, ask(e, "HEAD", "/v1/nothing", "").Body.String())
}

// Each answer of the border fits the contract it stands for.
func TestProblems_FitTheContract(t *testing.T) {
	t.Parallel()
	k := contract(t)
	for _, err := range []error{errors.New("x"), ErrUnavailable, ErrMalformed.At("/a", "b"), ErrBodyTooLarge, ErrUnsupportedMediaType, shortbreaks.ErrInvalid} {
		rec := answer(t, err)
		require.NoError(t, k.CheckResponse(httptest.NewRequest("GET", "/v1/offers", nil), rec.Code, rec.Header(), rec.Body.Bytes()))
	}
}

// Not parallel: it takes over the process's logger.
func TestProblems_AnUnknownErrorSaysNothingAndIsLoggedWithoutPersonalData(t *testing.T) {
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	t.Cleanup(func() { slog.SetDefault(before) })

	cause := errors.New(`insert "Amina Begum" of amina@example.org: violates "hold_account_fkey" Key (name)=(Amina)`)
	for _, err := range []error{fmt.Errorf("saving: %w", cause), shortbreaks.NewError(shortbreaks.Internal, "boom", "Amina").With("Amina")} {
		rec := answer(t, err)
		p := problem(t, rec)
		require.Equal(t, Problem{Type: "/problems/internal", Title: ErrInternal.Title, Status: 500, Code: "internal", Instance: p.Instance}, p)
		require.NotEmpty(t, p.Instance)
		require.Contains(t, log.String(), p.Instance)
	}
	require.Contains(t, log.String(), "saving: insert")
	require.Contains(t, log.String(), "hold_account_fkey")
	for _, personal := range []string{"Amina Begum", "example.org", "(Amina)"} {
		require.NotContains(t, log.String(), personal)
	}
	require.Contains(t, log.String(), "level=ERROR")
	log.Reset()
	for _, passing := range []error{context.Canceled, ErrUnavailable} {
		require.Equal(t, http.StatusServiceUnavailable, answer(t, passing).Code)
	}
	require.Contains(t, log.String(), "level=WARN")
	require.NotContains(t, log.String(), "level=ERROR", "nobody has to be woken")
}

func TestProblems_AnAnswerBegunIsNotAnsweredTwice(t *testing.T) {
	t.Parallel()
	e := echo.New()
	e.HTTPErrorHandler = HandleError
	e.GET("/", func(c echo.Context) error {
		if err := c.String(200, "begun"); err != nil {
			return err
		}
		return errors.New("too late")
	})
	rec := ask(e, "GET", "/", "")
	require.Equal(t, 200, rec.Code)
	require.Equal(t, "begun", rec.Body.String())
}

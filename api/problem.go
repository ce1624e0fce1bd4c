package api

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"shortbreaks"
)

// Problem is a refusal as answered (RFC 9457). This file is the only place
// that turns a refusal into an HTTP status.
type Problem struct {
	Type     string              `json:"type"`
	Title    string              `json:"title"`
	Status   int                 `json:"status"`
	Detail   string              `json:"detail,omitempty"`
	Instance string              `json:"instance"`
	Code     string              `json:"code"`
	Errors   []shortbreaks.Field `json:"errors,omitempty"`
}

// ProblemMIME is the content type of every refusal.
const ProblemMIME = "application/problem+json"

// The refusals of the border itself, before any rule is asked.
var (
	ErrMalformed            = shortbreaks.NewError(shortbreaks.Malformed, "malformed", "The request does not fit the contract")
	ErrSignInRequired       = shortbreaks.NewError(shortbreaks.Unauthorized, "sign-in-required", "Sign in to do this")
	ErrMethodNotAllowed     = shortbreaks.NewError(shortbreaks.Malformed, "method-not-allowed", "This address does not take that method")
	ErrBodyTooLarge         = shortbreaks.NewError(shortbreaks.Malformed, "body-too-large", "The body is larger than this operation takes")
	ErrUnsupportedMediaType = shortbreaks.NewError(shortbreaks.Malformed, "unsupported-media-type", "The body is not of a kind this operation takes")
	ErrInternal             = shortbreaks.NewError(shortbreaks.Internal, "internal", "Something went wrong on our side")
	ErrUnavailable          = shortbreaks.NewError(shortbreaks.Unavailable, "unavailable", "This cannot be done just now")
)

// statusOf is the status of each kind.
var statusOf = map[shortbreaks.Kind]int{
	shortbreaks.Internal:     http.StatusInternalServerError,
	shortbreaks.Malformed:    http.StatusBadRequest,
	shortbreaks.Invalid:      http.StatusUnprocessableEntity,
	shortbreaks.NotFound:     http.StatusNotFound,
	shortbreaks.Forbidden:    http.StatusForbidden,
	shortbreaks.Unauthorized: http.StatusUnauthorized,
	shortbreaks.Conflict:     http.StatusConflict,
	shortbreaks.Unavailable:  http.StatusServiceUnavailable,
}

// statusOfCode are the border's own refusals that HTTP has a finer status for.
var statusOfCode = map[string]int{
	ErrMethodNotAllowed.Code:     http.StatusMethodNotAllowed,
	ErrBodyTooLarge.Code:         http.StatusRequestEntityTooLarge,
	ErrUnsupportedMediaType.Code: http.StatusUnsupportedMediaType,
}

func status(e *shortbreaks.Error) int {
	if s, ok := statusOfCode[e.Code]; ok {
		return s
	}
	if s, ok := statusOf[e.Kind]; ok {
		return s
	}
	return http.StatusInternalServerError
}

// HandleError answers any error as a problem document. Install it as Echo's
// HTTPErrorHandler. What it does not know is a 500 that says nothing of the
// cause; the cause is logged under the request's id. What passes by itself, such
// as a queue that was too long or a caller who hung up, is logged as a warning.
func HandleError(err error, c echo.Context) {
	refusal := refusalOf(err)
	if status := status(refusal); status >= http.StatusInternalServerError {
		level := slog.LevelError
		if status == http.StatusServiceUnavailable {
			level = slog.LevelWarn
		}
		slog.Log(c.Request().Context(), level, "request failed", "request_id", RequestID(c),
			"method", c.Request().Method, "route", c.Path(), "error", discreet(err))
	}
	if c.Response().Committed {
		return
	}
	if err := writeProblem(c, refusal); err != nil {
		slog.WarnContext(c.Request().Context(), "answer not sent", "request_id", RequestID(c), "route", c.Path())
	}
}

// refusalOf finds the refusal an error stands for.
func refusalOf(err error) *shortbreaks.Error {
	var refusal *shortbreaks.Error
	var large *http.MaxBytesError
	var web *echo.HTTPError
	switch {
	case errors.As(err, &refusal) && refusal.Kind != shortbreaks.Internal:
		return refusal
	case errors.As(err, &large):
		return ErrBodyTooLarge
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return ErrUnavailable
	case errors.As(err, &web):
		return refusalOfStatus(web.Code)
	}
	return ErrInternal
}

// refusalOfStatus is for errors Echo makes: no route, wrong method, bad body.
func refusalOfStatus(code int) *shortbreaks.Error {
	switch code {
	case http.StatusNotFound:
		return shortbreaks.ErrNotFound
	case http.StatusForbidden:
		return shortbreaks.ErrForbidden
	case http.StatusUnauthorized:
		return ErrSignInRequired
	case http.StatusMethodNotAllowed:
		return ErrMethodNotAllowed
	case http.StatusRequestEntityTooLarge:
		return ErrBodyTooLarge
	case http.StatusUnsupportedMediaType:
		return ErrUnsupportedMediaType
	case http.StatusServiceUnavailable, http.StatusGatewayTimeout, http.StatusRequestTimeout:
		return ErrUnavailable
	}
	if code >= 400 && code < 500 {
		return ErrMalformed
	}
	return ErrInternal
}

func writeProblem(c echo.Context, e *shortbreaks.Error) error {
	p := Problem{
		Type: "/problems/" + e.Code, Title: e.Title, Status: status(e), Detail: e.Detail,
		Instance: RequestID(c), Code: e.Code, Errors: e.Fields,
	}
	h := c.Response().Header()
	h.Set(echo.HeaderCacheControl, "no-store")
	if p.Status == http.StatusUnauthorized {
		h.Set(echo.HeaderWWWAuthenticate, "Bearer")
	}
	if p.Status == http.StatusServiceUnavailable || e.Code == shortbreaks.ErrStillRunning.Code {
		h.Set(echo.HeaderRetryAfter, strconv.Itoa(1))
	}
	if c.Request().Method == http.MethodHead {
		return c.NoContent(p.Status)
	}
	body, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return c.Blob(p.Status, ProblemMIME, body)
}

var (
	quoted = regexp.MustCompile(`"[^"]*"|'[^']*'|\([^()]*\)=\([^()]*\)`)
	email  = regexp.MustCompile(`[^\s<>"]+@[^\s<>"]+`)
	naming = regexp.MustCompile(`^"[a-z][a-z0-9]*(_[a-z0-9]+)+"$`)
)

// discreet is an error's text without what may be someone's: drivers quote the
// value they could not use. Names of constraints and columns have underscores
// and stay, or nobody could find the fault.
func discreet(err error) string {
	text := quoted.ReplaceAllStringFunc(err.Error(), func(s string) string {
		if naming.MatchString(s) {
			return s
		}
		return `"…"`
	})
	text = email.ReplaceAllString(text, "…")
	return strings.ToValidUTF8(text, "?")
}

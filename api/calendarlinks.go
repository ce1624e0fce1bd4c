package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"shortbreaks/api/gen"
	"shortbreaks/booking"
)

// askAgain lets one program keep a calendar, and has it ask each time whether
// that is still right.
const askAgain = "private, no-cache"

// ListCalendarLinks lists the caller's secret addresses.
func (s *Server) ListCalendarLinks(ctx context.Context, _ gen.ListCalendarLinksRequestObject) (gen.ListCalendarLinksResponseObject, error) {
	links, err := booking.CalendarLinks(ctx, s.DB, who(ctx))
	if err != nil {
		return nil, err
	}
	return gen.ListCalendarLinks200JSONResponse{Items: mapped(links, calendarLinkOut)}, nil
}

// CreateCalendarLink makes a secret address.
func (s *Server) CreateCalendarLink(ctx context.Context, r gen.CreateCalendarLinkRequestObject) (gen.CreateCalendarLinkResponseObject, error) {
	link, secret, err := booking.CreateCalendarLink(ctx, s.DB, who(ctx), booking.NewCalendarLink{
		Kind: booking.CalendarKind(r.Body.Kind), SettingID: r.Body.SettingID, Name: r.Body.Name,
	})
	if err != nil {
		return nil, err
	}
	return gen.CreateCalendarLink201JSONResponse{
		Link: calendarLinkOut(*link), Address: s.PublicURL + "/v1/calendar-feeds/" + secret + "/calendar.ics",
	}, nil
}

func calendarLinkOut(l booking.CalendarLink) gen.CalendarLink {
	return gen.CalendarLink{ID: l.ID, Kind: gen.CalendarLinkKind(l.Kind), SettingID: l.SettingID, Name: l.Name, CreatedAt: london(l.CreatedAt)}
}

// RevokeCalendarLink takes a secret address back.
func (s *Server) RevokeCalendarLink(ctx context.Context, r gen.RevokeCalendarLinkRequestObject) (gen.RevokeCalendarLinkResponseObject, error) {
	if err := booking.RevokeCalendarLink(ctx, s.DB, who(ctx), r.LinkID); err != nil {
		return nil, err
	}
	return gen.RevokeCalendarLink204Response{}, nil
}

// GetCalendarFeed is the calendar a secret address leads to. Who else signs in
// on that connection does not matter.
func (s *Server) GetCalendarFeed(ctx context.Context, r gen.GetCalendarFeedRequestObject) (gen.GetCalendarFeedResponseObject, error) {
	text, err := booking.Calendar(ctx, s.DB, r.Secret)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(text))
	tag, keep := `"`+hex.EncodeToString(sum[:16])+`"`, askAgain
	if hasTag(given(r.Params.IfNoneMatch), tag) {
		return gen.GetCalendarFeed304Response{Headers: gen.GetCalendarFeed304ResponseHeaders{CacheControl: &keep, ETag: &tag}}, nil
	}
	return calendarFile{text, map[string]string{echo.HeaderCacheControl: keep, "ETag": tag}}, nil
}

// calendarFile is a calendar with further headers; programs ask for the
// charset to be said.
type calendarFile struct {
	text    string
	headers map[string]string
}

// VisitGetCalendarFeedResponse writes the answer of getCalendarFeed.
func (f calendarFile) VisitGetCalendarFeedResponse(w http.ResponseWriter) error {
	h := w.Header()
	h.Set(echo.HeaderContentType, "text/calendar; charset=utf-8")
	h.Set(echo.HeaderContentLength, strconv.Itoa(len(f.text)))
	for name, value := range f.headers {
		h.Set(name, value)
	}
	w.WriteHeader(http.StatusOK)
	_, err := io.WriteString(w, f.text)
	return err
}

// VisitGetOfferCalendarResponse writes the answer of getOfferCalendar.
func (f calendarFile) VisitGetOfferCalendarResponse(w http.ResponseWriter) error {
	return f.VisitGetCalendarFeedResponse(w)
}

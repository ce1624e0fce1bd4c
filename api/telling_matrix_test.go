package api_test

import (
	"net/http"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/booking"
)

// calendarLink is an address of the target's parent, with its secret.
func (m *cast) calendarLink(target string, fresh bool) (id uuid.UUID, secret string) {
	id = m.record("calendar link", target, fresh, func() uuid.UUID {
		l, made, err := booking.CreateCalendarLink(m.ctx, m.d, m.parent[target], booking.NewCalendarLink{Kind: booking.CalendarOfBookings, Name: "Phone"})
		require.NoError(m.t, err)
		m.secrets[l.ID] = made
		return l.ID
	})
	if secret = m.secrets[id]; secret == "" {
		secret = "missing"
	}
	return id, secret
}

// tellingRequests are those of calendars, messages and news.
func (m *cast) tellingRequests() map[string]func(target string, fresh bool) request {
	messages := func(method, after string, body any) func(string, bool) request {
		return func(target string, _ bool) request {
			return req(method, "/v1/bookings/"+m.confirmedID(target, false).String()+"/messages"+after, body)
		}
	}
	return map[string]func(target string, fresh bool) request{
		"listNews":        func(string, bool) request { return req(http.MethodGet, "/v1/news", nil) },
		"readNews":        func(string, bool) request { return req(http.MethodPut, "/v1/news/read", object{}) },
		"listNewsChoices": func(string, bool) request { return req(http.MethodGet, "/v1/news-choices", nil) },
		"chooseNews": func(string, bool) request {
			return req(http.MethodPut, "/v1/news-choices", object{"items": []object{{"kind": "message", "mail": false}}})
		},
		"getOwnEmail": func(string, bool) request { return req(http.MethodGet, "/v1/own-email", nil) },
		"setOwnEmail": func(string, bool) request {
			return req(http.MethodPut, "/v1/own-email", object{"address": "somebody@example.org"})
		},
		"removeOwnEmail": func(string, bool) request { return req(http.MethodDelete, "/v1/own-email", nil) },
		"confirmOwnEmail": func(string, bool) request {
			return req(http.MethodPut, "/v1/own-email/confirmation", object{"code": "wrong"})
		},
		"listBookingMessages": messages(http.MethodGet, "", nil),
		"writeBookingMessage": messages(http.MethodPost, "", object{"words": "Hello"}),
		"markMessagesRead":    messages(http.MethodPut, "/read", object{"up_to": 1}),
		"listCalendarLinks":   func(string, bool) request { return req(http.MethodGet, "/v1/calendar-links", nil) },
		"createCalendarLink": func(target string, _ bool) request {
			setting := shortbreaks.NewID()
			if target != "missing" {
				setting = m.club[target].Setting.ID
			}
			return req(http.MethodPost, "/v1/calendar-links", object{"kind": "setting", "setting_id": setting, "name": "Hall"})
		},
		"revokeCalendarLink": func(target string, fresh bool) request {
			id, _ := m.calendarLink(target, fresh)
			return req(http.MethodDelete, "/v1/calendar-links/"+id.String(), nil)
		},
		"getCalendarFeed": func(target string, _ bool) request {
			_, secret := m.calendarLink(target, false)
			return req(http.MethodGet, "/v1/calendar-feeds/"+secret+"/calendar.ics", nil)
		},
	}
}

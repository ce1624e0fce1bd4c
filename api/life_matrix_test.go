package api_test

import (
	"cmp"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/booking"
	"shortbreaks/marketplace"
)

// fullClub is a club of one place, which is taken.
func (m *cast) fullClub(target string, fresh bool) *marketplace.OfferDetail {
	if o := m.full[target]; o != nil && !fresh {
		return o
	}
	d := club()
	d.Sessions.Capacity, d.Sessions.LastDate = 1, d.Sessions.FirstDate
	o := m.publish(m.houseOf(target), d)
	_, err := m.build.Book(m.ctx, m.oakley.Parents[0], booking.CreateQuote{ChildID: m.rosa, OfferID: o.Offer.ID, SessionIDs: []uuid.UUID{o.Sessions[0].ID}, FamilyPays: "direct"})
	require.NoError(m.t, err)
	m.full[target] = o
	return o
}

// entryID is a child in the line of a club, or one that is offered a place.
func (m *cast) entryID(target string, fresh, offered bool) uuid.UUID {
	return m.record(fmt.Sprint("entry ", offered), target, fresh, func() uuid.UUID {
		o := m.fullClub(target, true)
		e, err := booking.JoinWaitlist(m.ctx, m.d, m.parent[target], booking.CreateQuote{ChildID: m.child[target], OfferID: o.Offer.ID, SessionIDs: []uuid.UUID{o.Sessions[0].ID}})
		require.NoError(m.t, err)
		if offered {
			two := 2
			_, err := marketplace.ChangeSessions(m.ctx, m.d, m.houseOf(target).Owner, marketplace.SessionChange{OfferID: o.Offer.ID, From: shortbreaks.Date(monday), Capacity: &two})
			require.NoError(m.t, err)
			_, err = booking.OfferPlaces(m.ctx, m.d)
			require.NoError(m.t, err)
		}
		return e.ID
	})
}

// lifeRequests are those of the life of a booking.
func (m *cast) lifeRequests() map[string]func(target string, fresh bool) request {
	days := map[uuid.UUID]string{}
	return map[string]func(target string, fresh bool) request{
		"listWaitlistEntries": func(string, bool) request { return req(http.MethodGet, "/v1/waitlist-entries", nil) },
		"joinWaitlist": func(target string, fresh bool) request {
			o := m.fullClub(target, fresh)
			return req(http.MethodPost, "/v1/waitlist-entries", object{"child_id": m.childOf(target), "offer_id": o.Offer.ID, "session_id": o.Sessions[0].ID})
		},
		"leaveWaitlist": func(target string, fresh bool) request {
			return req(http.MethodDelete, "/v1/waitlist-entries/"+m.entryID(target, fresh, false).String(), nil)
		},
		"acceptPlace": func(target string, fresh bool) request {
			return req(http.MethodPost, "/v1/waitlist-entries/"+m.entryID(target, fresh, true).String()+"/acceptance", nil)
		},
		"cancelBasket": func(target string, fresh bool) request {
			id := m.record("basket", target, fresh, func() uuid.UUID { return m.booked(m.wants(target), target).BasketID })
			return req(http.MethodPost, "/v1/baskets/"+id.String()+"/cancellation", object{"reason": "plans_changed"})
		},
		"cancelDay": func(target string, fresh bool) request {
			id := m.record("day", target, fresh, func() uuid.UUID {
				b := m.booked(m.wants(target), target)
				days[b.ID] = b.Items[0].LocalStart[:len(time.DateOnly)]
				return b.ID
			})
			on := cmp.Or(days[id], "2027-02-01")
			return req(http.MethodPost, "/v1/day-cancellations", object{"child_id": m.childOf(target), "date": on})
		},
		"moveBookingItem": func(target string, fresh bool) request {
			id := m.record("date to move", target, fresh, func() uuid.UUID { return m.booked(m.wants(target), target).Items[0].ID })
			body := object{"quote_id": m.quoteID(target, fresh), "expected_total_pence": 100}
			return req(http.MethodPost, "/v1/booking-items/"+id.String()+"/move", body)
		},
		"endOffer": func(target string, fresh bool) request {
			return req(http.MethodPost, "/v1/offers/"+m.offerID(target, fresh, false).String()+"/ending", object{"from_date": "2027-02-01", "reason": "Sold."})
		},
		"listPlacesBeyond": func(target string, fresh bool) request {
			return req(http.MethodGet, "/v1/sessions/"+m.sessionID(target, fresh).String()+"/places-beyond?capacity=1", nil)
		},
	}
}

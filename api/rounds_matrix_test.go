package api_test

import (
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/booking"
	"shortbreaks/marketplace"
)

// roundSession is a session of the target's provider that no round has had.
func (m *cast) roundSession(target string) (offer, session uuid.UUID) {
	house := m.houseOf(target)
	name, key := "rounds of "+house.ID.String(), uuid.NewSHA1(house.ID, []byte("rounds"))
	n := m.next[name] % 40
	m.next[name]++
	if n == 0 {
		d := club()
		d.Sessions.Weekdays = []int{1, 2, 3, 4, 5, 6, 7}
		d.Tariff.Options[0].Charges[0] = charge("place", "session", 100)
		if m.quiet == nil {
			m.quiet = map[uuid.UUID]*marketplace.OfferDetail{}
		}
		m.quiet[key] = m.publish(house, d)
	}
	return m.quiet[key].Offer.ID, m.quiet[key].Sessions[n].ID
}

// roundOf is an open round over a session of its own at the target's provider.
func (m *cast) roundOf(target string, fresh bool) *marketplace.Round {
	if target == "missing" {
		return &marketplace.Round{ID: shortbreaks.NewID(), Places: []marketplace.RoundPlaces{{SessionID: shortbreaks.NewID()}}}
	}
	id := m.record("round", target, fresh, func() uuid.UUID {
		offer, session := m.roundSession(target)
		r, err := marketplace.AnnounceRound(m.ctx, m.d, m.houseOf(target).Owner, marketplace.OpenRound{
			OfferID: offer, OpensAt: m.clock.Now(), ClosesAt: m.clock.Now().Add(time.Hour),
			Sessions: []marketplace.RoundPlaces{{SessionID: session, Places: 2}},
		})
		require.NoError(m.t, err)
		return r.ID
	})
	r, err := marketplace.GetRound(m.ctx, m.d, id)
	require.NoError(m.t, err)
	return r
}

// entered is a round that the target's child is in.
func (m *cast) entered(target string, fresh bool) *marketplace.Round {
	r := m.roundOf(target, fresh)
	if target != "missing" {
		_, err := booking.PutWishes(m.ctx, m.d, m.parent[target], booking.EnterRound{
			RoundID: r.ID, ChildID: m.child[target], Wishes: []booking.CreateQuote{{SessionIDs: []uuid.UUID{r.Places[0].SessionID}}},
		})
		require.NoError(m.t, err)
	}
	return r
}

// drawnRound is a round that is done.
func (m *cast) drawnRound(target string) uuid.UUID {
	if target == "missing" {
		return shortbreaks.NewID()
	}
	return m.record("drawn", target, false, func() uuid.UUID {
		r := m.entered(target, true)
		m.clock.Set(r.ClosesAt)
		_, err := booking.RunRounds(m.ctx, m.d)
		require.NoError(m.t, err)
		m.clock.Set(monday)
		return r.ID
	})
}

func saturdayMornings() object {
	return object{
		"category": "trip", "postcode": "ZZ1", "windows": []object{{"weekdays": []int{6}, "earliest": "09:00", "latest": "13:00"}},
	}
}

func (m *cast) wantedID(target string, fresh bool) uuid.UUID {
	return m.record("wanted", target, fresh, func() uuid.UUID {
		w, err := booking.PostWanted(m.ctx, m.d, m.parent[target], m.child[target], booking.Wanted{
			Category: "trip", Postcode: "ZZ1", Windows: []booking.WantedWindow{{Weekdays: []int{6}, Earliest: "09:00", Latest: "13:00"}},
		})
		require.NoError(m.t, err)
		return w.ID
	})
}

// roundRequests are those of wanted times and allocation rounds.
func (m *cast) roundRequests() map[string]func(target string, fresh bool) request {
	list := func(path string) func(string, bool) request {
		return func(string, bool) request { return req(http.MethodGet, path, nil) }
	}
	return map[string]func(target string, fresh bool) request{
		"listWantedTimes": list("/v1/wanted-times"),
		"createWantedTime": func(target string, _ bool) request {
			body := saturdayMornings()
			body["child_id"] = m.childOf(target)
			return req(http.MethodPost, "/v1/wanted-times", body)
		},
		"updateWantedTime": func(target string, fresh bool) request {
			return req(http.MethodPut, "/v1/wanted-times/"+m.wantedID(target, fresh).String(), saturdayMornings())
		},
		"withdrawWantedTime": func(target string, fresh bool) request {
			return req(http.MethodDelete, "/v1/wanted-times/"+m.wantedID(target, fresh).String(), nil)
		},
		"readWantedDemand":     list("/v1/wanted-demand"),
		"listAllocationRounds": list("/v1/allocation-rounds"),
		"createAllocationRound": func(target string, _ bool) request {
			body := object{"offer_id": shortbreaks.NewID(), "opens_at": "2027-01-04T10:00:00Z", "closes_at": "2027-01-04T12:00:00Z"}
			session := shortbreaks.NewID()
			if target != "missing" {
				body["offer_id"], session = m.roundSession(target)
			}
			body["sessions"] = []object{{"session_id": session, "places": 1}}
			return req(http.MethodPost, "/v1/allocation-rounds", body)
		},
		"getAllocationRound": func(target string, _ bool) request {
			return req(http.MethodGet, "/v1/allocation-rounds/"+m.roundOf(target, false).ID.String(), nil)
		},
		"callOffAllocationRound": func(target string, fresh bool) request {
			return req(http.MethodDelete, "/v1/allocation-rounds/"+m.roundOf(target, fresh).ID.String(), nil)
		},
		"readAllocationDraw": func(target string, _ bool) request {
			return req(http.MethodGet, "/v1/allocation-rounds/"+m.drawnRound(target).String()+"/draw", nil)
		},
		"putAllocationWishes": func(target string, fresh bool) request {
			r := m.roundOf(target, fresh)
			return req(http.MethodPut, "/v1/allocation-rounds/"+r.ID.String()+"/entries/"+m.childOf(target).String(),
				object{"wishes": []object{{"session_ids": []uuid.UUID{r.Places[0].SessionID}}}})
		},
		"leaveAllocationRound": func(target string, fresh bool) request {
			return req(http.MethodDelete, "/v1/allocation-rounds/"+m.entered(target, fresh).ID.String()+"/entries/"+m.childOf(target).String(), nil)
		},
		"listAllocationEntries": list("/v1/allocation-entries"),
	}
}

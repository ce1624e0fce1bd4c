package api_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/api/gen"
	"shortbreaks/booking"
	"shortbreaks/budgets"
	"shortbreaks/internal/demo"
	"shortbreaks/marketplace"
)

// commissionerOf is a second commissioner of a council.
func commissionerOf(c *demo.Council) shortbreaks.Actor {
	return shortbreaks.Actor{Person: shortbreaks.NewID(), Role: shortbreaks.Commissioner, Authorities: []uuid.UUID{c.ID}}
}

// propose writes down £1,000 for emergencies of a council.
func (w *world) propose(c *demo.Council) uuid.UUID {
	w.t.Helper()
	from, to := demo.FinancialYear(monday)
	f, err := budgets.ProposeContingency(w.ctx, w.d, commissionerOf(c), budgets.NewContingency{
		Stream: "social_care", AmountPence: 100_000, Period: &budgets.NewPeriod{Name: "This year", StartsOn: from, EndsOn: to},
	})
	require.NoError(w.t, err)
	return f.ID
}

// quietSession is a session of the target's provider that nobody has anything
// to do with yet.
func (m *cast) quietSession(target string) uuid.UUID {
	house := m.houseOf(target)
	if m.quiet[house.ID] == nil {
		d := club()
		d.Sessions.Weekdays = []int{1, 2, 3, 4, 5, 6, 7}
		d.Tariff.Options[0].Charges[0] = charge("place", "session", 100)
		if m.quiet == nil {
			m.quiet = map[uuid.UUID]*marketplace.OfferDetail{}
		}
		m.quiet[house.ID] = m.publish(house, d)
	}
	name := "quiet at " + house.ID.String()
	m.next[name]++
	return m.quiet[house.ID].Sessions[m.next[name]].ID
}

// keptID is a place kept for the target's council at the target's provider, each
// in a session of its own.
func (m *cast) keptID(target string, fresh bool) uuid.UUID {
	return m.record("kept", target, fresh, func() uuid.UUID {
		k, err := marketplace.KeepPlaces(m.ctx, m.d, m.houseOf(target).Owner, marketplace.KeepForEmergency{
			SessionID: m.quietSession(target), AuthorityID: m.council[target].ID, Places: 1, ReleaseHoursBefore: 1,
		})
		require.NoError(m.t, err)
		return k.ID
	})
}

// funded sees to it that the target's council has money for emergencies.
func (m *cast) funded(target string) {
	if target == "missing" {
		return
	}
	m.record("emergency money", target, false, func() uuid.UUID {
		id := m.propose(m.council[target])
		_, err := budgets.ApproveContingency(m.ctx, m.d, commissionerOf(m.council[target]), id)
		require.NoError(m.t, err)
		return id
	})
}

// emergencyID is an emergency booking to decide on.
func (m *cast) emergencyID(target string, fresh bool) uuid.UUID {
	m.funded(target)
	return m.record("emergency", target, fresh, func() uuid.UUID {
		e, _, err := booking.BookEmergency(m.ctx, m.d, m.council[target].Practitioner, booking.CreateEmergency{
			ChildID: m.child[target], CapacityID: m.keptID(target, true), Stream: "social_care", Reason: "The carer is ill.",
		})
		require.NoError(m.t, err)
		return e.BookingID
	})
}

// emergencyRequests are those of places and money for emergencies.
func (m *cast) emergencyRequests() map[string]func(target string, fresh bool) request {
	const get, post, put = http.MethodGet, http.MethodPost, http.MethodPut
	year := object{"name": "This year", "starts_on": "2026-04-01", "ends_on": "2027-03-31"}
	return map[string]func(target string, fresh bool) request{
		"keepEmergencyPlaces": func(target string, fresh bool) request {
			id := m.record("quiet session", target, fresh, func() uuid.UUID { return m.quietSession(target) })
			return req(post, "/v1/sessions/"+id.String()+"/emergency-places",
				object{"authority_id": m.ash.ID, "places": 1, "release_hours_before": 24})
		},
		"listEmergencyPlaces": func(string, bool) request { return req(get, "/v1/emergency-places", nil) },
		"endEmergencyPlaces": func(target string, fresh bool) request {
			return req(post, "/v1/emergency-places/"+m.keptID(target, fresh).String()+"/ending", nil)
		},
		"listEmergencyBookings": func(string, bool) request { return req(get, "/v1/emergency-bookings?undecided=true", nil) },
		"createEmergencyBooking": func(target string, fresh bool) request {
			m.funded(target)
			return req(post, "/v1/emergency-bookings", object{
				"child_id": m.childOf(target), "emergency_places_id": m.keptID(target, fresh), "stream": "social_care", "reason": "The carer is ill.",
			})
		},
		"decideEmergencyBooking": func(target string, fresh bool) request {
			return req(put, "/v1/emergency-bookings/"+m.emergencyID(target, fresh).String()+"/decision", object{"decision": "contingency"})
		},
		"listContingencyFundings": func(string, bool) request { return req(get, "/v1/contingency-fundings", nil) },
		"proposeContingencyFunding": func(string, bool) request {
			return req(post, "/v1/contingency-fundings", object{"stream": "grant", "amount_pence": 100, "period": year})
		},
		"approveContingencyFunding": func(target string, fresh bool) request {
			id := m.record("funding", target, fresh, func() uuid.UUID { return m.propose(m.council[target]) })
			return req(post, "/v1/contingency-fundings/"+id.String()+"/approval", nil)
		},
	}
}

// From the place kept to the decision, over HTTP: what each side reads of it.
func TestAnEmergencyFromThePlaceKeptToTheDecision(t *testing.T) {
	w := setup(t)
	line := w.fund(w.ash, w.sam)
	d := club()
	d.Sessions.Capacity = 2
	o := w.publish(w.stars, d)
	owner, duty := w.as(w.stars.Owner), w.as(w.ash.Practitioner)
	session := "/v1/sessions/" + o.Sessions[0].ID.String()
	keep := func(places int) answer {
		return owner.post(session+"/emergency-places", object{"authority_id": w.ash.ID, "places": places, "release_hours_before": 24})
	}
	keep(3).refused(http.StatusConflict, "capacity-below-taken")
	owner.post(session+"/emergency-places", object{"authority_id": shortbreaks.NewID(), "places": 1, "release_hours_before": 24}).refused(http.StatusUnprocessableEntity, "invalid")
	kept := into[gen.EmergencyPlaces](keep(2), http.StatusCreated)
	require.True(t, kept.ReleaseAt.Equal(o.Sessions[0].StartsAt.Add(-24*time.Hour)))
	shown := into[gen.Offer](w.nobody().get("/v1/offers/"+o.Offer.ID.String()), 200)
	require.Zero(t, shown.Sessions[0].PlacesLeft)

	id := w.propose(w.ash)
	into[gen.ContingencyFunding](w.as(w.ash.Commissioner).post("/v1/contingency-fundings/"+id.String()+"/approval", nil), 200)
	w.as(w.ash.Commissioner).post("/v1/contingency-fundings/"+id.String()+"/approval", nil).refused(http.StatusConflict, "already-approved")
	want := object{"child_id": w.sam, "emergency_places_id": kept.ID, "stream": "social_care", "reason": "The carer is in hospital.", "expected_total_pence": 1}
	duty.post("/v1/emergency-bookings", want, key("night-1")).refused(http.StatusConflict, "price-changed")
	delete(want, "expected_total_pence")
	duty.post("/v1/emergency-bookings", want).refused(http.StatusBadRequest, "idempotency-key-required")
	first := duty.post("/v1/emergency-bookings", want, key("night-1"))
	made := into[gen.EmergencyBooking](first, http.StatusCreated)
	again := duty.post("/v1/emergency-bookings", want, key("night-1"))
	require.Equal(t, first.body, again.body, "once, and the same bytes")
	require.Equal(t, "true", again.header.Get("Idempotency-Replayed"))
	duty.post("/v1/emergency-bookings", want, key("night-2")).refused(http.StatusConflict, "already-booked")

	path := "/v1/bookings/" + made.BookingID.String()
	family := into[gen.Booking](w.mother.get(path), 200)
	require.Equal(t, gen.PayerContingency, family.Items[0].Charges[0].Payer)
	require.Equal(t, gen.HoldAccountContingency, family.Items[0].Holds[0].AccountKind)
	require.NotContains(t, string(owner.get(path).body), "hospital", "why is not the provider's to know")
	listed := into[gen.EmergencyPlacesList](owner.get("/v1/emergency-places?state=held"), 200)
	require.Equal(t, 1, listed.Items[0].Used)

	decision := "/v1/emergency-bookings/" + made.BookingID.String() + "/decision"
	approver := w.as(w.ash.Approver)
	approver.ask(http.MethodPut, decision, object{"decision": "recharge"}).refused(http.StatusUnprocessableEntity, "invalid")
	decided := into[gen.EmergencyBooking](approver.ask(http.MethodPut, decision, object{"decision": "recharge", "plan_line_id": line.ID}), 200)
	require.Nil(t, decided.RechargedPence)
	require.Empty(t, into[gen.EmergencyBookingList](approver.get("/v1/emergency-bookings?undecided=true"), 200).Items)
	require.Len(t, into[gen.EmergencyBookingList](approver.get("/v1/emergency-bookings"), 200).Items, 1)
}

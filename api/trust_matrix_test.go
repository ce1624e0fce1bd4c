package api_test

import (
	"fmt"
	"net/http"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/booking"
	"shortbreaks/internal/db/dbtest"
)

// strangers ends what a target's child has with its provider, so that they can
// be introduced.
func (m *cast) strangers(target string) {
	if target == "missing" {
		return
	}
	_, err := dbtest.Owner(m.t, m.d).Exec(m.ctx, `UPDATE introduction SET state = 'withdrawn', ended_at = now(), told_name = '', told_age = NULL, told_words = ''
		WHERE child_id = $1 AND provider_id = $2 AND ended_at IS NULL`, m.child[target], m.houseOf(target).ID)
	require.NoError(m.t, err)
}

// introductionID is a child about to be known to its provider; visited, if
// they have met.
func (m *cast) introductionID(target string, fresh, visited bool) uuid.UUID {
	return m.record(fmt.Sprint("introduction ", visited), target, fresh, func() uuid.UUID {
		m.strangers(target)
		i, err := booking.Introduce(m.ctx, m.d, m.parent[target], booking.AskIntroduction{ChildID: m.child[target], ProviderID: m.houseOf(target).ID, Consent: true})
		require.NoError(m.t, err)
		if visited {
			_, err := booking.Arrange(m.ctx, m.d, m.houseOf(target).Owner, booking.ArrangeVisit{IntroductionID: i.ID, LocalStart: "2027-01-03T10:00"})
			require.NoError(m.t, err)
		}
		return i.ID
	})
}

// needID is a need of a target's child that stands in the way of nothing.
func (m *cast) needID(target string, fresh bool) uuid.UUID {
	return m.record("need", target, fresh, func() uuid.UUID {
		n, err := booking.AddNeed(m.ctx, m.d, m.council[target].Practitioner, booking.RecordNeed{ChildID: m.child[target], Task: "Oxygen", Categories: []string{"hydrotherapy"}})
		require.NoError(m.t, err)
		return n.ID
	})
}

// swapOf is a confirmed visit and a lane that could have it instead.
func (m *cast) swapOf(target string, fresh bool) (item, lane uuid.UUID) {
	item = m.record("visit", target, fresh, func() uuid.UUID {
		b, err := booking.Accept(m.ctx, m.d, m.houseOf(target).Owner, m.requestedID(target, true))
		require.NoError(m.t, err)
		lanes := m.visits[target].Lanes
		m.shared["lane for "+b.Items[0].ID.String()] = lanes[0].ID
		if *b.Items[0].LaneID == lanes[0].ID {
			m.shared["lane for "+b.Items[0].ID.String()] = lanes[1].ID
		}
		return b.Items[0].ID
	})
	return item, m.shared["lane for "+item.String()]
}

// trustRequests are those of introductions and of what a child needs.
func (m *cast) trustRequests() map[string]func(target string, fresh bool) request {
	introduction := func(method, after string, visited bool, body any) func(string, bool) request {
		return func(target string, fresh bool) request {
			return req(method, "/v1/introductions/"+m.introductionID(target, fresh, visited).String()+after, body)
		}
	}
	return map[string]func(target string, fresh bool) request{
		"listIntroductions": func(string, bool) request { return req(http.MethodGet, "/v1/introductions", nil) },
		"askIntroduction": func(target string, _ bool) request {
			m.strangers(target)
			return req(http.MethodPost, "/v1/introductions", object{"child_id": m.childOf(target), "provider_id": m.houseOf(target).ID, "consent": true})
		},
		"listChildNeeds": func(target string, _ bool) request {
			return req(http.MethodGet, "/v1/child-needs?child_id="+m.childOf(target).String(), nil)
		},
		"recordChildNeed": func(target string, _ bool) request {
			return req(http.MethodPost, "/v1/child-needs", object{"child_id": m.childOf(target), "task": "Oxygen", "categories": []string{"hydrotherapy"}})
		},
		"endChildNeed": func(target string, fresh bool) request {
			return req(http.MethodPost, "/v1/child-needs/"+m.needID(target, fresh).String()+"/end", object{"ends_on": "2027-06-01"})
		},
		"listFundingRules": func(string, bool) request { return req(http.MethodGet, "/v1/funding-rules", nil) },
		"writeFundingRule": func(string, bool) request {
			return req(http.MethodPost, "/v1/funding-rules", object{
				"code": "no-" + shortbreaks.NewID().String()[:13], "after_version": 0, "stream": "grant", "verdict": "not_allowed", "kinds": []string{"disturbance"},
				"words": "Grants pay for no disturbed nights.", "starts_on": "2027-01-01",
			})
		},
		"getNights": func(target string, _ bool) request {
			return req(http.MethodGet, "/v1/children/"+m.childOf(target).String()+"/nights", nil)
		},
		"setLegalBasis": func(target string, _ bool) request {
			return req(http.MethodPut, "/v1/children/"+m.childOf(target).String()+"/legal-basis", object{"basis": "section_20", "starts_on": "2027-01-04"})
		},
		"listCompetencyFlags": func(string, bool) request { return req(http.MethodGet, "/v1/competency-flags", nil) },
		"swapWorker": func(target string, fresh bool) request {
			item, lane := m.swapOf(target, fresh)
			return req(http.MethodPut, "/v1/booking-items/"+item.String()+"/worker", object{"lane_id": lane, "reason": "Ada is ill."})
		},
		"getIntroduction":      introduction(http.MethodGet, "", false, nil),
		"arrangeIntroduction":  introduction(http.MethodPut, "/visit", false, object{"local_start": "2027-01-09T10:00"}),
		"decideIntroduction":   introduction(http.MethodPost, "/decision", true, object{"decision": "accepted", "ratio": object{"staff": 1, "children": 1}}),
		"withdrawIntroduction": introduction(http.MethodPost, "/withdrawal", false, object{"reason": "Support has ended."}),
	}
}

package api_test

import (
	"fmt"
	"net/http"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

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
		"getIntroduction":      introduction(http.MethodGet, "", false, nil),
		"arrangeIntroduction":  introduction(http.MethodPut, "/visit", false, object{"local_start": "2027-01-09T10:00"}),
		"decideIntroduction":   introduction(http.MethodPost, "/decision", true, object{"decision": "accepted", "ratio": object{"staff": 1, "children": 1}}),
		"withdrawIntroduction": introduction(http.MethodPost, "/withdrawal", false, object{"reason": "Support has ended."}),
	}
}

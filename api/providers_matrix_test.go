package api_test

import (
	"net/http"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/marketplace"
	"shortbreaks/people"
)

// providerID is a target's provider.
func (m *cast) providerID(target string) uuid.UUID {
	if target == "missing" {
		return shortbreaks.NewID()
	}
	return m.houseOf(target).ID
}

// workerID is a worker of a target's provider.
func (m *cast) workerID(target string, fresh bool) uuid.UUID {
	return m.record("worker", target, fresh, func() uuid.UUID {
		h := m.houseOf(target)
		w, err := marketplace.CreateWorker(m.ctx, m.d, h.Owner, h.ID, marketplace.WorkerFacts{Name: "Ada"})
		require.NoError(m.t, err)
		return w.ID
	})
}

func (m *cast) settingID(target string, fresh bool) uuid.UUID {
	return m.record("setting", target, fresh, func() uuid.UUID {
		h := m.houseOf(target)
		s, err := marketplace.CreateSetting(m.ctx, m.d, h.Owner, h.ID, marketplace.SettingFacts{Name: "Hall", Postcode: "ZZ1 1AA"})
		require.NoError(m.t, err)
		return s.ID
	})
}

func (m *cast) credentialID(target string, fresh bool) uuid.UUID {
	return m.record("credential", target, fresh, func() uuid.UUID {
		h := m.houseOf(target)
		c, err := marketplace.AddCredential(m.ctx, m.d, h.Owner, h.ID, marketplace.CredentialDraft{Kind: "insurance_vehicle", IssuedOn: shortbreaks.Date(monday)})
		require.NoError(m.t, err)
		return c.ID
	})
}

// staffID is a role of somebody new at a target's provider.
func (m *cast) staffID(target string, fresh bool) uuid.UUID {
	return m.record("staff", target, fresh, func() uuid.UUID {
		h := m.houseOf(target)
		made, err := people.AddStaff(m.ctx, m.d, h.Owner, h.ID, people.NewStaff{SignIn: m.stranger(), Role: shortbreaks.Worker, Name: "Ada"})
		require.NoError(m.t, err)
		return made.ID
	})
}

// stranger is the sign-in of somebody without a role.
func (m *cast) stranger() string {
	subject := "s" + shortbreaks.NewID().String()
	_, err := m.build.NewPerson(m.ctx, "A stranger", subject)
	require.NoError(m.t, err)
	return subject
}

// stated makes a target's provider give a charity number.
func (m *cast) stated(target string) {
	if target == "missing" {
		return
	}
	h := m.houseOf(target)
	require.NoError(m.t, m.d.Do(m.ctx, db.For(h.Owner), func(tx *db.Tx) error {
		_, err := tx.PGX.Exec(m.ctx, `INSERT INTO provider_identifier VALUES ($1, 'charity', '1098765', now()) ON CONFLICT DO NOTHING`, h.ID)
		return err
	}))
}

// providerRequests says how each operation about providers is asked.
func (m *cast) providerRequests() map[string]func(target string, fresh bool) request {
	type ask = func(target string, fresh bool) request
	at := func(method, after string, body any) ask {
		return func(target string, _ bool) request {
			return req(method, "/v1/providers/"+m.providerID(target).String()+after, body)
		}
	}
	of := func(method, before string, id func(string, bool) uuid.UUID, after string, body any) ask {
		return func(target string, fresh bool) request {
			return req(method, "/v1/providers/"+m.providerID(target).String()+before+id(target, fresh).String()+after, body)
		}
	}
	const get, post, put = http.MethodGet, http.MethodPost, http.MethodPut
	about := object{"kind": "charity", "name": "Ashmere Stars", "staff_count": 8, "charity_number": "1098765"}
	place, worker := object{"name": "Hall", "postcode": "ZZ1 1AA"}, object{"name": "Ada"}
	return map[string]ask{
		"listProviders":  func(string, bool) request { return req(get, "/v1/providers", nil) },
		"createProvider": func(string, bool) request { return req(post, "/v1/providers", about) },
		"getProvider":    at(get, "", nil), "updateProvider": at(put, "", about),
		"confirmIdentifier": func(target string, fresh bool) request {
			m.stated(target)
			return at(post, "/identifier-confirmations", object{"scheme": "charity", "value": "1098765"})(target, fresh)
		},
		"listSettings": at(get, "/settings", nil), "createSetting": at(post, "/settings", place), "updateSetting": of(put, "/settings/", m.settingID, "", place),
		"listWorkers": at(get, "/workers", nil), "createWorker": at(post, "/workers", worker), "updateWorker": of(put, "/workers/", m.workerID, "", worker),
		"listStaff": at(get, "/staff", nil),
		"addStaff": func(target string, fresh bool) request {
			return at(post, "/staff", object{"sign_in": m.stranger(), "role": "worker", "name": "Ada"})(target, fresh)
		},
		"endStaff":           of(post, "/staff/", m.staffID, "/end", object{}),
		"listCredentials":    at(get, "/credentials", nil),
		"addCredential":      at(post, "/credentials", object{"kind": "ofsted", "issued_on": "2027-01-04"}),
		"withdrawCredential": of(post, "/credentials/", m.credentialID, "/withdrawal", nil),
		"acceptCredential":   of(post, "/credentials/", m.credentialID, "/decisions", object{"decision": "accepted"}),
		"getOfferRequirements": func(target string, fresh bool) request {
			return req(get, "/v1/offers/"+m.draftID(target, fresh).String()+"/requirements", nil)
		},
		"listCompetencies": func(string, bool) request { return req(get, "/v1/competencies", nil) },
		"addCompetency": func(target string, fresh bool) request {
			body := object{"worker_id": m.workerID(target, false), "task": "Gastrostomy feed", "assessed_by": "Nurse Cole", "assessed_on": "2026-12-01"}
			return at(post, "/competencies", body)(target, fresh)
		},
		"listNotices": at(get, "/notices", nil), "getOnboarding": at(get, "/onboarding", nil),
	}
}

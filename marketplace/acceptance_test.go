package marketplace_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/marketplace"
)

// One file; each authority's word is its own.
func TestEachAuthorityRecordsItsOwnAcceptance(t *testing.T) {
	t.Parallel()
	s := setup(t)
	officer := func() shortbreaks.Actor {
		id := shortbreaks.NewID()
		_, err := s.admin.Exec(s.ctx, `INSERT INTO authority (id, name, slug, area) VALUES ($1, 'A council', $2, 'A')`, id, id.String())
		require.NoError(t, err)
		return shortbreaks.Actor{Person: shortbreaks.NewID(), Role: shortbreaks.Commissioner, Authorities: []uuid.UUID{id}}
	}
	north, south := officer(), officer()
	provider := s.owner.Providers[0]
	c := s.put(s.owner, own("insurance_employers", "2026-01-01", ""))
	decide := func(who shortbreaks.Actor, d marketplace.CredentialDecision) error {
		d.Provider, d.Credential = provider, c.ID
		_, err := marketplace.AcceptCredential(s.ctx, s.d, who, d)
		return err
	}
	verdicts := func(who shortbreaks.Actor) (list []string) {
		all, _, err := marketplace.ListCredentials(s.ctx, s.d, who, provider, uuid.Nil, 100)
		require.NoError(t, err)
		for _, one := range all {
			if !who.ForProvider(provider) {
				require.Empty(t, one.WorkerName, "names stay with the provider")
			}
			if one.ID == c.ID {
				for _, a := range one.Acceptances {
					list = append(list, a.Decision)
				}
			}
		}
		return list
	}
	require.ErrorIs(t, decide(north, marketplace.CredentialDecision{}), shortbreaks.ErrInvalid, "a refusal has a reason")
	require.NoError(t, decide(north, marketplace.CredentialDecision{Reason: "Too little cover."}))
	require.NoError(t, decide(south, marketplace.CredentialDecision{Accept: true}))
	require.Equal(t, []string{"refused"}, verdicts(north))
	require.Equal(t, []string{"accepted"}, verdicts(south))
	s.clock.Advance(time.Hour)
	require.NoError(t, decide(north, marketplace.CredentialDecision{Accept: true}))
	require.Equal(t, []string{"accepted"}, verdicts(north), "the newest counts")
	require.Equal(t, 3, s.count("credential_acceptance"), "and what was said before stays")
	require.Equal(t, []string{"accepted", "accepted"}, verdicts(s.owner))

	for _, role := range []shortbreaks.Role{shortbreaks.Family, shortbreaks.Finance, shortbreaks.Approver, shortbreaks.Worker, shortbreaks.ProviderOwner} {
		who := north
		who.Role = role
		require.ErrorIs(t, decide(who, marketplace.CredentialDecision{Accept: true}), shortbreaks.ErrForbidden, role)
	}
	past := date("2027-01-03")
	require.ErrorIs(t, decide(north, marketplace.CredentialDecision{Accept: true, Until: &past}), shortbreaks.ErrInvalid)
	_, err := marketplace.WithdrawCredential(s.ctx, s.d, s.owner, provider, c.ID)
	require.NoError(t, err)
	require.ErrorIs(t, decide(south, marketplace.CredentialDecision{Accept: true}), shortbreaks.ErrInvalid, "what is out of the file is not accepted")
}

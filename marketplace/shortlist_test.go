package marketplace_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/marketplace"
)

// reader is somebody signed in.
func (s *stall) reader(role shortbreaks.Role) shortbreaks.Actor {
	s.t.Helper()
	who := shortbreaks.Actor{Person: shortbreaks.NewID(), Role: role}
	_, err := s.admin.Exec(s.ctx, `INSERT INTO person (id, display_name, created_at) VALUES ($1, 'Reader', now())`, who.Person)
	require.NoError(s.t, err)
	return who
}

func TestR042_AShortlistIsItsOwnersAlone(t *testing.T) {
	t.Parallel()
	s := market(t)
	family, worker := s.reader(shortbreaks.Family), s.reader(shortbreaks.Practitioner)
	all := s.page(marketplace.SearchQuery{}).Items
	for i, o := range all {
		s.clock.Advance(time.Minute)
		kept, err := marketplace.Keep(s.ctx, s.d, family, o.ID, strings.Repeat("x", i))
		require.NoError(t, err)
		require.Equal(t, o.Title, kept.Title)
	}
	_, err := marketplace.Keep(s.ctx, s.d, family, all[0].ID, "Ask about the hoist.")
	require.NoError(t, err)

	items, more, err := marketplace.Shortlist(s.ctx, s.d, family, uuid.Nil, 3)
	require.NoError(t, err)
	require.True(t, more)
	require.Equal(t, all[3].ID, items[0].OfferID, "newest first")
	items, more, err = marketplace.Shortlist(s.ctx, s.d, family, items[2].OfferID, 3)
	require.NoError(t, err)
	require.False(t, more)
	require.Len(t, items, 1)
	require.Equal(t, "Ask about the hoist.", items[0].Note, "a second time changes the note")

	items, _, err = marketplace.Shortlist(s.ctx, s.d, worker, uuid.Nil, 20)
	require.NoError(t, err)
	require.Empty(t, items, "nobody sees another's")
	require.NoError(t, marketplace.Unkeep(s.ctx, s.d, worker, all[0].ID), "nor takes from it")
	items, _, err = marketplace.Shortlist(s.ctx, s.d, family, uuid.Nil, 20)
	require.NoError(t, err)
	require.Len(t, items, 4)
	require.NoError(t, marketplace.Unkeep(s.ctx, s.d, family, all[0].ID))
	require.NoError(t, marketplace.Unkeep(s.ctx, s.d, family, all[0].ID), "twice is once")
	require.Equal(t, 3, s.count("shortlist"))
}

func TestAShortlistTakesOnlyWhatCanBeReadAndIsBounded(t *testing.T) {
	t.Parallel()
	s := setup(t)
	family := s.reader(shortbreaks.Family)
	draft, err := marketplace.CreateOffer(s.ctx, s.d, s.owner, club(tariffOf(option("Each", charge("place", "session", 1200)))))
	require.NoError(t, err)
	_, err = marketplace.Keep(s.ctx, s.d, family, draft.Offer.ID, "")
	require.ErrorIs(t, err, shortbreaks.ErrNotFound, "somebody else's draft")
	_, err = marketplace.PublishOffer(s.ctx, s.d, s.owner, draft.Offer.ID)
	require.NoError(t, err)
	_, err = marketplace.Keep(s.ctx, s.d, family, draft.Offer.ID, strings.Repeat("é", 501))
	require.Equal(t, []string{"/note"}, fields(err))
	_, err = s.admin.Exec(s.ctx, `INSERT INTO shortlist SELECT $1, gen_random_uuid(), $2, '', now() FROM generate_series(1, 200)`, family.Person, draft.Provider.ID)
	require.NoError(t, err)
	_, err = marketplace.Keep(s.ctx, s.d, family, draft.Offer.ID, "")
	require.ErrorIs(t, err, marketplace.ErrShortlistFull)
	_, err = marketplace.Keep(s.ctx, s.d, shortbreaks.Anonymous, draft.Offer.ID, "")
	require.ErrorIs(t, err, shortbreaks.ErrForbidden)
}

package marketplace_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/marketplace"
)

func TestAPausedOfferIsReadAndNotSold(t *testing.T) {
	t.Parallel()
	s := setup(t)
	made := s.publish(s.owner, single())
	want := marketplace.Want{OfferID: made.Offer.ID, SessionIDs: []uuid.UUID{made.Sessions[0].ID}}
	for range 2 {
		paused, err := marketplace.PauseOffer(s.ctx, s.d, s.owner, made.Offer.ID)
		require.NoError(t, err)
		require.Equal(t, marketplace.Paused, paused.Offer.State)
	}
	_, err := s.offering(want)
	require.ErrorIs(t, err, marketplace.ErrOfferClosed)
	require.Empty(t, s.search(marketplace.SearchQuery{}))
	read, err := marketplace.Get(s.ctx, s.d, shortbreaks.Anonymous, made.Offer.ID)
	require.NoError(t, err, "those who booked it can read it")
	require.Len(t, read.Sessions, 11, "with its sessions")
	_, err = marketplace.PublishOffer(s.ctx, s.d, s.owner, made.Offer.ID)
	require.ErrorIs(t, err, marketplace.ErrWrongState)

	for range 2 {
		_, err = marketplace.ResumeOffer(s.ctx, s.d, s.owner, made.Offer.ID)
		require.NoError(t, err)
	}
	_, err = s.offering(want)
	require.NoError(t, err)
	_, err = marketplace.PauseOffer(s.ctx, s.d, s.owner, made.Offer.ID)
	require.NoError(t, err)
	_, err = marketplace.Withdraw(s.ctx, s.d, s.owner, made.Offer.ID)
	require.NoError(t, err, "a paused one may be withdrawn")
	for _, closed := range []func() error{
		func() error { _, err := marketplace.PauseOffer(s.ctx, s.d, s.owner, made.Offer.ID); return err },
		func() error { _, err := marketplace.ResumeOffer(s.ctx, s.d, s.owner, made.Offer.ID); return err },
	} {
		require.ErrorIs(t, closed(), marketplace.ErrWrongState)
	}
	_, err = marketplace.UpdateOffer(s.ctx, s.d, s.owner, made.Offer.ID, edit(read))
	require.ErrorIs(t, err, marketplace.ErrWrongState)
}

func TestOnlyItsOwnerMovesAnOffer(t *testing.T) {
	t.Parallel()
	s := setup(t)
	made := s.publish(s.owner, single())
	draft, err := marketplace.CreateOffer(s.ctx, s.d, s.owner, single())
	require.NoError(t, err)
	helper, other := s.owner, s.provider("Other", 3)
	helper.Role = shortbreaks.Coordinator
	type move func() error
	for name, m := range map[string]func(shortbreaks.Actor, uuid.UUID) move{
		"pause": func(who shortbreaks.Actor, id uuid.UUID) move {
			return func() error { _, err := marketplace.PauseOffer(s.ctx, s.d, who, id); return err }
		},
		"resume": func(who shortbreaks.Actor, id uuid.UUID) move {
			return func() error { _, err := marketplace.ResumeOffer(s.ctx, s.d, who, id); return err }
		},
	} {
		require.ErrorIs(t, m(helper, made.Offer.ID)(), shortbreaks.ErrForbidden, name)
		require.ErrorIs(t, m(other, made.Offer.ID)(), shortbreaks.ErrNotFound, name)
		require.ErrorIs(t, m(s.owner, draft.Offer.ID)(), marketplace.ErrWrongState, name)
	}
}

func TestACopyHasTheWordsAndThePriceAndNoDates(t *testing.T) {
	t.Parallel()
	s := setup(t)
	from := single()
	from.Content, from.Title = said(), strings.Repeat("x", 118)
	made := s.publish(s.owner, from)
	made, err := marketplace.UpdateOffer(s.ctx, s.d, s.owner, made.Offer.ID, edit(made))
	require.NoError(t, err)
	copied, err := marketplace.CopyOffer(s.ctx, s.d, s.owner, made.Offer.ID)
	require.NoError(t, err)
	require.NotEqual(t, made.Offer.ID, copied.Offer.ID)
	require.Equal(t, marketplace.Draft, copied.Offer.State)
	require.Equal(t, 1, copied.Offer.Edition)
	require.Nil(t, copied.Offer.PublishedAt)
	require.Equal(t, "Copy of "+strings.Repeat("x", 112), copied.Offer.Title)
	require.Equal(t, made.Offer.Content, copied.Offer.Content)
	require.Equal(t, made.Tariff, copied.Tariff)
	require.Equal(t, made.Version.Terms, copied.Version.Terms)
	require.Equal(t, 1, copied.Version.N)
	require.Empty(t, copied.Sessions)

	_, err = marketplace.PublishOffer(s.ctx, s.d, s.owner, copied.Offer.ID)
	require.ErrorIs(t, err, marketplace.ErrOfferNotReady)
	require.Equal(t, []string{"/sessions"}, fields(err))
	_, err = marketplace.CopyOffer(s.ctx, s.d, s.provider("Other", 3), made.Offer.ID)
	require.ErrorIs(t, err, shortbreaks.ErrNotFound, "another's words are not one's own")
}

func TestACopyOfSupportByTheHourSharesItsWorkers(t *testing.T) {
	t.Parallel()
	s := setup(t)
	made := s.publish(s.owner, support(hourly()))
	copied, err := marketplace.CopyOffer(s.ctx, s.d, s.owner, made.Offer.ID)
	require.NoError(t, err)
	require.Equal(t, made.Lanes, copied.Lanes, "a worker serves one visit at a time, whichever offer it is of")
	require.Equal(t, made.Offer.Visits, copied.Offer.Visits)
	published, err := marketplace.PublishOffer(s.ctx, s.d, s.owner, copied.Offer.ID)
	require.NoError(t, err)
	require.Equal(t, marketplace.Published, published.Offer.State)
}

func TestADraftSaysWhatItLacks(t *testing.T) {
	t.Parallel()
	s := setup(t)
	pointers := func(o *marketplace.OfferDetail) (blocking, helping []string) {
		for _, g := range o.Gaps() {
			require.NotEmpty(t, g.Detail)
			if g.Blocks {
				blocking = append(blocking, g.Pointer)
			} else {
				helping = append(helping, g.Pointer)
			}
		}
		return blocking, helping
	}
	bare := single()
	bare.AccessRoute = "specialist"
	made, err := marketplace.CreateOffer(s.ctx, s.d, s.owner, bare)
	require.NoError(t, err)
	blocking, helping := pointers(made)
	require.Empty(t, blocking)
	require.Equal(t, []string{"/content/eligibility", "/content/needs", "/content/access_features", "/content/included", "/photos"}, helping)

	s.clock.Set(at("2027-03-27T10:00")) // the last session begins
	past, err := marketplace.Get(s.ctx, s.d, s.owner, made.Offer.ID)
	require.NoError(t, err)
	blocking, _ = pointers(past)
	require.Equal(t, []string{"/sessions"}, blocking)
	_, err = marketplace.PublishOffer(s.ctx, s.d, s.owner, made.Offer.ID)
	require.ErrorIs(t, err, marketplace.ErrOfferNotReady)
	s.clock.Set(start)

	whole := bundled(club(tariffOf(option("Term", charge("place", "term", 9000)))), "term")
	whole.Content = said()
	of, err := marketplace.CreateOffer(s.ctx, s.d, s.owner, whole)
	require.NoError(t, err)
	blocking, helping = pointers(of)
	require.Empty(t, blocking)
	require.Equal(t, []string{"/photos"}, helping)
	copied, err := marketplace.CopyOffer(s.ctx, s.d, s.owner, of.Offer.ID)
	require.NoError(t, err)
	blocking, _ = pointers(copied)
	require.Equal(t, []string{"/tariff/options/0/charges/0/unit", "/sessions"}, blocking, "its term was not copied")
}

// The public reads a draft neither by its page nor around the app.
func TestSQL_WhatADraftSaysIsItsProvidersAlone(t *testing.T) {
	t.Parallel()
	s := setup(t)
	draft, err := marketplace.CreateOffer(s.ctx, s.d, s.owner, single())
	require.NoError(t, err)
	provider := s.owner.Providers[0]
	for _, table := range []string{"offer_photo", "offer_fact"} {
		s.plant(table, provider, draft.Offer.ID)
		see := func(scope db.Scope) (n int) {
			require.NoError(t, s.d.Read(s.ctx, scope, func(tx *db.Tx) error {
				return tx.PGX.QueryRow(s.ctx, `SELECT count(*) FROM `+table).Scan(&n)
			}))
			return n
		}
		require.Equal(t, 0, see(db.Scope{}), table)
		require.Equal(t, 0, see(db.Scope{Providers: []uuid.UUID{shortbreaks.NewID()}}), table)
		require.Equal(t, 1, see(db.Scope{Providers: []uuid.UUID{provider}}), table)
	}
	_, err = marketplace.PublishOffer(s.ctx, s.d, s.owner, draft.Offer.ID)
	require.NoError(t, err)
	for _, table := range []string{"offer_photo", "offer_fact"} {
		err := s.d.Do(s.ctx, db.Scope{Person: shortbreaks.NewID()}, func(tx *db.Tx) error {
			var n int
			if err := tx.PGX.QueryRow(s.ctx, `SELECT count(*) FROM `+table).Scan(&n); err != nil {
				return err
			}
			require.Equal(t, 1, n, "%s of what is published is public", table)
			done, err := tx.PGX.Exec(s.ctx, `DELETE FROM `+table)
			require.Zero(t, done.RowsAffected(), "%s is its provider's to take away", table)
			return err
		})
		require.NoError(t, err)
	}
}

// plant puts a row under an offer without the app.
func (s *stall) plant(table string, provider, offer uuid.UUID) {
	s.t.Helper()
	sql := map[string]string{
		"offer_photo": `INSERT INTO offer_photo VALUES ($1, $2, $3, 1, 'A sunny hall', 1, 1, 1, 1, '\x00', '\x00', repeat('0', 64), $4, $2)`,
		"offer_fact":  `INSERT INTO offer_fact VALUES ($1, $2, $3, 'Is there a hoist?', 'Yes, and a changing place.', $4, $2)`,
	}[table]
	_, err := s.admin.Exec(s.ctx, sql, provider, shortbreaks.NewID(), offer, s.clock.Now().Add(-time.Hour))
	require.NoError(s.t, err)
}

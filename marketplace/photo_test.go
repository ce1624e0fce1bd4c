package marketplace_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/marketplace"
)

func TestPhotos_AreShownInOrderAndTakenAway(t *testing.T) {
	t.Parallel()
	s := setup(t)
	o := s.publish(s.owner, single())
	var ids []uuid.UUID
	for n := range 3 {
		ids = append(ids, s.upload(s.owner, o, fmt.Sprintf("Photo number %d", n)).ID)
	}
	seen := func() (ids []uuid.UUID) {
		o, err := marketplace.Get(s.ctx, s.d, shortbreaks.Anonymous, o.Offer.ID)
		require.NoError(t, err)
		for _, p := range o.Photos {
			require.Empty(t, p.Large, "an offer is read without its pictures")
			ids = append(ids, p.ID)
		}
		return ids
	}
	require.Equal(t, ids, seen())
	turned := []uuid.UUID{ids[2], ids[0], ids[1]}
	_, err := marketplace.OrderPhotos(s.ctx, s.d, s.owner, o.Offer.ID, turned)
	require.NoError(t, err)
	require.Equal(t, turned, seen())
	for _, wrong := range [][]uuid.UUID{ids[:2], {ids[0], ids[0], ids[1]}, {ids[0], ids[1], shortbreaks.NewID()}} {
		_, err := marketplace.OrderPhotos(s.ctx, s.d, s.owner, o.Offer.ID, wrong)
		require.Equal(t, []string{"/photo_ids"}, fields(err))
	}
	require.NoError(t, marketplace.RemovePhoto(s.ctx, s.d, s.owner, o.Offer.ID, ids[0]))
	require.ErrorIs(t, marketplace.RemovePhoto(s.ctx, s.d, s.owner, o.Offer.ID, ids[0]), shortbreaks.ErrNotFound)
	require.Equal(t, []uuid.UUID{ids[2], ids[1]}, seen())
	later := s.upload(s.owner, o, "A later photo")
	require.Equal(t, []uuid.UUID{ids[2], ids[1], later.ID}, seen(), "the newest stands last")
}

func TestPhotos_OfADraftAreItsProvidersAlone(t *testing.T) {
	t.Parallel()
	s := setup(t)
	helper, worker, other := s.owner, s.owner, s.provider("Other", 3)
	helper.Role, worker.Role = shortbreaks.Coordinator, shortbreaks.Worker
	draft, err := marketplace.CreateOffer(s.ctx, s.d, s.owner, single())
	require.NoError(t, err)
	p := s.upload(helper, draft, "A sunny hall")
	_, err = marketplace.ReadPhoto(s.ctx, s.d, shortbreaks.Anonymous, draft.Offer.ID, p.ID, false)
	require.ErrorIs(t, err, shortbreaks.ErrNotFound)
	file, err := marketplace.ReadPhoto(s.ctx, s.d, worker, draft.Offer.ID, p.ID, false)
	require.NoError(t, err)
	require.False(t, file.Public)
	published, err := marketplace.PublishOffer(s.ctx, s.d, s.owner, draft.Offer.ID)
	require.NoError(t, err)
	large, err := marketplace.ReadPhoto(s.ctx, s.d, shortbreaks.Anonymous, draft.Offer.ID, p.ID, false)
	require.NoError(t, err)
	require.True(t, large.Public)
	small, err := marketplace.ReadPhoto(s.ctx, s.d, shortbreaks.Anonymous, draft.Offer.ID, p.ID, true)
	require.NoError(t, err)
	require.NotEqual(t, large.Digest, small.Digest)
	elsewhere := s.publish(other, single())
	_, err = marketplace.ReadPhoto(s.ctx, s.d, shortbreaks.Anonymous, elsewhere.Offer.ID, p.ID, false)
	require.ErrorIs(t, err, shortbreaks.ErrNotFound, "a photo is read by its own offer")

	file2 := marketplace.NewPhoto{AltText: "A sunny hall", ContentType: "image/jpeg", Body: []byte("never opened")}
	for name, c := range map[string]struct {
		who  shortbreaks.Actor
		want error
	}{"a co-ordinator": {helper, shortbreaks.ErrForbidden}, "a worker": {worker, shortbreaks.ErrForbidden}, "another provider": {other, shortbreaks.ErrNotFound}} {
		_, err := marketplace.UploadPhoto(s.ctx, s.d, c.who, published.Offer.ID, file2)
		require.ErrorIs(t, err, c.want, name)
		require.ErrorIs(t, marketplace.RemovePhoto(s.ctx, s.d, c.who, published.Offer.ID, p.ID), c.want, name)
		_, err = marketplace.OrderPhotos(s.ctx, s.d, c.who, published.Offer.ID, []uuid.UUID{p.ID})
		require.ErrorIs(t, err, c.want, name)
	}
	_, err = marketplace.UploadPhoto(s.ctx, s.d, s.owner, published.Offer.ID, file2)
	require.ErrorIs(t, err, marketplace.ErrPhotoRefused)
	file2.AltText = " A ha "
	_, err = marketplace.UploadPhoto(s.ctx, s.d, s.owner, published.Offer.ID, file2)
	require.Equal(t, []string{"query/alt_text"}, fields(err))
	require.Equal(t, 1, s.count("offer_photo"))
}

// Twelve at once for ten places on the page. Who waits too long for the offer
// asks again, as people do.
func TestPhotos_AreTenAtMostHoweverTheyCome(t *testing.T) {
	t.Parallel()
	s := setup(t)
	o := s.publish(s.owner, single())
	body := jpegOf(t, 200, 200)
	var all sync.WaitGroup
	errs := make(chan error, 12)
	for range 12 {
		all.Go(func() {
			for {
				_, err := marketplace.UploadPhoto(s.ctx, s.d, s.owner, o.Offer.ID, marketplace.NewPhoto{AltText: "A sunny hall", ContentType: "image/jpeg", Body: body})
				var waited *pgconn.PgError
				if errors.As(err, &waited) && waited.Code == "55P03" {
					continue
				}
				errs <- err
				return
			}
		})
	}
	all.Wait()
	close(errs)
	refused := 0
	for err := range errs {
		if err != nil {
			require.ErrorIs(t, err, marketplace.ErrWrongState)
			refused++
		}
	}
	require.Equal(t, 2, refused)
	require.Equal(t, 10, s.count("offer_photo"))
	var places int
	require.NoError(t, s.admin.QueryRow(s.ctx, `SELECT count(DISTINCT n) FROM offer_photo`).Scan(&places))
	require.Equal(t, 10, places, "no two stand in one place")

	gone, cancel := context.WithCancel(s.ctx)
	cancel()
	_, err := marketplace.UploadPhoto(gone, s.d, s.owner, o.Offer.ID, marketplace.NewPhoto{AltText: "A sunny hall", ContentType: "image/jpeg", Body: body})
	require.Error(t, err)
}

package marketplace_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/marketplace"
)

// sqlTaken asks whether every lane of an offer is taken, or the offer shut, at
// some time between two instants.
const sqlTaken = `
SELECT NOT EXISTS (
    SELECT FROM offer_lane ol WHERE ol.offer_id = $1
        AND NOT EXISTS (SELECT FROM lane_claim c WHERE c.lane_id = ol.lane_id AND c.during && tstzrange($2, $3))
        AND NOT EXISTS (SELECT FROM lane_busy b WHERE b.lane_id = ol.lane_id AND b.during && tstzrange($2, $3)))
    OR EXISTS (SELECT FROM closure k JOIN offer o ON o.provider_id = k.provider_id AND (k.setting_id IS NULL OR k.setting_id = o.setting_id)
        WHERE o.id = $1 AND ($2 AT TIME ZONE 'Europe/London')::date <= k.ends_on AND (($3::timestamptz - interval '1 second') AT TIME ZONE 'Europe/London')::date >= k.starts_on)`

// bruteNext tries every half hour from opening on so many open dates, one
// question to the database for each.
func (s *stall) bruteNext(o *marketplace.OfferDetail, dates int) *time.Time {
	s.t.Helper()
	v, now := o.Offer.Visits, s.clock.Now()
	soonest := now.Add(time.Duration(o.Offer.NoticeMinutes) * time.Minute)
	for on := shortbreaks.Date(soonest); dates > 0; on = on.AddDate(0, 0, 1) {
		if !slices.Contains(v.Days, shortbreaks.ISOWeekday(on)) {
			continue
		}
		dates--
		opens, closes := at(on.Format(time.DateOnly)+"T"+v.From), at(on.Format(time.DateOnly)+"T"+v.To)
		if v.To <= v.From {
			closes = at(on.AddDate(0, 0, 1).Format(time.DateOnly) + "T" + v.To)
		}
		for start := opens; !start.Add(time.Duration(v.MinimumMinutes) * time.Minute).After(closes); start = start.Add(30 * time.Minute) {
			if !start.After(now) || start.Before(soonest) {
				continue
			}
			from := start.Add(-time.Duration(v.BufferBeforeMinutes) * time.Minute)
			to := start.Add(time.Duration(v.MinimumMinutes+v.BufferAfterMinutes) * time.Minute)
			var taken bool
			require.NoError(s.t, s.admin.QueryRow(s.ctx, sqlTaken, o.Offer.ID, from, to).Scan(&taken))
			if !taken {
				return &start
			}
		}
	}
	return nil
}

// nextStarts is what a search without dates shows, by offer.
func (s *stall) nextStarts() map[uuid.UUID]*time.Time {
	s.t.Helper()
	all := map[uuid.UUID]*time.Time{}
	for _, o := range s.page(marketplace.SearchQuery{Limit: 100}).Items {
		if o.NextStart != nil {
			on := o.NextStart.UTC()
			o.NextStart = &on
		}
		all[o.ID] = o.NextStart
	}
	return all
}

func (s *stall) refreshListings() {
	s.t.Helper()
	_, err := marketplace.RefreshListings(s.ctx, s.d)
	require.NoError(s.t, err)
}

// A search shows, of support by the hour, when somebody is free for the
// shortest visit, buffers and all: as trying every time would find it, whether
// its listing is up to date or behind; and it lists the soonest first.
func TestTheNextFreeVisitIsFoundAsTryingThemAllWould(t *testing.T) {
	t.Parallel()
	s := setup(t)
	r := rand.New(rand.NewPCG(3, 18)) //nolint:gosec // of no secret
	var offers []*marketplace.OfferDetail
	for i := range 8 {
		d := support(hourly())
		d.Title = fmt.Sprintf("Worker %d", i)
		v := d.Visits
		v.Days, v.MinimumMinutes = []int{1 + r.IntN(3), 4 + r.IntN(4)}, 60*(1+r.IntN(3))
		v.From, v.To = fmt.Sprintf("%02d:%02d", 7+r.IntN(4), 15*r.IntN(4)), fmt.Sprintf("%02d:00", 15+r.IntN(5))
		if i == 3 {
			v.From, v.To = "20:00", "07:00"
		}
		v.BufferBeforeMinutes, v.BufferAfterMinutes = 10*r.IntN(4), 15*r.IntN(3)
		v.Lanes = []marketplace.LaneDraft{{Label: fmt.Sprint("A", i)}, {Label: fmt.Sprint("B", i)}}[:1+i%2]
		if i > 5 { // the same worker as another offer's
			v.Lanes = []marketplace.LaneDraft{{ID: &offers[0].Lanes[0].ID}}
		}
		d.NoticeMinutes = []int{0, 90, 3 * 24 * 60}[i%3]
		offers = append(offers, s.publish(s.owner, d))
	}
	agree := func(when string) {
		t.Helper()
		got := s.nextStarts()
		for _, o := range offers {
			require.Equal(t, s.bruteNext(o, 14), got[o.Offer.ID], "%s, %s: %+v", when, o.Offer.Title, o.Offer.Visits)
		}
	}
	agree("nobody is taken")
	for round := range 12 {
		for _, table := range []string{
			"lane_claim (provider_id, id, lane_id, item_id, during) SELECT provider_id, gen_random_uuid(), id, gen_random_uuid(),",
			"lane_busy (provider_id, lane_id, during) SELECT provider_id, id,",
		} {
			from := s.clock.Now().Add(time.Duration(r.IntN(7*24*60)-600) * time.Minute).Truncate(5 * time.Minute)
			_, err := s.admin.Exec(s.ctx, `INSERT INTO `+table+` tstzrange($1, $2) FROM lane l WHERE hashtext(id::text || $3) % 3 <> 0
				AND NOT EXISTS (SELECT FROM lane_claim c WHERE c.lane_id = l.id AND c.during && tstzrange($1, $2))
				AND NOT EXISTS (SELECT FROM lane_busy b WHERE b.lane_id = l.id AND b.during && tstzrange($1, $2))`,
				from, from.Add(time.Duration(1+r.IntN(60))*time.Hour), fmt.Sprint(table, round))
			require.NoError(t, err)
		}
		agree("taken, listings behind")
		if round == 4 {
			_, err := s.admin.Exec(s.ctx, `INSERT INTO closure (provider_id, id, starts_on, ends_on, reason, created_at, created_by)
				VALUES ($1, gen_random_uuid(), $2, $3, 'Training', $4, $1)`, s.owner.Providers[0],
				shortbreaks.Date(s.clock.Now()).AddDate(0, 0, 2), shortbreaks.Date(s.clock.Now()).AddDate(0, 0, 4), s.clock.Now())
			require.NoError(t, err)
			agree("shut, listings behind")
		}
		s.refreshListings()
		agree("listed anew")
		for _, o := range offers {
			var next time.Time
			require.NoError(t, s.admin.QueryRow(s.ctx, `SELECT next_at FROM offer_listing WHERE offer_id = $1`, o.Offer.ID).Scan(&next))
			if want := s.bruteNext(o, 14); want != nil {
				require.False(t, next.After(*want), "a listing is never later than the truth")
			}
		}
		if round%3 == 2 {
			_, err := s.admin.Exec(s.ctx, `DELETE FROM lane_claim WHERE hashtext(id::text) % 2 = 0`)
			require.NoError(t, err)
			_, err = s.admin.Exec(s.ctx, `DELETE FROM lane_busy WHERE upper(during) - lower(during) > interval '30 hours'`)
			require.NoError(t, err)
			s.refreshListings()
			agree("given back")
		}
		s.clock.Set(s.clock.Now().Add(time.Duration(r.IntN(40*60)) * time.Minute).Add(17 * time.Second))
		agree("time has passed")
	}
}

func TestAWorkerWhoIsTakenForMonthsComesLastAndWithoutATime(t *testing.T) {
	t.Parallel()
	s := setup(t)
	taken, free := s.publish(s.owner, support(hourly())), support(hourly())
	free.Title = "Another worker"
	other := s.publish(s.owner, free)
	hold := func(lanes []marketplace.Lane, until string) {
		for _, lane := range lanes {
			_, err := s.admin.Exec(s.ctx, `INSERT INTO lane_claim (provider_id, id, lane_id, item_id, during)
				VALUES ($1, gen_random_uuid(), $2, gen_random_uuid(), tstzrange('2027-01-01', $3))`, lane.ProviderID, lane.ID, date(until))
			require.NoError(t, err)
		}
	}
	hold(taken.Lanes, "2027-12-31")
	hold(other.Lanes, "2027-02-20")
	require.Equal(t, map[uuid.UUID]*time.Time{taken.Offer.ID: nil, other.Offer.ID: nil}, s.nextStarts(), "beyond what a search looks at by itself")
	counter := marketplace.NewSearchCounter()
	page := s.page(marketplace.SearchQuery{})
	counter.Add(marketplace.SearchQuery{}, page)
	require.NoError(t, counter.Flush(s.ctx, s.d))
	s.refreshListings()
	page = s.page(marketplace.SearchQuery{})
	require.Equal(t, other.Offer.ID, page.Items[0].ID)
	require.NotNil(t, page.Items[0].NextStart)
	require.Equal(t, at("2027-02-20T08:00"), page.Items[0].NextStart.UTC(), "found by the listing, which looks further")
	require.Nil(t, page.Items[1].NextStart)
	_, err := s.admin.Exec(s.ctx, `DELETE FROM lane_claim WHERE lane_id = $1`, taken.Lanes[1].ID)
	require.NoError(t, err)
	s.refreshListings()
	freed := at("2027-01-04T09:30")
	require.Equal(t, &freed, s.nextStarts()[taken.Offer.ID])
}

// Somebody taken for longer than is looked ahead is shown as free at no time:
// the moment a listing is to be looked at again is not one.
func TestWhoIsTakenForLongerThanIsLookedAheadIsNotShownAsFree(t *testing.T) {
	t.Parallel()
	s := setup(t)
	d := support(hourly())
	v := d.Visits
	v.Days, v.From, v.To, v.MinimumMinutes, v.BufferBeforeMinutes, v.BufferAfterMinutes = []int{1, 2, 3, 4, 5, 6, 7}, "09:00", "17:00", 60, 0, 0
	v.Lanes = []marketplace.LaneDraft{{Label: "A"}}
	o := s.publish(s.owner, d)
	require.NotNil(t, s.nextStarts()[o.Offer.ID])
	// the last start of the 60th open date, and a minute more
	last := shortbreaks.At(shortbreaks.Date(s.clock.Now()).AddDate(0, 0, 59), 16*60+1).UTC()
	_, err := s.admin.Exec(s.ctx, `INSERT INTO lane_busy (provider_id, lane_id, during) SELECT provider_id, id, tstzrange($2, $3) FROM lane l WHERE id = $1`,
		o.Lanes[0].ID, s.clock.Now().Add(-time.Hour), last)
	require.NoError(t, err)
	_, err = s.admin.Exec(s.ctx, `UPDATE offer SET title = title WHERE id = $1`, o.Offer.ID)
	require.NoError(t, err)
	s.refreshListings()
	var next time.Time
	require.NoError(t, s.admin.QueryRow(s.ctx, `SELECT next_at FROM offer_listing WHERE offer_id = $1`, o.Offer.ID).Scan(&next))
	require.Equal(t, last, next.UTC(), "to be looked at again then, when somebody happens to be free")
	require.Nil(t, s.nextStarts()[o.Offer.ID])
}

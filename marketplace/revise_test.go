package marketplace_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"shortbreaks"
	"shortbreaks/marketplace"
	"shortbreaks/marketplace/tariff"
)

func (s *stall) revise(o *marketplace.OfferDetail, r marketplace.Revision) *marketplace.OfferDetail {
	s.t.Helper()
	if r.Terms.Choice == "" && r.Terms.FreeUntilHours == 0 && r.Terms.LateFeePercent == 0 && len(r.Terms.Steps) == 0 {
		r.Terms = o.Version.Terms
	}
	after, err := marketplace.ReviseOffer(s.ctx, s.d, s.owner, o.Offer.ID, r)
	require.NoError(s.t, err)
	return after
}

func (s *stall) history(who shortbreaks.Actor, offer uuid.UUID) []marketplace.VersionEntry {
	s.t.Helper()
	page, more, err := marketplace.Versions(s.ctx, s.d, who, offer, 0, 20)
	require.NoError(s.t, err)
	require.False(s.t, more)
	return page
}

func TestR021_PriceHistoryIsPublicInPlainWords(t *testing.T) {
	t.Parallel()
	s := setup(t)
	draft, err := marketplace.CreateOffer(s.ctx, s.d, s.owner, single()) // £9.00
	require.NoError(t, err)
	s.clock.Advance(time.Hour)
	s.revise(draft, marketplace.Revision{Tariff: tariffOf(option("Standard", charge("place", "session", 950)))})
	_, _, err = marketplace.Versions(s.ctx, s.d, shortbreaks.Anonymous, draft.Offer.ID, 0, 20)
	require.ErrorIs(t, err, shortbreaks.ErrNotFound, "a draft has no public price")
	require.Len(t, s.history(s.owner, draft.Offer.ID), 2)
	s.clock.Advance(time.Hour)
	o, err := marketplace.PublishOffer(s.ctx, s.d, s.owner, draft.Offer.ID)
	require.NoError(t, err)

	s.clock.Advance(time.Hour)
	o = s.revise(o, marketplace.Revision{
		Tariff: tariffOf(option("Standard", charge("place", "session", 1000)), reduced(option("Reduced rate", charge("place", "session", 400)))),
		Note:   "The hall costs more.",
	})
	s.clock.Advance(time.Hour)
	o = s.revise(o, marketplace.Revision{
		Tariff: tariffOf(option("Standard", charge("place", "session", 800)), reduced(option("Reduced rate", charge("place", "session", 450)))),
	})
	s.clock.Advance(time.Hour)
	s.revise(o, marketplace.Revision{
		Tariff: tariffOf(option("Standard", charge("place", "session", 800))), Terms: tariff.Terms{FreeUntilHours: 24, LateFeePercent: 100},
	})
	h := s.history(shortbreaks.Anonymous, o.Offer.ID)
	require.Len(t, h, 4, "the draft's first price was never on sale")
	require.Equal(t, []int{5, 4, 3, 2}, []int{h[0].N, h[1].N, h[2].N, h[3].N})
	require.Equal(t, "£8.00 a session", h[0].PriceText)
	require.Equal(t, shortbreaks.Pence(950), h[3].PricePence)
	require.Equal(t, start.Add(5*time.Hour), h[0].At.UTC())
	require.Equal(t, []string{
		"No longer sold: Reduced rate.", "New terms for cancelling: You may cancel free of charge up to 24 hours before the start. After that you pay the full price.",
	}, h[0].Changes)
	require.Equal(t, []string{"The price fell from £10.00 a session to £8.00 a session.", "Reduced rate: £4.50 a session instead of £4.00 a session."}, h[1].Changes)
	require.Equal(t, []string{"The price rose from £9.50 a session to £10.00 a session.", "New: Reduced rate, £4.00 a session."}, h[2].Changes)
	require.Equal(t, "The hall costs more.", h[2].Note)
	require.Equal(t, []string{"This was the first price."}, h[3].Changes)

	page, more, err := marketplace.Versions(s.ctx, s.d, shortbreaks.Anonymous, o.Offer.ID, 0, 2)
	require.NoError(t, err)
	require.True(t, more)
	require.Equal(t, h[:2], page)
	page, more, err = marketplace.Versions(s.ctx, s.d, shortbreaks.Anonymous, o.Offer.ID, 4, 2)
	require.NoError(t, err)
	require.False(t, more)
	require.Equal(t, h[2:], page, "the last of a page is still compared with the one before")
}

func TestR021_APriceAgreedWithOneBuyerIsNotInTheHistory(t *testing.T) {
	t.Parallel()
	s := setup(t)
	made := s.publish(s.owner, single())
	// As a later price list would hold it: no use case writes one yet.
	secret := option("Framework rate", charge("place", "session", 123))
	secret.WhoMayUse = "contract"
	for n, options := range [][]tariff.Option{{secret, option("Standard", charge("place", "session", 900))}, {secret}} {
		_, err := s.admin.Exec(s.ctx, `INSERT INTO offer_version (provider_id, id, offer_id, n, tariff, terms, price_pence, price_unit, created_at, created_by)
			SELECT provider_id, $1, offer_id, $2::int, $3, terms, 123, 'session', created_at + $2::int * interval '1 hour', created_by FROM offer_version WHERE n = 1`,
			shortbreaks.NewID(), n+2, tariff.Tariff{Options: options})
		require.NoError(t, err)
	}
	h := s.history(shortbreaks.Anonymous, made.Offer.ID)
	require.Len(t, h, 3)
	require.NotContains(t, fmt.Sprint(h), "1.23")
	require.NotContains(t, fmt.Sprint(h), "Framework")
	require.Equal(t, "£9.00 a session", h[1].PriceText)
	require.Empty(t, h[0].PriceText, "nothing is for everybody")
}

func TestARevisionOfAPriceSomebodyElseChangedIsRefused(t *testing.T) {
	t.Parallel()
	s := setup(t)
	made := s.publish(s.owner, single())
	r := marketplace.Revision{VersionID: &made.Version.ID, Tariff: made.Tariff, Terms: made.Version.Terms}
	_, err := marketplace.ReviseOffer(s.ctx, s.d, s.owner, made.Offer.ID, r)
	require.NoError(t, err)
	_, err = marketplace.ReviseOffer(s.ctx, s.d, s.owner, made.Offer.ID, r)
	require.ErrorIs(t, err, marketplace.ErrEditedMeanwhile)
}

// bulk is a change of these offers as they stand.
func bulk(price marketplace.PriceMove, offers ...*marketplace.OfferDetail) marketplace.BulkRevision {
	b := marketplace.BulkRevision{Price: &price}
	for _, o := range offers {
		b.Offers = append(b.Offers, marketplace.OfferAtVersion{OfferID: o.Offer.ID, VersionID: o.Version.ID})
	}
	return b
}

func parts(c tariff.Charge) (amounts []shortbreaks.Pence) {
	for _, p := range c.Components {
		amounts = append(amounts, p.AmountPence)
	}
	return amounts
}

// £12.00 is staff 9.00, on-costs 2.00, premises 3.00, less a subsidy of 2.00.
// 3.5 % more is £12.42: 931.5, 207, 310.5 and -207 pence. Downwards they come
// to 1241; the penny left goes to the earlier of the two halves.
func TestBulk_PartsStillSumToThePenny(t *testing.T) {
	t.Parallel()
	s := setup(t)
	c := charge("place", "session", 1200)
	c.Components = []tariff.Component{
		{Kind: "staff", AmountPence: 900},
		{Kind: "on_costs", AmountPence: 200},
		{Kind: "premises", AmountPence: 300},
		{Kind: "subsidy", AmountPence: -200, Note: "A grant"},
	}
	limit := shortbreaks.Pence(1500)
	c.CapPence = &limit
	made := s.publish(s.owner, club(tariffOf(option("Standard", c, optional(charge("support", "hour", 1800))))))
	b := bulk(marketplace.PriceMove{PercentHundredths: 350}, made)
	b.DryRun = true
	shown, err := marketplace.BulkRevise(s.ctx, s.d, s.owner, b)
	require.NoError(t, err)
	require.Equal(t, 1, s.count("offer_version"), "a dry run writes nothing")
	require.Nil(t, shown[0].VersionID)
	require.Equal(t, "£12.00 a session", shown[0].WasText)
	require.Equal(t, "£12.42 a session", shown[0].NowText)
	require.Equal(t, []marketplace.ChargeMove{
		{OptionName: "Standard", Kind: "place", Unit: "session", WasPence: 1200, NowPence: 1242},
		{OptionName: "Standard", Kind: "support", Unit: "hour", WasPence: 1800, NowPence: 1863},
	}, shown[0].Moves)

	b.DryRun, b.Note = false, "Wages rose."
	done, err := marketplace.BulkRevise(s.ctx, s.d, s.owner, b)
	require.NoError(t, err)
	after, err := marketplace.Get(s.ctx, s.d, shortbreaks.Anonymous, made.Offer.ID)
	require.NoError(t, err)
	require.Equal(t, after.Version.ID, *done[0].VersionID)
	got := after.Tariff.Options[0].Charges[0]
	require.Equal(t, shortbreaks.Pence(1242), got.AmountPence)
	require.Equal(t, []shortbreaks.Pence{932, 207, 310, -207}, parts(got))
	require.Equal(t, shortbreaks.Pence(1553), *got.CapPence, "1552.5, half up")
	require.Equal(t, "Wages rose.", s.history(shortbreaks.Anonymous, made.Offer.ID)[0].Note)

	_, err = marketplace.BulkRevise(s.ctx, s.d, s.owner, b)
	require.ErrorIs(t, err, marketplace.ErrEditedMeanwhile, "sent twice, it raises the price once")
	require.Equal(t, []string{"/offers/0"}, fields(err))
}

// Every amount a rate names rises with the price: 10 % on £12.00 an hour, a
// night at £20.00, a table and a share of £3.33 (3.663, half up 3.66). By pence
// only a price of one amount can change.
func TestBulk_APercentageMovesEveryAmountOfARate(t *testing.T) {
	t.Parallel()
	s := setup(t)
	night, part := shortbreaks.Pence(2000), shortbreaks.Pence(333)
	bands := charge("support", "hour", 1200)
	bands.Rate = &tariff.Rate{Bands: &tariff.Bands{Mode: tariff.Split, List: []tariff.Band{{Name: "Night", Window: tariff.Window{From: "22:00", To: "07:00"}, AmountPence: &night}}}}
	bands.CostShares = []tariff.CostShare{{Payer: "council", AmountPence: &part}, {Payer: tariff.Buyer, Remainder: true}}
	table := optional(charge("transport", "hour", 600))
	table.Rate = &tariff.Rate{Durations: []tariff.Duration{{Minutes: 30, AmountPence: 450}}}
	made := s.publish(s.owner, club(tariffOf(option("Standard", bands, table))))
	_, err := marketplace.BulkRevise(s.ctx, s.d, s.owner, bulk(marketplace.PriceMove{Pence: 100}, made))
	var refusal *shortbreaks.Error
	require.ErrorAs(t, err, &refusal)
	require.Equal(t, "Saturday club: Standard has several amounts; change them by a percentage, or revise the offer.", refusal.Fields[0].Detail)
	_, err = marketplace.BulkRevise(s.ctx, s.d, s.owner, bulk(marketplace.PriceMove{PercentHundredths: 1000}, made))
	require.NoError(t, err)
	after, err := marketplace.Get(s.ctx, s.d, shortbreaks.Anonymous, made.Offer.ID)
	require.NoError(t, err)
	first, second := after.Tariff.Options[0].Charges[0], after.Tariff.Options[0].Charges[1]
	require.Equal(t, shortbreaks.Pence(1320), first.AmountPence)
	require.Equal(t, shortbreaks.Pence(2200), *first.Rate.Bands.List[0].AmountPence)
	require.Equal(t, shortbreaks.Pence(366), *first.CostShares[0].AmountPence)
	require.Equal(t, shortbreaks.Pence(495), second.Rate.Durations[0].AmountPence)
}

func TestBulk_DatesBeforeItKeepTheOldPrice(t *testing.T) {
	t.Parallel()
	s := setup(t)
	made := s.publish(s.owner, single()) // Saturdays from 9 January to 27 March, £9.00
	b := bulk(marketplace.PriceMove{Pence: 100}, made)
	from := date("2027-02-06")
	b.EffectiveOn = &from
	done, err := marketplace.BulkRevise(s.ctx, s.d, s.owner, b)
	require.NoError(t, err)
	require.Equal(t, "£10.00 a session", done[0].NowText)
	after, err := marketplace.Get(s.ctx, s.d, shortbreaks.Anonymous, made.Offer.ID)
	require.NoError(t, err)
	require.Equal(t, "£9.00 a session", after.PriceText, "today's price is shown")
	require.Equal(t, "Standard until 5 February 2027", after.Tariff.Options[0].Name)
	require.Equal(t, []shortbreaks.Pence{667, 333}, parts(after.Tariff.Options[1].Charges[0]), "600 and 300 of 900 are 666.7 and 333.3 of 1000")
	require.Contains(t, s.history(shortbreaks.Anonymous, made.Offer.ID)[0].Changes, "From 6 February 2027, Standard costs £10.00 a session.")

	price := func(session int) shortbreaks.Pence {
		o, err := s.offering(marketplace.Want{OfferID: made.Offer.ID, SessionIDs: []uuid.UUID{made.Sessions[session].ID}})
		require.NoError(t, err)
		return o.TotalPence
	}
	require.Equal(t, shortbreaks.Pence(900), price(3), "30 January")
	require.Equal(t, shortbreaks.Pence(1000), price(4), "6 February")

	s.clock.Set(at("2027-02-05T23:59"))
	n, err := marketplace.RollPrices(s.ctx, s.d)
	require.NoError(t, err)
	require.Zero(t, n)
	s.clock.Set(at("2027-02-06T00:00"))
	n, err = marketplace.RollPrices(s.ctx, s.d)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	n, err = marketplace.RollPrices(s.ctx, s.d)
	require.NoError(t, err)
	require.Zero(t, n, "once")
	after, err = marketplace.Get(s.ctx, s.d, shortbreaks.Anonymous, made.Offer.ID)
	require.NoError(t, err)
	require.Equal(t, "£10.00 a session", after.PriceText)
	require.Len(t, after.Tariff.Options, 1)
	require.Nil(t, after.Offer.NextPriceOn)
	require.Equal(t, []shortbreaks.Pence{667, 333}, parts(after.Tariff.Options[0].Charges[0]))
	require.Equal(t, []string{"The price rose from £9.00 a session to £10.00 a session."}, s.history(shortbreaks.Anonymous, made.Offer.ID)[0].Changes[:1])
	require.Equal(t, shortbreaks.Pence(1000), price(5))
}

func TestBulk_AllOrNothing(t *testing.T) {
	t.Parallel()
	s := setup(t)
	good := s.publish(s.owner, single())
	free := s.publish(s.owner, club(tariffOf(option("Free", charge("place", "session", 0)))))
	stale := s.publish(s.owner, single())
	b := bulk(marketplace.PriceMove{Pence: 100}, good, free, stale)
	s.revise(stale, marketplace.Revision{Tariff: stale.Tariff})
	versions := s.count("offer_version")
	_, err := marketplace.BulkRevise(s.ctx, s.d, s.owner, b)
	require.ErrorIs(t, err, shortbreaks.ErrInvalid)
	require.Equal(t, []string{"/offers/1", "/offers/2"}, fields(err))
	require.ErrorContains(t, err, "Nothing was changed: 2 offers of 3 cannot be.")
	require.Equal(t, versions, s.count("offer_version"))

	other := s.provider("Other", 3)
	_, err = marketplace.BulkRevise(s.ctx, s.d, other, bulk(marketplace.PriceMove{Pence: 100}, good))
	require.ErrorIs(t, err, shortbreaks.ErrNotFound)
	helper := s.owner
	helper.Role = shortbreaks.Coordinator
	_, err = marketplace.BulkRevise(s.ctx, s.d, helper, bulk(marketplace.PriceMove{Pence: 100}, good))
	require.ErrorIs(t, err, shortbreaks.ErrForbidden)
	require.Equal(t, versions, s.count("offer_version"))
}

func TestBulk_TermsAreNewAtOnce(t *testing.T) {
	t.Parallel()
	s := setup(t)
	one, two := s.publish(s.owner, single()), s.publish(s.owner, support(hourly()))
	terms := tariff.Terms{FreeUntilHours: 24, LateFeePercent: 50}
	b := bulk(marketplace.PriceMove{}, one, two)
	b.Price, b.Terms = nil, &terms
	done, err := marketplace.BulkRevise(s.ctx, s.d, s.owner, b)
	require.NoError(t, err)
	for _, d := range done {
		require.Equal(t, terms.Explain(), d.Terms)
		after, err := marketplace.Get(s.ctx, s.d, shortbreaks.Anonymous, d.OfferID)
		require.NoError(t, err)
		require.Equal(t, terms, after.Version.Terms)
	}
}

func TestBulk_EveryWrongValueIsNamed(t *testing.T) {
	t.Parallel()
	s := setup(t)
	term := s.publish(s.owner, bundled(club(tariffOf(option("Term", charge("place", "term", 9000)))), "term"))
	past, middle, after := date("2027-01-04"), date("2027-02-01"), date("2027-03-28")
	terms := term.Version.Terms
	twice := bulk(marketplace.PriceMove{PercentHundredths: 1, Pence: 1}, term, term)
	twice.EffectiveOn = &past
	both := bulk(marketplace.PriceMove{PercentHundredths: 20_001}, term)
	both.Terms, both.EffectiveOn = &terms, &middle
	none := bulk(marketplace.PriceMove{PercentHundredths: 500})
	inTerm := bulk(marketplace.PriceMove{PercentHundredths: 500}, term)
	inTerm.EffectiveOn = &middle
	below := bulk(marketplace.PriceMove{Pence: -9001}, term)
	for at, c := range map[string]marketplace.BulkRevision{
		"/offers/1 /pence /effective_on": twice, "/cancellation_terms /percent_hundredths /effective_on": both, "/offers": none, "/offers/0": inTerm,
	} {
		_, err := marketplace.BulkRevise(s.ctx, s.d, s.owner, c)
		require.ErrorIs(t, err, shortbreaks.ErrInvalid, at)
		require.Equal(t, at, words(fields(err)))
	}
	_, err := marketplace.BulkRevise(s.ctx, s.d, s.owner, below)
	require.Equal(t, []string{"/offers/0"}, fields(err), "it would fall below nothing")
	inTerm.EffectiveOn = &after
	_, err = marketplace.BulkRevise(s.ctx, s.d, s.owner, inTerm)
	require.NoError(t, err, "after its last session")
}

func words(list []string) (joined string) {
	for i, w := range list {
		if i > 0 {
			joined += " "
		}
		joined += w
	}
	return joined
}

// Whatever the parts and the change, they sum to the new price and none is a
// penny or more from its exact share.
func TestBulk_PartsSumWhateverTheChange(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var list []tariff.Component
		var was shortbreaks.Pence
		for range rapid.IntRange(1, 8).Draw(t, "parts") {
			p := shortbreaks.Pence(rapid.Int64Range(0, 1_000_000).Draw(t, "part"))
			list, was = append(list, tariff.Component{Kind: "staff", AmountPence: p}), was+p
		}
		borne := shortbreaks.Pence(rapid.Int64Range(0, int64(was)).Draw(t, "subsidy"))
		list, was = append(list, tariff.Component{Kind: "subsidy", AmountPence: -borne}), was-borne
		if was == 0 {
			return
		}
		now := shortbreaks.Pence(rapid.Int64Range(0, 10_000_000).Draw(t, "now"))
		var sum shortbreaks.Pence
		for i, p := range marketplace.Rescaled(list, was, now) {
			sum += p.AmountPence
			off := int64(p.AmountPence)*int64(was) - int64(list[i].AmountPence)*int64(now)
			require.True(t, off > -int64(was) && off < int64(was), "part %d is %d pence of %d", i, p.AmountPence, now)
		}
		require.Equal(t, now, sum)
	})
}

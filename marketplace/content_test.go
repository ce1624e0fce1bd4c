package marketplace_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/marketplace"
)

// said is content with something in each field.
func said() marketplace.Content {
	return marketplace.Content{
		Needs: []string{"autism", "wheelchair_user"}, AccessFeatures: []string{"hoist", "quiet_room"}, Languages: []string{"english", "makaton"},
		Included: []string{" A snack, a drink ", `Paints {and} "glue"`}, ToBring: []string{"Outdoor shoes"},
		Eligibility: "  Show your register card on the first day. ", PersonalCare: true, TransportGiven: true,
	}
}

// edit is what an offer says now, to be sent back with a change.
func edit(o *marketplace.OfferDetail) marketplace.OfferEdit {
	return marketplace.OfferEdit{
		Edition: o.Offer.Edition, Title: o.Offer.Title, Summary: o.Offer.Summary, Category: o.Offer.Category, AccessRoute: o.Offer.AccessRoute,
		AgeFrom: o.Offer.AgeFrom, AgeTo: o.Offer.AgeTo, RatioStaff: o.Offer.RatioStaff, RatioChildren: o.Offer.RatioChildren,
		Instant: o.Offer.Instant, Content: o.Offer.Content,
	}
}

func single() marketplace.OfferDraft {
	return club(tariffOf(option("Standard", charge("place", "session", 900))))
}

func TestContentIsKeptAsItWasWrittenAndFoundByItsWords(t *testing.T) {
	t.Parallel()
	s := setup(t)
	draft := single()
	draft.Content = said()
	made := s.publish(s.owner, draft)
	want := said()
	want.Included[0], want.Eligibility = "A snack, a drink", "Show your register card on the first day."
	require.Equal(t, want, made.Offer.Content)
	plain := s.publish(s.owner, single())
	require.Empty(t, plain.Offer.Needs)

	ids := func(where string) (n int) {
		require.NoError(t, s.admin.QueryRow(s.ctx, `SELECT count(*) FROM offer WHERE state = 'published' AND `+where).Scan(&n))
		return n
	}
	require.Equal(t, 1, ids(`needs @> '{wheelchair_user}' AND access_features @> '{hoist}' AND languages && '{makaton,urdu}'`))
	require.Zero(t, ids(`needs @> '{wheelchair_user,epilepsy}'`))
	// As the schema's owner: "@>" is not leakproof, so PostgreSQL asks the
	// policies first and an index of arrays serves only who is above them.
	tx, err := s.admin.Begin(s.ctx)
	require.NoError(t, err)
	defer func() { _ = tx.Rollback(s.ctx) }()
	_, err = tx.Exec(s.ctx, `SET LOCAL enable_seqscan = off`)
	require.NoError(t, err)
	rows, err := tx.Query(s.ctx, `EXPLAIN SELECT id FROM offer WHERE state = 'published' AND needs @> '{autism}'`)
	require.NoError(t, err)
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	plan := strings.Join(lines, "\n")
	require.Contains(t, plan, "offer_needs")
}

func TestEveryWrongLineOfContentIsNamed(t *testing.T) {
	t.Parallel()
	s := setup(t)
	draft := single()
	draft.Content = marketplace.Content{
		Needs: []string{"autism", "height", "autism"}, AccessFeatures: []string{"pool"}, Languages: []string{"klingon"},
		Included: []string{"x"}, ToBring: append(make([]string, 0, 21), strings.Split(strings.Repeat("Shoes,", 20)+strings.Repeat("a", 121), ",")...),
		Eligibility: "Anyone",
	}
	_, err := marketplace.CreateOffer(s.ctx, s.d, s.owner, draft)
	require.ErrorIs(t, err, shortbreaks.ErrInvalid)
	require.ElementsMatch(t, []string{
		"/content/needs/1", "/content/needs/2", "/content/access_features/0", "/content/languages/0", "/content/included/0",
		"/content/to_bring", "/content/to_bring/20", "/content/eligibility",
	}, fields(err))
	require.Zero(t, s.count("offer"))
}

func TestR123_EveryOfferSaysWhoMayCome(t *testing.T) {
	t.Parallel()
	s := setup(t)
	own := single()
	own.Content.Eligibility = "For children who live in Ashmere."
	require.Equal(t, own.Content.Eligibility, s.publish(s.owner, own).Offer.EligibilityText())
	seen := map[string]bool{}
	for _, route := range marketplace.AccessRoutes {
		draft := single()
		draft.AccessRoute = route
		text := s.publish(s.owner, draft).Offer.EligibilityText()
		require.NotEmpty(t, text, route)
		require.False(t, seen[text], "each route has its own words")
		seen[text] = true
	}
}

func TestAnEditReplacesTheWordsAndLeavesThePrice(t *testing.T) {
	t.Parallel()
	s := setup(t)
	made := s.publish(s.owner, single())
	e := edit(made)
	e.Title, e.AgeTo, e.Content = " Saturday friends ", 12, said()
	after, err := marketplace.UpdateOffer(s.ctx, s.d, s.owner, made.Offer.ID, e)
	require.NoError(t, err)
	require.Equal(t, "Saturday friends", after.Offer.Title)
	require.Equal(t, 12, after.Offer.AgeTo)
	require.Equal(t, 2, after.Offer.Edition)
	require.Equal(t, "A snack, a drink", after.Offer.Included[0])
	require.Equal(t, made.Version.ID, after.Version.ID)
	require.Len(t, s.search(marketplace.SearchQuery{Text: "friends"}), 1)

	e.Title = "Somebody else's words"
	_, err = marketplace.UpdateOffer(s.ctx, s.d, s.owner, made.Offer.ID, e)
	require.ErrorIs(t, err, marketplace.ErrEditedMeanwhile, "it was read before the edit")

	e = edit(after)
	e.AccessRoute, e.Category, e.AgeTo = "targeted", "leisure", 3
	_, err = marketplace.UpdateOffer(s.ctx, s.d, s.owner, made.Offer.ID, e)
	require.ElementsMatch(t, []string{"/category", "/age_to", "/access_route"}, fields(err), "the route is what its price was judged by")
}

func TestACoordinatorEditsDraftsOnly(t *testing.T) {
	t.Parallel()
	s := setup(t)
	helper := s.owner
	helper.Role = shortbreaks.Coordinator
	made, err := marketplace.CreateOffer(s.ctx, s.d, helper, single())
	require.NoError(t, err)
	e := edit(made)
	e.AccessRoute = "targeted"
	made, err = marketplace.UpdateOffer(s.ctx, s.d, helper, made.Offer.ID, e)
	require.NoError(t, err)
	require.Equal(t, "targeted", made.Offer.AccessRoute, "a draft may still change its route")
	made, err = marketplace.PublishOffer(s.ctx, s.d, s.owner, made.Offer.ID)
	require.NoError(t, err)
	_, err = marketplace.UpdateOffer(s.ctx, s.d, helper, made.Offer.ID, edit(made))
	require.ErrorIs(t, err, shortbreaks.ErrForbidden)
	_, err = marketplace.UpdateOffer(s.ctx, s.d, s.provider("Other", 3), made.Offer.ID, edit(made))
	require.ErrorIs(t, err, shortbreaks.ErrNotFound)
	worker := s.owner
	worker.Role = shortbreaks.Worker
	_, err = marketplace.UpdateOffer(s.ctx, s.d, worker, made.Offer.ID, edit(made))
	require.ErrorIs(t, err, shortbreaks.ErrForbidden)
}

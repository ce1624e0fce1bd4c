package marketplace_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/marketplace"
)

// groups is a good file of a group that runs if four come, with a row of dates
// that run anyway, a term that is decided together, and a worker by the hour.
const groups = "title,summary,category,access_route,age_from,age_to,ratio,setting,postcode,instant,companions,price_unit,price,components," +
	"free_until_hours,late_fee_percent,days,from,to,first_date,last_date,dates,places,staff_units,minimum_places,decide_hours_before,confirm_early," +
	"bundle_name,minimum_visit,maximum_visit,visit_step,lanes\n" +
	"Trips,\"Out, together\",club,targeted,5,16,1:3,Willow Hall,zz1 1aa,yes,sibling 1; carer 0,session,12.00,staff 8.00; premises 4.00," +
	"48,50,sat,10:00,13:00,2027-01-16,2027-03-27,,12,3,4,72,yes,,,,,\n" +
	",,,,,,,,,,,,,,,,,10:00,13:00,,,2027-04-03; 2027-04-11,8,,,,,,,,,\n" +
	"Swimming,Warm water,swimming,targeted,6,18,1:2,Lakeside,ZZ2 1AA,yes,personal_assistant 1,term,156.00,staff 104.00; premises 52.00," +
	"168,100,wed,16:00,17:00,2027-01-13,2027-03-31,,10,,5,48,,Spring term,,,,\n" +
	"Support,One to one,support_worker,targeted,5,18,1:1,Around,ZX1 1AA,yes,,hour,25.00,staff 16.50; on_costs 4.00; overhead 4.50," +
	"48,100,mon-fri,08:00,20:00,,,,,,,,no,,60,480,15,Worker A\n"

// groupCells is the file with cells of a row filled in otherwise; row 2 is the
// first below the names of the columns.
func groupCells(t testing.TB, row int, cells map[string]string) string {
	t.Helper()
	rows, err := marketplace.SheetCells([]byte(groups))
	require.NoError(t, err)
	for column, value := range cells {
		at := slices.Index(rows[0], column)
		require.GreaterOrEqual(t, at, 0, column)
		rows[row-1][at] = value
	}
	return inCSV(rows)
}

// inCSV is a table as a file, without a guard against formulas.
func inCSV(rows [][]string) string {
	var text strings.Builder
	for _, row := range rows {
		for i, cell := range row {
			row[i] = `"` + strings.ReplaceAll(cell, `"`, `""`) + `"`
		}
		text.WriteString(strings.Join(row, ",") + "\n")
	}
	return text.String()
}

// drawGroup draws who may come along, and of a group when it runs.
func drawGroup(t *rapid.T, d *marketplace.OfferDraft) {
	for _, kind := range rapid.SliceOfDistinct(rapid.SampledFrom(marketplace.CompanionKinds), rapid.ID[string]).Draw(t, "companions") {
		if d.Companions == nil {
			d.Companions = map[string]int{}
		}
		d.Companions[kind] = rapid.IntRange(0, 5).Draw(t, kind)
	}
	if d.Sessions == nil {
		return
	}
	series := *d.Sessions
	series.StaffUnits = rapid.IntRange(0, 500).Draw(t, "staff")
	if rapid.Bool().Draw(t, "minimum") {
		series.Minimum = &marketplace.MinimumDraft{
			Places: rapid.IntRange(2, 12).Draw(t, "fewest"), DecideHoursBefore: rapid.IntRange(1, 2160).Draw(t, "hours"), ConfirmEarly: rapid.Bool().Draw(t, "early"),
		}
	}
	d.Sessions = &series
}

// staffOf are the staff of an offer's sessions beside their places, by their
// starts.
func (s *stall) staffOf(offer uuid.UUID) (all []int) {
	s.t.Helper()
	rows, err := s.admin.Query(s.ctx, `SELECT p.staff_units FROM session s JOIN session_places p ON p.session_id = s.id
		WHERE s.offer_id = $1 AND s.state = 'scheduled' ORDER BY s.starts_at, s.id`, offer)
	require.NoError(s.t, err)
	defer rows.Close()
	for rows.Next() {
		var n int
		require.NoError(s.t, rows.Scan(&n))
		all = append(all, n)
	}
	return all
}

// minimaOf are the minimums of an offer's next sessions, by their starts:
// "4 by 2027-01-13T10:00".
func minimaOf(o *marketplace.OfferDetail) (all []string) {
	for _, e := range o.Sessions {
		text := "none"
		if m := e.Minimum; m != nil {
			text = fmt.Sprint(m.Places, " by ", shortbreaks.Wall(m.DecideAt))
			if m.Early {
				text += ", or early"
			}
		}
		all = append(all, text)
	}
	return all
}

func TestAFileSaysWhenAGroupRunsWhoComesAlongAndItsStaff(t *testing.T) {
	t.Parallel()
	s := setup(t)
	made, err := s.importing(groups, marketplace.ImportOptions{})
	require.NoError(t, err, "%v", made.Errors)
	var got []*marketplace.OfferDetail
	for _, id := range made.OfferIDs {
		o, err := marketplace.Get(s.ctx, s.d, s.owner, id)
		require.NoError(t, err)
		got = append(got, o)
	}
	trips, swimming, support := got[0], got[1], got[2]
	require.Equal(t, map[string]int{"sibling": 1, "carer": 0}, trips.Offer.Companions)
	require.Equal(t, append(slices.Repeat([]int{3}, 11), 0, 0), s.staffOf(trips.Offer.ID), "each row of dates has its own staff")
	mins := minimaOf(trips)
	require.Len(t, mins, 13)
	require.Equal(t, []string{"4 by 2027-01-13T10:00, or early", "4 by 2027-01-20T10:00, or early"}, mins[:2], "three days before each")
	require.Equal(t, []string{"none", "none"}, mins[11:], "dates of a row that says nothing run however few come")
	require.Equal(t, map[string]int{"personal_assistant": 1}, swimming.Offer.Companions)
	require.Equal(t, slices.Repeat([]string{"5 by 2027-01-11T16:00"}, 12), minimaOf(swimming), "a bundle is decided together")
	require.Nil(t, support.Offer.Companions)

	before, after := s.roundTrip(s.owner)
	require.Len(t, after, 3)
	for i := range before {
		same(t, before[i], after[i])
		require.Equal(t, s.staffOf(before[i].Offer.ID), s.staffOf(after[i].Offer.ID))
	}
}

func TestADraftOfTheAPIComesBackFromItsFileAsItWas(t *testing.T) {
	t.Parallel()
	s := setup(t)
	price := tariffOf(option("Standard", charge("place", "session", 1200)))
	group := club(price)
	group.Companions = map[string]int{"sibling": 2, "personal_assistant": 0}
	group.Sessions.StaffUnits, group.Sessions.Minimum = 4, &marketplace.MinimumDraft{Places: 3, DecideHoursBefore: 100, ConfirmEarly: true}
	s.publish(s.owner, group)
	term := bundled(club(tariffOf(option("Term", charge("place", "term", 11_000)))), "term")
	term.Sessions.Minimum = &marketplace.MinimumDraft{Places: 6, DecideHoursBefore: 24}
	s.publish(s.owner, term)
	s.publish(s.owner, support(hourly()))
	plain := s.publish(s.owner, club(price))
	_, err := marketplace.CopyOffer(s.ctx, s.d, s.owner, s.offersOf(s.owner)[0]) // a draft without dates still says who may come along
	require.NoError(t, err)

	before, after := s.roundTrip(s.owner)
	require.Len(t, after, 5)
	for i := range before {
		same(t, before[i], after[i])
		require.Equal(t, s.staffOf(before[i].Offer.ID), s.staffOf(after[i].Offer.ID))
	}
	require.Equal(t, group.Companions, after[4].Offer.Companions)
	bare := s.export(s.owner, marketplace.OfferExport{OfferIDs: []uuid.UUID{plain.Offer.ID}})
	cells, err := marketplace.SheetCells(bare.Body)
	require.NoError(t, err)
	for _, column := range []string{"companions", "staff_units", "minimum_places", "decide_hours_before", "confirm_early"} {
		require.NotContains(t, cells[0], column, "a file that has nothing to say of them has no such columns")
	}
}

// take takes places of a session and decides on it, if it is time to.
func (s *stall) take(offer *marketplace.OfferDetail, session, n int) {
	s.t.Helper()
	key := marketplace.PlaceKey{Provider: offer.Provider.ID, Session: offer.Sessions[session].ID}
	require.NoError(s.t, s.d.Do(s.ctx, db.Scope{Providers: []uuid.UUID{offer.Provider.ID}}, func(tx *db.Tx) error {
		if _, err := marketplace.LockPlaces(s.ctx, tx, []marketplace.PlaceKey{key}); err != nil {
			return err
		}
		if err := marketplace.TakePlaces(s.ctx, tx, map[marketplace.PlaceKey]int{key: n}); err != nil {
			return err
		}
		return marketplace.DecideGroup(s.ctx, tx, key)
	}))
}

// What was decided is not asked again: a session that is sure to run is written
// as one without a minimum, which sells alike. One to be decided this moment
// could not be imported with a minimum; the rest keep theirs.
func TestAGroupIsExportedAsFarAsItIsDecided(t *testing.T) {
	t.Parallel()
	s := setup(t)
	draft := club(tariffOf(option("Standard", charge("place", "session", 1200))))
	draft.Sessions.Minimum = &marketplace.MinimumDraft{Places: 8, DecideHoursBefore: 48, ConfirmEarly: true}
	o := s.publish(s.owner, draft)
	s.take(o, 2, 8) // runs
	s.take(o, 3, 7) // not yet
	_, err := marketplace.MoveSession(s.ctx, s.d, s.owner, marketplace.SessionMove{SessionID: o.Sessions[5].ID, On: date("2027-02-14"), From: "15:00", To: "18:00"})
	require.NoError(t, err)
	few := 9
	_, err = marketplace.ChangeSessions(s.ctx, s.d, s.owner, marketplace.SessionChange{OfferID: o.Offer.ID, From: date("2027-03-20"), Capacity: &few})
	require.NoError(t, err)
	s.clock.Set(at("2027-01-07T10:00")) // the first is decided now

	before, after := s.roundTrip(s.owner)
	mins := minimaOf(after[0])
	require.Equal(t, []string{
		"none", "8 by 2027-01-14T10:00, or early", "none", "8 by 2027-01-28T10:00, or early", "8 by 2027-02-04T10:00, or early",
		"8 by 2027-02-12T15:00, or early",
	}, mins[:6])
	require.Equal(t, []string{"8 by 2027-03-18T10:00, or early", "8 by 2027-03-25T10:00, or early"}, mins[9:])
	require.Len(t, before[0].Sessions, 11)
	for i, w := range before[0].Sessions {
		require.Equal(t, []any{w.StartsAt, w.Capacity}, []any{after[0].Sessions[i].StartsAt, after[0].Sessions[i].Capacity})
	}
}

func TestABundleIsDecidedWhenItWasThoughItsDatesChanged(t *testing.T) {
	t.Parallel()
	s := setup(t)
	term := bundled(club(tariffOf(option("Term", charge("place", "term", 11_000)))), "term")
	term.Sessions.Minimum = &marketplace.MinimumDraft{Places: 4, DecideHoursBefore: 48}
	o := s.publish(s.owner, term)
	_, err := marketplace.CallOffSession(s.ctx, s.d, s.owner, o.Sessions[0].ID, "No heating.")
	require.NoError(t, err)
	few := 6
	_, err = marketplace.ChangeSessions(s.ctx, s.d, s.owner, marketplace.SessionChange{OfferID: o.Offer.ID, From: date("2027-03-20"), Capacity: &few})
	require.NoError(t, err)
	before, after := s.roundTrip(s.owner)
	same(t, before[0], after[0])
	require.Equal(t, slices.Repeat([]string{"4 by 2027-01-07T10:00"}, 10), minimaOf(after[0]), "before the first there was, in all rows")

	_, err = marketplace.MoveSession(s.ctx, s.d, s.owner, marketplace.SessionMove{SessionID: o.Sessions[3].ID, On: date("2027-02-02"), From: "10:30", To: "12:30"})
	require.NoError(t, err)
	_, after = s.roundTrip(s.owner)
	require.Equal(t, slices.Repeat([]string{"4 by 2027-01-07T10:00"}, 10), minimaOf(after[0]), "one that was moved is decided with the others")
	own := func() []string {
		o, err := marketplace.Get(s.ctx, s.d, s.owner, o.Offer.ID)
		require.NoError(t, err)
		return minimaOf(o)
	}
	require.Equal(t, slices.Repeat([]string{"4 by 2027-01-07T10:00"}, 10), own())
	first := marketplace.SessionMove{SessionID: o.Sessions[1].ID, On: date("2027-01-17"), From: "10:00", To: "13:00"}
	_, err = marketplace.MoveSession(s.ctx, s.d, s.owner, first)
	require.NoError(t, err)
	require.Equal(t, slices.Repeat([]string{"4 by 2027-01-08T10:00"}, 10), own(), "all with the first of them")
	s.clock.Set(at("2027-01-09T09:00"))
	_, after = s.roundTrip(s.owner)
	require.Equal(t, slices.Repeat([]string{"none"}, 10), minimaOf(after[0]), "it could not be decided any more")
}

func TestWhatIsWrongOfAGroupIsNamedByRowAndColumn(t *testing.T) {
	t.Parallel()
	s := setup(t)
	for _, c := range []struct {
		row    int
		cells  map[string]string
		column string
		words  string
	}{
		{2, map[string]string{"companions": "sibling"}, "companions", "Write it like sibling 1; carer 0."},
		{2, map[string]string{"companions": "sibling 1; sibling 2"}, "companions", "We cannot read this."},
		{2, map[string]string{"companions": "sibling -1"}, "companions", "We cannot read this."},
		{2, map[string]string{"companions": "dog 1"}, "companions", "Give one of sibling, carer, personal_assistant."},
		{2, map[string]string{"companions": "carer 6"}, "companions", "0 to 5"},
		{3, map[string]string{"companions": "carer 1"}, "companions", "This belongs in the row with the title."},
		{2, map[string]string{"staff_units": "+2"}, "staff_units", "formula"},
		{2, map[string]string{"staff_units": "two"}, "staff_units", "Give a whole number."},
		{2, map[string]string{"staff_units": "501"}, "staff_units", "0 to 500"},
		{3, map[string]string{"staff_units": "501"}, "staff_units", "0 to 500"},
		{5, map[string]string{"staff_units": "1"}, "staff_units", "Only a group with sessions has this."},
		{2, map[string]string{"minimum_places": "1"}, "minimum_places", "Give 2 or more, and no more than there are places."},
		{2, map[string]string{"minimum_places": "13"}, "minimum_places", "no more than there are places"},
		{3, map[string]string{"minimum_places": "9", "decide_hours_before": "1"}, "minimum_places", "no more than there are places"},
		{2, map[string]string{"minimum_places": "few"}, "minimum_places", "Give a whole number."},
		{2, map[string]string{"minimum_places": ""}, "minimum_places", "Give a whole number."},
		{3, map[string]string{"confirm_early": "yes", "minimum_places": "4"}, "decide_hours_before", "Give a whole number."},
		{2, map[string]string{"instant": "no"}, "minimum_places", "set instant"},
		{5, map[string]string{"minimum_places": "3"}, "minimum_places", "Only a group with sessions has this."},
		{2, map[string]string{"decide_hours_before": "0"}, "decide_hours_before", "1 to 2160"},
		{2, map[string]string{"decide_hours_before": "2161"}, "decide_hours_before", "1 to 2160"},
		{2, map[string]string{"decide_hours_before": "soon"}, "decide_hours_before", "Give a whole number."},
		{2, map[string]string{"decide_hours_before": "400"}, "decide_hours_before", "The session on Saturday 16 January 2027 is sooner than that."},
		{3, map[string]string{"decide_hours_before": "2159", "minimum_places": "4"}, "decide_hours_before", "is sooner than that"},
		{5, map[string]string{"decide_hours_before": "3"}, "decide_hours_before", "Only a group with sessions has this."},
		{2, map[string]string{"confirm_early": "perhaps"}, "confirm_early", "Give yes or no."},
		{5, map[string]string{"confirm_early": "yes"}, "confirm_early", "Only a group with sessions has this."},
		{5, map[string]string{"confirm_early": "yes", "dates": "later", "lanes": ""}, "confirm_early", "Only a group with sessions has this."},
	} {
		text := groupCells(t, c.row, c.cells)
		r, err := s.importing(text, marketplace.ImportOptions{})
		require.ErrorIs(t, err, shortbreaks.ErrInvalid, "%v", c)
		require.Len(t, r.Errors, 1, "%v: %v", c, r.Errors)
		require.Equal(t, []any{c.row, c.column}, []any{r.Errors[0].Row, r.Errors[0].Column}, "%v: %v", c, r.Errors)
		require.Contains(t, r.Errors[0].Detail, c.words, "%v", c)
		require.Contains(t, fields(err), fmt.Sprintf("/rows/%d/%s", c.row, c.column))
	}
	require.Zero(t, s.count("offer")+s.count("setting")+s.count("session"))
}

func TestDatesOfABundleInSeveralRowsAreDecidedTogether(t *testing.T) {
	t.Parallel()
	s := setup(t)
	// term is the file with another row of dates of the term, the fifth.
	term := func(hours string, more map[string]string) string {
		rows, err := marketplace.SheetCells([]byte(groupCells(t, 4, map[string]string{"decide_hours_before": hours})))
		require.NoError(t, err)
		row := make([]string, len(rows[0]))
		for column, value := range more {
			row[slices.Index(rows[0], column)] = value
		}
		return inCSV(slices.Insert(rows, 4, row))
	}
	january := map[string]string{"dates": "2027-01-06", "from": "16:00", "to": "17:00", "places": "10", "minimum_places": "5", "decide_hours_before": "48"}
	made, err := s.importing(term("48", january), marketplace.ImportOptions{})
	require.NoError(t, err, "%v", made.Errors)
	o, err := marketplace.Get(s.ctx, s.d, s.owner, made.OfferIDs[1])
	require.NoError(t, err)
	require.Equal(t, slices.Repeat([]string{"5 by 2027-01-04T16:00"}, 13), minimaOf(o), "the first date is in the second row")

	refused := func(text string, row int, words string) {
		r, err := s.importing(text, marketplace.ImportOptions{})
		require.ErrorIs(t, err, shortbreaks.ErrInvalid)
		require.Equal(t, []marketplace.ImportError{{Row: row, Column: "decide_hours_before", Detail: words}}, r.Errors)
	}
	refused(term("24", january), 5, "The dates of a bundle are decided together; give 24 for all of them.")
	delete(january, "minimum_places")
	delete(january, "decide_hours_before")
	refused(term("72", january), 4, "The session on Wednesday 6 January 2027 is sooner than that.")
	require.Equal(t, 3, s.count("offer"))
}

// An edit cannot take away what a minimum needs: such an offer could not be
// imported again either.
func TestAGroupThatIsNotDecidedStaysBookedAtOnce(t *testing.T) {
	t.Parallel()
	s := setup(t)
	draft := club(tariffOf(option("Standard", charge("place", "session", 1200))))
	asked := func(minimum *marketplace.MinimumDraft) error {
		draft.Sessions.Minimum = minimum
		o := s.publish(s.owner, draft)
		_, err := marketplace.UpdateOffer(s.ctx, s.d, s.owner, o.Offer.ID, marketplace.OfferEdit{
			Edition: o.Offer.Edition, Title: draft.Title, Summary: draft.Summary, Category: draft.Category, AccessRoute: draft.AccessRoute,
			AgeFrom: draft.AgeFrom, AgeTo: draft.AgeTo, RatioStaff: draft.RatioStaff, RatioChildren: draft.RatioChildren,
		})
		return err
	}
	require.NoError(t, asked(nil))
	err := asked(&marketplace.MinimumDraft{Places: 3, DecideHoursBefore: 48})
	require.ErrorIs(t, err, shortbreaks.ErrInvalid)
	require.Equal(t, []string{"/instant"}, fields(err))
}

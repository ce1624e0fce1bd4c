package api_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/booking"
	"shortbreaks/budgets"
	"shortbreaks/commissioning"
	"shortbreaks/internal/db/dbtest"
)

func (w *world) countWanted() []commissioning.WantedCell {
	w.t.Helper()
	_, err := commissioning.CountWanted(w.ctx, w.d)
	require.NoError(w.t, err)
	cells, more, err := commissioning.WantedDemand(w.ctx, w.d, w.stars.Owner, "", "", 0, 100)
	require.NoError(w.t, err)
	require.False(w.t, more)
	return cells
}

func TestR104_ProvidersReadWantedDemandOnlyWhereFiveChildrenAreBehindIt(t *testing.T) {
	w := setup(t)
	kids := make([]budgets.Child, 9)
	for i := range kids {
		kids[i] = budgets.Child{FirstName: "Child", FamilyName: "Many", DateOfBirth: time.Date(2017, 5, 1, 0, 0, 0, 0, time.UTC)}
	}
	home, err := w.build.NewHome(w.ctx, w.ash.ID, kids, "family.many")
	require.NoError(t, err)
	all := make([]uuid.UUID, len(kids))
	for i, c := range home.Children {
		all[i] = c.ID
	}
	wants := func(child uuid.UUID, latest string, needs ...string) {
		_, err := booking.PostWanted(w.ctx, w.d, home.Parents[0], child, booking.Wanted{
			Category: "club", Postcode: "ZZ1 1AA", Needs: needs, Windows: []booking.WantedWindow{{Weekdays: []int{6}, Earliest: "09:00", Latest: latest}},
		})
		require.NoError(t, err)
	}
	for _, c := range all[:4] {
		wants(c, "13:30")
		wants(c, "13:30") // counts once as a child
	}
	require.Empty(t, w.countWanted(), "four children are too few")
	for _, c := range all[4:7] {
		wants(c, "13:30", "autism", "epilepsy")
	}
	cells := w.countWanted()
	require.Len(t, cells, 2, "of three with a need nothing is shown")
	for i, band := range []string{"morning", "afternoon"} {
		require.Equal(t, commissioning.WantedCell{
			N: i + 1, Category: "club", Area: cells[i].Area, Weekday: 6, Band: band, Wanted: 10, Children: 5,
		}, cells[i])
	}
	for _, c := range append(all[:4:4], all[7:]...) {
		wants(c, "12:00", "autism")
	}
	autism := 0
	for _, c := range w.countWanted() {
		require.NotEqual(t, "epilepsy", c.Need)
		require.Zero(t, c.Children%5)
		if c.Need == "autism" {
			require.Equal(t, "morning", c.Band)
			autism++
		}
	}
	require.Equal(t, 1, autism)
	_, err = dbtest.Owner(t, w.d).Exec(w.ctx, `DELETE FROM wanted_time WHERE child_id = $1 AND needs = '{autism}'`, all[0])
	require.NoError(t, err)
	cells = w.countWanted()
	require.NotEmpty(t, cells)
	for _, c := range cells {
		require.NotEqual(t, "autism", c.Need, "the one without it would be found by subtraction")
	}
	_, _, err = commissioning.WantedDemand(w.ctx, w.d, home.Parents[0], "", "", 0, 10)
	require.ErrorIs(t, err, shortbreaks.ErrForbidden)
	page, more, err := commissioning.WantedDemand(w.ctx, w.d, w.ash.Commissioner, "club", cells[0].Area, 0, 1)
	require.NoError(t, err)
	require.True(t, more)
	rest, _, err := commissioning.WantedDemand(w.ctx, w.d, w.ash.Commissioner, "club", cells[0].Area, page[0].N, 10)
	require.NoError(t, err)
	require.Len(t, rest, len(cells)-1)
	nothing, _, err := commissioning.WantedDemand(w.ctx, w.d, w.ash.Commissioner, "trip", "", 0, 10)
	require.NoError(t, err)
	require.Empty(t, nothing)
}

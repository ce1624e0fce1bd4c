package marketplace_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"shortbreaks/internal/db"
	"shortbreaks/marketplace"
)

// discreet reads whether the settings are, by name.
func (s *stall) discreet() map[string]bool {
	s.t.Helper()
	rows, err := s.admin.Query(s.ctx, `SELECT name, discreet FROM setting`)
	require.NoError(s.t, err)
	all := map[string]bool{}
	for rows.Next() {
		var name string
		var is bool
		require.NoError(s.t, rows.Scan(&name, &is))
		all[name] = is
	}
	return all
}

func TestASettingIsDiscreetWhereAHomeOrANightIsAndForWhoeverWorksAlone(t *testing.T) {
	t.Parallel()
	s := setup(t)
	hall := single()
	hall.Setting.Name = "Hall"
	first := s.publish(s.owner, hall)
	require.False(t, s.discreet()["Hall"])

	// A draft is enough, and a change of kind or place counts at once.
	house := single()
	house.Category, house.Setting = "overnight_residential", &marketplace.SettingDraft{Name: "House", Postcode: "ZZ1 1AA"}
	draft, err := marketplace.CreateOffer(s.ctx, s.d, s.owner, house)
	require.NoError(t, err)
	require.Equal(t, map[string]bool{"Hall": false, "House": true}, s.discreet())
	move := func(sql string, args ...any) {
		require.NoError(t, s.d.Do(s.ctx, db.For(s.owner), func(tx *db.Tx) error {
			_, err := tx.PGX.Exec(s.ctx, sql, args...)
			return err
		}))
	}
	move(`UPDATE offer SET setting_id = $2 WHERE id = $1`, draft.Offer.ID, first.Setting.ID)
	require.Equal(t, map[string]bool{"Hall": true, "House": false}, s.discreet())
	move(`UPDATE offer SET category = 'club' WHERE id = $1`, draft.Offer.ID)
	require.Equal(t, map[string]bool{"Hall": false, "House": false}, s.discreet())
	move(`UPDATE provider SET kind = 'sole_trader'`)
	require.Equal(t, map[string]bool{"Hall": true, "House": true}, s.discreet())
	made, err := marketplace.CreateSetting(s.ctx, s.d, s.owner, s.owner.Providers[0], marketplace.SettingFacts{Name: "Studio", Postcode: "ZZ1 1AA"})
	require.NoError(t, err)
	require.True(t, made.Discreet)
	move(`UPDATE setting SET discreet = false WHERE name = 'Hall'`)
	move(`UPDATE provider SET kind = 'company'`)
	require.Equal(t, map[string]bool{"Hall": false, "House": false, "Studio": false}, s.discreet())
}

func TestEveryCategoryInAHomeOrByNightIsDiscreet(t *testing.T) {
	t.Parallel()
	s := setup(t)
	var known []string
	require.NoError(t, s.admin.QueryRow(s.ctx, `SELECT discreet_categories()`).Scan(&known))
	for _, c := range marketplace.CategoryTree {
		want := c.Value == "family_based_care" || c.Value == "overnight" || c.Parent == "overnight" || strings.Contains(c.Said, "carer's home")
		require.Equal(t, want, slices.Contains(known, c.Value), c.Value)
	}
}

package marketplace_test

import (
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm/schema"

	"shortbreaks/marketplace"
)

func TestModelsHaveTheColumnsOfTheSchema(t *testing.T) {
	t.Parallel()
	s := setup(t)
	for _, model := range []any{
		&marketplace.Provider{}, &marketplace.Setting{}, &marketplace.Offer{}, &marketplace.Version{}, &marketplace.Component{},
		&marketplace.Term{}, &marketplace.Session{}, &marketplace.Counter{}, &marketplace.Lane{}, &marketplace.OfferLane{}, &marketplace.Worker{}, &marketplace.Contract{},
		&marketplace.Identifier{}, &marketplace.Member{}, &marketplace.Credential{}, &marketplace.Cover{}, &marketplace.Acceptance{},
		&marketplace.Notice{}, &marketplace.CredentialRule{}, &marketplace.RatioRule{}, &marketplace.Reliability{},
		&marketplace.BankHoliday{}, &marketplace.SchoolCalendar{}, &marketplace.CalendarRange{}, &marketplace.School{},
		&marketplace.Closure{}, &marketplace.BusyCalendar{},
		&marketplace.Photo{}, &marketplace.Fact{}, &marketplace.SavedWorksheet{}, &marketplace.Enquiry{}, &marketplace.EnquiryMessage{},
		&marketplace.ShortlistItem{}, &marketplace.FeedItem{}, &marketplace.OfferImport{}, &marketplace.EmergencyCapacity{},
	} {
		parsed, err := schema.Parse(model, &sync.Map{}, schema.NamingStrategy{SingularTable: true})
		require.NoError(t, err)
		var columns []string
		rows, err := s.admin.Query(s.ctx, `SELECT column_name FROM information_schema.columns
			WHERE table_schema = 'public' AND table_name = $1 AND is_generated = 'NEVER'`, parsed.Table)
		require.NoError(t, err)
		for rows.Next() {
			var name string
			require.NoError(t, rows.Scan(&name))
			columns = append(columns, name)
		}
		fields := slices.Clone(parsed.DBNames)
		require.ElementsMatch(t, columns, fields, parsed.Table)
	}
}

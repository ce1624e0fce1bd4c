package marketplace

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// SettingFacts is what a provider says of a place where support is given.
type SettingFacts struct {
	Name           string
	Postcode       string
	AddressLines   []string
	AccessFeatures string
}

// ListSettings lists a provider's places, and whether there are more. They are
// public, discreet ones as Public has them.
func ListSettings(ctx context.Context, d *db.DB, who shortbreaks.Actor, provider, after uuid.UUID, limit int) (list []Setting, more bool, err error) {
	err = d.Read(ctx, db.Scope{}, func(tx *db.Tx) error {
		if _, err := providerDetail(ctx, tx, provider); err != nil {
			return err
		}
		list, err = gorm.G[Setting](tx.DB).Where("provider_id = ? AND id > ?", provider, after).Order("id").Limit(limit + 1).Find(ctx)
		if err != nil {
			return fmt.Errorf("listing the settings of provider %s: %w", provider, err)
		}
		list, more = paged(list, limit)
		for i := range list {
			list[i] = list[i].shownTo(who)
		}
		return nil
	})
	return list, more, err
}

// CreateSetting adds a place to a provider.
func CreateSetting(ctx context.Context, d *db.DB, who shortbreaks.Actor, provider uuid.UUID, facts SettingFacts) (*Setting, error) {
	return writeSetting(ctx, d, who, provider, facts, func(ctx context.Context, tx *db.Tx, s *Setting) error {
		s.ID = shortbreaks.NewID()
		if err := gorm.G[Setting](tx.DB).Create(ctx, s); err != nil {
			return fmt.Errorf("adding a setting to provider %s: %w", provider, err)
		}
		return nil
	})
}

const sqlUpdateSetting = `UPDATE setting SET name = $3, postcode = $4, area = $5, latitude = $6, longitude = $7, address_lines = $8, access_features = $9
WHERE provider_id = $1 AND id = $2`

// UpdateSetting replaces what a provider says of a place. Offers and bookings
// there move with it.
func UpdateSetting(ctx context.Context, d *db.DB, who shortbreaks.Actor, provider, id uuid.UUID, facts SettingFacts) (*Setting, error) {
	return writeSetting(ctx, d, who, provider, facts, func(ctx context.Context, tx *db.Tx, s *Setting) error {
		s.ID = id
		tag, err := tx.PGX.Exec(ctx, sqlUpdateSetting, provider, id, s.Name, s.Postcode, s.Area, s.Latitude, s.Longitude, s.AddressLines, s.AccessFeatures)
		if err != nil {
			return fmt.Errorf("updating setting %s: %w", id, err)
		}
		if tag.RowsAffected() != 1 {
			return shortbreaks.ErrNotFound.With("This provider has no such setting.")
		}
		return nil
	})
}

func writeSetting(ctx context.Context, d *db.DB, who shortbreaks.Actor, provider uuid.UUID, facts SettingFacts,
	write func(context.Context, *db.Tx, *Setting) error,
) (*Setting, error) {
	if err := reach(who, provider, shortbreaks.ProviderOwner, shortbreaks.Coordinator); err != nil {
		return nil, err
	}
	if err := facts.check().As(shortbreaks.ErrInvalid); err != nil {
		return nil, err
	}
	point, _ := Locate(facts.Postcode) // check has found it
	s := &Setting{
		ProviderID: provider, Name: strings.TrimSpace(facts.Name), Postcode: point.Postcode, Area: point.Area, Latitude: point.Lat, Longitude: point.Lon,
		AddressLines: tidyList(facts.AddressLines), AccessFeatures: strings.TrimSpace(facts.AccessFeatures),
	}
	return s, d.Do(ctx, db.For(who), func(tx *db.Tx) error {
		if err := write(ctx, tx, s); err != nil {
			return err
		}
		return tx.PGX.QueryRow(ctx, `SELECT discreet FROM setting WHERE provider_id = $1 AND id = $2`, provider, s.ID).Scan(&s.Discreet)
	})
}

func (s SettingFacts) check() *shortbreaks.Faults {
	f := &shortbreaks.Faults{}
	f.Text("/name", s.Name, 2, 120)
	point, known := Locate(s.Postcode)
	f.Unless(known && strings.Contains(point.Postcode, " "), "/postcode", "We do not know this postcode; give it in full.")
	f.Unless(len(s.AddressLines) <= 5, "/address_lines", "Give at most 5 lines.")
	for i, line := range s.AddressLines {
		f.Text(fmt.Sprintf("/address_lines/%d", i), line, 1, 120)
	}
	f.Text("/access_features", s.AccessFeatures, 0, 2000)
	return f
}

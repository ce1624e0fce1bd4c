package marketplace

import (
	"context"

	"github.com/google/uuid"

	"shortbreaks/internal/db"
)

// mostOnMap is how many settings a map shows, and mostMapped of how many
// offers they are gathered.
const (
	mostOnMap  = 500
	mostMapped = 1_000
)

// MapSetting is a setting on a map with the offers found there.
type MapSetting struct {
	ProviderID   uuid.UUID
	ProviderName string
	Name         string
	Area         string
	Lat, Lon     float64
	Offers       []MapOffer
}

// MapOffer is an offer at a setting.
type MapOffer struct {
	ID    uuid.UUID
	Title string
}

// OnMap gathers what a search finds by where it is: the soonest thousand
// offers, at five hundred settings at most. Where people live is on no map.
func OnMap(ctx context.Context, d *db.DB, q SearchQuery) ([]MapSetting, error) {
	f, err := q.filter(ctx, d)
	if err != nil {
		return nil, err
	}
	f.sort = BySoonest
	var settings []MapSetting
	err = d.Read(ctx, db.Scope{}, func(tx *db.Tx) error {
		f.asOf = tx.Now
		if err := byIndex(ctx, tx); err != nil {
			return err
		}
		all, err := f.walk(ctx, tx, nil, mostMapped)
		if err != nil {
			return err
		}
		hits := make([]hit, len(all))
		for i, c := range all {
			hits[i] = hit{candidate: c}
		}
		if f.window.asked() {
			if hits, err = f.look(ctx, tx, all); err != nil {
				return err
			}
		}
		offers, err := summaries(ctx, tx, hits)
		if err != nil {
			return err
		}
		settings = bySetting(offers)
		return nil
	})
	return settings, err
}

func bySetting(offers []OfferSummary) []MapSetting {
	type key struct {
		provider uuid.UUID
		name     string
		lat, lon float64
	}
	settings, at := []MapSetting{}, map[key]int{}
	for _, o := range offers {
		k := key{o.ProviderID, o.SettingName, o.lat, o.lon}
		i, known := at[k]
		if !known {
			if len(settings) == mostOnMap {
				continue
			}
			i = len(settings)
			at[k] = i
			settings = append(settings, MapSetting{ProviderID: o.ProviderID, ProviderName: o.ProviderName, Name: o.SettingName, Area: o.Area, Lat: o.lat, Lon: o.lon})
		}
		settings[i].Offers = append(settings[i].Offers, MapOffer{o.ID, o.Title})
	}
	return settings
}

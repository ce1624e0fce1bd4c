package marketplace

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"

	"shortbreaks/internal/db"
	"shortbreaks/marketplace/tariff"
)

// OpenOffer is what anybody may copy of a published offer. Nothing in it is of
// a child, a booking or a worker, or agreed with one authority alone.
type OpenOffer struct {
	Offer     Offer
	Version   Version
	Tariff    tariff.Tariff // without rates by contract
	Provider  Provider
	Place     OpenPlace
	ChangedAt time.Time
	Schedules []OpenSchedule // in a directory's single answer, and in feeds
	Numbers   []Identifier   // the provider's, in a single answer
	OnFile    []string       // kinds of the provider's own credentials that count today, in a single answer
}

// OpenPlace is where an offer is, as far as everybody may know: see Public.
type OpenPlace struct {
	ID       uuid.UUID
	Discreet bool
	Name     string
	Lines    []string // of the address
	Area     string
	Postcode string
	Lat, Lon float64
	Features string // hoist, changing place, in words
}

// sqlChangedAt is when each was last changed, as the feeds have it.
const sqlChangedAt = `
SELECT f.id, f.changed_at FROM unnest($1::uuid[], $2::uuid[]) AS k (provider_id, id)
JOIN feed_item f ON f.provider_id = k.provider_id AND f.kind = 'service' AND f.id = k.id`

// readOpen reads these offers as everybody may copy them, a statement for each
// kind of row, in the order given. One that is not published is left out.
func readOpen(ctx context.Context, tx *db.Tx, keys []offerKey) ([]OpenOffer, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	byID, err := readOpenOffers(ctx, tx, keys)
	if err != nil {
		return nil, fmt.Errorf("reading offers for open data: %w", err)
	}
	list := make([]OpenOffer, 0, len(byID))
	for _, k := range keys {
		if o := byID[k.Offer]; o != nil {
			list = append(list, *o)
		}
	}
	return list, nil
}

func readOpenOffers(ctx context.Context, tx *db.Tx, keys []offerKey) (map[uuid.UUID]*OpenOffer, error) {
	providers, offers := idsOf(keys)
	byID := make(map[uuid.UUID]*OpenOffer, len(keys))
	found, err := gorm.G[Offer](tx.DB).Where("provider_id IN ? AND id IN ? AND state = ?", providers, offers, Published).Find(ctx)
	if err != nil {
		return nil, err
	}
	var versions, settings []offerKey
	for _, o := range found {
		byID[o.ID] = &OpenOffer{Offer: o}
		if byID[o.ID].ChangedAt = o.CreatedAt; o.PublishedAt != nil {
			byID[o.ID].ChangedAt = *o.PublishedAt
		}
		versions, settings = append(versions, offerKey{o.ProviderID, o.VersionID}), append(settings, offerKey{o.ProviderID, o.SettingID})
	}
	if err := joinOpen(ctx, tx, byID, versions, settings); err != nil {
		return nil, err
	}
	of, ids := keyColumns(keys)
	rows, err := tx.PGX.Query(ctx, sqlChangedAt, of, ids)
	if err != nil {
		return nil, err
	}
	var id uuid.UUID
	var at time.Time
	_, err = pgx.ForEachRow(rows, []any{&id, &at}, func() error {
		if o := byID[id]; o != nil && at.After(o.ChangedAt) {
			o.ChangedAt = at
		}
		return nil
	})
	return byID, err
}

// joinOpen puts prices, providers and places beside their offers.
func joinOpen(ctx context.Context, tx *db.Tx, byID map[uuid.UUID]*OpenOffer, versions, settings []offerKey) error {
	of, ids := idsOf(versions)
	prices, err := gorm.G[Version](tx.DB).Where("provider_id IN ? AND id IN ?", of, ids).Find(ctx)
	if err != nil {
		return err
	}
	who, err := gorm.G[Provider](tx.DB).Where("id IN ?", of).Find(ctx)
	if err != nil {
		return err
	}
	of, ids = idsOf(settings)
	where, err := gorm.G[Setting](tx.DB).Where("provider_id IN ? AND id IN ?", of, ids).Find(ctx)
	if err != nil {
		return err
	}
	providers, places := map[uuid.UUID]Provider{}, map[uuid.UUID]OpenPlace{}
	for _, p := range who {
		providers[p.ID] = p
	}
	for _, s := range where {
		places[s.ID] = s.open()
	}
	for _, v := range prices {
		byID[v.OfferID].Version = v
	}
	for _, o := range byID {
		o.Provider, o.Place = providers[o.Offer.ProviderID], places[o.Offer.SettingID]
		o.Tariff.Options = slices.DeleteFunc(slices.Clone(o.Version.Tariff.Options), func(p tariff.Option) bool { return p.WhoMayUse == tariff.ByContract })
	}
	return nil
}

// idsOf lays keys out for GORM, which expands each to a list.
func idsOf(keys []offerKey) (providers, ids []uuid.UUID) {
	for _, k := range keys {
		providers, ids = append(providers, k.Provider), append(ids, k.Offer)
	}
	slices.SortFunc(providers, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	return slices.Compact(providers), ids
}

// Website is the provider's own address on the web, "" if what it gave is none.
func (p Provider) Website() string {
	if u, err := url.Parse(p.WebAddress); err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" {
		return p.WebAddress
	}
	return ""
}

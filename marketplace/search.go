package marketplace

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/marketplace/tariff"
)

// SearchQuery is what somebody looks for; the zero value of each field asks
// nothing.
type SearchQuery struct {
	Text           string // in the title, the summary, and the names of provider and setting
	Category       string
	Postcode       string // full, or its first half
	WithinKM       int    // needs Postcode
	Age            *int
	PriceUnit      string
	MinPricePence  *shortbreaks.Pence
	MaxPricePence  *shortbreaks.Pence
	FreeOnly       bool
	AccessRoute    string
	SoldBy         string   // one of SoldByWords
	Needs          []string // the offer says it is fit for each of these
	AccessFeatures []string // its place has each
	Languages      []string // each is spoken or signed there
	ProviderKind   string
	When           Window // with places left
	Sort           string // one of Sorts; "" is BySoonest
	Cursor         string
	Limit          int // 1 to 100; 0 is 20
}

// SearchPage is a page of offers in the order asked for.
type SearchPage struct {
	Items      []OfferSummary
	NextCursor string    // "" on the last page
	Area       string    // the district searched around, or ""
	At         time.Time // when it was read
	// Spelt reports that some of the offers have words spelt nearly as asked;
	// they follow those that have them exactly.
	Spelt bool
	// Relax says, of a search that finds nothing, what to do without: the most
	// useful first.
	Relax []Relaxation

	stale []offerKey // listings seen to be behind what they list
}

// OfferSummary is an offer in a list.
type OfferSummary struct {
	ID            uuid.UUID
	ProviderID    uuid.UUID
	ProviderName  string
	Title         string
	Summary       string
	Category      string
	AccessRoute   string
	AgeFrom       int
	AgeTo         int
	RatioStaff    int
	RatioChildren int
	Instant       bool
	SettingName   string // with Area and Postcode, as Setting.Public has them
	Area          string
	Postcode      string
	DistanceKM    *float64 // in a straight line; nil if no postcode was given
	PricePence    shortbreaks.Pence
	PriceUnit     string
	PriceText     string
	SoldBy        []string // ways of SoldByWords
	// ComparableRatePence is as in OfferDetail.
	ComparableRatePence *shortbreaks.Pence
	NextStart           *time.Time // of the next session with a place, in the window if one was asked for
	PlacesLeft          *int       // in that session

	lat, lon float64 // of the setting, as everybody may know it
}

// Search lists published offers. Anyone may; it writes nothing (searches are
// counted by SearchCounter). By default the order is that of the next session
// with a place, or of the next time support by the hour can be had; offers with
// neither come last. Offers that have the words of the text exactly come before
// those spelt nearly so, whatever the order. A session that fills up between
// two pages moves its offer back, so that one may be met again.
func Search(ctx context.Context, d *db.DB, q SearchQuery) (*SearchPage, error) {
	f, err := q.filter(ctx, d)
	if err != nil {
		return nil, err
	}
	limit := min(max(q.Limit, 1), 100)
	if q.Limit == 0 {
		limit = 20
	}
	page := &SearchPage{Area: f.near.Area}
	err = d.ReadInTurn(ctx, db.Scope{}, func(tx *db.Tx) error {
		page.At, f.asOf = tx.Now, tx.Now
		from := cursor{Sort: f.sort, AsOf: tx.Now}
		if q.Cursor != "" {
			if from, err = parseCursor(q.Cursor, f.sort); err != nil {
				return err
			}
			f.asOf = from.AsOf
		}
		found, err := f.read(ctx, tx, from, limit)
		if err != nil {
			return err
		}
		page.Spelt, page.stale = found.spelt, found.stale
		if found.next != nil {
			page.NextCursor = found.next.String()
		}
		if page.Items = []OfferSummary{}; len(found.hits) > 0 {
			var last pgx.Batch
			queueSummaries(&last, found.hits, &page.Items)
			tx.Last(&last)
			return nil
		}
		if page.NextCursor == "" && q.Cursor == "" {
			if err := byIndex(ctx, tx); err != nil {
				return err
			}
			page.Relax, err = f.relax(ctx, tx)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return page, nil
}

// sqlSummaries is what a list shows of offers that were found. OFFSET 0 keeps
// the planner from reading all offers of a setting to find one.
const sqlSummaries = `
SELECT o.id, o.provider_id, p.name, o.title, o.summary, o.category, o.access_route, o.age_from, o.age_to, o.ratio_staff, o.ratio_children,
    o.instant, s.name, s.area, s.postcode, l.price_pence, l.price_unit, l.sold_by, l.rate_pence, s.latitude, s.longitude, s.discreet
FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS k (provider_id, offer_id, n)
JOIN offer_listing l ON l.provider_id = k.provider_id AND l.offer_id = k.offer_id
CROSS JOIN LATERAL (SELECT * FROM offer WHERE provider_id = k.provider_id AND id = k.offer_id OFFSET 0) o
JOIN provider p ON p.id = o.provider_id
JOIN setting s ON s.provider_id = o.provider_id AND s.id = o.setting_id
ORDER BY k.n`

// summaries reads what is shown of the hits, in their order. An offer that was
// withdrawn a moment ago is left out.
func summaries(ctx context.Context, tx *db.Tx, hits []hit) ([]OfferSummary, error) {
	all := []OfferSummary{}
	if len(hits) == 0 {
		return all, nil
	}
	var batch pgx.Batch
	queueSummaries(&batch, hits, &all)
	return all, tx.PGX.SendBatch(ctx, &batch).Close()
}

// queueSummaries is summaries as part of a batch.
func queueSummaries(batch *pgx.Batch, hits []hit, into *[]OfferSummary) {
	keys := make([]offerKey, 0, len(hits))
	byOffer := make(map[uuid.UUID]hit, len(hits))
	for _, h := range hits {
		keys, byOffer[h.Offer] = append(keys, h.offerKey), h
	}
	providers, offers := keyColumns(keys)
	batch.Queue(sqlSummaries, providers, offers).Query(func(rows pgx.Rows) error {
		all, err := pgx.CollectRows(rows, scanSummary)
		if err != nil {
			return fmt.Errorf("reading offers found: %w", err)
		}
		for i := range all {
			h := byOffer[all[i].ID]
			all[i].NextStart, all[i].PlacesLeft = h.start, h.left
			if h.chord != nil {
				km := tenths(kmOfChord(*h.chord))
				all[i].DistanceKM = &km
			}
		}
		*into = all
		return nil
	})
}

func scanSummary(row pgx.CollectableRow) (o OfferSummary, err error) {
	var s Setting
	err = row.Scan(&o.ID, &o.ProviderID, &o.ProviderName, &o.Title, &o.Summary, &o.Category, &o.AccessRoute, &o.AgeFrom, &o.AgeTo,
		&o.RatioStaff, &o.RatioChildren, &o.Instant, &s.Name, &s.Area, &s.Postcode, &o.PricePence, &o.PriceUnit, &o.SoldBy,
		&o.ComparableRatePence, &s.Latitude, &s.Longitude, &s.Discreet)
	s = s.Public()
	o.SettingName, o.Area, o.Postcode, o.lat, o.lon = s.Name, s.Area, s.Postcode, s.Latitude, s.Longitude
	o.PriceText = tariff.PriceText(o.PricePence, o.PriceUnit)
	return o, err
}

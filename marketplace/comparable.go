package marketplace

import (
	"context"
	"fmt"
	"sync"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks/internal/db"
	"shortbreaks/marketplace/tariff"
)

const (
	sqlComparable = `
SELECT o.provider_id, o.id, o.title, o.version_id, o.visits::text, o.notice_minutes, o.horizon_days,
    o.category, o.age_from, o.age_to, o.personal_care, o.ratio_staff, o.ratio_children
FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS k (provider_id, offer_id, n)
JOIN offer o ON o.provider_id = k.provider_id AND o.id = k.offer_id
ORDER BY k.n`

	sqlTariffs = `
SELECT v.id, v.tariff FROM unnest($1::uuid[], $2::uuid[]) AS k (provider_id, id)
JOIN offer_version v ON v.provider_id = k.provider_id AND v.id = k.id`
)

// tariffsKept are tariffs by version, as they were last read. A version never
// changes, so there is nothing to be out of date; a comparison would else read
// and unpack the same thousand again.
var tariffsKept = struct {
	sync.Mutex
	byVersion map[uuid.UUID]tariff.Tariff
}{byVersion: map[uuid.UUID]tariff.Tariff{}}

// mostTariffsKept bounds them: some 2 kB each.
const mostTariffsKept = 10_000

// readComparable reads what comparing the candidates needs, in their order.
func readComparable(ctx context.Context, tx *db.Tx, all []candidate) ([]found, error) {
	keys := make([]offerKey, 0, len(all))
	chords := make(map[uuid.UUID]*float64, len(all))
	for _, c := range all {
		keys, chords[c.Offer] = append(keys, c.offerKey), c.chord
	}
	providers, offers := keyColumns(keys)
	rows, err := tx.PGX.Query(ctx, sqlComparable, providers, offers)
	if err != nil {
		return nil, fmt.Errorf("reading offers to compare: %w", err)
	}
	versions, hours := make([]uuid.UUID, 0, len(all)), hoursRead{}
	read, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (o found, err error) {
		var version uuid.UUID
		var text *string
		w := &o.window
		if err := row.Scan(&o.ProviderID, &o.ID, &o.Title, &version, &text, &w.NoticeMinutes, &w.HorizonDays,
			&w.Category, &w.AgeFrom, &w.AgeTo, &w.PersonalCare, &w.RatioStaff, &w.RatioChildren); err != nil {
			return o, err
		}
		versions = append(versions, version)
		if chord := chords[o.ID]; chord != nil {
			km := tenths(kmOfChord(*chord))
			o.km = &km
		}
		o.visits, err = hours.of(text)
		w.ProviderID, w.ID, w.Visits = o.ProviderID, o.ID, o.visits
		return o, err
	})
	if err != nil {
		return nil, fmt.Errorf("reading offers to compare: %w", err)
	}
	return read, fillTariffs(ctx, tx, read, versions)
}

// fillTariffs gives each offer the tariff of its version.
func fillTariffs(ctx context.Context, tx *db.Tx, offers []found, versions []uuid.UUID) error {
	var missing []offerKey
	tariffsKept.Lock()
	known := make(map[uuid.UUID]tariff.Tariff, len(offers))
	for i, v := range versions {
		if t, ok := tariffsKept.byVersion[v]; ok {
			known[v] = t
		} else {
			missing = append(missing, offerKey{offers[i].ProviderID, v})
		}
	}
	tariffsKept.Unlock()
	if len(missing) > 0 {
		if err := readTariffs(ctx, tx, missing, known); err != nil {
			return err
		}
	}
	for i, v := range versions {
		offers[i].tariff = known[v]
	}
	return nil
}

func readTariffs(ctx context.Context, tx *db.Tx, versions []offerKey, into map[uuid.UUID]tariff.Tariff) error {
	providers, ids := keyColumns(versions)
	rows, err := tx.PGX.Query(ctx, sqlTariffs, providers, ids)
	if err != nil {
		return fmt.Errorf("reading prices: %w", err)
	}
	defer rows.Close()
	tariffsKept.Lock()
	defer tariffsKept.Unlock()
	if len(tariffsKept.byVersion)+len(versions) > mostTariffsKept {
		clear(tariffsKept.byVersion)
	}
	for rows.Next() {
		var id uuid.UUID
		var t tariff.Tariff
		if err := rows.Scan(&id, &t); err != nil {
			return fmt.Errorf("reading prices: %w", err)
		}
		into[id], tariffsKept.byVersion[id] = t, t
	}
	return rows.Err()
}

// found is an offer to be compared.
type found struct {
	ProviderID, ID uuid.UUID
	Title          string
	tariff         tariff.Tariff
	visits         *VisitRules
	window         Offer    // its notice and horizon, and what credentials hang on
	km             *float64 // in a straight line; nil if no postcode was given
}

package marketplace

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// A quote refuses dates on which a credential that is needed does not count.
// Lapses say the same of many offers at once, so that nothing is shown as
// bookable that is not.

const (
	// What each provider has on every one of these days, as one short text:
	// most have all they need, and nothing more is read of them.
	sqlCoveredThroughout = `
SELECT p.id, c.has
FROM unnest($1::uuid[]) AS p (id)
CROSS JOIN LATERAL (
    SELECT string_agg(c.kind || ' ' || c.holders, ',') AS has FROM credential_cover c
    WHERE c.provider_id = p.id AND c.starts_on <= $2 AND (c.ends_on IS NULL OR c.ends_on >= $3) OFFSET 0) c`

	sqlCoverOf = `SELECT provider_id, kind, starts_on, ends_on, holders FROM credential_cover WHERE provider_id = ANY ($1) ORDER BY provider_id, kind, starts_on`

	sqlStretchesOf = `
SELECT k.offer_id, s.starts_at, s.ends_at
FROM unnest($1::uuid[], $2::uuid[]) AS k (provider_id, offer_id)
CROSS JOIN LATERAL (
    SELECT e.starts_at, e.ends_at FROM session e
    WHERE e.provider_id = k.provider_id AND e.offer_id = k.offer_id AND e.state = 'scheduled' AND e.starts_at BETWEEN $3 AND $4
    ORDER BY e.starts_at OFFSET 0) s`

	sqlOffersForRules = `
SELECT o.provider_id, o.id, o.category, o.age_from, o.age_to, o.personal_care, o.ratio_staff, o.ratio_children, o.visits
FROM unnest($1::uuid[], $2::uuid[]) AS k (provider_id, offer_id)
JOIN offer o ON o.provider_id = k.provider_id AND o.id = k.offer_id`
)

// lapses know of some offers which credentials they lack, from a day to a day.
// An offer that is not in facts lacks none.
type lapses struct {
	rules    []CredentialRule
	cover    map[uuid.UUID][]Cover // by provider
	facts    map[uuid.UUID]Facts   // by offer
	provider map[uuid.UUID]uuid.UUID
}

// readLapses reads what is lacking on some of the days from first to last, all
// offers together. Of those who have throughout whatever a rule could ask for,
// it reads no sessions.
func readLapses(ctx context.Context, tx *db.Tx, offers []Offer, first, last time.Time) (*lapses, error) {
	l := &lapses{cover: map[uuid.UUID][]Cover{}, facts: map[uuid.UUID]Facts{}, provider: map[uuid.UUID]uuid.UUID{}}
	if len(offers) == 0 {
		return l, nil
	}
	providers, seen := make([][16]byte, 0, len(offers)), make(map[uuid.UUID]bool, len(offers))
	for _, o := range offers {
		if !seen[o.ProviderID] {
			seen[o.ProviderID] = true
			providers = append(providers, o.ProviderID)
		}
	}
	throughout := make(map[uuid.UUID]string, len(providers))
	var batch pgx.Batch
	batch.Queue(sqlRules).Query(func(rows pgx.Rows) (err error) {
		l.rules, err = pgx.CollectRows(rows, pgx.RowToStructByPos[CredentialRule])
		return err
	})
	batch.Queue(sqlCoveredThroughout, providers, first, last).Query(func(rows pgx.Rows) error {
		var id [16]byte
		var text *string
		_, err := pgx.ForEachRow(rows, []any{&id, &text}, func() error {
			if text != nil {
				throughout[id] = *text
			}
			return nil
		})
		return err
	})
	if err := tx.PGX.SendBatch(ctx, &batch).Close(); err != nil {
		return nil, fmt.Errorf("reading the credentials of %d offers: %w", len(offers), err)
	}
	var short []Offer
	known := map[string]map[string]int{}
	for _, o := range offers {
		text := throughout[o.ProviderID]
		if known[text] == nil {
			known[text] = holdersIn(text)
		}
		if mayLack(l.rules, o, known[text], first, last) {
			short = append(short, o)
		}
	}
	return l, l.look(ctx, tx, short, first, last)
}

// holdersIn unpacks "dbs_enhanced 3,ofsted 1".
func holdersIn(text string) map[string]int {
	by := map[string]int{}
	for _, part := range strings.Split(text, ",") {
		kind, n, _ := strings.Cut(part, " ")
		by[kind], _ = strconv.Atoi(n)
	}
	return by
}

// mayLack reports whether a rule could ask an offer, however its sessions lie,
// for what its provider has not throughout.
func mayLack(rules []CredentialRule, o Offer, has map[string]int, first, last time.Time) bool {
	widest := factsOf(o, nil)
	for _, r := range rules {
		r.OverMinutes, r.Overnight, r.Frequent = 0, nil, nil
		if r.StartsOn.After(last) || r.EndsOn != nil && r.EndsOn.Before(first) {
			continue
		}
		on := r.StartsOn
		age := max(o.AgeFrom, r.AgeFrom)
		if age <= o.AgeTo && r.applies(widest, age, on) && has[r.Kind] < r.needed(widest) {
			return true
		}
	}
	return false
}

// look reads what the rules look at in the offers that may lack something.
func (l *lapses) look(ctx context.Context, tx *db.Tx, short []Offer, first, last time.Time) error {
	if len(short) == 0 {
		return nil
	}
	providers, offers, keys := make([]uuid.UUID, 0, len(short)), make([]uuid.UUID, 0, len(short)), map[uuid.UUID][]stretch{}
	for _, o := range short {
		providers = append(providers, o.ProviderID)
		offers = append(offers, o.ID)
	}
	var batch pgx.Batch
	batch.Queue(sqlCoverOf, providers).Query(func(rows pgx.Rows) error {
		all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Cover])
		for _, c := range all {
			l.cover[c.ProviderID] = append(l.cover[c.ProviderID], c)
		}
		return err
	})
	batch.Queue(sqlStretchesOf, providers, offers, shortbreaks.At(first, 0).Add(-around), shortbreaks.At(last, 24*60).Add(around)).Query(func(rows pgx.Rows) error {
		var id uuid.UUID
		var s stretch
		_, err := pgx.ForEachRow(rows, []any{&id, &s.StartsAt, &s.EndsAt}, func() error { keys[id] = append(keys[id], s); return nil })
		return err
	})
	if err := tx.PGX.SendBatch(ctx, &batch).Close(); err != nil {
		return fmt.Errorf("reading what %d offers need: %w", len(short), err)
	}
	for _, o := range short {
		l.facts[o.ID], l.provider[o.ID] = factsOf(o, keys[o.ID]), o.ProviderID
	}
	return nil
}

// lacks is the first credential a child of this age needs on a day and the
// provider has not; nil if it has all.
func (l *lapses) lacks(offer uuid.UUID, age int, on time.Time) *Requirement {
	for _, q := range Required(l.rules, l.facts[offer], age, on) {
		if holdersOn(l.cover[l.provider[offer]], q.Kind, on) < q.Needed {
			return &q
		}
	}
	return nil
}

// words say, as a quote would, why an offer cannot be booked on a day; "" if it
// can. With no age it can if it can for a child of any age it serves.
func (l *lapses) words(offer uuid.UUID, age *int, on time.Time) string {
	f, short := l.facts[offer]
	if !short {
		return ""
	}
	from, to := f.AgeFrom, f.AgeTo
	if age != nil {
		from, to = *age, *age
	}
	first := ""
	for a := from; a <= to; a++ {
		q := l.lacks(offer, a, on)
		if q == nil {
			return ""
		}
		if first == "" {
			first = q.lapsed(l.cover[l.provider[offer]], on)
		}
	}
	return first
}

// judged is the day whose credentials count for a date. A plan runs beyond
// what is renewed by now, so it goes by today's.
func (s *stock) judged(on time.Time) time.Time {
	if today := shortbreaks.Date(s.now); s.project || on.Before(today) {
		return today
	}
	return on
}

// lapsed reports whether a quote for the date would be refused for want of a
// credential.
func (s *stock) lapsed(o found, on time.Time) bool {
	return !s.heedless && s.lapses.words(o.ID, s.pattern.Age, s.judged(on)) != ""
}

// unserved says why an offer that would serve some of the dates cannot: a
// credential has run out. It is "" if that is not the reason.
func (s *stock) unserved(o found) string {
	for _, on := range s.dates {
		if words := s.lapses.words(o.ID, s.pattern.Age, s.judged(on)); words != "" {
			whatever := *s
			whatever.heedless = true
			if len(whatever.ways(o)) > 0 {
				return words
			}
			return ""
		}
	}
	return ""
}

// readLapses reads what the offers lack on the dates asked for.
func (s *stock) readLapses(ctx context.Context, tx *db.Tx, offers []found) (*lapses, error) {
	windows := make([]Offer, 0, len(offers))
	for _, o := range offers {
		windows = append(windows, o.window)
	}
	return readLapses(ctx, tx, windows, s.judged(s.dates[0]), s.judged(s.dates[len(s.dates)-1]))
}

// LapsedAges says of some offers for which of the ages they serve a credential
// that is needed on a day is lacking, so that a quote for that day would be
// refused: bit n is set for the age n, and the sign if that is every age. An
// offer that lacks nothing is not in the answer. It changes with the file of the provider, the workers who leave,
// the rules, the offer, its sessions within thirty days, and the day.
func LapsedAges(ctx context.Context, tx *db.Tx, keys []offerKey, on time.Time) (map[uuid.UUID]int32, error) {
	providers, ids := keyColumns(keys)
	rows, err := tx.PGX.Query(ctx, sqlOffersForRules, providers, ids)
	if err != nil {
		return nil, fmt.Errorf("reading %d offers for the rules: %w", len(keys), err)
	}
	offers, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (o Offer, err error) {
		err = row.Scan(&o.ProviderID, &o.ID, &o.Category, &o.AgeFrom, &o.AgeTo, &o.PersonalCare, &o.RatioStaff, &o.RatioChildren, &o.Visits)
		return o, err
	})
	if err != nil {
		return nil, fmt.Errorf("reading %d offers for the rules: %w", len(keys), err)
	}
	l, err := readLapses(ctx, tx, offers, on, on)
	if err != nil {
		return nil, err
	}
	lapsed := map[uuid.UUID]int32{}
	for id, f := range l.facts {
		ages := f.AgeTo - f.AgeFrom + 1
		for age := f.AgeFrom; age <= f.AgeTo; age++ {
			if l.lacks(id, age, on) != nil {
				lapsed[id] |= 1 << age
				ages--
			}
		}
		if ages == 0 {
			lapsed[id] |= math.MinInt32
		}
	}
	return lapsed, nil
}

// What passing days change: credentials that began or ended, and rules that
// did, since an offer was listed. A year back is as far as a service is ever
// down.
const (
	sqlMarkCover = `
INSERT INTO offer_stale
SELECT DISTINCT l.provider_id, l.offer_id FROM credential_cover c JOIN offer_listing l ON l.provider_id = c.provider_id
WHERE (c.ends_on BETWEEN $1::date - 366 AND $1::date - 1 AND c.ends_on >= l.listed_on)
    OR (c.starts_on BETWEEN $1::date - 366 AND $1::date AND c.starts_on > l.listed_on)`

	sqlMarkRules = `
INSERT INTO offer_stale
SELECT l.provider_id, l.offer_id FROM offer_listing l
WHERE l.listed_on < (SELECT max(d.day) FROM (SELECT starts_on AS day FROM credential_rule UNION ALL SELECT ends_on + 1 FROM credential_rule) d WHERE d.day <= $1)`
)

// MarkLapses has those offers listed anew for which a credential, or a rule,
// began or ended on a day that has come. It says how many they are.
func MarkLapses(ctx context.Context, d *db.DB) (int, error) {
	marked := 0
	err := d.Do(ctx, db.Scope{}, func(tx *db.Tx) error {
		marked = 0
		for _, sql := range []string{sqlMarkCover, sqlMarkRules} {
			tag, err := tx.PGX.Exec(ctx, sql, shortbreaks.Date(tx.Now))
			if err != nil {
				return fmt.Errorf("marking offers whose credentials began or ended: %w", err)
			}
			marked += int(tag.RowsAffected())
		}
		return nil
	})
	return marked, err
}

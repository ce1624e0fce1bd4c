package marketplace

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// DirectoryQuery is which published offers a reader of the directory asks for,
// by the parameters of Open Referral UK 3.0. Every one that is given counts.
type DirectoryQuery struct {
	Words         string
	TermID        *uuid.UUID // of OpenTerms; a category means those below it too
	TaxonomyID    *uuid.UUID // with any term of it
	MinimumAge    *int       // open to nobody younger
	MaximumAge    *int       // open to nobody older
	Day           int        // ISO; 0: any
	From, To      string     // wall times: starts at or after, ends at or before
	Postcode      string
	Metres        int // from the postcode; 0 with a postcode: coveredBy
	ModifiedAfter *time.Time
	ProviderID    *uuid.UUID
	Page, PerPage int // from 1
}

// coveredBy is how far, in metres, a postcode alone reaches: ten miles.
const coveredBy = 16_093

// DirectoryPage is one page of the directory, in the order of ids.
type DirectoryPage struct {
	Total  int
	Offers []OpenOffer
}

// sqlDirectory is what an offer must be for a query; a parameter that is null
// asks nothing. Times are those of sessions still to start, or of visits.
const sqlDirectory = `
FROM offer o
JOIN offer_listing l ON l.provider_id = o.provider_id AND l.offer_id = o.id
WHERE o.state = 'published'
    AND (@words::text IS NULL OR l.words @@ websearch_to_tsquery('english', @words))
    AND (@categories::text[] IS NULL OR o.category = ANY (@categories))
    AND (@route::text IS NULL OR o.access_route = @route)
    AND (@needs::text[] IS NULL OR o.needs && @needs)
    AND (@features::text[] IS NULL OR o.access_features && @features)
    AND (@minimum::int IS NULL OR o.age_from >= @minimum)
    AND (@maximum::int IS NULL OR o.age_to <= @maximum)
    AND (@provider::uuid IS NULL OR o.provider_id = @provider)
    AND (@modified::timestamptz IS NULL OR @modified <= coalesce((SELECT f.changed_at FROM feed_item f
        WHERE f.provider_id = o.provider_id AND f.kind = 'service' AND f.id = o.id), o.published_at, o.created_at))
    AND (NOT @timed::boolean OR CASE WHEN o.visits IS NULL THEN EXISTS (SELECT FROM session e
        WHERE e.provider_id = o.provider_id AND e.offer_id = o.id AND e.state = 'scheduled' AND e.starts_at > @now
            AND (@day::int = 0 OR extract(isodow FROM left(e.local_start, 10)::date) = @day)
            AND (@from::text IS NULL OR substr(e.local_start, 12, 5) >= @from)
            AND (@to::text IS NULL OR (left(e.local_start, 10) = to_char(e.ends_at AT TIME ZONE 'Europe/London', 'YYYY-MM-DD')
                AND to_char(e.ends_at AT TIME ZONE 'Europe/London', 'HH24:MI') <= @to)))
        ELSE (@day = 0 OR o.visits -> 'days' @> to_jsonb(@day::int))
            AND (@from::text IS NULL OR o.visits ->> 'from' >= @from) AND (@to::text IS NULL OR o.visits ->> 'to' <= @to) END)
    AND (@place::cube IS NULL OR l.place <-> @place::cube <= @chord)`

const (
	sqlCountDirectory = `SELECT count(*)` + sqlDirectory
	sqlPageDirectory  = `SELECT o.provider_id, o.id` + sqlDirectory + ` ORDER BY o.id LIMIT @limit OFFSET @offset`
)

// Directory is a page of the published offers that fit a query. Errors:
// postcode-unknown, invalid.
func Directory(ctx context.Context, d *db.DB, q DirectoryQuery) (*DirectoryPage, error) {
	args, err := q.args(ctx, d)
	if err != nil {
		return nil, err
	}
	page := &DirectoryPage{}
	err = d.Read(ctx, db.Scope{}, func(tx *db.Tx) error {
		args["now"] = tx.Now
		if err := tx.PGX.QueryRow(ctx, sqlCountDirectory, args).Scan(&page.Total); err != nil {
			return fmt.Errorf("counting the directory: %w", err)
		}
		if q.skipped() >= page.Total {
			return nil
		}
		keys, err := offerKeys(ctx, tx, sqlPageDirectory, args)
		if err != nil {
			return fmt.Errorf("reading the directory: %w", err)
		}
		page.Offers, err = readOpen(ctx, tx, keys)
		return err
	})
	return page, err
}

func (q DirectoryQuery) skipped() int { return (q.Page - 1) * q.PerPage }

// args are the values of sqlDirectory; what asks nothing is nil.
func (q DirectoryQuery) args(ctx context.Context, d *db.DB) (pgx.NamedArgs, error) {
	text := func(s string) any {
		if s == "" {
			return nil
		}
		return s
	}
	args := pgx.NamedArgs{
		"words": text(strings.TrimSpace(q.Words)), "categories": nil, "route": nil, "needs": nil, "features": nil, "minimum": q.MinimumAge, "maximum": q.MaximumAge,
		"provider": q.ProviderID, "modified": q.ModifiedAfter, "timed": q.Day != 0 || q.From != "" || q.To != "", "day": q.Day, "from": text(q.From),
		"to": text(q.To), "place": nil, "chord": 0.0, "limit": q.PerPage, "offset": q.skipped(),
	}
	if q.TermID != nil {
		q.term(args)
	}
	if q.TaxonomyID != nil {
		q.taxonomy(args)
	}
	return args, q.near(ctx, d, args)
}

// nothing is a list that no offer has anything of.
var nothing = []string{""}

func (q DirectoryQuery) term(args pgx.NamedArgs) {
	t, err := FindTerm(*q.TermID)
	switch {
	case err != nil:
		args["categories"] = nothing
	case t.Taxonomy == kindsOfBreak:
		args["categories"] = Descendants(t.Value)
	case t.Taxonomy == waysIn:
		args["route"] = t.Value
	case t.Taxonomy == needsMet:
		args["needs"] = []string{t.Value}
	default:
		args["features"] = []string{t.Value}
	}
}

// taxonomy narrows to offers with any term of one; every offer has a category
// and a way in.
func (q DirectoryQuery) taxonomy(args pgx.NamedArgs) {
	t, err := FindTaxonomy(*q.TaxonomyID)
	switch {
	case err != nil:
		args["categories"] = nothing
	case t == needsMet && args["needs"] == nil:
		args["needs"] = Needs
	case t == accessThere && args["features"] == nil:
		args["features"] = AccessFeatures
	}
}

func (q DirectoryQuery) near(ctx context.Context, d *db.DB, args pgx.NamedArgs) error {
	if q.Postcode == "" {
		if q.Metres != 0 {
			return shortbreaks.ErrInvalid.With("Give the postcode to be near to.").At("query/proximity", "Give postcode as well.")
		}
		return nil
	}
	at, known, err := LocateIn(ctx, d, q.Postcode)
	if err != nil {
		return err
	}
	if !known {
		return ErrPostcodeUnknown.At("query/postcode", "We do not know this postcode.")
	}
	metres := q.Metres
	if metres == 0 {
		metres = coveredBy
	}
	args["place"], args["chord"] = at.cube(), chordOf(float64(metres)/1000)
	return nil
}

// DirectoryEntry is one published offer with all that stands beside it.
func DirectoryEntry(ctx context.Context, d *db.DB, id uuid.UUID) (entry *OpenOffer, err error) {
	err = d.Read(ctx, db.Scope{}, func(tx *db.Tx) error {
		offer, err := findOffer(ctx, tx, id)
		if err != nil {
			return err
		}
		found, err := readOpen(ctx, tx, []offerKey{{offer.ProviderID, offer.ID}})
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return shortbreaks.ErrNotFound.With("There is no such service.")
		}
		entry = &found[0]
		return entry.complete(ctx, tx)
	})
	return entry, err
}

// complete reads what a single answer of the directory has beside a list's.
func (o *OpenOffer) complete(ctx context.Context, tx *db.Tx) error {
	if o.Offer.Visits != nil {
		o.Schedules = o.Offer.Visits.openHours(tx.Now)
	} else {
		sessions, err := openSessions(ctx, tx, []uuid.UUID{o.Offer.ProviderID}, []uuid.UUID{o.Offer.ID})
		if err != nil {
			return err
		}
		o.Schedules = schedulesOf(momentsOf(sessions[o.Offer.ID]), true)
	}
	numbers, err := gorm.G[Identifier](tx.DB).Where("provider_id = ?", o.Offer.ProviderID).Order("scheme").Find(ctx)
	if err != nil {
		return fmt.Errorf("reading identifiers: %w", err)
	}
	o.Numbers = numbers
	cover, err := gorm.G[Cover](tx.DB).Where("provider_id = ?", o.Offer.ProviderID).Find(ctx)
	if err != nil {
		return fmt.Errorf("reading cover: %w", err)
	}
	for _, kind := range CredentialKinds {
		if slices.Contains(providersOwn, kind) && holdersOn(cover, kind, shortbreaks.Date(tx.Now)) > 0 {
			o.OnFile = append(o.OnFile, credentialWords[kind])
		}
	}
	return nil
}

// openSessions are the sessions still to run of these offers.
func openSessions(ctx context.Context, tx *db.Tx, providers, offers []uuid.UUID) (map[uuid.UUID][]Session, error) {
	byOffer := map[uuid.UUID][]Session{}
	if len(offers) == 0 {
		return byOffer, nil
	}
	all, err := gorm.G[Session](tx.DB).Where("provider_id IN ? AND offer_id IN ? AND state = 'scheduled' AND starts_at > ?", providers, offers, tx.Now).
		Order("starts_at, id").Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading sessions still to run: %w", err)
	}
	for _, s := range all {
		byOffer[s.OfferID] = append(byOffer[s.OfferID], s)
	}
	return byOffer, nil
}

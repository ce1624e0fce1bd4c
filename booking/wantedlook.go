package booking

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/marketplace"
)

// lookAtOnce is for how many wanted times offers are looked for at a time;
// foundAtOnce is how many new offers a family is told of at a time.
const (
	lookAtOnce  = 500
	foundAtOnce = 20
)

// LookForWanted searches for what families want, those not looked for longest
// first, and tells each family of every offer that fits once (R104). It is the
// same search as anybody's, so that nothing is found that cannot be seen. It
// returns how many offers were found.
func (t Teller) LookForWanted(ctx context.Context) (found int, err error) {
	scope, err := t.DB.System(ctx)
	if err != nil {
		return 0, err
	}
	var open []wantedAged
	err = t.DB.Read(ctx, scope, func(tx *db.Tx) error {
		rows, err := tx.PGX.Query(ctx, `SELECT w.authority_id, w.id, w.child_id, w.version, w.category, w.postcode, w.within_km, w.windows, w.from_date, w.to_date, w.needs,
				c.date_of_birth, $1::timestamptz
			FROM wanted_time w JOIN child c ON c.authority_id = w.authority_id AND c.id = w.child_id
			WHERE w.state = 'open' AND w.to_date >= $2 ORDER BY w.looked_at NULLS FIRST, w.authority_id, w.id LIMIT $3`, tx.Now, shortbreaks.Date(tx.Now), lookAtOnce)
		if err != nil {
			return err
		}
		open, err = pgx.CollectRows(rows, pgx.RowToStructByPos[wantedAged])
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("look for what is wanted: %w", err)
	}
	for _, w := range open {
		n, err := t.lookFor(ctx, scope, w)
		found += n
		if err != nil {
			return found, fmt.Errorf("look for wanted time %s: %w", w.ID, err)
		}
	}
	return found, nil
}

// wantedAged is a wanted time, with what a search asks of the child.
type wantedAged struct {
	Authority, ID, Child uuid.UUID
	Version              int
	Category, Postcode   string
	WithinKM             int
	Windows              []WantedWindow
	From, To             time.Time
	Needs                []string
	Born, Now            time.Time
}

func (t Teller) lookFor(ctx context.Context, scope db.Scope, w wantedAged) (found int, err error) {
	var fits []marketplace.OfferSummary
	for _, v := range w.Windows {
		page, err := marketplace.Search(ctx, t.DB, w.query(v))
		if errors.Is(err, shortbreaks.ErrInvalid) {
			continue // such as a postcode no longer known: nothing fits
		}
		if err != nil {
			return 0, err
		}
		fits = append(fits, page.Items...)
	}
	err = t.DB.Do(ctx, scope, func(tx *db.Tx) error {
		found = 0
		tag, err := tx.PGX.Exec(ctx, `UPDATE wanted_time SET looked_at = $3 WHERE authority_id = $1 AND id = $2 AND state = 'open' AND version = $4`,
			w.Authority, w.ID, tx.Now, w.Version)
		if err != nil || tag.RowsAffected() == 0 { // changed or withdrawn meanwhile
			return err
		}
		var facts []fact
		for _, o := range fits {
			fresh, err := w.keep(ctx, tx, o)
			if err != nil {
				return err
			}
			if fresh {
				facts = append(facts, w.told(o, tx.Now))
			}
		}
		found = len(facts)
		_, err = t.tell(ctx, tx, facts)
		return err
	})
	return found, err
}

func (w wantedAged) query(v WantedWindow) marketplace.SearchQuery {
	age := shortbreaks.AgeOn(w.Born, w.Now)
	return marketplace.SearchQuery{
		Category: w.Category, Postcode: w.Postcode, WithinKM: w.WithinKM, Needs: w.Needs, Age: &age, Limit: foundAtOnce,
		When: marketplace.Window{FromDate: w.From, ToDate: w.To, Earliest: v.Earliest, Latest: v.Latest, Weekdays: v.Weekdays},
	}
}

// keep notes an offer as found; false if it was before.
func (w wantedAged) keep(ctx context.Context, tx *db.Tx, o marketplace.OfferSummary) (fresh bool, err error) {
	tag, err := tx.PGX.Exec(ctx, `INSERT INTO wanted_match (authority_id, wanted_id, offer_id, provider_id, starts_at, found_at) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT DO NOTHING`, w.Authority, w.ID, o.ID, o.ProviderID, o.NextStart, tx.Now)
	if err != nil {
		return false, fmt.Errorf("note what was found: %w", err)
	}
	return tag.RowsAffected() == 1, nil
}

// told is the fact that an offer fits, one for each wanted time and offer.
func (w wantedAged) told(o marketplace.OfferSummary, now time.Time) fact {
	starts := now
	if from := shortbreaks.At(w.From, 0); from.After(now) {
		starts = from
	}
	if o.NextStart != nil {
		starts = *o.NextStart
	}
	offer := o.ID
	return fact{
		Authority: w.Authority, Provider: o.ProviderID, Child: w.Child, Offer: &offer, Source: ticketOf(w.ID, o.ID), Starts: starts, Dates: 1, Family: NewsWantedFound,
	}
}

package booking

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/budgets"
	"shortbreaks/internal/db"
	"shortbreaks/marketplace"
)

// The bounds of wanted times.
const (
	wantedMonths = 6  // how long one lasts if its family does not say
	mostWanted   = 20 // open ones of a child
	mostMatches  = 20 // shown of each
)

// WantedTime is what a family would book for a child and cannot find (R104).
// Others read only how many want what (commissioning.WantedDemand).
type WantedTime struct {
	AuthorityID uuid.UUID
	ID          uuid.UUID
	ChildID     uuid.UUID
	Wanted
	Area      string // the district of the postcode
	State     string // open or withdrawn
	CreatedBy uuid.UUID
	CreatedAt time.Time
	Lapsed    bool // its last day has passed
	Matches   []WantedMatch
}

// Wanted is what is wanted.
type Wanted struct {
	Category string
	Postcode string // or its first half
	WithinKM int
	Windows  []WantedWindow
	FromDate time.Time // London dates
	ToDate   time.Time
	Needs    []string // the offer has to say it is fit for each
}

// WantedWindow is some days of the week and a part of the day.
type WantedWindow struct {
	Weekdays []int  `json:"weekdays"` // ISO
	Earliest string `json:"earliest"` // London wall time it may start
	Latest   string `json:"latest"`   // and by which it has ended
}

// WantedMatch is an offer that fitted when it was found.
type WantedMatch struct {
	OfferID      uuid.UUID
	OfferTitle   string
	ProviderName string
	StartsAt     *time.Time // nil: visits by the hour
	FoundAt      time.Time
}

// check fills in what was left out and holds the rest against its bounds.
func (w *Wanted) check(ctx context.Context, tx *db.Tx) (area string, err error) {
	today := shortbreaks.Date(tx.Now)
	if w.FromDate.IsZero() || w.FromDate.Before(today) {
		w.FromDate = today
	}
	if w.ToDate.IsZero() {
		w.ToDate = today.AddDate(0, wantedMonths, 0)
	}
	if w.WithinKM == 0 {
		w.WithinKM = 10
	}
	var f shortbreaks.Faults
	f.OneOf("/category", w.Category, marketplace.Categories)
	f.Within("/within_km", w.WithinKM, 1, 200)
	f.Unless(!w.ToDate.Before(w.FromDate), "/to", "The last date is before the first, or has passed.")
	f.Unless(!w.ToDate.After(today.AddDate(1, 0, 0)), "/to", "Give a date within a year.")
	for i, n := range w.Needs {
		f.OneOf(fmt.Sprintf("/needs/%d", i), n, marketplace.Needs)
	}
	f.Unless(len(w.Windows) >= 1 && len(w.Windows) <= 7, "/windows", "Give 1 to 7.")
	for i, v := range w.Windows {
		at := fmt.Sprintf("/windows/%d/", i)
		f.Days(at+"weekdays", v.Weekdays)
		f.Clock(at+"earliest", v.Earliest)
		f.Clock(at+"latest", v.Latest)
		f.Unless(v.Earliest < v.Latest, at+"latest", "Give a time after the earliest.")
	}
	p, known, err := marketplace.LocateStep(ctx, tx, w.Postcode)
	if err != nil {
		return "", err
	}
	f.Unless(known, "/postcode", "We do not know this postcode.")
	w.Postcode = p.Postcode
	return p.Area, f.As(shortbreaks.ErrInvalid)
}

// PostWanted posts a wanted time for a child. Errors: forbidden, not-found,
// invalid.
func PostWanted(ctx context.Context, d *db.DB, who shortbreaks.Actor, child uuid.UUID, w Wanted) (posted *WantedTime, err error) {
	if !who.Is(shortbreaks.Family, shortbreaks.Practitioner) {
		return nil, shortbreaks.ErrForbidden
	}
	err = d.Do(ctx, db.For(who), func(tx *db.Tx) error {
		c, err := budgets.LoadChild(ctx, tx, who, child)
		if err != nil {
			return err
		}
		w := w // the transaction may run again
		area, err := w.check(ctx, tx)
		if err != nil {
			return err
		}
		id := shortbreaks.NewID()
		tag, err := tx.PGX.Exec(ctx, `INSERT INTO wanted_time (authority_id, id, child_id, category, postcode, area, within_km, windows, from_date, to_date, needs,
				state, created_by, created_at)
			SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'open', $12, $13
			WHERE (SELECT count(*) FROM wanted_time WHERE authority_id = $1 AND child_id = $3 AND state = 'open' AND to_date >= $14) < $15`,
			c.AuthorityID, id, c.ID, w.Category, w.Postcode, area, w.WithinKM, w.Windows, w.FromDate, w.ToDate, append([]string{}, w.Needs...), who.Person, tx.Now,
			shortbreaks.Date(tx.Now), mostWanted)
		if err != nil {
			return fmt.Errorf("post a wanted time: %w", err)
		}
		if tag.RowsAffected() == 0 {
			return shortbreaks.ErrInvalid.With(fmt.Sprintf("This child has %d open wanted times. Change or withdraw one first.", mostWanted))
		}
		posted, err = wantedByID(ctx, tx, who, id)
		return err
	})
	if err != nil {
		return nil, err
	}
	return posted, nil
}

// ChangeWanted writes anew what is wanted; what was found for the old wish is
// forgotten. Errors: forbidden, not-found, invalid, wrong-state.
func ChangeWanted(ctx context.Context, d *db.DB, who shortbreaks.Actor, id uuid.UUID, w Wanted) (changed *WantedTime, err error) {
	err = onWanted(ctx, d, who, id, func(tx *db.Tx, was *WantedTime) error {
		w := w // the transaction may run again
		area, err := w.check(ctx, tx)
		if err != nil {
			return err
		}
		_, err = tx.PGX.Exec(ctx, `UPDATE wanted_time SET category = $3, postcode = $4, area = $5, within_km = $6, windows = $7, from_date = $8, to_date = $9, needs = $10,
			version = version + 1, looked_at = NULL WHERE authority_id = $1 AND id = $2`,
			was.AuthorityID, id, w.Category, w.Postcode, area, w.WithinKM, w.Windows, w.FromDate, w.ToDate, append([]string{}, w.Needs...))
		if err != nil {
			return fmt.Errorf("change a wanted time: %w", err)
		}
		if _, err := tx.PGX.Exec(ctx, `DELETE FROM wanted_match WHERE authority_id = $1 AND wanted_id = $2`, was.AuthorityID, id); err != nil {
			return fmt.Errorf("forget what was found: %w", err)
		}
		changed, err = wantedByID(ctx, tx, who, id)
		return err
	})
	if err != nil {
		return nil, err
	}
	return changed, nil
}

// WithdrawWanted ends a wanted time. Errors: forbidden, not-found, wrong-state.
func WithdrawWanted(ctx context.Context, d *db.DB, who shortbreaks.Actor, id uuid.UUID) error {
	return onWanted(ctx, d, who, id, func(tx *db.Tx, was *WantedTime) error {
		if _, err := tx.PGX.Exec(ctx, `UPDATE wanted_time SET state = 'withdrawn' WHERE authority_id = $1 AND id = $2`, was.AuthorityID, id); err != nil {
			return fmt.Errorf("withdraw a wanted time: %w", err)
		}
		return nil
	})
}

// onWanted does something with a wanted time of one's own that was not
// withdrawn, its row locked.
func onWanted(ctx context.Context, d *db.DB, who shortbreaks.Actor, id uuid.UUID, f func(tx *db.Tx, w *WantedTime) error) error {
	if !who.Is(shortbreaks.Family, shortbreaks.Practitioner) {
		return shortbreaks.ErrForbidden
	}
	return d.Do(ctx, db.For(who), func(tx *db.Tx) error {
		var locked uuid.UUID
		err := tx.PGX.QueryRow(ctx, `SELECT id FROM wanted_time WHERE id = $1 FOR UPDATE`, id).Scan(&locked)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return fmt.Errorf("lock a wanted time: %w", err)
		}
		w, err := wantedByID(ctx, tx, who, id)
		if err != nil {
			return err
		}
		if w.State != "open" {
			return ErrWrongState.With("It was withdrawn. Post a new one.")
		}
		return f(tx, w)
	})
}

// WantedTimes is one page of the actor's, the newest first, and whether more
// follow. Errors: forbidden.
func WantedTimes(ctx context.Context, d *db.DB, who shortbreaks.Actor, after uuid.UUID, limit int) (page []*WantedTime, more bool, err error) {
	if !who.Is(shortbreaks.Family, shortbreaks.Practitioner) {
		return nil, false, shortbreaks.ErrForbidden
	}
	err = d.Read(ctx, db.For(who), func(tx *db.Tx) error {
		page, err = selectWanted(ctx, tx, who, `AND ($2 = '00000000-0000-0000-0000-000000000000'::uuid OR id < $2) ORDER BY id DESC LIMIT $3`, after, limit+1)
		return err
	})
	more = len(page) > limit
	return page[:min(len(page), limit)], more, err
}

// wantedByID is one of the actor's. Errors: not-found.
func wantedByID(ctx context.Context, tx *db.Tx, who shortbreaks.Actor, id uuid.UUID) (*WantedTime, error) {
	found, err := selectWanted(ctx, tx, who, `AND id = $2`, id)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, shortbreaks.ErrNotFound
	}
	return found[0], nil
}

// selectWanted reads those in the actor's reach ($1), with what was found.
func selectWanted(ctx context.Context, tx *db.Tx, who shortbreaks.Actor, where string, args ...any) ([]*WantedTime, error) {
	reach, column := who.Authorities, "authority_id"
	if who.Is(shortbreaks.Family) {
		reach, column = who.Children, "child_id"
	}
	rows, err := tx.PGX.Query(ctx, `SELECT authority_id, id, child_id, category, postcode, area, within_km, windows, from_date, to_date, needs, state, created_by, created_at
		FROM wanted_time WHERE `+column+` = ANY ($1) `+where, append([]any{reach}, args...)...)
	if err != nil {
		return nil, fmt.Errorf("read wanted times: %w", err)
	}
	byID, ids := map[uuid.UUID]*WantedTime{}, []uuid.UUID{}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (*WantedTime, error) {
		w := new(WantedTime)
		err := row.Scan(&w.AuthorityID, &w.ID, &w.ChildID, &w.Category, &w.Postcode, &w.Area, &w.WithinKM, &w.Windows, &w.FromDate, &w.ToDate, &w.Needs, &w.State,
			&w.CreatedBy, &w.CreatedAt)
		w.Lapsed = w.ToDate.Before(shortbreaks.Date(tx.Now))
		byID[w.ID], ids = w, append(ids, w.ID)
		return w, err
	})
	if err != nil {
		return nil, fmt.Errorf("read wanted times: %w", err)
	}
	rows, err = tx.PGX.Query(ctx, `SELECT m.wanted_id, m.offer_id, o.title, p.name, m.starts_at, m.found_at FROM wanted_match m
		JOIN offer o ON o.provider_id = m.provider_id AND o.id = m.offer_id AND o.state = 'published' JOIN provider p ON p.id = m.provider_id
		WHERE m.wanted_id = ANY ($1) ORDER BY m.found_at DESC, m.offer_id`, ids)
	if err != nil {
		return nil, fmt.Errorf("read what was found: %w", err)
	}
	var id uuid.UUID
	var m WantedMatch
	_, err = pgx.ForEachRow(rows, []any{&id, &m.OfferID, &m.OfferTitle, &m.ProviderName, &m.StartsAt, &m.FoundAt}, func() error {
		if w := byID[id]; len(w.Matches) < mostMatches {
			w.Matches = append(w.Matches, m)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read what was found: %w", err)
	}
	return list, nil
}

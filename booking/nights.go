package booking

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/budgets"
	"shortbreaks/internal/db"
)

// Above these a series of short breaks is no longer one in the eyes of the
// regulations (L09, SI 2010/959 reg 48), and staff are warned when they are
// reached. It is advice: nothing is refused.
const (
	NightsInAYear = 75
	DaysInAStay   = 17
)

// The laws on which nights away rest: support at home, under which the
// regulation does not bite, or accommodation.
const (
	Section17 = "section_17"
	Section20 = "section_20"
)

// nightHour is when somebody who is still there has stayed the night, by
// London's clock. Both changes of the clock have it once.
const nightHour = 3 * 60

// nightsBetween are the nights of a stay, each by the date of its evening.
func nightsBetween(starts, ends time.Time) (nights []time.Time) {
	for day := shortbreaks.Date(starts); ; day = day.AddDate(0, 0, 1) {
		at := shortbreaks.At(day, nightHour)
		if !at.Before(ends) {
			return nights
		}
		if !at.Before(starts) {
			nights = append(nights, day.AddDate(0, 0, -1))
		}
	}
}

// yearBefore is the last day that is more than twelve months back: of a 29th of
// February it is the 28th a year before.
func yearBefore(day time.Time) time.Time {
	before := day.AddDate(-1, 0, 0)
	if before.Month() != day.Month() {
		return before.AddDate(0, 0, -1)
	}
	return before
}

// nightsIn counts the nights of the twelve months that end with a day.
func nightsIn(nights []time.Time, day time.Time) (n int) {
	after := yearBefore(day)
	for _, night := range nights {
		if night.After(after) && !night.After(day) {
			n++
		}
	}
	return n
}

// stay is the time a child was or will be at a provider.
type stay struct {
	Provider     uuid.UUID
	Starts, Ends time.Time
}

// nightsOf are the nights of stays by date, each once, in order.
func nightsOf(stays []stay) (nights []time.Time) {
	for _, s := range stays {
		nights = append(nights, nightsBetween(s.Starts, s.Ends)...)
	}
	slices.SortFunc(nights, time.Time.Compare)
	return slices.CompactFunc(nights, time.Time.Equal)
}

// longestStay is the most days in a row at one provider, the day of coming and
// of going included.
func longestStay(stays []stay) (days int) {
	by := map[uuid.UUID][]stay{}
	for _, s := range stays {
		by[s.Provider] = append(by[s.Provider], s)
	}
	for _, at := range by {
		row := 0
		nights := nightsOf(at)
		for i, night := range nights {
			if i == 0 || !night.Equal(nights[i-1].AddDate(0, 0, 1)) {
				row = 0
			}
			row++
			days = max(days, row+1)
		}
	}
	return days
}

// Nights is what a child's nights away come to, booked ones included.
type Nights struct {
	ChildID     uuid.UUID
	On          time.Time // a London date
	Nights      int       // in the twelve months that end with it
	MostNights  int       // in any twelve months that end on or after it
	MostOn      time.Time // when those end; On if there are none
	LongestStay int       // in days, of stays that touch the twelve months or are to come
	Basis       string    // one of the sections, as recorded by On; "" if none is
	BasisFrom   *time.Time
}

// Warnings are what staff are told; none if nothing is near.
func (n Nights) Warnings() (words []string) {
	if n.MostNights >= NightsInAYear {
		words = append(words, fmt.Sprintf("%s away in the twelve months to %s; the regulations speak of no more than %d. %s",
			shortbreaks.Plural(n.MostNights, "night"), shortbreaks.LongDate(n.MostOn), NightsInAYear, n.meaning()))
	}
	if n.LongestStay >= DaysInAStay {
		words = append(words, fmt.Sprintf("A stay of %s in a row; the regulations speak of no more than %d. %s",
			shortbreaks.Plural(n.LongestStay, "day"), DaysInAStay, n.meaning()))
	}
	return words
}

func (n Nights) meaning() string {
	switch n.Basis {
	case Section17:
		return "The nights are recorded as section 17, under which the limit does not apply by itself."
	case Section20:
		return "The nights are recorded as section 20: beyond it the child is looked after in full."
	}
	return "Whether they are section 17 or 20 is not recorded."
}

// sum counts the stays of a child on a day.
func (n *Nights) sum(stays []stay) {
	nights := nightsOf(stays)
	n.Nights, n.MostOn = nightsIn(nights, n.On), n.On
	n.MostNights = n.Nights
	for _, night := range nights {
		if night.After(n.On) {
			if in := nightsIn(nights, night); in > n.MostNights {
				n.MostNights, n.MostOn = in, night
			}
		}
	}
	after := yearBefore(n.On)
	n.LongestStay = longestStay(slices.DeleteFunc(slices.Clone(stays), func(s stay) bool { return !shortbreaks.Date(s.Ends).After(after) }))
}

// CountNights is a child's count on a London date; the zero date is today.
// For staff. Errors: forbidden, not-found.
func CountNights(ctx context.Context, d *db.DB, who shortbreaks.Actor, child uuid.UUID, on time.Time) (n *Nights, err error) {
	if !who.Is(shortbreaks.Practitioner, shortbreaks.Approver) {
		return nil, shortbreaks.ErrForbidden
	}
	err = d.Read(ctx, db.For(who), func(tx *db.Tx) error {
		c, err := budgets.LoadChild(ctx, tx, who, child)
		if err != nil {
			return err
		}
		if on.IsZero() {
			on = shortbreaks.Date(tx.Now)
		}
		n, err = countNights(ctx, tx, c.AuthorityID, c.ID, on, nil)
		return err
	})
	return n, err
}

// countNights reads what was delivered and what is booked, and adds more.
func countNights(ctx context.Context, tx *db.Tx, authority, child uuid.UUID, on time.Time, more []stay) (*Nights, error) {
	n := &Nights{ChildID: child, On: on}
	rows, err := tx.PGX.Query(ctx, `SELECT i.provider_id, coalesce(d.arrived_at, i.starts_at), coalesce(d.left_at, i.ends_at) FROM booking_item i
		LEFT JOIN delivery d ON d.authority_id = i.authority_id AND d.item_id = i.id
		WHERE i.authority_id = $1 AND i.child_id = $2 AND i.ends_at > $3 AND (d.outcome IS NULL OR d.outcome <> 'no_show')
			AND i.state IN ('held', 'requested', 'conditional', 'confirmed', 'delivered', 'partly_delivered', 'disputed', 'settled')`,
		authority, child, shortbreaks.At(yearBefore(on).AddDate(0, 0, -DaysInAStay), 0))
	if err != nil {
		return nil, fmt.Errorf("read stays: %w", err)
	}
	stays, err := pgx.CollectRows(rows, pgx.RowToStructByPos[stay])
	if err != nil {
		return nil, fmt.Errorf("read stays: %w", err)
	}
	err = tx.PGX.QueryRow(ctx, `SELECT basis, starts_on FROM legal_basis WHERE authority_id = $1 AND child_id = $2 AND starts_on <= $3
		ORDER BY starts_on DESC, id DESC LIMIT 1`, authority, child, on).Scan(&n.Basis, &n.BasisFrom)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return nil, fmt.Errorf("read legal basis: %w", err)
	}
	n.sum(append(stays, more...))
	return n, nil
}

// SetBasis records on which law a child's nights rest from a day on.
type SetBasis struct {
	ChildID  uuid.UUID
	Basis    string
	StartsOn time.Time
}

// RecordBasis writes it down and counts anew; what was recorded before stays
// known. Errors: forbidden, not-found, invalid.
func RecordBasis(ctx context.Context, d *db.DB, who shortbreaks.Actor, s SetBasis) (n *Nights, err error) {
	if !who.Is(shortbreaks.Practitioner) {
		return nil, shortbreaks.ErrForbidden
	}
	err = d.Do(ctx, db.For(who), func(tx *db.Tx) error {
		c, err := budgets.LoadChild(ctx, tx, who, s.ChildID)
		if err != nil {
			return err
		}
		var f shortbreaks.Faults
		f.OneOf("/basis", s.Basis, []string{Section17, Section20})
		f.Unless(!s.StartsOn.After(shortbreaks.Date(tx.Now).AddDate(1, 0, 0)), "/starts_on", "Give a day within a year.")
		if err := f.As(shortbreaks.ErrInvalid); err != nil {
			return err
		}
		_, err = tx.PGX.Exec(ctx, `INSERT INTO legal_basis (authority_id, id, child_id, basis, starts_on, recorded_by, recorded_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			c.AuthorityID, shortbreaks.NewID(), c.ID, s.Basis, s.StartsOn, who.Person, tx.Now)
		if err != nil {
			return fmt.Errorf("record legal basis: %w", err)
		}
		n, err = countNights(ctx, tx, c.AuthorityID, c.ID, shortbreaks.Date(tx.Now), nil)
		return err
	})
	return n, err
}

// noteNights keeps in a quote of nights what they would come to with those that
// are booked, for staff.
func noteNights(ctx context.Context, tx *db.Tx, q *Quote) error {
	var more []stay
	for _, it := range q.Document.Items {
		s := stay{q.ProviderID, it.StartsAt, it.EndsAt}
		if len(nightsBetween(s.Starts, s.Ends)) > 0 {
			more = append(more, s)
		}
	}
	if len(more) == 0 {
		return nil
	}
	n, err := countNights(ctx, tx, q.AuthorityID, q.ChildID, shortbreaks.Date(more[0].Starts), more)
	if err != nil {
		return err
	}
	q.Document.Advice = n.Warnings()
	return nil
}

// Advised reports whether an actor is shown the advice to staff.
func Advised(who shortbreaks.Actor) bool {
	return who.Is(shortbreaks.Practitioner, shortbreaks.Approver)
}

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
	"shortbreaks/marketplace/tariff"
)

// Closure says that a provider, or one setting of it, is shut on some dates,
// both included.
type Closure struct {
	ProviderID uuid.UUID  `gorm:"primaryKey"`
	ID         uuid.UUID  `gorm:"primaryKey"`
	SettingID  *uuid.UUID // nil: every setting
	StartsOn   time.Time  // dates: midnight UTC
	EndsOn     time.Time
	Reason     string // for families
	CreatedAt  time.Time
	CreatedBy  uuid.UUID

	CancelsBookings bool // what was booked then ends with it
}

// TableName is the table's.
func (Closure) TableName() string { return "closure" }

// from and to are the instants between which it is shut, in London's days.
func (c Closure) from() time.Time { return shortbreaks.At(c.StartsOn, 0) }
func (c Closure) to() time.Time   { return shortbreaks.At(c.EndsOn, 24*60) }

// shuts reports whether any part of the time falls into the closure: a night
// that reaches into its first morning does.
func (c Closure) shuts(o tariff.Occasion) bool {
	return o.StartsAt.Before(c.to()) && c.from().Before(o.EndsAt)
}

// readClosures lists a provider's closures that end on a date or later.
func readClosures(ctx context.Context, tx *db.Tx, provider uuid.UUID, on time.Time) ([]Closure, error) {
	closures, err := gorm.G[Closure](tx.DB).Where("provider_id = ? AND ends_on >= ?", provider, on).Order("starts_on, id").Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the closures of provider %s: %w", provider, err)
	}
	return closures, nil
}

// closuresAt are those that shut a setting; of a setting still to be made,
// those of the whole provider.
func closuresAt(all []Closure, setting *uuid.UUID) []Closure {
	var at []Closure
	for _, c := range all {
		if c.SettingID == nil || (setting != nil && *c.SettingID == *setting) {
			at = append(at, c)
		}
	}
	return at
}

// closuresOfOffer are those that shut the setting of an offer.
func closuresOfOffer(ctx context.Context, tx *db.Tx, provider, offer uuid.UUID) ([]Closure, error) {
	all, err := readClosures(ctx, tx, provider, shortbreaks.Date(tx.Now))
	if err != nil || len(all) == 0 {
		return nil, err
	}
	o, err := gorm.G[Offer](tx.DB).Select("setting_id").Where("provider_id = ? AND id = ?", provider, offer).First(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading offer %s: %w", offer, err)
	}
	return closuresAt(all, &o.SettingID), nil
}

// closuresOf are those that shut the setting of a draft.
func (s *shelf) closuresOf(d OfferDraft) []Closure {
	setting := d.SettingID
	if d.Setting != nil {
		point, _ := Locate(d.Setting.Postcode)
		i := slices.IndexFunc(s.known, func(k Setting) bool {
			return k.Name == strings.TrimSpace(d.Setting.Name) && k.Postcode == point.Postcode
		})
		if i >= 0 {
			setting = &s.known[i].ID
		}
	}
	return closuresAt(s.closures, setting)
}

// NewClosure shuts a provider or one of its settings.
type NewClosure struct {
	ProviderID *uuid.UUID // nil: the one the actor acts for
	SettingID  *uuid.UUID // nil: every setting
	StartsOn   time.Time
	EndsOn     time.Time
	Reason     string

	CancelBookings bool // close although there are some; the caller cancels them next
}

// CalledOff is what a closure did.
type CalledOff struct {
	Closure  Closure
	Sessions int // called off by it
	Stopped  Stopped

	cancelBookings bool
}

// CreateClosure shuts a provider or a setting on some dates. Sessions that
// fall into them are called off, and no visit can be booked then. If anything
// in them is booked, it is refused with the list and nothing is done, unless
// n.CancelBookings says that the caller cancels the bookings next.
func CreateClosure(ctx context.Context, d *db.DB, who shortbreaks.Actor, n NewClosure) (*CalledOff, error) {
	if !who.Is(shortbreaks.ProviderOwner, shortbreaks.Coordinator) {
		return nil, shortbreaks.ErrForbidden
	}
	provider, err := chosenProvider(who, n.ProviderID)
	if err != nil {
		return nil, err
	}
	var done *CalledOff
	err = d.Do(ctx, db.For(who), func(tx *db.Tx) error {
		if err := n.check(tx.Now); err != nil {
			return err
		}
		if n.SettingID != nil {
			found, err := gorm.G[Setting](tx.DB).Where("provider_id = ? AND id = ?", provider, *n.SettingID).Count(ctx, "id")
			if err != nil {
				return fmt.Errorf("looking for a setting: %w", err)
			}
			if found == 0 {
				words := "You have no such setting."
				return shortbreaks.ErrInvalid.With(words).At("/setting_id", words)
			}
		}
		done = &CalledOff{cancelBookings: n.CancelBookings, Closure: Closure{
			ProviderID: provider, ID: shortbreaks.NewID(), SettingID: n.SettingID, StartsOn: n.StartsOn, EndsOn: n.EndsOn,
			Reason: strings.TrimSpace(n.Reason), CreatedAt: tx.Now, CreatedBy: who.Person, CancelsBookings: n.CancelBookings,
		}}
		return done.shut(ctx, tx)
	})
	return done, err
}

func (n NewClosure) check(now time.Time) error {
	var f shortbreaks.Faults
	f.Unless(!n.EndsOn.Before(n.StartsOn), "/ends_on", "The last date is before the first.")
	f.Unless(!n.StartsOn.Before(shortbreaks.Date(now)), "/starts_on", "This date has passed.")
	f.Unless(n.EndsOn.Sub(n.StartsOn) <= 366*24*time.Hour, "/ends_on", "Close for a year at most.")
	f.Text("/reason", n.Reason, 1, 200)
	return f.As(shortbreaks.ErrInvalid)
}

const (
	// sqlSessionsIn are the sessions of a provider, or of one setting, that
	// are still to start and overlap a time.
	sqlSessionsIn = `
SELECT s.id
FROM session s
JOIN offer o ON o.provider_id = s.provider_id AND o.id = s.offer_id
WHERE s.provider_id = $1 AND ($2::uuid IS NULL OR o.setting_id = $2) AND s.state = 'scheduled'
    AND s.starts_at < $4 AND s.ends_at > $3 AND s.starts_at > $5`

	// sqlLanesIn are the lanes of the offers there, locked in the order
	// everybody locks lanes.
	sqlLanesIn = `
SELECT l.id
FROM lane l
WHERE l.provider_id = $1 AND l.id IN (
    SELECT ol.lane_id FROM offer_lane ol
    JOIN offer o ON o.provider_id = ol.provider_id AND o.id = ol.offer_id
    WHERE ol.provider_id = $1 AND ($2::uuid IS NULL OR o.setting_id = $2))
ORDER BY l.id
FOR UPDATE OF l`

	sqlClaimsIn = `
SELECT l.label, lower(c.during)
FROM lane_claim c
JOIN lane l ON l.provider_id = c.provider_id AND l.id = c.lane_id
WHERE c.provider_id = $1 AND c.lane_id = ANY ($2) AND c.during && tstzrange($3, $4) AND upper(c.during) > $5
ORDER BY lower(c.during), l.label`
)

// shut writes the closure and calls off what falls into it. Places are locked
// before lanes, as by whoever reserves: what is booked at the same moment is
// either seen here, or sees the closure.
func (c *CalledOff) shut(ctx context.Context, tx *db.Tx) error {
	k := c.Closure
	rows, err := tx.PGX.Query(ctx, sqlSessionsIn, k.ProviderID, k.SettingID, k.from(), k.to(), tx.Now)
	if err != nil {
		return fmt.Errorf("looking for sessions in a closure: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return fmt.Errorf("looking for sessions in a closure: %w", err)
	}
	planned, err := lockSessions(ctx, tx, k.ProviderID, ids)
	if err != nil {
		return err
	}
	booked := bookedOf(planned)
	visits, err := visitsIn(ctx, tx, k)
	if err != nil {
		return err
	}
	for _, v := range visits {
		booked.Add("/starts_on", "%s", v)
	}
	words := "Nothing was changed. Cancel these bookings first, so that the families know: " + shortbreaks.Plural(len(booked.Fields), "booked time") + "."
	if err := booked.As(ErrSessionBooked.With(words)); err != nil && !c.cancelBookings {
		return err
	}
	for _, p := range planned {
		p.cancel(k.Reason, tx.Now)
	}
	c.Stopped = Stopped{Provider: k.ProviderID, Sessions: ids, Closure: &k, Reason: k.Reason}
	if err := saveSessions(ctx, tx, planned); err != nil {
		return err
	}
	c.Sessions = len(planned)
	if err := gorm.G[Closure](tx.DB).Create(ctx, &k); err != nil {
		return fmt.Errorf("writing a closure: %w", err)
	}
	return nil
}

// visitsIn locks the lanes there and says which visits are booked in the
// closure.
func visitsIn(ctx context.Context, tx *db.Tx, k Closure) (words []string, err error) {
	rows, err := tx.PGX.Query(ctx, sqlLanesIn, k.ProviderID, k.SettingID)
	if err != nil {
		return nil, fmt.Errorf("locking the lanes of a closure: %w", err)
	}
	lanes, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return nil, fmt.Errorf("locking the lanes of a closure: %w", err)
	}
	rows, err = tx.PGX.Query(ctx, sqlClaimsIn, k.ProviderID, lanes, k.from(), k.to(), tx.Now)
	if err != nil {
		return nil, fmt.Errorf("looking for visits in a closure: %w", err)
	}
	var label string
	var starts time.Time
	_, err = pgx.ForEachRow(rows, []any{&label, &starts}, func() error {
		words = append(words, label+" has a visit on "+shortbreaks.LongDate(starts)+".")
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("looking for visits in a closure: %w", err)
	}
	return words, nil
}

// ListClosures lists a provider's closures still to end, the soonest first.
// next is "" on the last page.
func ListClosures(ctx context.Context, d *db.DB, who shortbreaks.Actor, cursor string, limit int) (list []Closure, next string, err error) {
	if !who.Is(shortbreaks.ProviderOwner, shortbreaks.Coordinator, shortbreaks.Worker) {
		return nil, "", shortbreaks.ErrForbidden
	}
	after, id, err := closureCursor(cursor)
	if err != nil {
		return nil, "", err
	}
	limit = min(max(limit, 1), 100)
	err = d.Read(ctx, db.For(who), func(tx *db.Tx) error {
		list, err = gorm.G[Closure](tx.DB).Where("provider_id IN ? AND ends_on >= ? AND (starts_on, id) > (?, ?)",
			who.Providers, shortbreaks.Date(tx.Now), after, id).Order("starts_on, id").Limit(limit + 1).Find(ctx)
		return err
	})
	if err != nil {
		return nil, "", fmt.Errorf("listing closures: %w", err)
	}
	if len(list) > limit {
		list = list[:limit]
		last := list[limit-1]
		next = last.StartsOn.Format(time.DateOnly) + " " + last.ID.String()
	}
	return list, next, nil
}

func closureCursor(cursor string) (after time.Time, id uuid.UUID, err error) {
	if cursor == "" {
		return time.Time{}, uuid.Nil, nil
	}
	date, text, _ := strings.Cut(cursor, " ")
	after, err = time.Parse(time.DateOnly, date)
	if err == nil {
		id, err = uuid.Parse(text)
	}
	if err != nil {
		return time.Time{}, uuid.Nil, shortbreaks.ErrInvalid.With("This cursor is not of this list.").At("query/cursor", "This is not of this list.")
	}
	return after, id, nil
}

package marketplace

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// CallOffSession calls one session off. It is refused if places are booked,
// or if it was called off before.
func CallOffSession(ctx context.Context, d *db.DB, who shortbreaks.Actor, id uuid.UUID, reason string) (*SessionDetail, error) {
	var f shortbreaks.Faults
	f.Text("/reason", reason, 1, 200)
	return changeOne(ctx, d, who, id, f, func(p *plannedSession, _ []Closure, now time.Time) error {
		p.cancel(strings.TrimSpace(reason), now)
		return nil
	})
}

// SessionMove gives one session another time.
type SessionMove struct {
	SessionID uuid.UUID
	On        time.Time // a date
	From, To  string    // times of day; To at or before From is on the next day
	Reason    string    // for families; "" says nothing
}

// MoveSession moves one session; the others of its plan, and what they cost,
// stay as they are (T37). It keeps its term and so its share of the price. It
// is refused if places are booked.
func MoveSession(ctx context.Context, d *db.DB, who shortbreaks.Actor, m SessionMove) (*SessionDetail, error) {
	var f shortbreaks.Faults
	f.Clock("/from", m.From)
	f.Clock("/to", m.To)
	f.Unless(len([]rune(m.Reason)) <= 200, "/reason", "Write at most 200 characters.")
	return changeOne(ctx, d, who, m.SessionID, f, func(p *plannedSession, closures []Closure, now time.Time) error {
		if trouble := p.moveTo(m.On, m.From, m.To, closures, now); trouble != "" {
			return shortbreaks.ErrInvalid.With(trouble).At("/date", trouble)
		}
		if reason := strings.TrimSpace(m.Reason); reason != "" {
			p.Reason = &reason
		}
		return nil
	})
}

// changeOne changes one session that nobody has booked.
func changeOne(ctx context.Context, d *db.DB, who shortbreaks.Actor, id uuid.UUID, f shortbreaks.Faults,
	change func(*plannedSession, []Closure, time.Time) error,
) (detail *SessionDetail, err error) {
	if !who.Is(shortbreaks.ProviderOwner, shortbreaks.Coordinator) {
		return nil, shortbreaks.ErrForbidden
	}
	if err := f.As(shortbreaks.ErrInvalid); err != nil {
		return nil, err
	}
	err = d.Do(ctx, db.For(who), func(tx *db.Tx) error {
		s, err := gorm.G[Session](tx.DB).Where("id = ? AND provider_id IN ?", id, who.Providers).First(ctx)
		if errors.Is(err, gorm.ErrRecordNotFound) {
			return shortbreaks.ErrNotFound.With("There is no such session within your reach.")
		}
		if err != nil {
			return fmt.Errorf("reading session %s: %w", id, err)
		}
		planned, err := lockSessions(ctx, tx, s.ProviderID, []uuid.UUID{id})
		if err != nil {
			return err
		}
		if len(planned) == 0 {
			return ErrWrongState.With("This session was called off already.")
		}
		p := planned[0]
		if !p.StartsAt.After(tx.Now) {
			return ErrSessionStarted.With("It has started; it can no longer be changed.")
		}
		if err := bookedOf(planned).As(ErrSessionBooked.With(bookedWords)); err != nil {
			return err
		}
		closures, err := closuresOfOffer(ctx, tx, p.ProviderID, p.OfferID)
		if err != nil {
			return err
		}
		if err := change(p, closures, tx.Now); err != nil {
			return err
		}
		detail = &SessionDetail{
			ID: p.ID, TermID: p.TermID, StartsAt: p.StartsAt, EndsAt: p.EndsAt, LocalStart: p.LocalStart, TimeZone: p.TimeZone,
			Capacity: p.onSale(), PlacesLeft: p.onSale(), State: p.State, PlannedStart: p.PlannedStart, Reason: p.Reason,
		}
		return saveSessions(ctx, tx, planned)
	})
	return detail, err
}

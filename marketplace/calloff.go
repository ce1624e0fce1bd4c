package marketplace

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// Stopped is what a provider has called off with the bookings in it: nobody
// takes a place there any more. The bookings themselves are moved by whoever
// asked, in a transaction of its own, which can be repeated.
type Stopped struct {
	Provider uuid.UUID
	Sessions []uuid.UUID
	Closure  *Closure // whose dates' visits end with it
	OfferID  *uuid.UUID
	From     time.Time // of the offer: visits from this instant on end with it
	Reason   string
}

// StopSession calls one session off although it is booked. One called off
// before, and still to start, is stopped again: what a crash left over can be
// finished by asking once more.
func StopSession(ctx context.Context, d *db.DB, who shortbreaks.Actor, id uuid.UUID, reason string) (*Stopped, *SessionDetail, error) {
	if !who.Is(shortbreaks.ProviderOwner, shortbreaks.Coordinator) {
		return nil, nil, shortbreaks.ErrForbidden
	}
	var f shortbreaks.Faults
	f.Text("/reason", reason, 1, 200)
	if err := f.As(shortbreaks.ErrInvalid); err != nil {
		return nil, nil, err
	}
	var stopped *Stopped
	var detail *SessionDetail
	err := d.Do(ctx, db.For(who), func(tx *db.Tx) error {
		s, err := gorm.G[Session](tx.DB).Where("id = ? AND provider_id IN ?", id, who.Providers).First(ctx)
		if errors.Is(err, gorm.ErrRecordNotFound) {
			return shortbreaks.ErrNotFound.With("There is no such session within your reach.")
		}
		if err != nil {
			return fmt.Errorf("reading session %s: %w", id, err)
		}
		if !s.StartsAt.After(tx.Now) {
			return ErrSessionStarted.With("It has started; it can no longer be changed.")
		}
		stopped = &Stopped{Provider: s.ProviderID, Sessions: []uuid.UUID{id}, Reason: strings.TrimSpace(reason)}
		planned, err := lockSessions(ctx, tx, s.ProviderID, stopped.Sessions)
		if err != nil {
			return err
		}
		for _, p := range planned {
			p.cancel(stopped.Reason, tx.Now)
			s = p.Session
		}
		detail = &SessionDetail{
			ID: s.ID, TermID: s.TermID, StartsAt: s.StartsAt, EndsAt: s.EndsAt, LocalStart: s.LocalStart, TimeZone: s.TimeZone,
			State: s.State, PlannedStart: s.PlannedStart, Reason: s.Reason,
		}
		if err := saveSessions(ctx, tx, planned); err != nil {
			return err
		}
		return relist(ctx, tx, []offerKey{{s.ProviderID, s.OfferID}})
	})
	return stopped, detail, err
}

// EndOffer is what ends an offer for good, with its bookings from a date on.
type EndOffer struct {
	OfferID uuid.UUID
	From    time.Time // a date: what is booked before it stands
	Reason  string    // for the families booked
}

// Ended is what ending an offer did.
type Ended struct {
	Offer    Offer
	Sessions int // called off by it
	Stopped  Stopped
}

// StopOffer calls off an offer's sessions from a date on although they are
// booked (R025). An offer by the hour takes no booking any more; one with
// sessions before the date sells those. Ending it again finds what is left.
func StopOffer(ctx context.Context, d *db.DB, who shortbreaks.Actor, e EndOffer) (*Ended, error) {
	var ended *Ended
	err := replan(ctx, d, who, e.OfferID, func(tx *db.Tx, o Offer) error {
		var f shortbreaks.Faults
		f.Text("/reason", e.Reason, 1, 200)
		f.Unless(e.From.After(shortbreaks.Date(tx.Now)), "/from_date", "Give a date from tomorrow on: call off today's sessions one by one.")
		f.Unless(!e.From.After(tx.Now.AddDate(2, 0, 0)), "/from_date", "Give a date within the next two years.")
		if err := f.As(shortbreaks.ErrInvalid); err != nil {
			return err
		}
		offer, err := gorm.G[Offer](tx.DB).Where("provider_id = ? AND id = ?", o.ProviderID, o.ID).First(ctx)
		if err != nil {
			return fmt.Errorf("reading offer %s: %w", o.ID, err)
		}
		if offer.State == Draft {
			return ErrWrongState.With("This offer has not been published; nobody has booked it.")
		}
		ended = &Ended{Offer: offer, Stopped: Stopped{
			Provider: o.ProviderID, OfferID: &o.ID, From: shortbreaks.At(e.From, 0), Reason: strings.TrimSpace(e.Reason),
		}}
		return ended.stop(ctx, tx)
	})
	return ended, err
}

func (e *Ended) stop(ctx context.Context, tx *db.Tx) error {
	o, s := e.Offer, &e.Stopped
	rows, err := tx.PGX.Query(ctx, `SELECT id FROM session WHERE provider_id = $1 AND offer_id = $2 AND starts_at >= $3 AND starts_at > $4
		ORDER BY starts_at`, o.ProviderID, o.ID, s.From, tx.Now)
	if err != nil {
		return fmt.Errorf("looking for sessions to end: %w", err)
	}
	if s.Sessions, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID]); err != nil {
		return fmt.Errorf("looking for sessions to end: %w", err)
	}
	planned, err := lockSessions(ctx, tx, o.ProviderID, s.Sessions)
	if err != nil {
		return err
	}
	for _, p := range planned {
		p.cancel(s.Reason, tx.Now)
	}
	e.Sessions = len(planned)
	if err := saveSessions(ctx, tx, planned); err != nil {
		return err
	}
	if o.Visits == nil || o.State == Withdrawn {
		return nil
	}
	if err := move(ctx, tx, o, o.State, Withdrawn, nil); err != nil {
		return err
	}
	e.Offer.State = Withdrawn
	return nil
}

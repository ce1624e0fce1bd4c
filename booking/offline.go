package booking

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/budgets"
	"shortbreaks/internal/db"
	"shortbreaks/marketplace"
	"shortbreaks/people"
)

// ErrNotForFamily says that a booking cannot be entered, for a reason that the
// family may read and the provider may not.
var ErrNotForFamily = shortbreaks.NewError(shortbreaks.Conflict, "not-for-this-family", "This cannot be entered for this family")

// EnterOffline is a booking a family made over the telephone or on paper, as its
// provider enters it: what is booked, and the code the family read out.
type EnterOffline struct {
	Code        string
	OfferID     uuid.UUID
	SessionIDs  []uuid.UUID // or BundleID or Visits
	BundleID    *uuid.UUID
	Visits      []marketplace.Visit
	ChargeKinds []string
	Reference   string // the provider's own; may be empty
	Idem        *shortbreaks.Idem
}

// OfflineBooking is a booking that its provider entered. Nothing of it is the
// child's budget's until the family has said yes.
type OfflineBooking struct {
	AuthorityID uuid.UUID
	BookingID   uuid.UUID
	CodeID      uuid.UUID
	ProviderID  uuid.UUID
	ChildID     uuid.UUID
	Reference   string
	EnteredBy   uuid.UUID
	EnteredAt   time.Time
	AgreedBy    *uuid.UUID
	AgreedAt    *time.Time

	BookingReference string
	OfferTitle       string
	TotalPence       shortbreaks.Pence
	State            State // of its first date
	StartsAt         time.Time
	LocalStart       string
	ExpiresAt        *time.Time // when the family has to have answered
}

// EnterBooking enters a booking with a family's code, through Reserve: place and
// money are held until the family says yes in its account, and are free again if
// it does not within the time a provider has for a request. The quote is the one
// the maker of the code would get, with that person's rights of now. Whatever is
// about the family is told to nobody but the family (hidden). Errors: forbidden,
// invalid, code-unknown, not-for-this-family, idempotency-key-reused,
// request-in-progress, and those of the marketplace and of Reserve that are
// about the offer.
func EnterBooking(ctx context.Context, d *db.DB, who shortbreaks.Actor, c EnterOffline) (o *OfflineBooking, reply *shortbreaks.Reply, err error) {
	if !who.Is(shortbreaks.ProviderOwner, shortbreaks.Coordinator) {
		return nil, nil, shortbreaks.ErrForbidden
	}
	c.Reference = strings.TrimSpace(c.Reference)
	if len([]rune(c.Reference)) > 60 {
		return nil, nil, shortbreaks.ErrInvalid.At("/reference", "Write at most 60 characters.")
	}
	if err := marketplace.WithoutContact("/reference", c.Reference); err != nil {
		return nil, nil, err
	}
	maker, refusal, err := c.maker(ctx, d, who)
	if err != nil {
		return nil, nil, err
	}
	err = d.Do(ctx, db.For(who), func(tx *db.Tx) error {
		o, reply = nil, nil
		code, err := codeOf(ctx, tx, who, c.Code, "")
		if err != nil {
			return err
		}
		// The family has said whose it is; the money is in its authority.
		if err := tx.EnterAuthority(ctx, code.AuthorityID); err != nil {
			return err
		}
		if reply, err = tx.Replay(ctx, code.AuthorityID, c.Idem); reply != nil || err != nil {
			return err
		}
		if code, err = codeOf(ctx, tx, who, c.Code, "FOR UPDATE"); err != nil {
			return err
		}
		if err := code.checkOpen(tx.Now); err != nil {
			return err
		}
		if refusal != nil {
			return hidden(refusal)
		}
		if o, err = c.enter(ctx, tx, who, maker, code); err != nil {
			return hidden(err)
		}
		reply, err = tx.Keep(ctx, code.AuthorityID, c.Idem, o)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	return o, reply, nil
}

// maker is who made the code, with the rights of now; or the refusal of somebody
// who has none for the child any more.
func (c EnterOffline) maker(ctx context.Context, d *db.DB, who shortbreaks.Actor) (maker shortbreaks.Actor, refusal, err error) {
	var code *FamilyCode
	err = d.Read(ctx, db.For(who), func(tx *db.Tx) (err error) {
		code, err = codeOf(ctx, tx, who, c.Code, "")
		return err
	})
	if err != nil {
		return maker, nil, err
	}
	maker, err = people.Load(ctx, d, code.MadeBy, code.Role)
	if errors.Is(err, people.ErrRoleNotHeld) {
		return maker, shortbreaks.ErrForbidden, nil
	}
	if err == nil && !mayAct(maker, &Item{AuthorityID: code.AuthorityID, ChildID: &code.ChildID}) {
		refusal = shortbreaks.ErrForbidden
	}
	return maker, refusal, err
}

// enter quotes as for the family and reserves as the provider: every date held,
// and sure to be the provider's own.
func (c EnterOffline) enter(ctx context.Context, tx *db.Tx, who, maker shortbreaks.Actor, code *FamilyCode) (*OfflineBooking, error) {
	q, err := draftFor(ctx, tx, maker, CreateQuote{
		ChildID: code.ChildID, OfferID: c.OfferID, SessionIDs: c.SessionIDs, BundleID: c.BundleID, Visits: c.Visits, ChargeKinds: c.ChargeKinds,
	})
	if err != nil {
		return nil, err
	}
	if q.ProviderID != code.ProviderID {
		return nil, shortbreaks.ErrNotFound.With("There is no such offer of yours. Nothing was entered.")
	}
	q.Document.Instant, q.Document.HeldFor = true, q.Document.RequestWithin // the provider has said yes
	if err := insertQuote(ctx, tx, q); err != nil {
		return nil, err
	}
	child, err := budgets.LoadChild(ctx, tx, maker, code.ChildID)
	if err != nil {
		return nil, err
	}
	verdicts, err := Reserve(ctx, tx, []Order{{
		Authority: code.AuthorityID, Who: who, Quotes: []*Quote{q}, FirstNames: map[uuid.UUID]string{child.ID: child.FirstName},
	}})
	if err != nil {
		return nil, err
	}
	if verdicts[0].Refusal != nil {
		return nil, verdicts[0].Refusal
	}
	b := verdicts[0].Basket.Bookings[0]
	var batch pgx.Batch
	batch.Queue(`UPDATE booking_code SET used_at = $3 WHERE authority_id = $1 AND id = $2`, code.AuthorityID, code.ID, tx.Now)
	batch.Queue(`INSERT INTO offline_booking (authority_id, booking_id, code_id, provider_id, child_id, reference, entered_by, entered_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`, b.AuthorityID, b.ID, code.ID, b.ProviderID, b.ChildID, c.Reference, who.Person, tx.Now)
	if err := tx.PGX.SendBatch(ctx, &batch).Close(); err != nil {
		return nil, fmt.Errorf("note what was entered offline: %w", err)
	}
	return offlineByID(ctx, tx, who, b.ID)
}

const sqlOffline = `SELECT f.authority_id, f.booking_id, f.code_id, f.provider_id, f.child_id, f.reference, f.entered_by, f.entered_at, f.agreed_by, f.agreed_at,
	b.reference AS booking_reference, o.title AS offer_title, b.total_pence, i.state, i.starts_at, i.local_start, i.expires_at
FROM offline_booking f
JOIN booking b ON b.authority_id = f.authority_id AND b.id = f.booking_id
JOIN offer o ON o.provider_id = b.provider_id AND o.id = b.offer_id
CROSS JOIN LATERAL (SELECT state, starts_at, local_start, expires_at FROM booking_item i
	WHERE i.authority_id = f.authority_id AND i.booking_id = f.booking_id ORDER BY starts_at, id LIMIT 1) i
WHERE `

// selectOffline reads within the actor's reach: $1 is whose, the rest follows.
func selectOffline(ctx context.Context, tx *db.Tx, who shortbreaks.Actor, where string, args ...any) ([]*OfflineBooking, error) {
	reach, column := who.Authorities, "f.authority_id"
	switch {
	case who.Is(shortbreaks.Family):
		reach, column = who.Children, "f.child_id"
	case providerSide(who):
		reach, column = who.Providers, "f.provider_id"
	}
	rows, err := tx.PGX.Query(ctx, sqlOffline+column+` = ANY ($1) AND `+where, append([]any{reach}, args...)...)
	if err != nil {
		return nil, fmt.Errorf("read offline bookings: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToAddrOfStructByName[OfflineBooking])
	if err != nil {
		return nil, fmt.Errorf("read offline bookings: %w", err)
	}
	return found, nil
}

func offlineByID(ctx context.Context, tx *db.Tx, who shortbreaks.Actor, id uuid.UUID) (*OfflineBooking, error) {
	found, err := selectOffline(ctx, tx, who, `f.booking_id = $2`, id)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, shortbreaks.ErrNotFound
	}
	return found[0], nil
}

// Offline lists what providers entered, the newest first, and whether more
// follow; waiting: only what the family has yet to answer. Errors: forbidden.
func Offline(ctx context.Context, d *db.DB, who shortbreaks.Actor, waiting bool, after uuid.UUID, limit int) (page []*OfflineBooking, more bool, err error) {
	if !who.Is(shortbreaks.Family, shortbreaks.Practitioner, shortbreaks.ProviderOwner, shortbreaks.Coordinator) {
		return nil, false, shortbreaks.ErrForbidden
	}
	err = d.Read(ctx, db.For(who), func(tx *db.Tx) error {
		page, err = selectOffline(ctx, tx, who, `(NOT $2 OR i.state = 'held') AND ($3 OR f.booking_id < $4) ORDER BY f.booking_id DESC LIMIT $5`,
			waiting, after == uuid.Nil, after, limit+1)
		return err
	})
	if more = len(page) > limit; more {
		page = page[:limit]
	}
	return page, more, err
}

// AgreeOffline is the family's yes to what its provider entered, or a
// practitioner's on its behalf: it is confirmed, or waits with its group. A no is
// the cancelling of it, which costs nothing while it is held. Errors: forbidden,
// not-found, wrong-state, booking-expired, offer-closed.
func AgreeOffline(ctx context.Context, d *db.DB, who shortbreaks.Actor, booking uuid.UUID) (o *OfflineBooking, err error) {
	if !who.Is(shortbreaks.Family, shortbreaks.Practitioner) {
		return nil, shortbreaks.ErrForbidden
	}
	err = d.Do(ctx, db.For(who), func(tx *db.Tx) error {
		if o, err = offlineByID(ctx, tx, who, booking); err != nil {
			return err
		}
		items, err := selectItems(ctx, tx, `authority_id = $1 AND booking_id = $2 AND state = 'held' ORDER BY authority_id, id FOR UPDATE`, o.AuthorityID, booking)
		if err != nil {
			return err
		}
		if len(items) == 0 {
			return ErrWrongState.With("It was answered, cancelled or ran out before. Look at it again.")
		}
		if anyExpired(items, tx.Now) {
			return ErrRequestExpired.With("The place and the money are free again. Ask the provider to enter it once more.")
		}
		if err := agreeItems(ctx, tx, who, items); err != nil {
			return err
		}
		_, err = tx.PGX.Exec(ctx, `UPDATE offline_booking SET agreed_by = $3, agreed_at = $4 WHERE authority_id = $1 AND booking_id = $2`,
			o.AuthorityID, booking, who.Person, tx.Now)
		if err != nil {
			return fmt.Errorf("note a family's yes: %w", err)
		}
		o, err = offlineByID(ctx, tx, who, booking)
		return err
	})
	return o, err
}

// agreeItems moves held items to what they were entered as.
func agreeItems(ctx context.Context, tx *db.Tx, who shortbreaks.Actor, items []*Item) error {
	var keys []marketplace.PlaceKey
	for _, it := range items {
		if it.SessionID != nil {
			keys = append(keys, marketplace.PlaceKey{Provider: it.ProviderID, Session: *it.SessionID})
		}
	}
	if _, err := marketplace.LockPlaces(ctx, tx, keys); err != nil { // all of them, in their order
		return err
	}
	by := mover{who: who, onBehalf: who.Is(shortbreaks.Practitioner), cause: "agreed to what the provider entered"}
	for _, it := range items {
		to, until := Confirmed, (*time.Time)(nil)
		if it.SessionID != nil {
			var err error
			if to, until, err = onAccepting(ctx, tx, it); err != nil {
				return err
			}
		}
		if err := moveUntil(ctx, tx, []*Item{it}, to, by, until); err != nil {
			return err
		}
	}
	return nil
}

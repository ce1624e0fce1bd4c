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
	"shortbreaks/people"
)

// OfferPlaces offers each place that came free to the first family in its line
// that has the money for it now: place and money are held through Reserve until
// the family answers or the time runs out, and then it is the next family's
// (T49). A family without the money keeps its turn for the next place. It may
// run as often and by as many as one likes. It returns how many were offered.
func OfferPlaces(ctx context.Context, d *db.DB) (offered int, err error) {
	scope, err := d.System(ctx)
	if err != nil {
		return 0, err
	}
	if err := closeLapsed(ctx, d, scope); err != nil {
		return 0, err
	}
	var lines []lineToMove
	err = d.Read(ctx, scope, func(tx *db.Tx) error {
		rows, err := tx.PGX.Query(ctx, `SELECT p.provider_id, p.session_id, p.line_freed
			FROM (SELECT provider_id, session_id FROM session_places WHERE line_freed > line_moved
				UNION SELECT provider_id, session_id FROM waitlist_entry WHERE state = 'waiting') k
			JOIN session_places p USING (provider_id, session_id)
			JOIN session s ON s.provider_id = p.provider_id AND s.id = p.session_id AND s.state = 'scheduled' AND s.starts_at > $1
			WHERE p.line_freed > p.line_moved OR p.taken < p.capacity`, tx.Now)
		if err != nil {
			return err
		}
		lines, err = pgx.CollectRows(rows, pgx.RowToStructByPos[lineToMove])
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("look for lines that move: %w", err)
	}
	for _, line := range lines {
		n, err := moveLine(ctx, d, scope, line.key())
		offered += n
		if err == nil {
			err = line.moved(ctx, d, scope)
		}
		if err != nil {
			return offered, fmt.Errorf("offer places of session %s: %w", line.Session, err)
		}
	}
	return offered, nil
}

// lineToMove is a session whose line is to be asked, and how often places of
// it had come free by then.
type lineToMove struct {
	Provider, Session uuid.UUID
	Freed             int64
}

func (l lineToMove) key() marketplace.PlaceKey {
	return marketplace.PlaceKey{Provider: l.Provider, Session: l.Session}
}

// moved notes that the line was asked: what it left is anybody's, but not what
// has come free meanwhile.
func (l lineToMove) moved(ctx context.Context, d *db.DB, scope db.Scope) error {
	return d.Do(ctx, scope, func(tx *db.Tx) error {
		_, err := tx.PGX.Exec(ctx, `UPDATE session_places SET line_moved = $3 WHERE provider_id = $1 AND session_id = $2 AND line_moved < $3`,
			l.Provider, l.Session, l.Freed)
		return err
	})
}

// closeLapsed takes families out of the line whose offer ended without them.
func closeLapsed(ctx context.Context, d *db.DB, scope db.Scope) error {
	err := d.Do(ctx, scope, func(tx *db.Tx) error {
		_, err := tx.PGX.Exec(ctx, `UPDATE waitlist_entry w SET state = CASE i.state WHEN 'cancelled_by_family' THEN 'left' ELSE 'lapsed' END, expires_at = NULL
			FROM booking_item i WHERE w.state = 'offered' AND i.authority_id = w.authority_id AND i.id = w.item_id
				AND i.state IN ('expired', 'cancelled_by_family', 'cancelled_by_provider', 'cancelled_by_authority')`)
		return err
	})
	if err != nil {
		return fmt.Errorf("close offers that ran out: %w", err)
	}
	return nil
}

// moveLine asks the families of a line in their order until no place is left.
// Two that do so at once meet at the lock of the same family.
func moveLine(ctx context.Context, d *db.DB, scope db.Scope, line marketplace.PlaceKey) (offered int, err error) {
	var at time.Time
	var after uuid.UUID
	for {
		e, err := nextInLine(ctx, d, scope, line, at, after)
		if err != nil || e == nil {
			return offered, err
		}
		at, after = e.CreatedAt, e.ID
		who, refusal, err := e.whoWaits(ctx, d)
		if err != nil {
			return offered, err
		}
		made := false
		if refusal == nil {
			err = d.Do(ctx, scope, func(tx *db.Tx) error {
				made, refusal = false, nil
				still, err := selectEntries(ctx, tx, `authority_id = $1 AND id = $2 AND state = 'waiting' FOR UPDATE`, e.AuthorityID, e.ID)
				if err != nil || len(still) == 0 {
					return err
				}
				if refusal = e.offer(ctx, tx, who); refusal != nil {
					return errNextFamily // nothing of the attempt is kept
				}
				made = true
				return nil
			})
		}
		switch {
		case err != nil && !errors.Is(err, errNextFamily):
			return offered, err
		case made:
			offered++
		case refusal == nil: // somebody else dealt with it
		case !isAboutTheFamily(refusal):
			var known *shortbreaks.Error
			if errors.As(refusal, &known) {
				return offered, nil // full again, or no longer on sale
			}
			return offered, refusal
		default:
			if err := e.passOver(ctx, d, scope, refusal); err != nil {
				return offered, err
			}
		}
	}
}

// nextInLine is the first family waiting after another; nil if there is none.
func nextInLine(ctx context.Context, d *db.DB, scope db.Scope, line marketplace.PlaceKey, at time.Time, after uuid.UUID) (e *WaitEntry, err error) {
	err = d.Read(ctx, scope, func(tx *db.Tx) error {
		found, err := selectEntries(ctx, tx, `provider_id = $1 AND session_id = $2 AND state = 'waiting' AND (created_at, id) > ($3, $4)
			ORDER BY created_at, id LIMIT 1`, line.Provider, line.Session, at, after)
		if len(found) > 0 {
			e = found[0]
		}
		return err
	})
	return e, err
}

// offer quotes what the family asked for and reserves it, held until it
// answers.
func (e *WaitEntry) offer(ctx context.Context, tx *db.Tx, who shortbreaks.Actor) error {
	q, err := draftFor(ctx, tx, who, e.Ask)
	if err != nil {
		return err
	}
	settings, err := budgets.SettingsOn(ctx, tx, e.AuthorityID, shortbreaks.Date(tx.Now))
	if err != nil {
		return err
	}
	q.Document.HeldFor = settings.WaitlistOfferLasts
	if err := insertQuote(ctx, tx, q); err != nil {
		return err
	}
	child, err := budgets.LoadChild(ctx, tx, who, e.ChildID)
	if err != nil {
		return err
	}
	verdicts, err := Reserve(ctx, tx, []Order{{
		Authority: e.AuthorityID, Who: who, Quotes: []*Quote{q}, FirstNames: map[uuid.UUID]string{e.ChildID: child.FirstName}, FromLine: true,
	}})
	if err != nil {
		return err
	}
	if verdicts[0].Refusal != nil {
		return verdicts[0].Refusal
	}
	it := verdicts[0].Basket.Bookings[0].Items[0]
	_, err = tx.PGX.Exec(ctx, `UPDATE waitlist_entry SET state = 'offered', because = '', booking_id = $3, item_id = $4, expires_at = $5
		WHERE authority_id = $1 AND id = $2`, e.AuthorityID, e.ID, it.BookingID, it.ID, it.ExpiresAt)
	if err != nil {
		return fmt.Errorf("note what was offered: %w", err)
	}
	return nil
}

// whoWaits is who joined, with the rights of now, not of then: a family, or a
// practitioner for one; or the refusal of somebody who has none any more.
func (e *WaitEntry) whoWaits(ctx context.Context, d *db.DB) (who shortbreaks.Actor, refusal, err error) {
	for _, role := range []shortbreaks.Role{shortbreaks.Family, shortbreaks.Practitioner} {
		who, err := people.Load(ctx, d, e.CreatedBy, role)
		if err == nil && mayAct(who, &Item{AuthorityID: e.AuthorityID, ChildID: &e.ChildID}) {
			return who, nil, nil
		}
		if err != nil && !errors.Is(err, people.ErrRoleNotHeld) {
			return shortbreaks.Actor{}, nil, err
		}
	}
	return shortbreaks.Actor{}, shortbreaks.ErrForbidden, nil
}

// passOver notes why a family was not offered a place; it keeps its turn.
func (e *WaitEntry) passOver(ctx context.Context, d *db.DB, scope db.Scope, refusal error) error {
	var known *shortbreaks.Error
	if !errors.As(refusal, &known) {
		return refusal
	}
	why := known.Title
	if errors.Is(refusal, errSomeLeft) {
		why = "Fewer places came free than you need"
	}
	err := d.Do(ctx, scope, func(tx *db.Tx) error {
		_, err := tx.PGX.Exec(ctx, `UPDATE waitlist_entry SET because = $3 WHERE authority_id = $1 AND id = $2 AND state = 'waiting' AND because <> $3`,
			e.AuthorityID, e.ID, why)
		return err
	})
	if err != nil {
		return fmt.Errorf("note why entry %s was passed over: %w", e.ID, err)
	}
	return nil
}

// hold keeps a place for a family that was offered it, until it answers; never
// past the start.
func (it *Item) hold(q *Quote, now time.Time) {
	if q.Document.HeldFor == 0 {
		return
	}
	at := now.Add(q.Document.HeldFor)
	if it.StartsAt.Before(at) {
		at = it.StartsAt
	}
	it.State, it.ExpiresAt = Held, &at
}

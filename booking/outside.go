package booking

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/marketplace"
)

// ErrOutsideReference says that the provider's reference stands for something
// else in this session.
var ErrOutsideReference = shortbreaks.NewError(shortbreaks.Conflict, "reference-used", "This reference is used in this session already")

// OutsideState is whether an outside place counts.
type OutsideState string

// An outside place is live until its provider ends it or the session is called
// off.
const (
	OutsideLive  OutsideState = "live"
	OutsideEnded OutsideState = "ended"
)

// OutsidePlace is places of one session taken by somebody who does not book
// here: a family that pays the provider itself and signed a form. They count
// against the capacity like any other. Nothing is kept about who comes but the
// provider's own reference, and no money of it is in the ledger, so a provider
// needs nobody's leave for it and learns nothing. Visits need none: a worker's
// calendar says when he or she is busy.
type OutsidePlace struct {
	ProviderID uuid.UUID
	ID         uuid.UUID
	SessionID  uuid.UUID
	Reference  string
	Places     int
	PlaceSeq   int64 // ordinal of the last of them in its session
	State      OutsideState
	TakenBy    uuid.UUID
	TakenAt    time.Time
	EndedBy    *uuid.UUID // nil: the session was called off
	EndedAt    *time.Time

	OfferID    uuid.UUID
	OfferTitle string
	StartsAt   time.Time
	LocalStart string

	draft  bool // of an offer that nobody can book yet
	asIs   bool // what this reference stands for is left as it is
	before bool // it was there before this order
}

// outsideKey is what makes an outside place the same when it is sent again.
type outsideKey struct {
	session   uuid.UUID
	reference string
}

func (o *OutsidePlace) key() outsideKey { return outsideKey{o.SessionID, o.Reference} }

func (o *OutsidePlace) places() marketplace.PlaceKey {
	return marketplace.PlaceKey{Provider: o.ProviderID, Session: o.SessionID}
}

// TakeOutside takes places in sessions of one provider, in all or in none.
type TakeOutside struct {
	SessionIDs []uuid.UUID
	Reference  string // the provider's own, once a session; no name is needed
	Places     int    // in each session
}

// OutsidePlaces takes places for somebody who does not book here, through
// Reserve. The reference makes it repeatable: sent again, it changes nothing and
// gives what is there. Errors: forbidden, not-found, invalid, contact-details,
// reference-used, session-full, session-started, offer-closed.
func OutsidePlaces(ctx context.Context, d *db.DB, who shortbreaks.Actor, c TakeOutside) ([]*OutsidePlace, error) {
	if !who.Is(shortbreaks.ProviderOwner, shortbreaks.Coordinator) {
		return nil, shortbreaks.ErrForbidden
	}
	c.Reference = strings.TrimSpace(c.Reference)
	var f shortbreaks.Faults
	f.Text("/reference", c.Reference, 1, 60)
	f.Within("/places", c.Places, 1, 50)
	f.Unless(len(c.SessionIDs) >= 1 && len(c.SessionIDs) <= 60, "/session_ids", "Give 1 to 60 sessions.")
	if err := f.As(shortbreaks.ErrInvalid); err != nil {
		return nil, err
	}
	if err := marketplace.WithoutContact("/reference", c.Reference); err != nil {
		return nil, err
	}
	var taken []*OutsidePlace
	err := d.Do(ctx, db.For(who), func(tx *db.Tx) error {
		found, err := outsideSessions(ctx, tx, who.Providers, c.SessionIDs)
		if err != nil {
			return err
		}
		taken = nil
		for _, id := range c.SessionIDs {
			o := found[id]
			if o == nil || slices.ContainsFunc(taken, func(t *OutsidePlace) bool { return t.SessionID == id }) || o.ProviderID != found[c.SessionIDs[0]].ProviderID {
				return shortbreaks.ErrNotFound.With("There is no such session within your reach, or it is named twice. No place was taken.")
			}
			o.Reference, o.Places = c.Reference, c.Places
			taken = append(taken, o)
		}
		verdicts, err := Reserve(ctx, tx, []Order{{Who: who, Outside: taken}})
		if err != nil {
			return err
		}
		return verdicts[0].Refusal
	})
	if err != nil {
		return nil, err
	}
	return taken, nil
}

// outsideSessions reads sessions of these providers, as outside places to be.
func outsideSessions(ctx context.Context, tx *db.Tx, providers, ids []uuid.UUID) (map[uuid.UUID]*OutsidePlace, error) {
	rows, err := tx.PGX.Query(ctx, `SELECT s.provider_id, s.id, s.offer_id, o.title, s.starts_at, s.local_start, o.state = 'draft'
		FROM session s JOIN offer o ON o.provider_id = s.provider_id AND o.id = s.offer_id WHERE s.provider_id = ANY ($1) AND s.id = ANY ($2)`, providers, ids)
	if err != nil {
		return nil, fmt.Errorf("read sessions: %w", err)
	}
	found := map[uuid.UUID]*OutsidePlace{}
	_, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (struct{}, error) {
		o := &OutsidePlace{Places: 1}
		err := row.Scan(&o.ProviderID, &o.SessionID, &o.OfferID, &o.OfferTitle, &o.StartsAt, &o.LocalStart, &o.draft)
		found[o.SessionID] = o
		return struct{}{}, err
	})
	if err != nil {
		return nil, fmt.Errorf("read sessions: %w", err)
	}
	return found, nil
}

func (n *needed) addOutside(o Order, first func(uuid.UUID) bool) {
	n.outside = append(n.outside, o.Outside...)
	for _, p := range o.Outside {
		if first(p.SessionID) {
			n.places = append(n.places, p.places())
		}
	}
}

const outsideColumns = `p.provider_id, p.id, p.session_id, p.reference, p.places, p.place_seq, p.state, p.taken_by, p.taken_at, p.ended_by, p.ended_at`

// queueOutside reads what the references of an order stand for already. It comes
// after the lock of the places, under which these rows are made and ended.
func queueOutside(batch *pgx.Batch, wanted []*OutsidePlace) map[outsideKey]*OutsidePlace {
	there := map[outsideKey]*OutsidePlace{}
	if len(wanted) == 0 {
		return there
	}
	n := len(wanted)
	providers, sessions, references := make([]uuid.UUID, n), make([]uuid.UUID, n), make([]string, n)
	for i, o := range wanted {
		providers[i], sessions[i], references[i] = o.ProviderID, o.SessionID, o.Reference
	}
	batch.Queue(`SELECT `+outsideColumns+` FROM outside_place p
		JOIN unnest($1::uuid[], $2::uuid[], $3::text[]) w (provider_id, session_id, reference) USING (provider_id, session_id, reference)`,
		providers, sessions, references).Query(func(rows pgx.Rows) error {
		found, err := pgx.CollectRows(rows, pgx.RowToAddrOfStructByNameLax[OutsidePlace])
		for _, o := range found {
			there[o.key()] = o
		}
		return err
	})
	return there
}

// takeOutside takes an order's outside places from the board.
func (t *taking) takeOutside() error {
	for _, o := range t.order.Outside {
		if there := t.board.outside[o.key()]; there != nil {
			if err := o.be(there); err != nil {
				return err
			}
			continue
		}
		p := t.board.places[o.places()]
		switch {
		case o.draft:
			return marketplace.ErrOfferClosed.With("This offer is a draft. Publish it first; no place was taken.")
		case !t.now.Before(o.StartsAt):
			return marketplace.ErrSessionStarted.With(o.LocalStart + " has begun. No place was taken.")
		case p.Cancelled:
			return marketplace.ErrOfferClosed.With("The session of " + o.LocalStart + " is not running. No place was taken.")
		case p.Minimum != nil && p.Minimum.DecidedAt == nil && !t.now.Before(p.Minimum.DecideAt):
			return marketplace.ErrOfferClosed.With("It is being decided whether " + o.LocalStart + " runs. Look again in a few minutes.")
		case p.LineFirst && p.Left() >= o.Places:
			return ErrSessionFull.With("What has come free of " + o.LocalStart + " is being offered to the families who wait for it. No place was taken. " +
				"Look again in a minute.")
		case p.Free() < o.Places:
			return ErrSessionFull.With(fmt.Sprintf("The session of %s has %s left and %d are asked for. No place was taken.",
				o.LocalStart, shortbreaks.Plural(p.Free(), "place"), o.Places))
		}
		n := int64(o.Places)
		p.Taken, p.Seq = p.Taken+o.Places, p.Seq+n
		o.ID, o.PlaceSeq, o.State, o.TakenBy, o.TakenAt = shortbreaks.NewID(), p.Seq, OutsideLive, t.order.Who.Person, t.now
		t.board.outside[o.key()] = o
		t.fresh = append(t.fresh, o)
		t.did(func() {
			p.Taken, p.Seq = p.Taken-o.Places, p.Seq-n
			delete(t.board.outside, o.key())
		})
	}
	return nil
}

// be makes an outside place the one that its reference stands for already.
func (o *OutsidePlace) be(there *OutsidePlace) error {
	if !o.asIs && (there.State != OutsideLive || there.Places != o.Places) {
		return ErrOutsideReference.With("It stands for " + shortbreaks.Plural(there.Places, "place") + ", " + string(there.State) + ". Use another reference for what is new.")
	}
	title, offer, starts, local := o.OfferTitle, o.OfferID, o.StartsAt, o.LocalStart
	*o = *there
	o.OfferTitle, o.OfferID, o.StartsAt, o.LocalStart, o.before = title, offer, starts, local, true
	return nil
}

// queueOutside writes the outside places of a batch and counts them with what
// else is taken.
func (w *writes) queueOutside(batch *pgx.Batch, taken map[marketplace.PlaceKey]int) {
	n := len(w.outside)
	if n == 0 {
		return
	}
	var ids [4][]uuid.UUID
	references, places, seqs, at := make([]string, n), make([]int32, n), make([]int64, n), make([]time.Time, n)
	for i, o := range w.outside {
		taken[o.places()] += o.Places
		for c, id := range []uuid.UUID{o.ProviderID, o.ID, o.SessionID, o.TakenBy} {
			ids[c] = append(ids[c], id)
		}
		references[i], places[i], seqs[i], at[i] = o.Reference, int32(o.Places), o.PlaceSeq, o.TakenAt //nolint:gosec // 50 at most
	}
	batch.Queue(`INSERT INTO outside_place (provider_id, id, session_id, taken_by, reference, places, place_seq, taken_at, state)
		`+db.ArrayRows("uuid uuid uuid uuid text int bigint timestamptz")+`, 'live' `,
		ids[0], ids[1], ids[2], ids[3], references, places, seqs, at)
}

// outsideOf is how many places of a session are taken outside.
func outsideOf(ctx context.Context, tx *db.Tx, session uuid.UUID) (n int, err error) {
	err = tx.PGX.QueryRow(ctx, `SELECT coalesce(sum(places), 0) FROM outside_place WHERE session_id = $1 AND state = 'live'`, session).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count outside places: %w", err)
	}
	return n, nil
}

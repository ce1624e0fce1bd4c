package marketplace

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// The states of a Round.
const (
	RoundAnnounced = "announced" // until its places are given out
	RoundDone      = "done"
	RoundCalledOff = "called_off"
)

// RoundGroups are the groups of children a round may put before all others,
// each worked out from what the service knows: a family writes none of it.
var RoundGroups = []string{"missed_last_round", "new_here"}

// ErrRoundOpen says that an allocation round gives out the places.
var ErrRoundOpen = shortbreaks.NewError(shortbreaks.Conflict, "round-gives-places", "A round gives out the places of this session")

// Round is an allocation round (R122): free places of some sessions of an offer
// are given out when its window has closed, by a rule everybody can read, so
// that no place goes to the fastest. The seed of the lot is drawn when the
// round is announced, and its SHA-256 (Commitment) is public from then on.
// Nobody can choose another seed once wishes are known; and as nobody is told
// it before, nobody can wish by it.
type Round struct {
	ProviderID       uuid.UUID
	ID               uuid.UUID
	OfferID          uuid.UUID
	OpensAt          time.Time
	ClosesAt         time.Time
	Groups           []string // who comes first, in order; the rest and each group among itself by lot
	SiblingsTogether bool     // brothers and sisters draw one lot and stand behind one another
	Words            string   // the provider's own
	Commitment       []byte
	State            string
	Seed             []byte          // once it is done
	Draw             json.RawMessage // once it is done
	EndedAt          *time.Time
	OpenedBy         uuid.UUID
	CreatedAt        time.Time
	OfferTitle       string
	ProviderName     string
	Places           []RoundPlaces
	ReadAt           time.Time
}

// RoundPlaces are the places a round has in one session.
type RoundPlaces struct {
	SessionID  uuid.UUID
	Places     int
	Kept       bool // still the round's to give out
	StartsAt   time.Time
	LocalStart string
	BundleID   *uuid.UUID // that the session is part of, if of any
}

// OpenRound asks for a round over free places of some sessions of an offer.
type OpenRound struct {
	OfferID          uuid.UUID
	OpensAt          time.Time
	ClosesAt         time.Time
	Groups           []string
	SiblingsTogether bool
	Words            string
	Sessions         []RoundPlaces // SessionID and Places; 0 places: all that are free
}

// AnnounceRound takes the places off sale and fixes the lot, in one
// transaction. Errors: forbidden, not-found, invalid, offer-closed,
// capacity-below-taken.
func AnnounceRound(ctx context.Context, d *db.DB, who shortbreaks.Actor, o OpenRound) (r *Round, err error) {
	if !who.Is(shortbreaks.ProviderOwner, shortbreaks.Coordinator) {
		return nil, shortbreaks.ErrForbidden
	}
	err = d.Do(ctx, db.For(who), func(tx *db.Tx) error {
		provider, keys, err := o.check(ctx, tx, who)
		if err != nil {
			return err
		}
		places, err := LockPlaces(ctx, tx, keys)
		if err != nil {
			return err
		}
		if err := o.possible(keys, places); err != nil {
			return err
		}
		seed := make([]byte, 32)
		_, _ = rand.Read(seed) // crypto/rand.Read never fails
		id := shortbreaks.NewID()
		if err := o.write(ctx, tx, PlaceKey{Provider: provider, Session: id}, who.Person, seed, keys); err != nil {
			return err
		}
		r, err = ReadRound(ctx, tx, id)
		return err
	})
	if err != nil {
		return nil, err
	}
	return r, nil
}

// check holds the wish against its bounds, and the sessions against the offer.
func (o *OpenRound) check(ctx context.Context, tx *db.Tx, who shortbreaks.Actor) (provider uuid.UUID, keys []PlaceKey, err error) {
	var state string
	err = tx.PGX.QueryRow(ctx, `SELECT provider_id, state FROM offer WHERE id = $1 AND provider_id = ANY ($2)`, o.OfferID, who.Providers).Scan(&provider, &state)
	if errors.Is(err, pgx.ErrNoRows) {
		return provider, nil, shortbreaks.ErrNotFound
	}
	if err != nil {
		return provider, nil, fmt.Errorf("reading the offer of a round: %w", err)
	}
	if state != string(Published) {
		return provider, nil, ErrOfferClosed.With("Publish the offer first. No round was opened.")
	}
	var f shortbreaks.Faults
	f.Unless(o.OpensAt.After(tx.Now.Add(-time.Minute)), "/opens_at", "This time has passed.")
	f.Unless(o.ClosesAt.Sub(o.OpensAt) >= time.Hour, "/closes_at", "Leave families an hour at least.")
	f.Unless(o.ClosesAt.Before(tx.Now.AddDate(1, 0, 0)), "/closes_at", "Close it within a year.")
	f.Text("/words", o.Words, 0, 1000)
	for i, g := range o.Groups {
		f.OneOf(fmt.Sprintf("/groups/%d", i), g, RoundGroups)
	}
	starts, err := startsOf(ctx, tx, PlaceKey{Provider: provider, Session: o.OfferID}, o.sessions())
	if err != nil {
		return provider, nil, err
	}
	for i, s := range o.Sessions {
		at := fmt.Sprintf("/sessions/%d", i)
		start, ok := starts[s.SessionID]
		f.Unless(ok, at+"/session_id", "This is no session of the offer that takes place.")
		f.Unless(!ok || start.After(o.ClosesAt), at+"/session_id", "It starts before the round closes.")
		f.Unless(!slices.Contains(o.sessions()[:i], s.SessionID), at+"/session_id", "It is named twice.")
		keys = append(keys, PlaceKey{Provider: provider, Session: s.SessionID})
	}
	f.Unless(len(o.Sessions) >= 1 && len(o.Sessions) <= 60, "/sessions", "Give 1 to 60 sessions.")
	return provider, keys, f.As(shortbreaks.ErrInvalid)
}

func (o *OpenRound) sessions() []uuid.UUID {
	ids := make([]uuid.UUID, len(o.Sessions))
	for i, s := range o.Sessions {
		ids[i] = s.SessionID
	}
	return ids
}

// startsOf is when sessions of an offer start that are to take place; the key's
// second half is the offer.
func startsOf(ctx context.Context, tx *db.Tx, offer PlaceKey, ids []uuid.UUID) (map[uuid.UUID]time.Time, error) {
	rows, err := tx.PGX.Query(ctx, `SELECT id, starts_at FROM session WHERE provider_id = $1 AND offer_id = $2 AND id = ANY ($3) AND state = 'scheduled'`,
		offer.Provider, offer.Session, ids)
	if err != nil {
		return nil, fmt.Errorf("reading the sessions of a round: %w", err)
	}
	starts := map[uuid.UUID]time.Time{}
	var id uuid.UUID
	var at time.Time
	if _, err := pgx.ForEachRow(rows, []any{&id, &at}, func() error { starts[id] = at; return nil }); err != nil {
		return nil, fmt.Errorf("reading the sessions of a round: %w", err)
	}
	return starts, nil
}

// possible holds the wish against the places as they are under their locks, and
// fills in how many there are where none were named.
func (o *OpenRound) possible(keys []PlaceKey, places map[PlaceKey]*Places) error {
	var f shortbreaks.Faults
	for i, k := range keys {
		p, s := places[k], &o.Sessions[i]
		free := p.Free()
		if s.Places == 0 {
			s.Places = free
		}
		at := fmt.Sprintf("/sessions/%d", i)
		f.Unless(!p.Cancelled, at+"/session_id", "It was called off.")
		f.Unless(p.Minimum == nil || p.Minimum.DecidedAt != nil, at+"/session_id", "It is not decided yet whether it runs.")
		f.Unless(s.Places >= 1 && s.Places <= free, at+"/places", "It has %s free.", shortbreaks.Plural(free, "place"))
	}
	return f.As(ErrBelowTaken)
}

// write keeps the round, its seed and its places; the key's second half is the
// round.
func (o *OpenRound) write(ctx context.Context, tx *db.Tx, round PlaceKey, by uuid.UUID, seed []byte, keys []PlaceKey) error {
	sum := sha256.Sum256(seed)
	_, err := tx.PGX.Exec(ctx, `INSERT INTO allocation_round (provider_id, id, offer_id, opens_at, closes_at, groups, siblings_together, words, commitment, state, opened_by, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'announced', $10, $11)`,
		round.Provider, round.Session, o.OfferID, o.OpensAt, o.ClosesAt, append([]string{}, o.Groups...), o.SiblingsTogether, o.Words, sum[:], by, tx.Now)
	if err != nil {
		return fmt.Errorf("writing a round: %w", err)
	}
	if _, err := tx.PGX.Exec(ctx, `INSERT INTO allocation_seed (provider_id, round_id, seed) VALUES ($1, $2, $3)`, round.Provider, round.Session, seed); err != nil {
		return fmt.Errorf("keeping the seed of a round: %w", err)
	}
	counts := make([]int32, len(keys))
	for i, s := range o.Sessions {
		counts[i] = int32(s.Places) //nolint:gosec // at most a session's capacity
	}
	tag, err := tx.PGX.Exec(ctx, `WITH kept AS (
			INSERT INTO allocation_place (provider_id, round_id, session_id, places, kept)
			SELECT $1, $2, s.id, s.n, true FROM unnest($3::uuid[], $4::int[]) s (id, n) RETURNING session_id, places)
		UPDATE session_places p SET capacity = p.capacity - k.places FROM kept k WHERE p.provider_id = $1 AND p.session_id = k.session_id`,
		round.Provider, round.Session, o.sessions(), counts)
	switch {
	case db.ConstraintName(err) == "allocation_place_once":
		return ErrRoundOpen.With("Another round has one of these sessions. No round was opened.")
	case err != nil:
		return fmt.Errorf("keeping the places of a round: %w", err)
	case tag.RowsAffected() != int64(len(keys)):
		return fmt.Errorf("keeping the places of a round: %d of %d sessions", tag.RowsAffected(), len(keys))
	}
	return nil
}

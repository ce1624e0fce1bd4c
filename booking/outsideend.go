package booking

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/marketplace"
)

// EndOutside gives the places of one outside place back before the start; a
// family may take them at once. Ended twice, it stays ended. Errors: forbidden,
// not-found, session-started.
func EndOutside(ctx context.Context, d *db.DB, who shortbreaks.Actor, id uuid.UUID) (o *OutsidePlace, err error) {
	if !who.Is(shortbreaks.ProviderOwner, shortbreaks.Coordinator) {
		return nil, shortbreaks.ErrForbidden
	}
	err = d.Do(ctx, db.For(who), func(tx *db.Tx) error {
		if o, err = outsideByID(ctx, tx, who, id); err != nil {
			return err
		}
		if _, err := marketplace.LockPlaces(ctx, tx, []marketplace.PlaceKey{o.places()}); err != nil {
			return err
		}
		if o.State == OutsideLive && !tx.Now.Before(o.StartsAt) {
			return marketplace.ErrSessionStarted.With("The place stays as it is.")
		}
		if _, err := endRows(ctx, tx, who.Person, `p.provider_id = $1 AND p.id = $2`, o.ProviderID, id); err != nil {
			return err
		}
		o, err = outsideByID(ctx, tx, who, id)
		return err
	})
	return o, err
}

func outsideByID(ctx context.Context, tx *db.Tx, who shortbreaks.Actor, id uuid.UUID) (*OutsidePlace, error) {
	found, err := selectOutside(ctx, tx, `p.provider_id = ANY ($1) AND p.id = $2`, who.Providers, id)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, shortbreaks.ErrNotFound
	}
	return found[0], nil
}

func selectOutside(ctx context.Context, tx *db.Tx, where string, args ...any) ([]*OutsidePlace, error) {
	rows, err := tx.PGX.Query(ctx, `SELECT `+outsideColumns+`, s.offer_id, o.title AS offer_title, s.starts_at, s.local_start FROM outside_place p
		JOIN session s ON s.provider_id = p.provider_id AND s.id = p.session_id
		JOIN offer o ON o.provider_id = s.provider_id AND o.id = s.offer_id WHERE `+where, args...)
	if err != nil {
		return nil, fmt.Errorf("read outside places: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToAddrOfStructByName[OutsidePlace])
	if err != nil {
		return nil, fmt.Errorf("read outside places: %w", err)
	}
	return found, nil
}

// endRows ends the live ones of some outside places, whose sessions' places the
// caller has locked, and gives back what they took.
func endRows(ctx context.Context, tx *db.Tx, by uuid.UUID, where string, args ...any) (int, error) {
	var person *uuid.UUID
	if by != uuid.Nil {
		person = &by
	}
	n := len(args)
	rows, err := tx.PGX.Query(ctx, fmt.Sprintf(`UPDATE outside_place p SET state = 'ended', ended_by = $%d, ended_at = $%d
		WHERE p.state = 'live' AND %s RETURNING p.provider_id, p.session_id, p.places`, n+1, n+2, where), append(slices.Clip(args), person, tx.Now)...)
	if err != nil {
		return 0, fmt.Errorf("end outside places: %w", err)
	}
	back := map[marketplace.PlaceKey]int{}
	var key marketplace.PlaceKey
	var places, ended int
	_, err = pgx.ForEachRow(rows, []any{&key.Provider, &key.Session, &places}, func() error {
		back[key] += places
		ended++
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("end outside places: %w", err)
	}
	return ended, marketplace.GiveBackPlaces(ctx, tx, back)
}

// endOutside ends what is taken outside of sessions that were called off. It is
// a transaction of its own: cancelling the bookings locks money after places.
func endOutside(ctx context.Context, d *db.DB, scope db.Scope, by, provider uuid.UUID, sessions []uuid.UUID) (ended int, err error) {
	if len(sessions) == 0 {
		return 0, nil
	}
	keys := make([]marketplace.PlaceKey, len(sessions))
	for i, id := range sessions {
		keys[i] = marketplace.PlaceKey{Provider: provider, Session: id}
	}
	err = d.Do(ctx, scope, func(tx *db.Tx) error {
		if _, err := marketplace.LockPlaces(ctx, tx, keys); err != nil {
			return err
		}
		ended, err = endRows(ctx, tx, by, `p.provider_id = $1 AND p.session_id = ANY ($2)`, provider, sessions)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("end outside places of what was called off: %w", err)
	}
	return ended, nil
}

// endOutsideLeftOver ends what is still taken outside of sessions that do not
// run: groups that were too small, and what a crash left over.
func endOutsideLeftOver(ctx context.Context, d *db.DB, system db.Scope) (n int, err error) {
	left := map[uuid.UUID][]uuid.UUID{}
	err = d.Read(ctx, system, func(tx *db.Tx) error {
		rows, err := tx.PGX.Query(ctx, `SELECT DISTINCT p.provider_id, p.session_id FROM outside_place p
			JOIN session s ON s.provider_id = p.provider_id AND s.id = p.session_id WHERE p.state = 'live' AND s.state = 'cancelled' LIMIT 500`)
		if err != nil {
			return err
		}
		var provider, session uuid.UUID
		_, err = pgx.ForEachRow(rows, []any{&provider, &session}, func() error {
			left[provider] = append(left[provider], session)
			return nil
		})
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("look for outside places of what was called off: %w", err)
	}
	for provider, sessions := range left {
		ended, err := endOutside(ctx, d, db.Scope{Providers: []uuid.UUID{provider}}, uuid.Nil, provider, sessions)
		if n += ended; err != nil {
			return n, err
		}
	}
	return n, nil
}

// ListOutside lists a provider's outside places, the newest first, and whether
// more follow; ended ones only if they are asked for. Errors: forbidden.
func ListOutside(ctx context.Context, d *db.DB, who shortbreaks.Actor, session *uuid.UUID, ended bool, after uuid.UUID, limit int) (page []*OutsidePlace, more bool, err error) {
	if !who.Is(shortbreaks.ProviderOwner, shortbreaks.Coordinator) {
		return nil, false, shortbreaks.ErrForbidden
	}
	err = d.Read(ctx, db.For(who), func(tx *db.Tx) error {
		page, err = selectOutside(ctx, tx, `p.provider_id = ANY ($1) AND ($2::uuid IS NULL OR p.session_id = $2) AND ($3 OR p.state = 'live')
			AND ($4 OR p.id < $5) ORDER BY p.id DESC LIMIT $6`, who.Providers, session, ended, after == uuid.Nil, after, limit+1)
		return err
	})
	if more = len(page) > limit; more {
		page = page[:limit]
	}
	return page, more, err
}

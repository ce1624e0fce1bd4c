package booking

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks/internal/db"
)

const sqlToTell = `
SELECT e.authority_id, e.round_id, e.child_id, e.provider_id, e.offer_id, CASE WHEN r.state = 'called_off' THEN 'called_off' ELSE e.state END,
    (SELECT min(s.starts_at) FROM session s WHERE s.provider_id = e.provider_id
        AND s.id IN (SELECT (jsonb_array_elements_text(e.wishes -> (coalesce(e.wish, 1) - 1) -> 'ask' -> 'SessionIDs'))::uuid))
FROM allocation_entry e JOIN allocation_round r ON r.provider_id = e.provider_id AND r.id = e.round_id
WHERE NOT e.told AND r.state <> 'announced' AND e.state IN ('entered', 'placed', 'waiting', 'without') AND e.authority_id = ANY ($1)
ORDER BY e.round_id, e.child_id LIMIT $2 FOR UPDATE OF e SKIP LOCKED`

// TellRounds tells every family what became of its child's wishes, once each:
// the mark is set by the transaction that writes the news, so two at once tell
// nothing twice, and after a crash it is told the next time. It returns how
// many entries it told of.
func (t Teller) TellRounds(ctx context.Context) (told int, err error) {
	scope, err := t.DB.System(ctx)
	if err != nil {
		return 0, err
	}
	for {
		n := 0
		err := t.DB.Do(ctx, scope, func(tx *db.Tx) (err error) {
			n, err = t.tellSomeRounds(ctx, tx, scope)
			return err
		})
		told += n
		if err != nil {
			return told, fmt.Errorf("tell people of rounds: %w", err)
		}
		if n < tellAtOnce {
			return told, nil
		}
	}
}

func (t Teller) tellSomeRounds(ctx context.Context, tx *db.Tx, scope db.Scope) (int, error) {
	rows, err := tx.PGX.Query(ctx, sqlToTell, scope.Authorities, tellAtOnce)
	if err != nil {
		return 0, fmt.Errorf("read entries to tell of: %w", err)
	}
	var rounds, children []uuid.UUID
	facts, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (f fact, err error) {
		var round, offer uuid.UUID
		var state EntryState
		err = row.Scan(&f.Authority, &round, &f.Child, &f.Provider, &offer, &state, &f.Starts)
		f.Source, f.Offer, f.Dates = ticketOf(round, f.Child), &offer, 1
		f.Family = map[EntryState]NewsKind{EntryPlaced: NewsRoundPlaced, RoundsCalledOff: NewsRoundCalledOff}[state]
		if f.Family == "" {
			f.Family = NewsRoundNotPlaced
		}
		rounds, children = append(rounds, round), append(children, f.Child)
		return f, err
	})
	if err != nil || len(facts) == 0 {
		return 0, err
	}
	if _, err := t.tell(ctx, tx, facts); err != nil {
		return 0, err
	}
	_, err = tx.PGX.Exec(ctx, `UPDATE allocation_entry e SET told = true, state = CASE e.state WHEN 'entered' THEN 'called_off' ELSE e.state END
		FROM unnest($1::uuid[], $2::uuid[]) k (round_id, child_id) WHERE e.round_id = k.round_id AND e.child_id = k.child_id`, rounds, children)
	if err != nil {
		return 0, fmt.Errorf("mark entries as told: %w", err)
	}
	return len(facts), nil
}

package booking

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks/internal/db"
	"shortbreaks/marketplace"
)

// minimumNotMet is the cause of a session the system called off because too
// few booked; that is nobody's fault and not counted. A provider who writes
// the same words as its reason has called it off all the same.
const minimumNotMet = "minimum_not_met"

// sqlReliability counts sessions and visits, not items: one with twenty
// children is one. A session ran as booked if every item in it was delivered,
// or missed for a cause that was not the provider's; it did not if the
// provider cancelled one or could not admit a child. What a family or an
// authority cancelled says nothing about the provider.
const sqlReliability = `
WITH item AS (
    SELECT i.provider_id, coalesce(i.session_id, i.id) AS occasion,
        CASE WHEN i.state = 'cancelled_by_provider' THEN NOT EXISTS (SELECT FROM item_event e
                WHERE e.authority_id = i.authority_id AND e.item_id = i.id AND e.to_state = 'cancelled_by_provider'
                    AND e.cause = @not_met AND e.actor_id IS NULL)
            ELSE coalesce(d.cause, '') = @not_admitted END AS failed,
        i.state <> 'cancelled_by_provider' AS ran
    FROM booking_item i
    LEFT JOIN delivery d ON d.authority_id = i.authority_id AND d.item_id = i.id
    WHERE i.provider_id = ANY (@providers) AND i.ends_at <= @now
        AND i.state IN ('delivered', 'partly_delivered', 'no_show', 'disputed', 'settled', 'cancelled_by_provider')
), occasion AS (
    SELECT provider_id, occasion, bool_or(failed) AS failed FROM item GROUP BY provider_id, occasion HAVING bool_or(failed) OR bool_or(ran)
)
SELECT provider_id, count(*)::int, (count(*) FILTER (WHERE NOT failed))::int FROM occasion GROUP BY provider_id ORDER BY provider_id`

// providersAtOnce is how many providers are counted in one transaction.
const providersAtOnce = 200

// CountReliability works out anew how often each provider's sessions ran as
// booked (R037) and hands the two counts of each to marketplace; nothing about
// who was booked leaves this function. It returns how many providers have any.
func CountReliability(ctx context.Context, d *db.DB) (counted int, err error) {
	scope, err := d.System(ctx)
	if err != nil {
		return 0, err
	}
	for after := uuid.Nil; ; {
		providers, err := marketplace.ProvidersAfter(ctx, d, after, providersAtOnce)
		if err != nil || len(providers) == 0 {
			return counted, err
		}
		scope.Providers = providers
		fresh := 0
		err = d.Do(ctx, scope, func(tx *db.Tx) error {
			rows, err := tx.PGX.Query(ctx, sqlReliability, pgx.NamedArgs{
				"providers": providers, "now": tx.Now, "not_met": minimumNotMet, "not_admitted": CouldNotAdmit,
			})
			if err != nil {
				return err
			}
			counts, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (r marketplace.Reliability, err error) {
				err = row.Scan(&r.ProviderID, &r.Sessions, &r.AsBooked)
				return r, err
			})
			if err != nil {
				return err
			}
			fresh = len(counts)
			return marketplace.SetReliability(ctx, tx, counts)
		})
		if err != nil {
			return counted, fmt.Errorf("count reliability: %w", err)
		}
		counted += fresh
		after = providers[len(providers)-1]
	}
}

package payments

import (
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// QueueLookAtAccounts reads accounts without a lock, to say what a booking
// would come to and not to make one: they are there once the batch has been
// sent.
func QueueLookAtAccounts(batch *pgx.Batch, refs []AccountRef) map[uuid.UUID]*Account {
	authorities, ids := uniqueRefs(refs)
	seen := make(map[uuid.UUID]*Account, len(ids))
	if len(ids) == 0 {
		return seen
	}
	batch.Queue(`SELECT `+accountColumns+` FROM account a
		JOIN unnest($1::uuid[], $2::uuid[]) k (authority_id, id) ON a.authority_id = k.authority_id AND a.id = k.id`, authorities, ids).Query(func(rows pgx.Rows) error {
		list, err := pgx.CollectRows(rows, scanAccount)
		for _, a := range list {
			seen[a.ID] = a
		}
		return err
	})
	return seen
}

package budgets

import (
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

const lookLinesSQL = `SELECT ` + lineColumns + linesFrom + `
	JOIN unnest($1::uuid[], $2::uuid[]) r (authority_id, id) ON r.authority_id = l.authority_id AND r.id = l.id`

// QueueLookAtLines reads lines without a lock, to say what a booking would come
// to and not to make one: they are there once the batch has been sent.
func QueueLookAtLines(batch *pgx.Batch, refs []LineRef) map[uuid.UUID]*PlanLine {
	lines := make(map[uuid.UUID]*PlanLine, len(refs))
	if len(refs) == 0 {
		return lines
	}
	authorities, ids := make([]uuid.UUID, len(refs)), make([]uuid.UUID, len(refs))
	for i, r := range refs {
		authorities[i], ids[i] = r.Authority, r.ID
	}
	batch.Queue(lookLinesSQL, authorities, ids).Query(func(rows pgx.Rows) error {
		list, err := pgx.CollectRows(rows, pgx.RowToAddrOfStructByName[PlanLine])
		for _, l := range list {
			lines[l.ID] = l
		}
		return err
	})
	return lines
}

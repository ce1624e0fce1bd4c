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
	return queueLines(batch, lookLinesSQL, refs)
}

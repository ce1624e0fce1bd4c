package budgets

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks/internal/db"
	"shortbreaks/payments"
)

// ErrLineTooLow is given when a plan line would be held or spent above its
// limit.
var ErrLineTooLow = payments.ErrBudgetTooLow.With("The plan line has too little left.")

// LineRef names a plan line.
type LineRef struct{ Authority, ID uuid.UUID }

// lockLinesSQL locks plan_line rows by (authority, id), as all who lock lines
// do. The lock is the one an update takes: a stronger one would also stop
// holds that only refer to the line.
const lockLinesSQL = `SELECT ` + lineColumns + linesFrom + `
	JOIN unnest($1::uuid[], $2::uuid[]) r (authority_id, id) ON r.authority_id = l.authority_id AND r.id = l.id
	ORDER BY l.authority_id, l.id FOR NO KEY UPDATE OF l`

// movingLines locks the lines in the same order before it moves them, for a
// caller that has not. A line out of scope is not moved, and the count tells.
var movingLines = db.NewExact("moving plan lines", `WITH moves AS (
		SELECT authority_id, id, sum(held)::bigint AS held, sum(spent)::bigint AS spent
		FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[]) m (authority_id, id, held, spent) GROUP BY 1, 2),
	locked AS MATERIALIZED (
		SELECT l.authority_id, l.id FROM plan_line l JOIN moves m ON m.authority_id = l.authority_id AND m.id = l.id
		ORDER BY l.authority_id, l.id FOR NO KEY UPDATE OF l)
	UPDATE plan_line l SET held = l.held + m.held, spent = l.spent + m.spent
	FROM moves m JOIN locked k ON k.authority_id = m.authority_id AND k.id = m.id
	WHERE l.authority_id = m.authority_id AND l.id = m.id`, 4)

// LockLines reads lines and locks their rows until the transaction ends, in
// one order for everyone: after session places and lanes, before accounts. A
// line that is not in the scope is not in the answer.
func LockLines(ctx context.Context, tx *db.Tx, refs []LineRef) (map[uuid.UUID]*PlanLine, error) {
	var batch pgx.Batch
	lines := QueueLockLines(&batch, refs)
	if batch.Len() == 0 {
		return lines, nil
	}
	if err := tx.PGX.SendBatch(ctx, &batch).Close(); err != nil {
		return nil, fmt.Errorf("lock plan lines: %w", err)
	}
	return lines, nil
}

// QueueLockLines is LockLines as part of a batch: the lines are there once the
// batch has been sent.
func QueueLockLines(batch *pgx.Batch, refs []LineRef) map[uuid.UUID]*PlanLine {
	return queueLines(batch, lockLinesSQL, refs)
}

// queueLines reads lines by key, each once, into the map it gives.
func queueLines(batch *pgx.Batch, sql string, refs []LineRef) map[uuid.UUID]*PlanLine {
	lines := make(map[uuid.UUID]*PlanLine, len(refs))
	if len(refs) == 0 {
		return lines
	}
	seen := make(map[LineRef]bool, len(refs))
	var authorities, ids []uuid.UUID
	for _, r := range refs {
		if !seen[r] {
			seen[r] = true
			authorities, ids = append(authorities, r.Authority), append(ids, r.ID)
		}
	}
	batch.Queue(sql, authorities, ids).Query(func(rows pgx.Rows) error {
		list, err := pgx.CollectRows(rows, pgx.RowToAddrOfStructByName[PlanLine])
		for _, l := range list {
			lines[l.ID] = l
		}
		return err
	})
	return lines
}

// MoveLines changes what is held and spent of lines, in one statement. A line
// that would pass its limit fails the whole with ErrLineTooLow, and the
// caller's transaction with it.
func MoveLines(ctx context.Context, tx *db.Tx, moves []payments.LineMove) error {
	var batch pgx.Batch
	queueMoves(&batch, movingLines, moves)
	if batch.Len() == 0 {
		return nil
	}
	err := tx.PGX.SendBatch(ctx, &batch).Close()
	if AboveLimit(err) {
		return fmt.Errorf("%w (%w)", ErrLineTooLow, err)
	}
	if err != nil {
		return fmt.Errorf("move plan lines: %w", err)
	}
	return nil
}

// AboveLimit reports whether err is the schema refusing to pass a line's limit.
func AboveLimit(err error) bool { return db.ConstraintName(err) == "line_never_above_limit" }

// moveLocked is for lines that are locked already: each is found by its key,
// whatever their number.
var moveLocked = db.NewExact("moving plan lines", `UPDATE plan_line l SET held = l.held + m.held, spent = l.spent + m.spent
	FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[]) m (authority_id, id, held, spent)
	WHERE l.authority_id = m.authority_id AND l.id = m.id`, 4)

// QueueMoveLocked moves lines that were locked by QueueLockLines, one move a
// line, as part of a batch; AboveLimit knows its refusal.
func QueueMoveLocked(batch *pgx.Batch, moves []payments.LineMove) {
	queueMoves(batch, moveLocked, moves)
}

func queueMoves(batch *pgx.Batch, move db.Exact, moves []payments.LineMove) {
	if len(moves) == 0 {
		return
	}
	var authorities, ids []uuid.UUID
	var held, spent []int64
	lines := make(map[LineRef]bool, len(moves))
	for _, m := range moves {
		lines[LineRef{m.Authority, m.Line}] = true
		authorities, ids = append(authorities, m.Authority), append(ids, m.Line)
		held, spent = append(held, m.Held), append(spent, m.Spent)
	}
	move.Queue(batch, len(lines), authorities, ids, held, spent)
}

package db

import (
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Exact is a statement that must change a known number of rows, or nothing of
// its transaction is to last. PostgreSQL counts them itself, so the statement
// may be sent together with the commit (Tx.Last). A row out of scope is
// silently not changed: that is what the count is for.
type Exact struct{ sql string }

// NewExact makes an Exact of an INSERT, UPDATE or DELETE with so many
// parameters and no RETURNING. Doing names it in the error.
func NewExact(doing, sql string, parameters int) Exact {
	return Exact{"WITH changed AS (" + sql + "\nRETURNING 1)\nSELECT changed_exactly((SELECT count(*) FROM changed), $" + strconv.Itoa(parameters+1) +
		", '" + strings.ReplaceAll(doing, "'", "''") + "')"}
}

// Queue puts the statement into a batch; it fails unless it changes rows rows.
func (e Exact) Queue(batch *pgx.Batch, rows int, args ...any) {
	batch.Queue(e.sql, append(args, int64(rows))...)
}

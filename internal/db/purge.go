package db

import (
	"context"
	"fmt"
)

// PurgeReplies forgets stored answers after the time they may be asked for
// again (72 h).
func (d *DB) PurgeReplies(ctx context.Context) error {
	scope, err := d.System(ctx)
	if err != nil {
		return err
	}
	return d.Do(ctx, scope, func(tx *Tx) error {
		_, err := tx.PGX.Exec(ctx, `DELETE FROM idempotency WHERE created_at < $1`, tx.Now.Add(-keepReplies))
		if err != nil {
			return fmt.Errorf("purge stored answers: %w", err)
		}
		return nil
	})
}

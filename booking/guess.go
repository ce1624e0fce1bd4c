package booking

import (
	"bytes"
	"context"
	"fmt"

	"github.com/google/uuid"

	"shortbreaks/internal/db"
)

// guess is a collection password said at the door, held against what was kept
// when the list was looked at.
type guess struct {
	authority, child uuid.UUID
	hash, salt       []byte
}

// judge says whether a password is right, and how many were wrong before it in
// the time that counts. Hashing takes long, so it is done before the list is
// locked, and not at all once there were too many: the lock makes tries take
// turns, and those counted under it decide. A password changed meanwhile is
// hashed once more. The order of all this keeps five guesses at once five.
func (g guess) judge(ctx context.Context, tx *db.Tx, password string) (right bool, tries int, err error) {
	if tries, err = g.tries(ctx, tx); err != nil || tries >= mostTries {
		return false, tries, err
	}
	right = sameSecret(password, g.hash, g.salt)
	var hash, salt []byte
	err = tx.PGX.QueryRow(ctx, `SELECT password_hash, password_salt FROM collection_list WHERE authority_id = $1 AND child_id = $2 FOR UPDATE`,
		g.authority, g.child).Scan(&hash, &salt)
	if err != nil {
		return false, 0, fmt.Errorf("lock collection list: %w", err)
	}
	if !bytes.Equal(hash, g.hash) || !bytes.Equal(salt, g.salt) {
		right = sameSecret(password, hash, salt)
	}
	tries, err = g.tries(ctx, tx)
	return right, tries, err
}

func (g guess) tries(ctx context.Context, tx *db.Tx) (n int, err error) {
	err = tx.PGX.QueryRow(ctx, `SELECT count(*) FROM collection_try WHERE authority_id = $1 AND child_id = $2 AND at > $3`,
		g.authority, g.child, tx.Now.Add(-triesLast)).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count tries: %w", err)
	}
	return n, nil
}

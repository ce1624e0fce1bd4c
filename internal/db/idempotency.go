package db

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"shortbreaks"
)

// keepReplies is how long a repeated key is given the first answer (T03).
const keepReplies = 72 * time.Hour

const (
	tryKeySQL  = `SELECT pg_try_advisory_xact_lock($1)`
	waitKeySQL = `SELECT pg_advisory_xact_lock($1)`
	replySQL   = `SELECT operation, hash, status, body, created_at FROM idempotency
		WHERE authority_id = $1 AND caller_id = $2 AND key = $3`
	forgetSQL = `DELETE FROM idempotency WHERE authority_id = $1 AND caller_id = $2 AND key = $3`
	keepSQL   = `INSERT INTO idempotency (authority_id, caller_id, key, operation, hash, status, body, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`
)

// stored is a row of idempotency.
type stored struct {
	operation string
	hash      []byte
	reply     shortbreaks.Reply
	created   time.Time
}

// Replay is the first statement of a use case that must take effect once. It
// gives the answer an earlier request with this key got, byte for byte, or
// nil if there was none: then the use case does its work and calls Keep. It
// locks the key until the transaction ends, waiting at most 2 s for another
// holder (ErrStillRunning). The same key for another operation or body is
// ErrKeyReused (T04). A nil idem is a caller that repeats nothing.
func (tx *Tx) Replay(ctx context.Context, authority uuid.UUID, idem *shortbreaks.Idem) (*shortbreaks.Reply, error) {
	if idem == nil {
		return nil, nil
	}
	row, err := tx.lockKey(ctx, authority, idem)
	if err != nil || row == nil {
		return nil, err
	}
	if row.old(tx.Now) {
		if _, err := tx.PGX.Exec(ctx, forgetSQL, authority, idem.Caller, idem.Key); err != nil {
			return nil, fmt.Errorf("forget an old idempotency key: %w", err)
		}
		return nil, nil
	}
	return row.replay(idem)
}

// old reports whether it is kept no longer.
func (s *stored) old(now time.Time) bool { return now.Sub(s.created) > keepReplies }

func (s *stored) replay(idem *shortbreaks.Idem) (*shortbreaks.Reply, error) {
	if s.operation != idem.Operation || !bytes.Equal(s.hash, idem.Hash) {
		return nil, shortbreaks.ErrKeyReused
	}
	s.reply.Replayed = true
	return &s.reply, nil
}

// Keep renders the answer of the work just done and stores it in the same
// transaction, so that both are there or neither. Only answers of success are
// stored. A nil idem keeps nothing and gives nil.
func (tx *Tx) Keep(ctx context.Context, authority uuid.UUID, idem *shortbreaks.Idem, result any) (*shortbreaks.Reply, error) {
	if idem == nil {
		return nil, nil
	}
	status, body, err := idem.Render(result)
	if err != nil {
		return nil, fmt.Errorf("render the answer of %s: %w", idem.Operation, err)
	}
	reply := &shortbreaks.Reply{Status: status, Body: body}
	if status < 200 || status > 299 {
		return reply, nil
	}
	_, err = tx.PGX.Exec(ctx, keepSQL, authority, idem.Caller, idem.Key, idem.Operation, idem.Hash, status, body, tx.Now)
	if err != nil {
		return nil, fmt.Errorf("keep the answer of %s: %w", idem.Operation, err)
	}
	return reply, nil
}

// KeyAsked is a caller's key in an authority.
type KeyAsked struct {
	Authority uuid.UUID
	Idem      *shortbreaks.Idem
}

// Keys are the keys of a batch of requests that each must take effect once:
// Replay and Keep for many.
type Keys struct {
	asked []KeyAsked
	free  map[int64]bool
	rows  map[keyName]*stored
}

type keyName struct {
	authority, caller uuid.UUID
	key               string
}

// ErrKeyElsewhere is for a request of a batch whose key cannot be looked after
// there: another process is at work on it, or its first answer is so old that
// it is to be forgotten. Such a request is to be made again alone.
var ErrKeyElsewhere = errors.New("db: this key is not for a batch")

const (
	tryKeysSQL = `SELECT k, pg_try_advisory_xact_lock(k) FROM unnest($1::bigint[]) k`
	repliesSQL = `SELECT authority_id, caller_id, key, operation, hash, status, body, created_at
		FROM idempotency JOIN unnest($1::uuid[], $2::uuid[], $3::text[]) w (authority_id, caller_id, key) USING (authority_id, caller_id, key)`
)

var keepAllSQL = `INSERT INTO idempotency (authority_id, caller_id, key, operation, hash, status, body, created_at)
		` + ArrayRows("uuid uuid text text bytea int bytea timestamptz")

// QueueKeys takes the keys' locks, waiting for none, and then reads what they
// were answered. It goes before everything else of its transaction.
func QueueKeys(batch *pgx.Batch, asked []KeyAsked) *Keys {
	k := &Keys{asked: asked, free: make(map[int64]bool, len(asked))}
	locks := make([]int64, len(asked))
	for i, a := range asked {
		locks[i] = keyLock(a.Idem)
	}
	batch.Queue(tryKeysSQL, locks).Query(func(rows pgx.Rows) error {
		var lock int64
		var free bool
		_, err := pgx.ForEachRow(rows, []any{&lock, &free}, func() error {
			k.free[lock] = free
			return nil
		})
		return err
	})
	k.queueReplies(batch)
	return k
}

// QueueReplies is QueueKeys for requests that will change nothing: it takes no
// lock. What it reads is as new as its place in the batch.
func QueueReplies(batch *pgx.Batch, asked []KeyAsked) *Keys {
	k := &Keys{asked: asked, free: make(map[int64]bool, len(asked))}
	for _, a := range asked {
		k.free[keyLock(a.Idem)] = true
	}
	k.queueReplies(batch)
	return k
}

func (k *Keys) queueReplies(batch *pgx.Batch) {
	n := len(k.asked)
	k.rows = make(map[keyName]*stored)
	authorities, callers, keys := make([]uuid.UUID, n), make([]uuid.UUID, n), make([]string, n)
	for i, a := range k.asked {
		authorities[i], callers[i], keys[i] = a.Authority, a.Idem.Caller, a.Idem.Key
	}
	batch.Queue(repliesSQL, authorities, callers, keys).Query(func(rows pgx.Rows) error {
		for rows.Next() {
			var name keyName
			var s stored
			if err := rows.Scan(&name.authority, &name.caller, &name.key, &s.operation, &s.hash, &s.reply.Status, &s.reply.Body, &s.created); err != nil {
				return err
			}
			k.rows[name] = &s
		}
		return rows.Err()
	})
}

// Replay is Tx.Replay for the n-th key; also ErrKeyElsewhere.
func (k *Keys) Replay(n int, now time.Time) (*shortbreaks.Reply, error) {
	a := k.asked[n]
	row := k.rows[keyName{a.Authority, a.Idem.Caller, a.Idem.Key}]
	if !k.free[keyLock(a.Idem)] || (row != nil && row.old(now)) {
		return nil, ErrKeyElsewhere
	}
	if row == nil {
		return nil, nil
	}
	return row.replay(a.Idem)
}

// Kept is an answer to be kept for a key.
type Kept struct {
	KeyAsked
	Reply *shortbreaks.Reply
}

// QueueKeep stores answers of success with the work that made them.
func QueueKeep(batch *pgx.Batch, now time.Time, kept []Kept) {
	n := len(kept)
	if n == 0 {
		return
	}
	authorities, callers, keys, operations := make([]uuid.UUID, n), make([]uuid.UUID, n), make([]string, n), make([]string, n)
	hashes, statuses, bodies, at := make([][]byte, n), make([]int32, n), make([][]byte, n), make([]time.Time, n)
	for i, k := range kept {
		authorities[i], callers[i], keys[i], operations[i] = k.Authority, k.Idem.Caller, k.Idem.Key, k.Idem.Operation
		hashes[i], statuses[i], bodies[i], at[i] = k.Idem.Hash, int32(k.Reply.Status), k.Reply.Body, now //nolint:gosec // a status
	}
	batch.Queue(keepAllSQL, authorities, callers, keys, operations, hashes, statuses, bodies, at)
}

// lockKey takes the key's lock and reads its row. Lock and row go in one
// round trip: each statement has its own snapshot, so a row read after the
// lock was granted is the newest.
func (tx *Tx) lockKey(ctx context.Context, authority uuid.UUID, idem *shortbreaks.Idem) (*stored, error) {
	lock := keyLock(idem)
	batch := &pgx.Batch{}
	batch.Queue(tryKeySQL, lock)
	batch.Queue(replySQL, authority, idem.Caller, idem.Key)
	results := tx.PGX.SendBatch(ctx, batch)
	var free bool
	err := results.QueryRow().Scan(&free)
	var row *stored
	if err == nil {
		row, err = scanReply(results.QueryRow())
	}
	if err := errors.Join(err, results.Close()); err != nil {
		return nil, fmt.Errorf("look up idempotency key: %w", err)
	}
	if free {
		return row, nil
	}
	if err := tx.awaitKey(ctx, lock); err != nil {
		return nil, err
	}
	row, err = scanReply(tx.PGX.QueryRow(ctx, replySQL, authority, idem.Caller, idem.Key))
	if err != nil {
		return nil, fmt.Errorf("look up idempotency key: %w", err)
	}
	return row, nil
}

// awaitKey waits for the lock inside a savepoint, because running into
// lock_timeout would otherwise end the whole transaction.
func (tx *Tx) awaitKey(ctx context.Context, lock int64) error {
	savepoint, err := tx.PGX.Begin(ctx)
	if err != nil {
		return fmt.Errorf("wait for idempotency key: %w", err)
	}
	_, err = savepoint.Exec(ctx, waitKeySQL, lock)
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == lockNotAvailable {
		if err := savepoint.Rollback(ctx); err != nil {
			return fmt.Errorf("wait for idempotency key: %w", err)
		}
		return shortbreaks.ErrStillRunning
	}
	if err == nil {
		err = savepoint.Commit(ctx)
	}
	if err != nil {
		return fmt.Errorf("wait for idempotency key: %w", err)
	}
	return nil
}

// scanReply reads a row of replySQL; none is nil.
func scanReply(row pgx.Row) (*stored, error) {
	var s stored
	err := row.Scan(&s.operation, &s.hash, &s.reply.Status, &s.reply.Body, &s.created)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	return &s, err
}

// keyLock is the advisory lock of a caller's key. Two keys that share 64 bits
// would only wait for each other.
func keyLock(idem *shortbreaks.Idem) int64 {
	h := sha256.New()
	h.Write(idem.Caller[:])
	h.Write([]byte(idem.Key))
	return int64(binary.BigEndian.Uint64(h.Sum(nil))) //nolint:gosec // any 64 bits will do
}

// Package db is the one way to PostgreSQL: a pool, scopes that row-level
// security reads, transactions that GORM and pgx share, idempotent replies,
// the job queue, migrations, and a PostgreSQL of our own for those who have
// none.
//
// Where things are:
//
//   - open.go: Config, Open, and the timeouts every connection carries.
//   - scope.go: Scope, what a transaction may see, and EnterAuthority.
//   - tx.go: Do and Read, the two ways to run a query; DoAfter and ReadAtOnce,
//     the same in fewer round trips, for batches; Tx; AfterCommit.
//   - gather.go: Gather, which answers those who ask at the same time together.
//   - turns.go: ReadInTurn, so many dear reads at once and the others in order.
//   - uuid.go: ids as bytes.
//   - gorm.go: how GORM is kept inside that transaction.
//   - errors.go: ConstraintName, Unavailable, and what is tried again.
//   - idempotency.go, purge.go: Replay and Keep, and forgetting after 72 hours.
//   - jobs.go: Enqueue in the transaction, NewJobs to work them.
//   - migrate.go, migrations/*.sql: the schema, in order; never AutoMigrate.
//   - ready.go: whether this process may serve.
//   - clock.go: At, the same database by another clock; for the demo's past.
//   - embedded*.go, programs.go, datadir.go: PostgreSQL started by ourselves;
//     running.go finds one that another process runs; buffers.go gives it memory.
//
// Rules: a use case calls Do or Read and passes Tx down; a step takes Tx and
// never commits; Tx.Now is the only clock; nothing outside the database
// happens before AfterCommit. Finish reading GORM rows before using PGX: it
// is one connection. Never open a second transaction inside the first: each
// takes a connection of the pool, and enough of them waiting for each other
// would stop the service.
package db

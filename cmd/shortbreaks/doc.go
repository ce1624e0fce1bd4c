// Command shortbreaks is the whole service in one program.
//
//	shortbreaks demo      serve with demo data on a PostgreSQL of its own
//	shortbreaks serve     serve; with DATABASE_URL on that, else on its own
//	shortbreaks migrate   bring the schema to the newest version
//	shortbreaks audit     prove the books; exits 1 with the rows that do not add up
//	shortbreaks import offers FILE --provider NAME [--dry-run]
//	shortbreaks import bookings FILE --authority NAME|--provider NAME [--dry-run]
//	shortbreaks export offers --provider NAME [--state STATE,...] [--format csv|xlsx] [--out FILE]
//	shortbreaks bench     measure booking, and what follows it, against PostgreSQL's own floor
//	shortbreaks healthcheck, version
//
// It joins everything and decides nothing: config.go reads the environment,
// database.go finds or starts PostgreSQL, jobs.go registers what runs by
// itself, serve.go listens and drains, welcome.go says what to try.
package main

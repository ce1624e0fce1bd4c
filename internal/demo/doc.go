// Package demo makes a world to try the service in: two councils, providers
// with costed offers, families with budgets and plans. The demo goes through
// the same use cases people use, so nothing exists in it that could not exist
// in earnest.
//
//   - build.go: Builder, one method for each thing a world is made of; tests
//     and the bench use it too.
//   - load.go: Load, the demo's world, the same for the same seed.
//   - offers.go, families.go: what that world holds.
//   - scale.go: the same supply many times over; bulk_market.go: a market of any
//     size for measuring searches.
//   - bulk.go, bulk_quotes.go: a large world by set-based SQL, for the bench and
//     for tests under load; the one part that does not go through use cases.
package demo

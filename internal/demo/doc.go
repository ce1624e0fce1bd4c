// Package demo makes a world to try the service in: two councils, providers
// with costed offers, families with budgets and plans. Everything goes through
// the same use cases people use, so nothing exists here that could not exist
// in earnest.
//
//   - build.go: Builder, one method for each thing a world is made of; tests
//     and the bench use it too.
//   - load.go: Load, the demo's world, the same for the same seed.
//   - offers.go, families.go: what that world holds.
package demo

// Package stripedouble is a small stateful stand-in for Stripe: a real HTTP
// server that speaks the part of API version 2023-10-16 this service uses, so
// that tests and the demo run the real stripe-go client without a key and
// without money. State lives in memory, grows until Close and is then gone.
//
// What it does as Stripe does it:
//
//   - Checkout Sessions of mode payment in pounds: create, retrieve, expire.
//     The PaymentIntent exists only once the session is paid. Expiry is 30
//     minutes to 24 hours ahead and judged by the injected clock.
//   - PaymentIntents and refunds are retrieved; refunds are made up to what was
//     paid and never beyond, also when they race.
//   - Validation errors in Stripe's envelope; a parameter it does not know is
//     refused, so a mistyped or an unexpected field never goes unseen.
//   - Idempotency-Key: the first answer, errors included once the work began,
//     is replayed byte for byte for 24 hours; other parameters are refused; a
//     key still at work is 409. Refused parameters leave no trace, as at Stripe.
//   - Events with signed webhooks: the first attempt of a payment is made
//     before the payer is sent back, later ones with growing delay until a 2xx.
//     Redirects are failures. Each attempt is signed afresh.
//   - A page at /pay/{session} where a person plays the payer, with or without
//     JavaScript. Cancelling leaves the session open: it can still be paid,
//     which is the "late success after cancel" a real payer can cause.
//
// What tests can make it do: Complete, Expire, Fail, Drop (the answer is lost
// after the work), Stall (calls stay in flight), HoldWebhooks, Deliver,
// DeliverForged, DeliverAltered, DeliverOld, and Sign with Post for the rest.
// Requests is the journal of everything received, for tests that no child is
// ever named to Stripe.
//
// What it will not do: move money; see a card; declines, 3-D Secure, disputes,
// payouts, fees and balance transactions; customers, saved cards, Connect,
// subscriptions, tax, coupons; other currencies or API versions; rate limits;
// PaymentIntents made or confirmed by the caller. Unknown addresses are 404.
// It does not promise Stripe's wording: match type, code and param.
//
// Where things are: double.go (options, listening), api.go (the door: key,
// version, faults, journal), idempotency.go, params.go and apierror.go
// (reading and refusing), sessions.go, payments.go, events.go (what it keeps),
// objects.go (as JSON), webhook.go (signing and delivery), page.go (the payer's
// page), controls.go (for tests).
package stripedouble

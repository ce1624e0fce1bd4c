package booking

import (
	"shortbreaks"
	"shortbreaks/marketplace"
	"shortbreaks/payments"
)

// The refusals of this package; those of places, lanes, offers and
// money are named where those are.
var (
	ErrSessionFull    = shortbreaks.NewError(shortbreaks.Conflict, "session-full", "There are no places left")
	ErrNotAllowed     = shortbreaks.NewError(shortbreaks.Conflict, "not-allowed-by-plan", "The plan does not pay for this")
	ErrQuoteExpired   = shortbreaks.NewError(shortbreaks.Conflict, "quote-expired", "This quote has run out")
	ErrPriceChanged   = shortbreaks.NewError(shortbreaks.Conflict, "price-changed", "The price is not the one you were shown")
	ErrQuoteUsed      = shortbreaks.NewError(shortbreaks.Conflict, "quote-used", "This quote has been booked already")
	ErrAlreadyBooked  = shortbreaks.NewError(shortbreaks.Conflict, "already-booked", "This child is already booked for that session")
	ErrRequestExpired = shortbreaks.NewError(shortbreaks.Conflict, "booking-expired", "The time to answer this request has run out")
	ErrStateChanged   = shortbreaks.NewError(shortbreaks.Conflict, "conflict", "Somebody changed this at the same moment")
	ErrWrongState     = marketplace.ErrWrongState
	ErrBudgetTooLow   = payments.ErrBudgetTooLow
)

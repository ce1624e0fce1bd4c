package marketplace

import "shortbreaks"

// The refusals of this package; the words for people of each occurrence are
// added where it is refused.
var (
	ErrOfferClosed     = shortbreaks.NewError(shortbreaks.Conflict, "offer-closed", "This offer cannot be booked")
	ErrSessionStarted  = shortbreaks.NewError(shortbreaks.Conflict, "session-started", "This session has already started")
	ErrNotice          = shortbreaks.NewError(shortbreaks.Conflict, "notice-too-short", "It is too late to book this")
	ErrHorizon         = shortbreaks.NewError(shortbreaks.Conflict, "too-far-ahead", "It is too early to book this")
	ErrSessionBooked   = shortbreaks.NewError(shortbreaks.Conflict, "session-booked", "Families have booked this")
	ErrBelowTaken      = shortbreaks.NewError(shortbreaks.Conflict, "capacity-below-taken", "More places are booked than that")
	ErrLaneTaken       = shortbreaks.NewError(shortbreaks.Conflict, "lane-taken", "Nobody is free at that time")
	ErrWrongState      = shortbreaks.NewError(shortbreaks.Conflict, "wrong-state", "It cannot be done at this stage")
	ErrEditedMeanwhile = shortbreaks.NewError(shortbreaks.Conflict, "edited-meanwhile", "Somebody else changed this first")
	ErrOfferNotReady   = shortbreaks.NewError(shortbreaks.Conflict, "offer-not-ready", "This offer is not ready to be published")
	ErrAge             = shortbreaks.NewError(shortbreaks.Invalid, "age-not-served", "This offer is for children of another age")
	ErrPostcodeUnknown = shortbreaks.NewError(shortbreaks.Invalid, "postcode-unknown", "We do not know that postcode")
)

package marketplace

import (
	"fmt"

	"shortbreaks"
)

// The refusals of this package; the words for people of each occurrence are
// added where it is refused.
var (
	ErrOfferClosed     = shortbreaks.NewError(shortbreaks.Conflict, "offer-closed", "This offer cannot be booked")
	ErrSessionStarted  = shortbreaks.NewError(shortbreaks.Conflict, "session-started", "This session has already started")
	ErrLaneTaken       = shortbreaks.NewError(shortbreaks.Conflict, "lane-taken", "Nobody is free at that time")
	ErrWrongState      = shortbreaks.NewError(shortbreaks.Conflict, "wrong-state", "It cannot be done at this stage")
	ErrAge             = shortbreaks.NewError(shortbreaks.Invalid, "age-not-served", "This offer is for children of another age")
	ErrNotCosted       = shortbreaks.NewError(shortbreaks.Invalid, "not-costed", "The components do not sum to the price")
	ErrPostcodeUnknown = shortbreaks.NewError(shortbreaks.Invalid, "postcode-unknown", "We do not know that postcode")
)

// faults gathers every value that breaks a rule, so that a person is told of
// all of them at once.
type faults struct{ fields []shortbreaks.Field }

// add notes a value by its JSON pointer.
func (f *faults) add(pointer, format string, args ...any) {
	f.fields = append(f.fields, shortbreaks.Field{Pointer: pointer, Detail: fmt.Sprintf(format, args...)})
}

// unless notes a value unless the rule holds.
func (f *faults) unless(rule bool, pointer, format string, args ...any) {
	if !rule {
		f.add(pointer, format, args...)
	}
}

// as is the refusal with every value noted, or nil if there is none.
func (f *faults) as(refusal *shortbreaks.Error) error {
	if len(f.fields) == 0 {
		return nil
	}
	e := *refusal
	e.Fields = f.fields
	if e.Detail == "" {
		e.Detail = f.fields[0].Detail
	}
	return &e
}

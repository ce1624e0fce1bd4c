// Package tariff is how a price is written down and worked out: price options
// of charges, what is asked of them, the cheapest a buyer may use, and every
// price in plain English with its arithmetic. All of it is pure: nothing here
// reads a clock or a database.
package tariff

import "shortbreaks"

// ErrNotCosted refuses a price whose parts do not sum to it.
var ErrNotCosted = shortbreaks.NewError(shortbreaks.Invalid, "not-costed", "The components do not sum to the price")

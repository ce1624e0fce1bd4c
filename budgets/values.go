package budgets

import (
	"slices"
	"strings"
	"unicode/utf8"

	"shortbreaks"
	"shortbreaks/marketplace"
	"shortbreaks/payments"
)

// word is a value of the contract and how a sentence says it.
type word struct{ value, said string }

// categories, chargeKinds and the lists below are the enums of openapi.yaml; a
// test holds them against it.
var categories = categoryWords()

// categoryWords are the marketplace's own: a plan line may name an upper
// category and then pays for all below it.
func categoryWords() (words []word) {
	for _, c := range marketplace.CategoryTree {
		words = append(words, word{c.Value, c.Said})
	}
	return words
}

var chargeKinds = []word{
	{"place", "the place fee"},
	{"support", "support"},
	{"meal", "meals"},
	{"transport", "transport"},
	{"travel", "travel"},
	{"equipment", "equipment"},
	{"membership", "membership"},
	{"late", "late collection"},
	{"disturbance", "disturbed nights"},
	{"other", "other charges"},
}

var streams = []word{{"social_care", "social care"}, {"education", "education"}, {"health", "health"}, {"grant", "grant"}}

var units = []word{
	{string(payments.InPence), "money"},
	{string(payments.InMinutes), "hours"},
	{string(payments.InNights), "nights"},
	{string(payments.InSessions), "sessions"},
}

var planTypes = []word{
	{"ehc", "EHC plan"},
	{"child_in_need", "child in need plan"},
	{"short_breaks_grant", "short breaks grant"},
	{"isp", "individual support plan"},
	{"other", "plan"},
}

// The management options: who handles a line's money.
const (
	Notional      = "notional"       // the authority
	DirectPayment = "direct_payment" // the recipient, usually a parent
	ThirdParty    = "third_party"    // a broker or an individual service fund
)

var managementOptions = []word{{Notional, "the authority"}, {DirectPayment, "a direct payment"}, {ThirdParty, "a third party"}}

func known(list []word, value string) bool {
	return slices.ContainsFunc(list, func(w word) bool { return w.value == value })
}

// say is a value as a sentence says it; one the list does not know is said
// without its underscores.
func say(list []word, value string) string {
	for _, w := range list {
		if w.value == value {
			return w.said
		}
	}
	return shortbreaks.Spaced(value)
}

// sayAll joins values as people do: "support, meals and travel".
func sayAll(list []word, values []string) string {
	said := make([]string, len(values))
	for i, v := range values {
		said[i] = say(list, v)
	}
	return shortbreaks.Listed(said)
}

// between reports whether a text has from least to most characters.
func between(text string, least, most int) bool {
	n := utf8.RuneCountInString(strings.TrimSpace(text))
	return n >= least && n <= most
}

// errValues refuses values that break a rule.
var errValues = shortbreaks.ErrInvalid.With("Nothing was done. Correct the values listed and send it again.")

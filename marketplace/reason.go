package marketplace

import (
	"fmt"
	"slices"
	"strings"

	"shortbreaks"
)

// Why an offer cannot serve what is asked. What the offer is has the name of
// the filter it does not meet (ByAge, ByRatio ...).
const (
	NotOnSale        = "not_on_sale"
	NoDates          = "no_dates"          // nothing is planned on the dates
	DatesPassed      = "dates_passed"      // what there was has begun
	OtherTimes       = "other_times"       // at another time of the day, or shorter
	OtherLength      = "other_length"      // of a visit
	Full             = "full"              // no place, or nobody is free
	Closed           = "closed"            // the provider is shut
	NoticeTooShort   = "notice_too_short"  // too late to book
	TooFarAhead      = "too_far_ahead"     // too early to book
	CredentialLapsed = "credential_lapsed" //nolint:gosec // a word of the contract
	NoPrice          = "no_price"          // none of its prices is for this buyer
)

// ReasonCodes are all of them, in the contract's order.
var ReasonCodes = []string{
	NotOnSale, ByAge, ByRatio, ByCategory, ByText, ByNeeds, ByFeatures, ByDistance, NoDates, DatesPassed, OtherTimes, OtherLength, Full, Closed,
	NoticeTooShort, TooFarAhead, CredentialLapsed, NoPrice,
}

// Reason is why an offer cannot serve a pattern.
type Reason struct {
	Code  string // one of ReasonCodes
	Words string // a sentence
}

// because joins reasons for a person.
func because(all []Reason) string {
	words := make([]string, len(all))
	for i, r := range all {
		words[i] = r.Words
	}
	return strings.Join(words, " ")
}

// unmet says why an offer does not meet one filter.
func (f filter) unmet(name string, o found, traitsOf []string) Reason {
	return Reason{name, f.unmetWords(name, o, traitsOf)}
}

func (f filter) unmetWords(name string, o found, has []string) string {
	w := o.window
	switch name {
	case ByAge:
		return fmt.Sprintf("It is for ages %d to %d.", w.AgeFrom, w.AgeTo)
	case ByRatio:
		return fmt.Sprintf("It has %s for %s; you asked for %d to %d.", shortbreaks.Plural(w.RatioStaff, "adult"), children(w.RatioChildren), f.ratioStaff, f.ratioChildren)
	case ByCategory:
		i := slices.IndexFunc(CategoryTree, func(c Category) bool { return c.Value == w.Category })
		return "It is of another kind: " + CategoryTree[i].Said + "."
	case ByText:
		return fmt.Sprintf("It does not have the words %q.", f.text)
	case ByNeeds:
		return "It does not say that it is fit for " + lacking(f.needs, "need", has) + "; ask the provider."
	case ByFeatures:
		return "It does not say that its place has " + lacking(f.features, "feature", has) + "; ask the provider."
	case ByDistance:
		if o.km != nil {
			return fmt.Sprintf("It is %.1f km away; you asked for at most %d km.", *o.km, f.withinKM)
		}
	}
	return "It does not meet " + filterWords[name] + "."
}

// lacking are the words asked for that a listing has not.
func lacking(asked []string, of string, has []string) string {
	var not []string
	for _, word := range asked {
		if !slices.Contains(has, of+":"+word) {
			not = append(not, shortbreaks.Spaced(word))
		}
	}
	return shortbreaks.Listed(not)
}

func children(n int) string {
	if n == 1 {
		return "1 child"
	}
	return fmt.Sprintf("%d children", n)
}

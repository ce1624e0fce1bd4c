package marketplace

import (
	"regexp"
	"slices"
	"strings"

	"shortbreaks"
)

// ErrContactDetails is given for words that tell who or where somebody is
// before that somebody has agreed to it (R006).
var ErrContactDetails = shortbreaks.NewError(shortbreaks.Invalid, "contact-details", "Leave names and contact details out for now")

var (
	// What has digits and is no telephone number is taken out first.
	dateTimeOrPrice = regexp.MustCompile(`\d{4}-\d{1,2}-\d{1,2}|\d{1,2}/\d{1,2}/\d{2,4}|\d{1,2}:\d{2}|£\s?\d+(\.\d{2})?`)
	telephone       = regexp.MustCompile(`(\+\s*\d|\b0)([\s().\-/_]*\d){8,}|\b7([\s\-]?\d){9}\b`)
	emailAddress    = regexp.MustCompile(`(?i)[^\s@]+ ?@ ?[a-z0-9-]+\.[a-z]{2,}|[^\s@]+\s*(\(at\)|\[at\]|\s+at\s+)\s*[a-z0-9-]+\s*(\(dot\)|\[dot\]|\s+dot\s+)\s*[a-z]{2,}`)
	webAddress      = regexp.MustCompile(`(?i)\bhttps?://|\bwww\.|(^|\s)@[a-z0-9_.]{3,}`)
	numberWord      = regexp.MustCompile(`(?i)\b(zero|oh|one|two|three|four|five|six|seven|eight|nine)\b`)
)

var numberWords = []string{"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"}

// contactIn says which contact detail stands in some words, or "". It is a
// help to people who forget, not a wall: whoever wants to get round it can.
func contactIn(words string) string {
	digits := numberWord.ReplaceAllStringFunc(words, func(w string) string {
		return string(rune('0' + max(0, slices.Index(numberWords, strings.ToLower(w))))) // "oh" is 0
	})
	switch digits = dateTimeOrPrice.ReplaceAllString(digits, "…"); {
	case emailAddress.MatchString(words):
		return "an e-mail address"
	case telephone.MatchString(digits):
		return "a telephone number"
	case webAddress.MatchString(words):
		return "a web address or a name on another service"
	}
	return ""
}

// alsoWords are names that are words as well; they count with a capital only.
var alsoWords = []string{
	"amber", "april", "art", "autumn", "bill", "dawn", "drew", "faith", "grace", "grant", "heather", "hope", "iris", "ivy", "jack", "joy", "june",
	"mark", "may", "misty", "pat", "pearl", "poppy", "ray", "rob", "robin", "rose", "ruby", "sky", "star", "summer", "sunny", "will", "young",
}

// namedIn is the first of the names that stands in some words as a word of its
// own, or "".
func namedIn(words string, names []string) string {
	for _, name := range names {
		pattern := `\b` + regexp.QuoteMeta(name) + `\b`
		if !slices.Contains(alsoWords, strings.ToLower(name)) {
			pattern = `(?i)` + pattern
		}
		if len(name) > 1 && regexp.MustCompile(pattern).MatchString(words) {
			return name
		}
	}
	return ""
}

// discreet refuses words that hold a contact detail or a child's name.
func discreet(at, words string, names []string) error {
	if what := contactIn(words); what != "" {
		words := "There seems to be " + what + " in this. The two of you can write here; to be reached elsewhere, share your contact first."
		return ErrContactDetails.With(words).At(at, words)
	}
	if name := namedIn(words, names); name != "" {
		words := "Please ask without your child's name; \"my child\" is enough."
		return ErrContactDetails.With(words).At(at, words)
	}
	return nil
}

// NoContactDetails refuses words that hold a contact detail: those belong to
// one adult, and others read along (T97). Errors: contact-details.
func NoContactDetails(at, words string) error {
	if what := contactIn(words); what != "" {
		words := "There seems to be " + what + " in this. Everybody linked to the booking reads it; please leave it out."
		return ErrContactDetails.With(words).At(at, words)
	}
	return nil
}

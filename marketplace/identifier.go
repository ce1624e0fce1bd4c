package marketplace

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"shortbreaks"
)

// IdentifierSchemes are the registers a provider may give its number of.
var IdentifierSchemes = []string{"company", "charity", "ofsted", "cqc"}

// Identifier is a number a provider gives for itself. It is shown as
// unverified until a person of an authority has looked it up.
type Identifier struct {
	ProviderID uuid.UUID `gorm:"primaryKey"`
	Scheme     string    `gorm:"primaryKey"` // one of IdentifierSchemes
	Value      string    // tidy: capitals, no spaces
	StatedAt   time.Time
}

// TableName is the table's.
func (Identifier) TableName() string { return "provider_identifier" }

// identifierForms is how the numbers of each register are written. The form is
// all that can be checked here; no register is asked.
var identifierForms = map[string]struct {
	form  *regexp.Regexp
	words string
}{
	"company": {regexp.MustCompile(`^([0-9]{8}|[A-Z]{2}[0-9]{6})$`), "Give 8 characters, such as 01234567 or SC123456."},
	"charity": {regexp.MustCompile(`^[0-9]{6,7}$`), "Give 6 or 7 digits."},
	"ofsted":  {regexp.MustCompile(`^(EY|SC|CA)?[0-9]{6}$`), "Give 6 digits, with EY, SC or CA before them if they are there."},
	"cqc":     {regexp.MustCompile(`^1-[0-9]{5,12}$`), "Give 1- and the digits, such as 1-1234567890."},
}

// TidyIdentifier is a number as it is kept, and whether it has the form of its
// register's.
func TidyIdentifier(scheme, typed string) (string, bool) {
	value := squash(typed)
	known, ok := identifierForms[scheme]
	return value, ok && known.form.MatchString(value)
}

// checkIdentifier notes a number that has not the form of its register; "" is
// none and passes.
func checkIdentifier(f *shortbreaks.Faults, at, scheme, typed string) {
	_, ok := TidyIdentifier(scheme, typed)
	f.Unless(ok || strings.TrimSpace(typed) == "", at, "%s", identifierForms[scheme].words)
}

// identifiers are those of a draft that are given, in the order of the schemes.
func (d ProviderDraft) identifiers(provider uuid.UUID, now time.Time) (list []Identifier) {
	given := map[string]string{"company": d.CompanyNumber, "charity": d.CharityNumber, "ofsted": d.OfstedURN, "cqc": d.CQCLocation}
	for _, scheme := range IdentifierSchemes {
		if value, ok := TidyIdentifier(scheme, given[scheme]); ok {
			list = append(list, Identifier{ProviderID: provider, Scheme: scheme, Value: value, StatedAt: now})
		}
	}
	return list
}

// wanting is what a provider of this kind is expected to give and has not, in
// words.
func wanting(kind string, given []Identifier) (missing []string) {
	has := func(scheme string) bool {
		return slices.ContainsFunc(given, func(i Identifier) bool { return i.Scheme == scheme })
	}
	if kind == "company" && !has("company") {
		missing = append(missing, "Give the company number.")
	}
	if kind == "charity" && !has("charity") {
		missing = append(missing, "Give the charity number.")
	}
	return missing
}

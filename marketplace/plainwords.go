package marketplace

// WithoutContact refuses words at a pointer that hold a telephone number, an
// e-mail or a web address, where others than their writer read them (T97).
// Errors: contact-details.
func WithoutContact(at, words string) error {
	if what := contactIn(words); what != "" {
		words := "There seems to be " + what + " in this. Others read it; leave it out."
		return ErrContactDetails.With(words).At(at, words)
	}
	return nil
}

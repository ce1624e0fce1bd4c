package booking

import (
	"errors"

	"shortbreaks"
)

// The verdicts of a quote and of its lines (L18): it can be booked; a person
// has to decide something first; it cannot be booked as it stands.
const (
	VerdictAllowed    = "allowed"
	VerdictAsk        = "ask"
	VerdictNotAllowed = "not_allowed"
)

const askPractitioner = "Ask your practitioner: a quote that your practitioner makes can be booked."

// NextStep is what has to happen before a quote can be booked.
type NextStep struct {
	Code      string // that of the refusal if it is booked all the same
	Words     string // for a family
	Operation string // of the contract, that does it
}

// NextSteps is what stands between this quote and a booking, beside money and
// places; none if nothing does.
func (q *Quote) NextSteps() (steps []NextStep) {
	if i := q.Document.Introduction; i != nil && i.ID == nil {
		steps = append(steps, NextStep{ErrIntroductionNeeded.Code, introductionNeeded(q.Document.ProviderName), "askIntroduction"})
	}
	if words := q.Document.Ask; words != "" {
		steps = append(steps, NextStep{ErrAskFirst.Code, words + " " + askPractitioner, "createQuote"})
	}
	if words := q.Document.Unskilled; words != "" {
		steps = append(steps, NextStep{ErrCompetencyMissing.Code, words, "askProvider"})
	}
	return steps
}

// detailOf is a refusal's words for a person.
func detailOf(err error) string {
	var refusal *shortbreaks.Error
	if errors.As(err, &refusal) {
		return refusal.Detail
	}
	return err.Error()
}

// Verdict is whether the quote can be booked as it stands.
func (q *Quote) Verdict() string {
	switch {
	case !q.Document.Allowed:
		return VerdictNotAllowed
	case len(q.NextSteps()) > 0:
		return VerdictAsk
	}
	return VerdictAllowed
}

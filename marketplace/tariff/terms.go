package tariff

import (
	"fmt"
	"slices"
	"time"

	"shortbreaks"
)

// Terms say what a family's cancellation costs. They are kept on each booking
// as they stood when it was quoted. Either the two plain figures hold, or the
// steps.
type Terms struct {
	Choice           string        `json:"choice,omitempty"` // one of Choices, whose numbers hold
	FreeUntilHours   int           `json:"free_until_hours"` // elapsed hours before the start
	LateFeePercent   int           `json:"late_fee_percent"` // of the price, after that
	Steps            []TermStep    `json:"steps,omitempty"`  // own numbers: from the longest notice to none
	Reasons          []ReasonTerms `json:"reasons,omitempty"`
	WaivedIfRefilled bool          `json:"waived_if_refilled,omitempty"` // no fee if the place was sold again, or the worker redeployed (T55)
	PartialPaid      string        `json:"partial_paid,omitempty"`       // leaving early: booked (""), attended (T58)
	Credit           *CreditTerms  `json:"credit,omitempty"`             // nil: what the family paid itself comes back as money
}

// CreditTerms say that what a family paid itself, and gets back of a date it
// cancels, is a credit to be used by a day. A budget is always given back whole.
type CreditTerms struct {
	Days     int  `json:"days"`               // from the day of the cancellation, 28 to 1095
	Siblings bool `json:"siblings,omitempty"` // brothers and sisters may use it too
}

// TermStep is what cancelling costs with at least so much notice.
type TermStep struct {
	Notice     int                `json:"notice"`
	Unit       string             `json:"unit"` // one of NoticeUnits
	FeePercent int                `json:"fee_percent,omitempty"`
	FeePence   *shortbreaks.Pence `json:"fee_pence,omitempty"` // instead, at most the price
}

// ReasonTerms are the steps where the reason is a certain one (T92).
type ReasonTerms struct {
	Reason string     `json:"reason"` // one of Reasons
	Steps  []TermStep `json:"steps"`
}

// Words of the contract, in its order.
var (
	Choices     = []string{"flexible", "day_before", "two_days", "week_before", "no_refund"}
	NoticeUnits = []string{"hours", "days", "clear_days", "working_days", "clear_working_days"}
	Reasons     = []string{"ill", "hospital", "school_closed", "transport_failed", "bereavement"}
)

// chosen are the terms of the short list a provider may pick from.
var chosen = map[string]Terms{
	"flexible":    {Choice: "flexible"},
	"day_before":  {Choice: "day_before", FreeUntilHours: 24, LateFeePercent: 100},
	"two_days":    {Choice: "two_days", FreeUntilHours: 48, LateFeePercent: 50},
	"week_before": {Choice: "week_before", FreeUntilHours: 168, LateFeePercent: 100},
	"no_refund":   {Choice: "no_refund", FreeUntilHours: 2160, LateFeePercent: 100},
}

// Resolved fills in the numbers of a choice from the short list; whatever the
// provider adds by reason stays.
func (t Terms) Resolved() Terms {
	if plain, listed := chosen[t.Choice]; listed {
		t.FreeUntilHours, t.LateFeePercent, t.Steps = plain.FreeUntilHours, plain.LateFeePercent, nil
	}
	return t
}

// Cancellation is what a fee depends on.
type Cancellation struct {
	Price    shortbreaks.Pence
	Start    time.Time
	At       time.Time
	Reason   string               // one of Reasons, or ""
	Refilled bool                 // the place was taken again before the start
	Holidays map[time.Time]string // bank holidays by date (midnight UTC); only working days look
}

// Fee is what a cancellation costs, rounded half up once, never more than the
// price. Exactly at a deadline is in time (T40).
func (t Terms) Fee(c Cancellation) shortbreaks.Pence {
	if c.Refilled && t.WaivedIfRefilled {
		return 0
	}
	for _, r := range t.Reasons {
		if r.Reason == c.Reason {
			return feeOf(r.Steps, c)
		}
	}
	return feeOf(t.steps(), c)
}

// steps are the two plain figures as steps, or the provider's own.
func (t Terms) steps() []TermStep {
	if len(t.Steps) > 0 {
		return t.Steps
	}
	return []TermStep{{Notice: t.FreeUntilHours, Unit: "hours"}, {Unit: "hours", FeePercent: t.LateFeePercent}}
}

// feeOf is that of the first step whose notice was given; of the last, if none
// was.
func feeOf(steps []TermStep, c Cancellation) shortbreaks.Pence {
	for i, s := range steps {
		if i < len(steps)-1 && c.At.After(s.deadline(c.Start, c.Holidays)) {
			continue
		}
		if s.FeePence != nil {
			return min(*s.FeePence, c.Price)
		}
		return shortbreaks.MulDiv(c.Price, int64(s.FeePercent), 100)
	}
	return c.Price
}

// deadline is the last instant at which the notice is given. Hours are elapsed
// ones, also over a change of the clocks; days are dates of the calendar at
// the same wall time (T39); clear days lie wholly between the cancellation and
// the day of the start, so that the deadline is the end of a day; working days
// are Monday to Friday without bank holidays (T38).
func (s TermStep) deadline(start time.Time, holidays map[time.Time]string) time.Time {
	if s.Unit == "hours" {
		return start.Add(-time.Duration(s.Notice) * time.Hour)
	}
	working := s.Unit == "working_days" || s.Unit == "clear_working_days"
	day := shortbreaks.Date(start)
	for left := s.Notice; left > 0; {
		day = day.AddDate(0, 0, -1)
		if !working || workingDay(day, holidays) {
			left--
		}
	}
	if s.Unit == "clear_days" || s.Unit == "clear_working_days" {
		return shortbreaks.At(day, 0)
	}
	local := start.In(shortbreaks.London)
	return shortbreaks.At(day, local.Hour()*60+local.Minute())
}

func workingDay(day time.Time, holidays map[time.Time]string) bool {
	_, holiday := holidays[day]
	return !holiday && day.Weekday() != time.Saturday && day.Weekday() != time.Sunday
}

// WorkingDays reports whether a deadline depends on bank holidays (T38).
func (t Terms) WorkingDays() bool {
	working := func(s TermStep) bool { return s.Unit == "working_days" || s.Unit == "clear_working_days" }
	return slices.ContainsFunc(t.Steps, working) ||
		slices.ContainsFunc(t.Reasons, func(r ReasonTerms) bool { return slices.ContainsFunc(r.Steps, working) })
}

// Explain says the terms in plain English.
func (t Terms) Explain() string {
	words := explainSteps(t.steps(), "You may cancel")
	for _, r := range t.Reasons {
		words += " " + explainSteps(r.Steps, shortbreaks.Capital(reasonWords[r.Reason])+", you may cancel")
	}
	if t.WaivedIfRefilled {
		words += " You pay nothing if somebody else takes the place."
	}
	if t.PartialPaid == "attended" {
		words += " If you leave early you pay for the time you were there."
	}
	if c := t.Credit; c != nil {
		words += fmt.Sprintf(" If you cancel, what you paid yourself comes back as a credit to use within %s, and not as money.", shortbreaks.Plural(c.Days, "day"))
		if c.Siblings {
			words += " A brother or sister may use it too."
		}
	}
	return words
}

var reasonWords = map[string]string{
	"ill": "if your child is ill", "hospital": "if your child is in hospital", "school_closed": "if school is closed",
	"transport_failed": "if transport fails", "bereavement": "after a death in the family",
}

func explainSteps(steps []TermStep, may string) string {
	if len(steps) == 1 || !slices.ContainsFunc(steps, func(s TermStep) bool { return s.charges() }) {
		if last := steps[len(steps)-1]; last.charges() {
			return fmt.Sprintf("%s, but you pay %s.", may, last.fee())
		}
		return may + " free of charge until the start."
	}
	words := ""
	for i, s := range steps {
		switch {
		case i == 0 && !s.charges() && s.Notice == 0:
			words = may + " free of charge until the start."
		case i == 0 && !s.charges():
			words = fmt.Sprintf("%s free of charge up to %s before the start.", may, s.notice())
		case i == 0:
			words = fmt.Sprintf("%s up to %s before the start if you pay %s.", may, s.notice(), s.fee())
		case i < len(steps)-1:
			words += fmt.Sprintf(" After that, up to %s before, you pay %s.", s.notice(), s.fee())
		default:
			words += fmt.Sprintf(" After that you pay %s.", s.fee())
		}
	}
	return words
}

func (s TermStep) charges() bool { return s.FeePercent > 0 || s.FeePence != nil && *s.FeePence > 0 }

func (s TermStep) notice() string {
	unit := map[string]string{
		"hours": "hour", "days": "day", "clear_days": "clear day", "working_days": "working day", "clear_working_days": "clear working day",
	}[s.Unit]
	return shortbreaks.Plural(s.Notice, unit)
}

func (s TermStep) fee() string {
	switch {
	case s.FeePence != nil:
		return s.FeePence.String()
	case s.FeePercent == 100:
		return "the full price"
	case s.FeePercent == 0:
		return "nothing"
	}
	return fmt.Sprintf("%d%% of the price", s.FeePercent)
}

// Check notes what in the terms breaks a rule.
func (t Terms) Check(f *shortbreaks.Faults, at string) {
	if t.Choice != "" {
		f.OneOf(at+"/choice", t.Choice, Choices)
	}
	if plain, listed := chosen[t.Choice]; listed {
		f.Unless(t.FreeUntilHours == plain.FreeUntilHours && t.LateFeePercent == plain.LateFeePercent && len(t.Steps) == 0, at+"/choice",
			"This choice has its own numbers; leave out one of the two.")
	}
	f.Unless(t.FreeUntilHours >= 0 && t.FreeUntilHours <= 2160, at+"/free_until_hours", "Give 0 to 2160 hours.")
	f.Unless(t.LateFeePercent >= 0 && t.LateFeePercent <= 100, at+"/late_fee_percent", "Give 0 to 100 percent.")
	f.Unless(t.LateFeePercent > 0 || t.FreeUntilHours == 0, at+"/late_fee_percent", "Say what is paid after that.")
	f.Unless(len(t.Steps) == 0 || t.FreeUntilHours == 0 && t.LateFeePercent == 0, at+"/steps", "Give the two plain figures or steps, and not both.")
	if t.Credit != nil {
		f.Within(at+"/credit/days", t.Credit.Days, 28, 1095)
	}
	f.OneOf(at+"/partial_paid", t.PartialPaid, []string{"", "booked", "attended"})
	if len(t.Steps) > 0 {
		checkSteps(f, at+"/steps", t.Steps)
	}
	for i, r := range t.Reasons {
		at := fmt.Sprintf("%s/reasons/%d", at, i)
		f.OneOf(at+"/reason", r.Reason, Reasons)
		same := func(o ReasonTerms) bool { return o.Reason == r.Reason }
		f.Unless(slices.IndexFunc(t.Reasons, same) == i, at+"/reason", "This reason is there twice.")
		checkSteps(f, at+"/steps", r.Steps)
	}
}

// longest is about how many hours a notice is; only to put steps in order.
func (s TermStep) longest() int {
	switch s.Unit {
	case "hours":
		return s.Notice
	case "days", "clear_days":
		return s.Notice * 24
	}
	return s.Notice * 24 * 7 / 5
}

func checkSteps(f *shortbreaks.Faults, at string, steps []TermStep) {
	f.Unless(len(steps) >= 1 && len(steps) <= 6, at, "Give 1 to 6 steps.")
	for i, s := range steps {
		at := fmt.Sprintf("%s/%d", at, i)
		f.OneOf(at+"/unit", s.Unit, NoticeUnits)
		f.Within(at+"/notice", s.Notice, 0, 2160)
		f.Within(at+"/fee_percent", s.FeePercent, 0, 100)
		if s.FeePence != nil {
			money(f, at+"/fee_pence", *s.FeePence)
			f.Unless(s.FeePercent == 0, at+"/fee_pence", "Give a sum or a percentage, and not both.")
		}
		f.Unless(i == 0 || s.longest() < steps[i-1].longest(), at+"/notice", "Give the steps from the longest notice to none.")
		f.Unless(i < len(steps)-1 || s.Notice == 0, at+"/notice", "The last step is for no notice: give 0.")
	}
}

package tariff

import (
	"fmt"
	"time"

	"shortbreaks"
)

// Terms say what a family's cancellation costs. They are kept on
// each booking as they stood when it was quoted.
type Terms struct {
	FreeUntilHours int `json:"free_until_hours"` // elapsed hours before the start
	LateFeePercent int `json:"late_fee_percent"` // of the price, after that
}

// LateFee is what cancelling an item at now costs. Exactly at the deadline is
// in time (T40); hours are elapsed ones, also over a clock change (T39). The
// fee is rounded half up, once.
func (t Terms) LateFee(price shortbreaks.Pence, start, now time.Time) shortbreaks.Pence {
	deadline := start.Add(-time.Duration(t.FreeUntilHours) * time.Hour)
	if !now.After(deadline) {
		return 0
	}
	return shortbreaks.MulDiv(price, int64(t.LateFeePercent), 100)
}

// Explain says the terms in plain English.
func (t Terms) Explain() string {
	if t.LateFeePercent == 0 {
		return "You may cancel free of charge until the start."
	}
	until := "until the start"
	if t.FreeUntilHours > 0 {
		until = "up to " + shortbreaks.Plural(t.FreeUntilHours, "hour") + " before the start"
	}
	part := fmt.Sprintf("%d%% of the price", t.LateFeePercent)
	if t.LateFeePercent == 100 {
		part = "the full price"
	}
	return fmt.Sprintf("You may cancel free of charge %s. After that you pay %s.", until, part)
}

// Check notes what in the terms cannot be used.
func (t Terms) Check(f *shortbreaks.Faults, at string) {
	f.Unless(t.FreeUntilHours >= 0 && t.FreeUntilHours <= 2160, at+"/free_until_hours", "Give 0 to 2160 hours.")
	f.Unless(t.LateFeePercent >= 0 && t.LateFeePercent <= 100, at+"/late_fee_percent", "Give 0 to 100 percent.")
}

package tariff

import (
	"time"

	"shortbreaks"
)

// HeadlineRate is what one hour with the child costs by the headline option.
// By the hour it is the plain hour, without minimum or steps; else one session
// of this length, or a whole bundle of so many.
func (t Tariff) HeadlineRate(sessionMinutes, planned int) *shortbreaks.Pence {
	option := t.headlineOption()
	unit, count := option.lead().Unit, 1
	length := time.Duration(sessionMinutes) * time.Minute
	var total shortbreaks.Pence
	switch {
	case unit == UnitHour:
		length = time.Hour
	case sessionMinutes == 0:
		return nil
	case option.bundleUnit() != "":
		count = planned
	}
	for _, c := range option.Charges {
		switch {
		case c.Optional:
		case c.Unit == UnitHour:
			total += shortbreaks.MulDiv(c.AmountPence, int64(length.Minutes())*int64(count), 60)
		case c.bundled():
			total += c.AmountPence
		default:
			total += c.AmountPence * shortbreaks.Pence(count)
		}
	}
	occasions := make([]Occasion, count)
	for i := range occasions {
		occasions[i].EndsAt = occasions[i].StartsAt.Add(length)
	}
	return Rate(total, childMinutes(option.lead(), occasions))
}

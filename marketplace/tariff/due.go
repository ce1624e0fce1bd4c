package tariff

import (
	"slices"
	"time"

	"shortbreaks"
)

// Due is a sum to be paid on a date; the zero date is at booking, and arrears
// is once attendance is agreed.
type Due struct {
	What   string            `json:"what"` // at_booking, advance, deposit, balance, arrears
	On     time.Time         `json:"on"`   // a London date, midnight UTC
	Pence  shortbreaks.Pence `json:"pence"`
	Items  []int             `json:"items"`            // places of the occasions it is for
	Option string            `json:"option,omitempty"` // whose charges it pays
}

// Dues say when the buyer's money is due by the timing of each option (T91,
// T92): they sum to the total. A deposit by percentage is rounded half up.
func (p *Priced) Dues() []Due {
	var dues []Due
	for n := range p.Parts {
		o := &p.tariff.Options[p.Parts[n].Option]
		items, from := p.boughtWith(&p.Parts[n], o.Name), len(dues)
		total := sum(items)
		switch o.PaymentTiming {
		case AtBooking:
			dues = append(dues, Due{What: AtBooking, Pence: total, Items: p.Parts[n].Dates})
		case Advance:
			dues = append(dues, p.advance(&p.Parts[n], o, items)...)
		case Deposit:
			deposit := min(o.Payment.DepositPence, total)
			if o.Payment.DepositPercent > 0 {
				deposit = shortbreaks.MulDiv(total, int64(o.Payment.DepositPercent), 100)
			}
			first := 0
			if len(p.Parts[n].Dates) > 0 {
				first = p.Parts[n].Dates[0]
			}
			on := shortbreaks.Date(p.ask.Occasions[first].StartsAt).AddDate(0, 0, -o.Payment.DaysBefore)
			dues = append(dues, Due{What: Deposit, Pence: deposit, Items: p.Parts[n].Dates}, Due{What: "balance", On: on, Pence: total - deposit, Items: p.Parts[n].Dates})
		default:
			dues = append(dues, Due{What: Arrears, Pence: total, Items: p.Parts[n].Dates})
		}
		for i := range dues[from:] {
			dues[from+i].Option = o.Name
		}
	}
	return slices.DeleteFunc(dues, func(d Due) bool { return d.Pence == 0 })
}

// boughtWith is what each occasion costs the buyer by one part.
func (p *Priced) boughtWith(part *Part, option string) []shortbreaks.Pence {
	by := make([]shortbreaks.Pence, len(p.Items))
	for _, i := range part.Dates {
		for _, l := range p.Items[i].Lines {
			if l.OptionName == option {
				by[i] += l.Pence
			}
		}
	}
	return by
}

// advance is due so many days before each occasion, week or month begins, or
// before the first of the whole.
func (p *Priced) advance(part *Part, o *Option, items []shortbreaks.Pence) (dues []Due) {
	period := ""
	for _, i := range part.Dates {
		start := p.ask.Occasions[i].StartsAt
		begins, now := shortbreaks.Date(start), "whole"
		switch o.Payment.Period {
		case "week":
			now = periodOf("week", start)
			begins = begins.AddDate(0, 0, 1-shortbreaks.ISOWeekday(begins))
		case "month":
			now = periodOf(UnitMonth, start)
			begins = begins.AddDate(0, 0, 1-begins.Day())
		case "occasion":
			now = itoa(i)
		}
		if now != period {
			period = now
			dues = append(dues, Due{What: Advance, On: begins.AddDate(0, 0, -o.Payment.DaysBefore)})
		}
		last := &dues[len(dues)-1]
		last.Pence += items[i]
		last.Items = append(last.Items, i)
	}
	return dues
}

package tariff

import (
	"fmt"
	"strings"

	"shortbreaks"
)

// adjustments say what was taken off or shared before the amount.
func (w words) adjustments(l *line) string {
	c := l.charge
	var out []string
	if off := c.siblingOff(w.ask); off > 0 {
		out = append(out, percentWords(off)+" off for brothers and sisters")
	}
	stay := 0
	for _, i := range w.dates {
		stay = max(stay, c.stayOff(&w.ask.Occasions[i]))
	}
	if stay > 0 {
		out = append(out, percentWords(stay)+" off for a long stay")
	}
	switch {
	case c.Basis == PerAttendee && w.ask.Attendees > 1:
		out = append(out, fmt.Sprintf("for %d people", w.ask.Attendees))
	case c.Basis == PerFamily && w.ask.Children > 1:
		out = append(out, fmt.Sprintf("one price for the family, shared by %d children", w.ask.Children))
	case c.Basis == PerGroup && w.ask.Sharing == 0 && c.SmallestGroup <= 1:
		out = append(out, "the most you can pay: one price for the group, however many share it")
	case c.Basis == PerGroup && w.ask.Sharing == 0:
		out = append(out, fmt.Sprintf("the most you can pay: one price shared by at least %d", c.SmallestGroup))
	case c.Basis == PerGroup && w.ask.Sharing < c.SmallestGroup:
		out = append(out, fmt.Sprintf("one price, and your share is never more than one of %d", c.SmallestGroup))
	case c.Basis == PerGroup:
		out = append(out, fmt.Sprintf("one price shared by %d", w.ask.Sharing))
	}
	if l.capped {
		out = append(out, "never more than "+c.CapPence.String()+w.capWords(c))
	}
	if c.VAT == "standard" {
		out = append(out, "VAT included")
	}
	if free := w.freeHolidays(l); free > 0 {
		out = append(out, "nothing for "+shortbreaks.Plural(free, "bank holiday"))
	}
	if len(out) == 0 {
		return ""
	}
	return " (" + strings.Join(out, "; ") + ")"
}

// freeHolidays is how many dates are bank holidays that the charge leaves out.
func (w words) freeHolidays(l *line) (n int) {
	if l.charge.Only == nil || l.charge.Only.BankHolidays != "never" {
		return 0
	}
	for _, i := range w.all {
		if _, holiday := w.ask.Holidays[shortbreaks.Date(w.ask.Occasions[i].StartsAt)]; holiday && l.silent(w.ask, i) {
			n++
		}
	}
	return n
}

func (w words) capWords(c *Charge) string {
	switch {
	case c.CapPer == "week" || c.CapPer == "month":
		return " " + shortbreaks.Article(c.CapPer)
	case c.CapPer == "booking":
		return " in all"
	case c.When == Contingent:
		return " for one date"
	case c.bundled() || len(w.ask.Occasions) == 1:
		return ""
	}
	return " each time"
}

// percentWords writes basis points: "12.5%".
func percentWords(basisPoints int) string {
	text := fmt.Sprintf("%d.%02d", basisPoints/100, basisPoints%100)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".") + "%"
}

// count names the dates: one by its date, several by their weekday if they
// share one ("12 Saturdays"), else by what they are.
func (w words) count() string {
	if len(w.dates) == 0 {
		return ""
	}
	first := w.ask.Occasions[w.dates[0]].StartsAt.In(shortbreaks.London)
	if len(w.dates) == 1 {
		return first.Format("Monday 2 January 2006")
	}
	for _, i := range w.dates {
		if w.ask.Occasions[i].StartsAt.In(shortbreaks.London).Weekday() != first.Weekday() {
			if w.ask.SoldBy == ByVisit {
				return shortbreaks.Plural(len(w.dates), "visit")
			}
			return shortbreaks.Plural(len(w.dates), "session")
		}
	}
	return shortbreaks.Plural(len(w.dates), first.Weekday().String())
}

// PriceText is a headline as people say it: "£12.00 a session", "Free".
func PriceText(amount shortbreaks.Pence, unit string) string {
	if amount == 0 {
		return "Free"
	}
	return amount.String() + " " + shortbreaks.Article(unit)
}

package tariff

import (
	"fmt"
	"slices"
	"strings"

	"shortbreaks"
)

// explain says the arithmetic of the chosen option in plain English, a
// sentence a line, then the total if there are several, then what it beats.
func explain(p priced, ask Ask, beats []Beaten) string {
	var sentences []string
	for _, l := range p.lines {
		words := l.explain(ask)
		if len(p.lines) > 1 {
			words = shortbreaks.Capital(shortbreaks.Spaced(l.charge.Kind)) + ": " + words
		}
		sentences = append(sentences, shortbreaks.Capital(words)+".")
	}
	if len(p.lines) > 1 {
		sentences = append(sentences, "Total: "+p.total.String()+".")
	}
	for _, b := range beats {
		how := "would cost " + b.TotalPence.String()
		if b.TotalPence == p.total {
			how = "would cost the same"
		}
		sentences = append(sentences, fmt.Sprintf("This is the price %q; %q %s.", p.option.Name, b.OptionName, how))
	}
	return strings.Join(sentences, " ")
}

// explain is one line's arithmetic, without the full stop.
func (l line) explain(ask Ask) string {
	var words string
	switch {
	case l.charge.bundled():
		words = l.explainBundle(ask)
	case l.charge.AmountPence == 0:
		words = dates(ask) + ", free of charge"
	case l.charge.Unit == UnitHour:
		words = l.explainHours(ask) + ": " + l.total.String()
	case len(ask.Occasions) == 1:
		words = fmt.Sprintf("%s, %s %s: %s", dates(ask), l.charge.AmountPence, shortbreaks.Article(l.charge.Unit), l.total)
	default:
		words = fmt.Sprintf("%s at %s: %s", dates(ask), l.charge.AmountPence, l.total)
	}
	if l.capped {
		words += fmt.Sprintf(" (never more than %s%s)", *l.charge.CapPence, eachTime(l, ask))
	}
	return words
}

func eachTime(l line, ask Ask) string {
	if l.charge.bundled() || len(ask.Occasions) == 1 {
		return ""
	}
	return " each time"
}

func (l line) explainBundle(ask Ask) string {
	b, remaining := ask.Bundle, len(ask.Occasions)
	switch {
	case l.charge.AmountPence == 0:
		return fmt.Sprintf("%s, %s, free of charge", b.Name, dates(ask))
	case remaining >= b.Planned:
		return fmt.Sprintf("%s, %s: %s", b.Name, dates(ask), l.total)
	case b.Started+remaining == b.Planned:
		return fmt.Sprintf("%s, %s for all %d: joining on the %s date you pay for %d of %d: %s",
			b.Name, l.charge.AmountPence, b.Planned, shortbreaks.Ordinal(b.Started+1), remaining, b.Planned, l.total)
	default: // some were called off
		return fmt.Sprintf("%s, %s for all %d: %d are still to run, so you pay for %d of %d: %s",
			b.Name, l.charge.AmountPence, b.Planned, remaining, remaining, b.Planned, l.total)
	}
}

func (l line) explainHours(ask Ask) string {
	charged, actual := 0, 0
	for i, o := range ask.Occasions {
		charged += l.minutes[i]
		actual += o.Minutes()
	}
	at := fmt.Sprintf("at %s an hour", l.charge.AmountPence)
	first := ask.Occasions[0].Minutes()
	same := !slices.ContainsFunc(ask.Occasions, func(o Occasion) bool { return o.Minutes() != first })
	words := dates(ask)
	switch {
	case len(ask.Occasions) == 1:
		words += ", " + shortbreaks.Minutes(first)
	case same:
		words += " of " + shortbreaks.Minutes(first) + ", " + shortbreaks.Minutes(actual) + " in all"
	default:
		words += ", " + shortbreaks.Minutes(actual) + " in all"
	}
	if charged != actual {
		words += ", charged as " + shortbreaks.Minutes(charged) + l.why()
	}
	return words + " " + at
}

// why says how a length became what is charged.
func (l line) why() string {
	var because []string
	if l.charge.MinimumMinutes > 0 {
		because = append(because, "at least "+shortbreaks.Minutes(l.charge.MinimumMinutes)+" each time")
	}
	if l.charge.StepMinutes > 1 && l.charge.StepMode != "exact" {
		how := "rounded up"
		if l.charge.StepMode == "nearest" {
			how = "rounded to the nearest"
		}
		because = append(because, "steps of "+shortbreaks.Minutes(l.charge.StepMinutes)+", "+how)
	}
	return " (" + strings.Join(because, "; ") + ")"
}

// dates names the occasions: one by its date, several by their weekday if they
// share one ("12 Saturdays"), else by what they are.
func dates(ask Ask) string {
	first := ask.Occasions[0].StartsAt.In(shortbreaks.London)
	if len(ask.Occasions) == 1 {
		return first.Format("Monday 2 January 2006")
	}
	for _, o := range ask.Occasions {
		if o.StartsAt.In(shortbreaks.London).Weekday() != first.Weekday() {
			if ask.SoldBy == ByVisit {
				return shortbreaks.Plural(len(ask.Occasions), "visit")
			}
			return shortbreaks.Plural(len(ask.Occasions), "session")
		}
	}
	return shortbreaks.Plural(len(ask.Occasions), first.Weekday().String())
}

// PriceText is a headline as people say it: "£12.00 a session", "Free".
func PriceText(amount shortbreaks.Pence, unit string) string {
	if amount == 0 {
		return "Free"
	}
	return amount.String() + " " + shortbreaks.Article(unit)
}

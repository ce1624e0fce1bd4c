package marketplace

import (
	"fmt"
	"strings"

	"shortbreaks"
	"shortbreaks/marketplace/tariff"
)

// rateForms are the words a rate cell begins with; one without is bands.
var rateForms = []string{
	"split", "whole_by_start", "whole_by_start_or_end", "lengths", "week part", "week whole", "month part", "month whole", "ratios", "percent", "instead",
}

// printRate writes a rate by its form:
//
//	split: evening = mon-fri 18:00-23:00 24.00; sun x1.5
//	lengths: 60 = 12.00; 120 = 20.00
//	week part: 1 = 25.00; 10 = 22.00
//	ratios: 1:1 = 30.00; 1:2 = 18.00
//	percent: 12.5% of support
//	instead: from 480 = 120.00; after disturbance more than 2 = 140.00
func printRate(r *tariff.Rate) string {
	var form string
	var parts []string
	add := func(what string, p shortbreaks.Pence) { parts = append(parts, what+" = "+printPounds(p)) }
	switch {
	case r == nil:
		return ""
	case r.Bands != nil:
		form = r.Bands.Mode
		for _, b := range r.Bands.List {
			parts = append(parts, printBand(b))
		}
	case len(r.Durations) > 0:
		form = "lengths"
		for _, d := range r.Durations {
			add(fmt.Sprint(d.Minutes), d.AmountPence)
		}
	case r.Volume != nil:
		form = r.Volume.Per + " " + r.Volume.Mode
		for _, t := range r.Volume.Tiers {
			add(fmt.Sprint(t.From), t.AmountPence)
		}
	case len(r.Ratios) > 0:
		form = "ratios"
		for _, x := range r.Ratios {
			add(printRatio(x.Ratio), x.AmountPence)
		}
	case r.PercentOf != nil:
		return "percent: " + printPoints(r.PercentOf.BasisPoints) + " of " + r.PercentOf.Kind
	case len(r.Conversions) > 0:
		form = "instead"
		for _, v := range r.Conversions {
			add(printConversion(v), v.AmountPence)
		}
	}
	return form + ": " + strings.Join(parts, "; ")
}

// printBand leaves out a name that is the window's own words.
func printBand(b tariff.Band) string {
	words := printWindow(b.Window)
	if b.AmountPence != nil {
		words += " " + printPounds(*b.AmountPence)
	} else {
		words += " x" + printTimes(b.Percent)
	}
	if b.Name == printWindow(b.Window) {
		return words
	}
	return quotedText(b.Name) + " = " + words
}

// printTimes writes a percentage as a factor: 150 is 1.5.
func printTimes(percent int) string { return strings.TrimSuffix(printPoints(percent), "%") }

func printConversion(v tariff.Conversion) string {
	if v.Event == "" {
		return fmt.Sprint("from ", v.FromMinutes)
	}
	if v.MoreThan > 0 {
		return fmt.Sprint("after ", v.Event, " more than ", v.MoreThan)
	}
	return "after " + v.Event
}

// parseRate reads what printRate writes; bands without a form are split if the
// price is by the hour, else each date has the rate of its start.
func parseRate(text, unit string) (*tariff.Rate, bool) {
	form, rest := "", text
	for _, known := range rateForms {
		if after, is := strings.CutPrefix(text, known+":"); is {
			form, rest = known, after
		}
	}
	parts := splitCell(rest, ';')
	if len(parts) == 0 {
		return nil, false
	}
	switch form {
	case "", "split", "whole_by_start", "whole_by_start_or_end":
		return parseBands(form, unit, parts)
	case "percent":
		percent, kind, ok := strings.Cut(parts[0], " of ")
		points, known := parsePoints(strings.TrimSpace(percent))
		kind = strings.TrimSpace(kind)
		ok = ok && known && len(parts) == 1 && aWord.MatchString(kind)
		return &tariff.Rate{PercentOf: &tariff.PercentOf{Kind: kind, BasisPoints: points}}, ok
	}
	r := &tariff.Rate{}
	if per, mode, is := strings.Cut(form, " "); is {
		r.Volume = &tariff.Volume{Per: per, Mode: mode}
	}
	for _, part := range parts {
		what, sum, ok := strings.Cut(part, "=")
		amount, known := parseSum(strings.TrimSpace(sum))
		if !ok || !known || !addRow(r, form, strings.TrimSpace(what), amount) {
			return nil, false
		}
	}
	return r, true
}

// addRow adds a row of a table to a rate.
func addRow(r *tariff.Rate, form, what string, amount shortbreaks.Pence) (ok bool) {
	switch form {
	case "lengths":
		d := tariff.Duration{AmountPence: amount}
		d.Minutes, ok = wholeNumber(what)
		r.Durations = append(r.Durations, d)
	case "ratios":
		x := tariff.RatioRate{AmountPence: amount}
		x.Ratio, ok = parseRatio(what)
		r.Ratios = append(r.Ratios, x)
	case "instead":
		v := tariff.Conversion{AmountPence: amount}
		if from, is := strings.CutPrefix(what, "from "); is {
			v.FromMinutes, ok = wholeNumber(from)
		} else if event, is := strings.CutPrefix(what, "after "); is {
			var more string
			v.Event, more, _ = strings.Cut(event, " more than ")
			if more != "" {
				v.MoreThan, ok = wholeNumber(more)
			} else {
				ok = !strings.Contains(event, " more than ")
			}
			ok = ok && aWord.MatchString(v.Event)
		}
		r.Conversions = append(r.Conversions, v)
	default:
		t := tariff.Tier{AmountPence: amount}
		t.From, ok = wholeNumber(what)
		r.Volume.Tiers = append(r.Volume.Tiers, t)
	}
	return ok
}

func parseBands(mode, unit string, parts []string) (*tariff.Rate, bool) {
	if mode == "" {
		mode = tariff.WholeByStart
		if unit == tariff.UnitHour {
			mode = tariff.Split
		}
	}
	bands := &tariff.Bands{Mode: mode}
	for _, part := range parts {
		name, rest, named := cutText(part, "=")
		if !named {
			rest = part
		}
		at := strings.LastIndex(rest, " ")
		if at < 0 {
			return nil, false
		}
		window, ok := parseWindow(rest[:at])
		if !ok {
			return nil, false
		}
		b := tariff.Band{Name: name, Window: window}
		if !named {
			b.Name = printWindow(window)
		}
		if times, is := strings.CutPrefix(rest[at+1:], "x"); is {
			b.Percent, ok = parsePoints(times + "%")
		} else {
			var amount shortbreaks.Pence
			amount, ok = parseSum(rest[at+1:])
			b.AmountPence = &amount
		}
		if !ok {
			return nil, false
		}
		bands.List = append(bands.List, b)
	}
	return &tariff.Rate{Bands: bands}, true
}

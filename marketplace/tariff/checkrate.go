package tariff

import (
	"fmt"
	"slices"

	"shortbreaks"
)

func (r *Rate) check(f *shortbreaks.Faults, at string, c *Charge) {
	forms := 0
	for _, given := range []bool{
		r.Bands != nil, len(r.Durations) > 0, r.Volume != nil, len(r.Ratios) > 0, r.PercentOf != nil, len(r.Conversions) > 0,
	} {
		if given {
			forms++
		}
	}
	f.Unless(forms == 1, at, "Give exactly one of bands, durations, volume, ratios, percent_of and conversions.")
	f.Unless(!c.bundled() || len(r.Ratios) > 0, at, "A bundle has one price, or one for each ratio.")
	switch {
	case r.Bands != nil:
		r.Bands.check(f, at+"/bands", c.Unit)
	case len(r.Durations) > 0:
		f.Unless(c.Unit == UnitHour, at+"/durations", "A duration table needs a price by the hour.")
		checkDurations(f, at+"/durations", r.Durations)
	case r.Volume != nil:
		r.Volume.check(f, at+"/volume")
	case len(r.Ratios) > 0:
		checkRatios(f, at+"/ratios", r.Ratios)
	case len(r.Conversions) > 0:
		checkConversions(f, at+"/conversions", r.Conversions)
	}
}

func (b *Bands) check(f *shortbreaks.Faults, at, unit string) {
	f.OneOf(at+"/mode", b.Mode, bandModes)
	f.Unless(b.Mode != Split || unit == UnitHour, at+"/mode", "Only a price by the hour can be split by time; use whole_by_start.")
	f.Unless(len(b.List) >= 1 && len(b.List) <= mostRows, at+"/list", "Give 1 to %d bands.", mostRows)
	for i := range b.List {
		band, at := &b.List[i], fmt.Sprintf("%s/list/%d", at, i)
		f.Text(at+"/name", band.Name, 1, 60)
		band.check(f, at)
		f.Unless((band.AmountPence != nil) != (band.Percent > 0), at+"/amount_pence", "Give a sum or a percentage of the amount, and not both.")
		f.Within(at+"/percent", band.Percent, 0, 1000)
		if band.AmountPence != nil {
			money(f, at+"/amount_pence", *band.AmountPence)
		}
	}
}

func (w *Window) check(f *shortbreaks.Faults, at string) {
	if len(w.Days) > 0 {
		f.Days(at+"/days", w.Days)
	}
	if w.From != "" {
		f.Clock(at+"/from", w.From)
	}
	if w.To != "" {
		f.Clock(at+"/to", w.To)
	}
	f.OneOf(at+"/bank_holidays", w.BankHolidays, []string{"", "only", "never"})
}

func checkDurations(f *shortbreaks.Faults, at string, rows []Duration) {
	f.Unless(len(rows) <= mostRows, at, "Give at most %d rows.", mostRows)
	for i, r := range rows {
		at := fmt.Sprintf("%s/%d", at, i)
		f.Within(at+"/minutes", r.Minutes, 1, 1440)
		f.Unless(i == 0 || r.Minutes > rows[i-1].Minutes, at+"/minutes", "Give the rows from the shortest to the longest.")
		money(f, at+"/amount_pence", r.AmountPence)
	}
}

func (v *Volume) check(f *shortbreaks.Faults, at string) {
	f.OneOf(at+"/per", v.Per, []string{"week", "month"})
	f.OneOf(at+"/mode", v.Mode, []string{"part", "whole"})
	f.Unless(len(v.Tiers) >= 1 && len(v.Tiers) <= 10, at+"/tiers", "Give 1 to 10 tiers.")
	for i, t := range v.Tiers {
		at := fmt.Sprintf("%s/tiers/%d", at, i)
		f.Within(at+"/from", t.From, 1, 10_000)
		f.Unless(i == 0 || t.From > v.Tiers[i-1].From, at+"/from", "Give the tiers from the lowest to the highest.")
		money(f, at+"/amount_pence", t.AmountPence)
	}
}

func checkRatios(f *shortbreaks.Faults, at string, rows []RatioRate) {
	f.Unless(len(rows) <= mostRows, at, "Give at most %d rows.", mostRows)
	for i := range rows {
		r, at := &rows[i], fmt.Sprintf("%s/%d", at, i)
		r.check(f, at)
		same := func(o RatioRate) bool { return o.Ratio == r.Ratio }
		f.Unless(slices.IndexFunc(rows, same) == i, at, "This ratio is there twice.")
		money(f, at+"/amount_pence", r.AmountPence)
	}
}

func checkConversions(f *shortbreaks.Faults, at string, rows []Conversion) {
	f.Unless(len(rows) <= 10, at, "Give at most 10.")
	for i, v := range rows {
		at := fmt.Sprintf("%s/%d", at, i)
		f.Unless((v.FromMinutes > 0) != (v.Event != ""), at, "Say from how many minutes, or after which event; not both.")
		f.Within(at+"/from_minutes", v.FromMinutes, 0, 10_080)
		if v.Event != "" {
			f.OneOf(at+"/event", v.Event, Events)
		}
		f.Within(at+"/more_than", v.MoreThan, 0, 100)
		f.Unless(v.MoreThan == 0 || v.Event != "", at+"/more_than", "Only an event is counted.")
		money(f, at+"/amount_pence", v.AmountPence)
	}
}

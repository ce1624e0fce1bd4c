package tariff_test

import (
	"fmt"
	"math/big"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"shortbreaks"
	"shortbreaks/marketplace/tariff"
)

// The oracle is a second opinion on bands: it walks every minute of a visit,
// asks the wall clock what it shows, and looks for the first band whose window
// that is. It shares no code with bands.go and takes no short cut.

// oracleBand is a band with its times read.
type oracleBand struct {
	tariff.Band
	from, to int // minutes after midnight; to may lie on the next day
}

func readBands(b *tariff.Bands) (all []oracleBand) {
	minutes := func(text string) int {
		t, err := time.Parse("15:04", text)
		if err != nil {
			panic(err)
		}
		return int(t.Sub(t.Truncate(24 * time.Hour)).Minutes())
	}
	for _, band := range b.List {
		o := oracleBand{Band: band, to: 24 * 60}
		if band.From != "" {
			o.from = minutes(band.From)
		}
		if band.To != "" {
			o.to = minutes(band.To)
			if o.to <= o.from {
				o.to += 24 * 60
			}
		}
		all = append(all, o)
	}
	return all
}

// holds reports whether the band's window, begun on a date, holds a wall time
// that is so many minutes after that date's midnight.
func (b *oracleBand) holds(begun time.Time, minute int, holidays map[time.Time]string) bool {
	if minute < b.from || minute >= b.to {
		return false
	}
	today := false
	for _, d := range b.Days {
		today = today || time.Weekday(d%7) == begun.Weekday()
	}
	if len(b.Days) > 0 && !today {
		return false
	}
	_, holiday := holidays[begun]
	switch b.BankHolidays {
	case "only":
		return holiday
	case "never":
		return !holiday
	}
	return true
}

// oracleBandAt is the place of the first band at an instant, or -1.
func oracleBandAt(bands []oracleBand, at time.Time, holidays map[time.Time]string) int {
	wall := at.In(shortbreaks.London)
	year, month, day := wall.Date()
	today := time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	yesterday := time.Date(year, month, day-1, 0, 0, 0, 0, time.UTC)
	minute := wall.Hour()*60 + wall.Minute()
	for i := range bands {
		if bands[i].holds(today, minute, holidays) || bands[i].holds(yesterday, minute+24*60, holidays) {
			return i
		}
	}
	return -1
}

// oracleCharged lengthens a visit by its minimum, then by its steps, a minute
// at a time.
func oracleCharged(c *tariff.Charge, minutes int) int {
	for minutes < c.MinimumMinutes {
		minutes++
	}
	if c.StepMinutes == 0 || c.StepMode == "exact" {
		return minutes
	}
	below, above := minutes, minutes
	for below%c.StepMinutes != 0 {
		below--
	}
	for above%c.StepMinutes != 0 {
		above++
	}
	if c.StepMode == "nearest" && minutes-below < above-minutes {
		return below
	}
	return above
}

// oraclePrice is the price of one visit by bands.
func oraclePrice(c *tariff.Charge, visit tariff.Occasion, holidays map[time.Time]string) shortbreaks.Pence {
	bands := readBands(c.Rate.Bands)
	rate := func(i int) *big.Rat { // of an hour
		switch {
		case i < 0:
			return big.NewRat(int64(c.AmountPence), 1)
		case bands[i].AmountPence != nil:
			return big.NewRat(int64(*bands[i].AmountPence), 1)
		}
		return big.NewRat(int64(c.AmountPence)*int64(bands[i].Percent), 100)
	}
	real := 0
	for t := visit.StartsAt; t.Before(visit.EndsAt); t = t.Add(time.Minute) {
		real++
	}
	charged := oracleCharged(c, real)
	count := map[int]int64{}
	switch c.Rate.Bands.Mode {
	case "split":
		for minute := range charged {
			count[oracleBandAt(bands, visit.StartsAt.Add(time.Duration(minute)*time.Minute), holidays)]++
		}
	case "whole_by_start":
		count[oracleBandAt(bands, visit.StartsAt, holidays)] = int64(charged)
	default: // the earlier in the list of the band at the start and the band at the last minute
		start, end := oracleBandAt(bands, visit.StartsAt, holidays), oracleBandAt(bands, visit.EndsAt.Add(-time.Minute), holidays)
		if start < 0 || end >= 0 && end < start {
			start = end
		}
		count[start] = int64(charged)
	}
	total := new(big.Rat)
	for i, minutes := range count {
		total.Add(total, new(big.Rat).Mul(rate(i), big.NewRat(minutes, 60)))
	}
	total.Add(total, big.NewRat(1, 2)) // half up: the whole part of a half more
	return shortbreaks.Pence(new(big.Int).Div(total.Num(), total.Denom()).Int64())
}

// holidays2027 are England's in 2027, by the published rules.
func holidays2027() map[time.Time]string {
	all := map[time.Time]string{}
	for day, name := range map[string]string{
		"2027-01-01": "New Year's Day", "2027-03-26": "Good Friday", "2027-03-29": "Easter Monday", "2027-05-03": "Early May",
		"2027-05-31": "Spring", "2027-08-30": "Summer", "2027-12-27": "Christmas Day (substitute)", "2027-12-28": "Boxing Day (substitute)",
	} {
		on, err := time.Parse(time.DateOnly, day)
		if err != nil {
			panic(err)
		}
		all[on] = name
	}
	return all
}

func drawClock(t *rapid.T, name string) string {
	if rapid.IntRange(0, 4).Draw(t, name+" open") == 0 {
		return ""
	}
	return fmt.Sprintf("%02d:%02d", rapid.IntRange(0, 23).Draw(t, name+" hour"), rapid.SampledFrom([]int{0, 0, 0, 15, 30, 59, 1}).Draw(t, name+" minute"))
}

func drawWindow(t *rapid.T) (w tariff.Window) {
	if rapid.Bool().Draw(t, "some days") {
		for d := 1; d <= 7; d++ {
			if rapid.Bool().Draw(t, "day") {
				w.Days = append(w.Days, d)
			}
		}
	}
	w.From, w.To = drawClock(t, "from"), drawClock(t, "to")
	w.BankHolidays = rapid.SampledFrom([]string{"", "", "", "only", "never"}).Draw(t, "bank holidays")
	return w
}

// drawBanded is a price by the hour with 1 to 5 bands, as they overlap.
func drawBanded(t *rapid.T) tariff.Charge {
	c := charge("support", "hour", shortbreaks.Pence(rapid.IntRange(0, 5_000).Draw(t, "amount")))
	c.Rate = &tariff.Rate{Bands: &tariff.Bands{Mode: rapid.SampledFrom([]string{"split", "split", "split", "whole_by_start", "whole_by_start_or_end"}).Draw(t, "mode")}}
	for n := range rapid.IntRange(1, 5).Draw(t, "bands") {
		b := tariff.Band{Name: fmt.Sprint("Band ", n), Window: drawWindow(t)}
		if rapid.Bool().Draw(t, "multiplier") {
			b.Percent = rapid.IntRange(1, 300).Draw(t, "percent")
		} else {
			b.AmountPence = pence(shortbreaks.Pence(rapid.IntRange(0, 5_000).Draw(t, "of band")))
		}
		c.Rate.Bands.List = append(c.Rate.Bands.List, b)
	}
	c.MinimumMinutes = rapid.SampledFrom([]int{0, 0, 60, 95}).Draw(t, "minimum")
	if c.StepMinutes = rapid.SampledFrom([]int{0, 0, 1, 7, 15, 60}).Draw(t, "step"); c.StepMinutes > 0 {
		c.StepMode = rapid.SampledFrom([]string{"up", "nearest", "exact"}).Draw(t, "step mode")
	}
	return c
}

// drawVisit begins near a change of the clocks, near a bank holiday or
// anywhere in 2027.
func drawVisit(t *rapid.T) tariff.Occasion {
	near := rapid.SampledFrom([]string{"2027-03-27T00:00", "2027-10-30T00:00", "2027-03-25T00:00", "2027-12-26T00:00", ""}).Draw(t, "near")
	days := 3
	if near == "" {
		near, days = "2027-01-01T00:00", 365
	}
	start := at(near).Add(time.Duration(rapid.IntRange(0, days*24*60-1).Draw(t, "begins")) * time.Minute)
	minutes := rapid.SampledFrom([]int{0, 0, 0, 600, 1500}).Draw(t, "long") + rapid.IntRange(1, 300).Draw(t, "minutes")
	return tariff.Occasion{StartsAt: start, EndsAt: start.Add(time.Duration(minutes) * time.Minute)}
}

// TestBandsAgreeWithAWalkThroughEveryMinute tries 100 x 100 random tariffs
// and visits.
func TestBandsAgreeWithAWalkThroughEveryMinute(t *testing.T) {
	t.Parallel()
	holidays := holidays2027()
	rapid.Check(t, func(t *rapid.T) {
		for range 100 {
			c, visit := drawBanded(t), drawVisit(t)
			p, err := price(tariffOf(option("Standard", c)), tariff.Ask{SoldBy: tariff.ByVisit, Occasions: []tariff.Occasion{visit}, Holidays: holidays})
			require.NoError(t, err)
			require.Equal(t, oraclePrice(&c, visit, holidays), p.TotalPence, "%+v %s to %s", c.Rate.Bands, visit.StartsAt, visit.EndsAt)
		}
	})
}

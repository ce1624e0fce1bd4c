package tariff

import (
	"slices"
	"strconv"
	"time"

	"shortbreaks"
)

func itoa(n int) string { return strconv.Itoa(n) }

const dayMinutes = 24 * 60

// moment is a wall time: a London date as days since 1970, and minutes after
// its midnight.
type moment struct{ day, minute int }

func wallOf(t time.Time) moment {
	t = t.In(shortbreaks.London)
	_, offset := t.Zone()
	seconds := t.Unix() + int64(offset)
	return moment{int(seconds / 86400), int(seconds % 86400 / 60)}
}

// date is a day as a SQL date reads back.
func date(day int) time.Time { return time.Unix(int64(day)*86400, 0).UTC() }

// clock is "16:30" as minutes after midnight; the text has been checked.
func clock(s string, empty int) int {
	if len(s) != 5 {
		return empty
	}
	return (int(s[0]-'0')*10+int(s[1]-'0'))*60 + int(s[3]-'0')*10 + int(s[4]-'0')
}

func (w *Window) bounds() (from, to int) { return clock(w.From, 0), clock(w.To, dayMinutes) }

// begins reports whether the window begins on a day.
func (w *Window) begins(day int, holidays map[time.Time]string) bool {
	on := date(day)
	if len(w.Days) > 0 && !slices.Contains(w.Days, shortbreaks.ISOWeekday(on)) {
		return false
	}
	if w.BankHolidays == "" {
		return true
	}
	_, holiday := holidays[on]
	return holiday == (w.BankHolidays == "only")
}

// covers reports whether a moment falls in the window. A boundary belongs to
// what begins there.
func (w *Window) covers(m moment, holidays map[time.Time]string) bool {
	from, to := w.bounds()
	if from < to {
		return from <= m.minute && m.minute < to && w.begins(m.day, holidays)
	}
	return m.minute >= from && w.begins(m.day, holidays) || m.minute < to && w.begins(m.day-1, holidays)
}

// at is the first band that covers a moment, or -1.
func (b *Bands) at(m moment, holidays map[time.Time]string) int {
	for i := range b.List {
		if b.List[i].covers(m, holidays) {
			return i
		}
	}
	return -1
}

// class is the band the whole of an occasion counts as, or -1. Its end is the
// last minute worked: to leave as a band begins is not to work in it.
func (b *Bands) class(o *Occasion, holidays map[time.Time]string) int {
	start := wallOf(o.StartsAt)
	if b.Mode != WholeByStartOrEnd {
		return b.at(start, holidays)
	}
	end := wallOf(o.EndsAt.Add(-time.Minute))
	for i := range b.List {
		if b.List[i].covers(start, holidays) || b.List[i].covers(end, holidays) {
			return i
		}
	}
	return -1
}

// split is how many minutes of an elapsed time fall in each band; the last
// figure is what falls in none. Bands are wall time: where the clocks change
// within it, each minute counts as the clock on the wall shows it.
func (b *Bands) split(from time.Time, minutes int, holidays map[time.Time]string) []int {
	parts := make([]int, len(b.List)+1)
	from = from.Truncate(time.Minute) // the clocks change at a whole one
	end := from.Add(time.Duration(minutes) * time.Minute)
	for from.Before(end) {
		until := end
		if _, change := from.In(shortbreaks.London).ZoneBounds(); !change.IsZero() && change.Before(end) {
			until = change
		}
		left := int(until.Sub(from) / time.Minute)
		for m := wallOf(from); left > 0; {
			n := min(left, b.next(m.minute)-m.minute)
			i := b.at(m, holidays)
			if i < 0 {
				i = len(b.List)
			}
			parts[i] += n
			left -= n
			m.minute += n
			if m.minute == dayMinutes {
				m = moment{m.day + 1, 0}
			}
		}
		from = until
	}
	return parts
}

// next is the first minute after one at which a band may begin or end.
func (b *Bands) next(minute int) int {
	next := dayMinutes
	for i := range b.List {
		from, to := b.List[i].bounds()
		if from > minute {
			next = min(next, from)
		}
		if to > minute {
			next = min(next, to)
		}
	}
	return next
}

// amount is what a unit costs in a band, in hundredths of a penny; -1 is
// outside of them all.
func (b *Bands) amount(i int, base shortbreaks.Pence) int64 {
	switch {
	case i < 0 || i >= len(b.List):
		return int64(base) * 100
	case b.List[i].AmountPence != nil:
		return int64(*b.List[i].AmountPence) * 100
	}
	return int64(base) * int64(b.List[i].Percent)
}

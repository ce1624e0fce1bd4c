package marketplace

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// timed reports whether what is found must be to be had in a window.
func (f filter) timed() bool { return f.window.asked() && f.dropped != ByWhen }

// soonestOf is the earliest a candidate could be had in the window, by its
// listing alone: never later than the truth. Nil: not at all.
func (f filter) soonestOf(c candidate) *time.Time {
	within := f.window.between(f.asOf)
	if c.visits || f.startsLater {
		return f.window.firstOpen(within, c.days, c.hours)
	}
	for _, minute := range c.starts {
		at := time.Unix(int64(minute)*60, 0).UTC()
		switch {
		case at.Before(within.from) || !at.After(f.asOf):
		case !at.Before(within.to):
			return nil
		case f.window.mayStart(at):
			return &at
		}
	}
	switch {
	case c.starts == nil: // a listing from before starts were kept
	case len(c.starts) < mostStarts:
		return nil
	default:
		if last := time.Unix(int64(c.starts[mostStarts-1])*60, 0).UTC(); last.After(within.from) {
			within.from = last
		}
	}
	if !within.from.Before(within.to) {
		return nil
	}
	return &within.from
}

// mayStart reports whether something that starts then may be in the window by
// its day and time; when it ends is not known here.
func (w Window) mayStart(at time.Time) bool {
	local := at.In(shortbreaks.London)
	if len(w.Weekdays) > 0 && !containsDay(w.Weekdays, local) {
		return false
	}
	clock := local.Format("15:04")
	return (w.Earliest == "" || clock >= w.Earliest) && (w.Latest == "" || clock < w.Latest)
}

// firstOpen is when visits on these days and in these hours first open in a
// span, and the earliest that sessions on such days and in such hours could
// begin; nil: not in it.
func (w Window) firstOpen(within span, days, hours int32) *time.Time {
	first := clockMinutes(cmp.Or(w.Earliest, "00:00")) / 60
	for first < 23 && hours&(1<<first) == 0 {
		first++
	}
	opens := max(first*60, clockMinutes(cmp.Or(w.Earliest, "00:00")))
	for on := shortbreaks.Date(within.from); shortbreaks.At(on, 0).Before(within.to); on = on.AddDate(0, 0, 1) {
		if days&dayBits([]int{shortbreaks.ISOWeekday(on)}) == 0 || (len(w.Weekdays) > 0 && !containsDay(w.Weekdays, on)) {
			continue
		}
		at := shortbreaks.At(on, opens).UTC()
		if at.Before(within.from) {
			at = within.from
		}
		return &at
	}
	return nil
}

const sqlStarts = `
SELECT k.n::int, l.starts FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS k (provider_id, offer_id, n)
CROSS JOIN LATERAL (SELECT starts FROM offer_listing WHERE provider_id = k.provider_id AND offer_id = k.offer_id OFFSET 0) l`

// readStarts fills in when the sessions of the candidates begin.
func readStarts(ctx context.Context, tx *db.Tx, all []candidate) error {
	keys, of := make([]offerKey, 0, len(all)), make([]int, 0, len(all))
	for i, c := range all {
		if !c.visits {
			keys, of = append(keys, c.offerKey), append(of, i)
		}
	}
	if len(keys) == 0 {
		return nil
	}
	providers, offers := keyColumns(keys)
	rows, err := tx.PGX.Query(ctx, sqlStarts, providers, offers)
	if err != nil {
		return fmt.Errorf("reading when sessions begin: %w", err)
	}
	for rows.Next() {
		var n int
		var starts []int32
		if err := rows.Scan(&n, &starts); err != nil {
			rows.Close()
			return fmt.Errorf("reading when sessions begin: %w", err)
		}
		all[of[n-1]].starts = starts
	}
	return rows.Err()
}

// waiting is a candidate that has not been looked up yet.
type waiting struct {
	candidate
	soonest step // not after where it belongs
}

// inWindow are those of the candidates that may be had in the window, in the
// order of when at the earliest.
func (f filter) inWindow(all []candidate) (queue []waiting) {
	for _, c := range all {
		if at := f.soonestOf(c); at != nil {
			queue = append(queue, waiting{c, step{at.UnixMicro(), c.Offer}})
		}
	}
	slices.SortFunc(queue, func(a, b waiting) int {
		return cmp.Or(cmp.Compare(a.soonest.at, b.soonest.at), bytes.Compare(a.Offer[:], b.Offer[:]))
	})
	return queue
}

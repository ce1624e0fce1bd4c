package marketplace

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// When support by the hour can next be had is worked out when the offer is
// listed: the first half hour, counted from opening, at which a lane is free
// for the shortest visit with its buffers. A booking makes it later, and a
// search that looks the offer up sees that the time is taken; time that is
// given back marks the offer, and it is listed anew.

// mostListed is how many open dates are looked at for a listing; a search that
// finds a listing behind looks at mostTried.
const mostListed = 60

// aroundVisit is as far as buffers and the shortest visit reach around a start.
const aroundVisit = 36 * time.Hour

// nextFree is when the shortest visit can next be had on so many open dates. If
// somebody is free at none of them it is a moment after the last that was
// tried: never later than the truth. never: it is never open so long.
func (r VisitRules) nextFree(k offerKey, o Offer, lanes *LaneBoard, now time.Time, dates int) (at time.Time, free bool) {
	starts := r.triesOn(Window{}, now, o, dates)
	for _, start := range starts {
		if lanes.anyFree(r.wish(k, start), 1) {
			return start, true
		}
	}
	if len(starts) == 0 {
		return never, false
	}
	return starts[len(starts)-1].Add(time.Minute), false
}

// tried reports whether a time is one that is tried: so many half hours after
// opening, and early enough for the shortest visit.
func (r VisitRules) tried(at time.Time) bool {
	length := time.Duration(r.MinimumMinutes) * time.Minute
	on := shortbreaks.Date(at)
	for _, day := range []time.Time{on, on.AddDate(0, 0, -1)} {
		open := r.openOn(day, Window{})
		if containsDay(r.Days, day) && !at.Before(open.from) && !at.Add(length).After(open.to) && at.Sub(open.from)%triedEvery == 0 {
			return true
		}
	}
	return false
}

// lastTried is the end of the time that tries on so many open dates lie in.
func (r VisitRules) lastTried(o Offer, now time.Time, dates int) time.Time {
	starts := r.triesOn(Window{}, now, o, dates)
	if len(starts) == 0 {
		return now
	}
	return starts[len(starts)-1]
}

// freeFrom fills in when visits of the offers to be listed can next be had.
func freeFrom(ctx context.Context, tx *db.Tx, all []listed) error {
	var wishes []LaneWish
	for _, l := range all {
		if l.visits != nil {
			wishes = append(wishes, LaneWish{
				Provider: l.Provider, Offer: l.Offer, From: tx.Now.Add(-aroundVisit), To: l.visits.lastTried(l.window, tx.Now, mostListed).Add(aroundVisit),
			})
		}
	}
	lanes, err := readLanes(ctx, tx, wishes)
	if err != nil {
		return err
	}
	for i := range all {
		if l := &all[i]; l.visits != nil {
			at, _ := l.visits.nextFree(l.offerKey, l.window, lanes, tx.Now, mostListed)
			l.next = &at
		}
	}
	return nil
}

// promised are wishes for the time around what each listing promises.
func promised(keys []offerKey, into map[uuid.UUID]*hit) []LaneWish {
	wishes := make([]LaneWish, 0, len(keys))
	for _, k := range keys {
		if at := into[k.Offer].nextAt; at.Before(never) {
			wishes = append(wishes, LaneWish{Provider: k.Provider, Offer: k.Offer, From: at.Add(-aroundVisit), To: at.Add(aroundVisit)})
		}
	}
	return wishes
}

// fillNext fills in when visits can next be had, where somebody is free when
// the listing says so; it gives back the offers whose listing is behind.
func (f filter) fillNext(keys []offerKey, visits map[uuid.UUID]openHours, lanes *LaneBoard, into map[uuid.UUID]*hit) (behind []offerKey) {
	for _, k := range keys {
		r, known := visits[k.Offer]
		if !known {
			continue // changed to sessions a moment ago
		}
		h := into[k.Offer]
		switch h.next = h.nextAt; {
		case h.nextAt.After(f.asOf) && !r.tried(h.nextAt): // nobody is free as far as was looked
		case h.nextAt.After(f.asOf) && !h.nextAt.Before(r.window.cutoff(f.asOf)) && lanes.anyFree(r.wish(k, h.nextAt), 1):
			h.promise(r, h.nextAt, f.asOf)
		default:
			behind = append(behind, k)
		}
	}
	return behind
}

// promise shows a start, unless it is too far ahead to be booked.
func (h *hit) promise(r openHours, at, now time.Time) {
	if r.window.CanBook(at, now) {
		h.start = &at
	}
}

// fillBehind looks up offers whose listing is behind, in one round trip more.
func (f filter) fillBehind(ctx context.Context, tx *db.Tx, behind []offerKey, visits map[uuid.UUID]openHours, into map[uuid.UUID]*hit) error {
	if len(behind) == 0 {
		return nil
	}
	wishes := make([]LaneWish, 0, len(behind))
	for _, k := range behind {
		r := visits[k.Offer]
		wishes = append(wishes, LaneWish{Provider: k.Provider, Offer: k.Offer, From: f.asOf.Add(-aroundVisit), To: r.lastTried(r.window, f.asOf, mostTried).Add(aroundVisit)})
	}
	var batch pgx.Batch
	lanes := queueLanes(&batch, wishes)
	if err := tx.PGX.SendBatch(ctx, &batch).Close(); err != nil {
		return fmt.Errorf("looking up when %d offers are free: %w", len(behind), err)
	}
	for _, k := range behind {
		h, r := into[k.Offer], visits[k.Offer]
		at, free := r.nextFree(k, r.window, lanes, f.asOf, mostTried)
		if h.next = at; free {
			h.promise(r, at, f.asOf)
		}
	}
	return nil
}

package marketplace

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"time"

	"shortbreaks/internal/db"
)

// How many candidates one page looks up at most, and how many of them it
// orders by what it saw. Beyond these a search goes on from page to page: it
// misses nothing, and "soonest" then holds within each such stretch.
const (
	mostLooked  = 2_000
	mostOrdered = 1_000

	mostInWindow = 320 // a batch of 401
)

// batchOf is how many candidates are looked up at once: for a page of 20 all
// it takes if no listing is behind.
func (f filter) batchOf(limit, before int) int {
	if f.window.asked() {
		limit = mostInWindow // which begins alike for all: few would be ready
	}
	return batchOf(limit, before)
}

func batchOf(limit, before int) int { return min(max(limit+limit/4+1, 2*before), mostOrdered) }

// reading is a page on its way.
type reading struct {
	hits  []hit
	next  *cursor // nil: nothing follows
	spelt bool
	stale []offerKey

	looked int
}

// read finds the next hits after a cursor: first those that have the words of
// the text as written, then those spelt nearly so.
func (f filter) read(ctx context.Context, tx *db.Tx, from cursor, limit int) (r *reading, err error) {
	r = &reading{}
	for {
		g := f
		if from.Spelt {
			if g.spelt, err = f.nearWords(ctx, tx); err != nil {
				return nil, err
			}
			if g.spelt == "" || f.dropped == ByText {
				return r, nil
			}
		}
		n := len(r.hits)
		if f.sort == BySoonest {
			err = g.readSoonest(ctx, tx, from, limit, r)
		} else {
			err = g.readSorted(ctx, tx, from, limit, r)
		}
		if err != nil {
			return nil, err
		}
		r.spelt = r.spelt || (from.Spelt && len(r.hits) > n)
		if r.next != nil || from.Spelt || f.text == "" {
			return r, nil
		}
		from = cursor{Sort: f.sort, AsOf: f.asOf, Spelt: true}
	}
}

// nearWords is the query for the text spelt nearly so; "" if there is none.
func (f filter) nearWords(ctx context.Context, tx *db.Tx) (string, error) {
	w := wordingOf(f.text)
	spellings, err := w.spellings(ctx, tx)
	if err != nil {
		return "", err
	}
	return w.near(spellings), nil
}

// readSorted reads in the order of the walk itself: by distance, by cost.
func (f filter) readSorted(ctx context.Context, tx *db.Tx, from cursor, limit int, r *reading) error {
	after := from.Walked
	size := 0
	for {
		size = f.batchOf(limit, size)
		batch, err := f.walk(ctx, tx, after, size)
		if err != nil {
			return err
		}
		hits, err := f.look(ctx, tx, batch)
		if err != nil {
			return err
		}
		r.looked += len(batch)
		for _, h := range hits {
			if len(r.hits) == limit {
				last := f.at(r.hits[limit-1].candidate)
				r.next = &cursor{Sort: f.sort, AsOf: f.asOf, Spelt: f.spelt != "", Walked: &last}
				return nil
			}
			r.hits = append(r.hits, h)
		}
		if len(batch) < size {
			return nil
		}
		last := f.at(batch[len(batch)-1])
		after = &last
		if r.looked >= mostLooked {
			r.next = &cursor{Sort: f.sort, AsOf: f.asOf, Spelt: f.spelt != "", Walked: after}
			return nil
		}
	}
}

// readSoonest reads stretches of the walk. A listing's next_at is never later
// than the truth, so once a hit is sooner than the next candidate could be,
// nothing unseen comes before it.
func (f filter) readSoonest(ctx context.Context, tx *db.Tx, from cursor, limit int, r *reading) error {
	for {
		s := leg{filter: f, from: from.Walked, after: from.Shown}
		if err := s.read(ctx, tx, limit-len(r.hits)); err != nil {
			return err
		}
		r.looked += s.looked
		r.stale = append(r.stale, s.stale...)
		room := limit - len(r.hits)
		take := min(s.ready(), room)
		r.hits = append(r.hits, s.pool[:take]...)
		switch {
		case take < len(s.pool) || !s.whole:
			shown := from.Shown
			if take > 0 {
				shown = &s.pool[take-1].sort
			}
			r.next = &cursor{Sort: f.sort, AsOf: f.asOf, Spelt: f.spelt != "", Walked: from.Walked, Shown: shown}
			return nil
		case s.last:
			return nil
		}
		from = cursor{Walked: s.end}
		if len(r.hits) == limit || r.looked >= mostLooked {
			r.next = &cursor{Sort: f.sort, AsOf: f.asOf, Spelt: f.spelt != "", Walked: s.end}
			return nil
		}
	}
}

// leg is a part of a walk whose hits are put in order.
type leg struct {
	filter
	from   *step     // where it begins
	after  *step     // up to where its hits have been shown
	end    *step     // how far it has been walked
	pool   []hit     // in order, not shown yet
	queue  []waiting // with a window: walked, not looked up yet, in order
	stale  []offerKey
	looked int
	whole  bool // nothing more belongs to it
	last   bool // nor follows it
}

// read walks on until enough hits are ready, or the stretch is whole.
func (s *leg) read(ctx context.Context, tx *db.Tx, limit int) error {
	s.end = s.from
	if s.timed() {
		return s.readWithin(ctx, tx, limit)
	}
	size := 0
	for !s.whole {
		size = min(s.batchOf(limit, size), mostOrdered-s.looked)
		batch, err := s.advance(ctx, tx, size)
		if err != nil {
			return err
		}
		if err := s.lookUp(ctx, tx, batch); err != nil {
			return err
		}
		s.whole = s.last || s.looked >= mostOrdered
		if s.ready() > limit {
			return nil
		}
	}
	return nil
}

// readWithin is read with a window. Walking there is in no useful order, for
// most offers begin before the window does, so the whole stretch is walked; it
// is looked up in the order of when each could be had at the earliest. Squares
// tell that by the hour without a look at the listings themselves, and mostly
// the first few are a page; only if they are not, all is told to the minute.
func (s *leg) readWithin(ctx context.Context, tx *db.Tx, limit int) error {
	s.startsLater = s.walksCells()
	batch, err := s.advance(ctx, tx, mostOrdered)
	if err != nil {
		return err
	}
	s.queue = s.inWindow(batch)
	for size := 0; len(s.queue) > 0; {
		size = batchOf(limit, size)
		next := s.queue[:min(size, len(s.queue))]
		s.queue = s.queue[len(next):]
		looked := make([]candidate, 0, len(next))
		for _, w := range next {
			looked = append(looked, w.candidate)
		}
		if err := s.lookUp(ctx, tx, looked); err != nil {
			return err
		}
		if s.ready() > limit {
			return nil
		}
		if s.startsLater {
			if err := s.tellStarts(ctx, tx); err != nil {
				return err
			}
		}
	}
	s.whole = true
	return nil
}

// tellStarts puts the queue in order by when its sessions begin.
func (s *leg) tellStarts(ctx context.Context, tx *db.Tx) error {
	s.startsLater = false
	rest := make([]candidate, 0, len(s.queue))
	for _, w := range s.queue {
		rest = append(rest, w.candidate)
	}
	if err := readStarts(ctx, tx, rest); err != nil {
		return err
	}
	s.queue = s.inWindow(rest)
	return nil
}

// advance walks on by at most so many candidates.
func (s *leg) advance(ctx context.Context, tx *db.Tx, size int) ([]candidate, error) {
	batch, err := s.walk(ctx, tx, s.end, size)
	if err != nil {
		return nil, err
	}
	s.looked += len(batch)
	if len(batch) > 0 {
		end := s.at(batch[len(batch)-1])
		s.end = &end
	}
	s.last = len(batch) < size
	return batch, nil
}

// lookUp puts the hits among the candidates into the pool.
func (s *leg) lookUp(ctx context.Context, tx *db.Tx, batch []candidate) error {
	hits, err := s.look(ctx, tx, batch)
	if err != nil {
		return err
	}
	for _, h := range hits {
		if !s.window.asked() && !h.next.Equal(h.nextAt) {
			s.stale = append(s.stale, h.offerKey)
		}
		if s.after == nil || h.sort.compare(*s.after) > 0 {
			s.pool = append(s.pool, h)
		}
	}
	slices.SortFunc(s.pool, func(a, b hit) int { return a.sort.compare(b.sort) })
	return nil
}

// ready is how many of the pool nothing unseen can come before.
func (s *leg) ready() int {
	unseen := s.end
	switch {
	case s.whole, s.timed() && len(s.queue) == 0:
		return len(s.pool)
	case s.timed():
		unseen = &s.queue[0].soonest
	}
	for i, h := range s.pool {
		if h.sort.compare(*unseen) > 0 && !time.UnixMicro(h.sort.at).Before(s.asOf) {
			return i
		}
	}
	return len(s.pool)
}

func (a step) compare(b step) int {
	return cmp.Or(cmp.Compare(a.at, b.at), bytes.Compare(a.offer[:], b.offer[:]))
}

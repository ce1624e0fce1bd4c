package marketplace

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"shortbreaks"
	"shortbreaks/internal/db"
)

const (
	sqlRunningTerms = `SELECT t.offer_id, t.id, t.name, t.unit, t.starts_on, t.ends_on, t.planned_sessions FROM term t
WHERE t.provider_id = $1 AND t.offer_id = ANY ($2) AND EXISTS (SELECT FROM session s
    WHERE s.provider_id = t.provider_id AND s.offer_id = t.offer_id AND s.term_id = t.id AND s.state = 'scheduled' AND s.starts_at > $3)
ORDER BY t.starts_on, t.id`

	// Of a bundle that is running its past dates count too: its price is for
	// all of them.
	sqlExportSessions = `SELECT s.offer_id, s.term_id, s.starts_at, s.ends_at, s.local_start,
    p.capacity + coalesce((SELECT sum(e.places - e.used) FROM emergency_capacity e WHERE e.provider_id = s.provider_id AND e.session_id = s.id AND e.state = 'held'), 0)::int,
    p.staff_units, s.minimum_places, s.decide_at, s.confirm_early, s.decided_at
FROM session s
JOIN session_places p ON p.provider_id = s.provider_id AND p.session_id = s.id
WHERE s.provider_id = $1 AND s.offer_id = ANY ($2) AND s.state = 'scheduled' AND (s.starts_at > $3 OR s.term_id = ANY ($4))
ORDER BY s.starts_at, s.id`

	sqlExportLanes = `SELECT ol.offer_id, l.id, l.label FROM offer_lane ol
JOIN lane l ON l.provider_id = ol.provider_id AND l.id = ol.lane_id
WHERE ol.provider_id = $1 AND ol.offer_id = ANY ($2)
ORDER BY l.id`
)

// readDates reads the dates still to come.
func (e *exporting) readDates(ctx context.Context, tx *db.Tx) error {
	e.terms, e.sessions = map[uuid.UUID]Term{}, map[uuid.UUID][]plannedSession{}
	return e.inBatches(func(ids []uuid.UUID) error {
		rows, err := tx.PGX.Query(ctx, sqlRunningTerms, e.provider.ID, ids, tx.Now)
		if err != nil {
			return err
		}
		running := []uuid.UUID{}
		for rows.Next() {
			var t Term
			if err := rows.Scan(&t.OfferID, &t.ID, &t.Name, &t.Unit, &t.StartsOn, &t.EndsOn, &t.PlannedSessions); err != nil {
				return err
			}
			running = append(running, t.ID)
			e.terms[t.OfferID] = t
		}
		if err := rows.Err(); err != nil {
			return err
		}
		rows, err = tx.PGX.Query(ctx, sqlExportSessions, e.provider.ID, ids, tx.Now, running)
		if err != nil {
			return err
		}
		for rows.Next() {
			var s plannedSession
			if err := rows.Scan(&s.OfferID, &s.TermID, &s.StartsAt, &s.EndsAt, &s.LocalStart, &s.capacity, &s.staffUnits,
				&s.MinimumPlaces, &s.DecideAt, &s.ConfirmEarly, &s.DecidedAt); err != nil {
				return err
			}
			e.sessions[s.OfferID] = append(e.sessions[s.OfferID], s)
		}
		return rows.Err()
	})
}

// readLanes names the lanes: where two have one label, by the order of their
// ids.
func (e *exporting) readLanes(ctx context.Context, tx *db.Tx) error {
	type serves struct {
		offer, lane uuid.UUID
		label       string
	}
	var all []serves
	err := e.inBatches(func(ids []uuid.UUID) error {
		rows, err := tx.PGX.Query(ctx, sqlExportLanes, e.provider.ID, ids)
		if err != nil {
			return err
		}
		for rows.Next() {
			var s serves
			if err := rows.Scan(&s.offer, &s.lane, &s.label); err != nil {
				return err
			}
			all = append(all, s)
		}
		return rows.Err()
	})
	if err != nil {
		return err
	}
	slices.SortStableFunc(all, func(a, b serves) int { return slices.Compare(a.lane[:], b.lane[:]) })
	e.lanes = map[uuid.UUID][]string{}
	named, numbered := map[uuid.UUID]string{}, map[string]int{}
	for _, s := range all {
		if named[s.lane] == "" {
			numbered[s.label]++
			named[s.lane] = printLane(s.label, numbered[s.label])
		}
		e.lanes[s.offer] = append(e.lanes[s.offer], named[s.lane])
	}
	return nil
}

// draft is an offer as its provider would write it today. One that could not
// be on sale as it is written is a draft.
func (e *exporting) draft(o Offer) (OfferDraft, OfferState) {
	version, setting := e.versions[o.VersionID], e.settings[o.SettingID]
	d := OfferDraft{
		Setting: &SettingDraft{Name: setting.Name, Postcode: setting.Postcode, address: setting.AddressLines, access: setting.AccessFeatures},
		Title:   o.Title, Summary: o.Summary, Category: o.Category, AccessRoute: o.AccessRoute, AgeFrom: o.AgeFrom, AgeTo: o.AgeTo,
		RatioStaff: o.RatioStaff, RatioChildren: o.RatioChildren, Instant: o.Instant, Content: o.Content,
		Tariff: withComponents(version.Tariff, e.components[version.ID]), Terms: version.Terms, NoticeMinutes: o.NoticeMinutes, HorizonDays: o.HorizonDays,
		Companions: o.Companions,
	}
	if o.Visits != nil {
		rules := *o.Visits
		for _, label := range e.lanes[o.ID] {
			rules.Lanes = append(rules.Lanes, LaneDraft{Label: label})
		}
		d.Visits = &rules
	} else if planned := e.sessions[o.ID]; len(planned) > 0 {
		term, running := e.terms[o.ID]
		d.Sessions = seriesOf(planned, term, running && sells(d, term.Unit), e.now)
	}
	if d.Visits == nil && d.Sessions == nil {
		return d, Draft
	}
	return d, o.State
}

// sells reports whether any price of a draft buys a bundle of this unit. One
// that nothing buys any more is not written.
func sells(d OfferDraft, unit string) bool {
	var f shortbreaks.Faults
	return d.Tariff.CheckBundles(&f, unit)
}

// alike are sessions that one series can make.
type alike struct {
	from, to string
	capacity int
	staff    int
	minimum  MinimumDraft // the zero value: none
	again    int          // the n-th of several at one time
}

// series are the sessions of these dates.
func (key alike) series(dates []time.Time, first, last time.Time) SessionSeries {
	s := seriesOn(dates, first, last)
	s.From, s.To, s.Capacity, s.StaffUnits = key.from, key.to, key.capacity, key.staff
	if key.minimum.Places > 0 {
		s.Minimum = &key.minimum
	}
	return s
}

// seriesOf writes sessions as the fewest series that make just them.
func seriesOf(planned []plannedSession, term Term, bundled bool, now time.Time) *SessionSeries {
	groups, times := map[alike][]time.Time{}, map[alike]map[string]int{}
	for i, minimum := range minima(planned, bundled, now) {
		p := &planned[i]
		from, to := p.clocks()
		key, on := alike{from: from, to: to, capacity: p.capacity, staff: p.staffUnits, minimum: minimum}, p.LocalStart[:len(time.DateOnly)]
		if times[key] == nil {
			times[key] = map[string]int{}
		}
		n := times[key][on]
		times[key][on]++
		key.again = n
		date, _ := time.Parse(time.DateOnly, on) // a constraint of the table has read it
		groups[key] = append(groups[key], date)
	}
	keys := make([]alike, 0, len(groups))
	for key := range groups {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b alike) int {
		return cmp.Or(groups[a][0].Compare(groups[b][0]), cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to), cmp.Compare(a.capacity, b.capacity),
			cmp.Compare(a.staff, b.staff), a.minimum.compare(b.minimum), cmp.Compare(a.again, b.again))
	})
	var all []SessionSeries
	for i, key := range keys {
		var first, last time.Time
		if i == 0 && bundled {
			first, last = term.StartsOn, term.EndsOn
		}
		all = append(all, key.series(groups[key], first, last))
	}
	s := all[0]
	s.more = all[1:]
	if bundled {
		s.Bundle = &BundleDraft{Name: term.Name, Unit: term.Unit}
		if term.PlannedSessions != len(planned) {
			s.Bundle.planned = term.PlannedSessions
		}
		if first, last := s.bundleSpan(); !first.Equal(term.StartsOn) || !last.Equal(term.EndsOn) {
			s.Bundle.startsOn, s.Bundle.endsOn = term.StartsOn, term.EndsOn
		}
	}
	return &s
}

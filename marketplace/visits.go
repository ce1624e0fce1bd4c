package marketplace

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"shortbreaks"
	"shortbreaks/marketplace/tariff"
)

// VisitRules say when support by the hour can be had. A visit starts and ends
// between From and To on one of the days; To at or before From is on the next
// day. All are London wall times, "08:00".
type VisitRules struct {
	Days                []int       `json:"days"` // ISO, Monday 1 to Sunday 7
	From                string      `json:"from"`
	To                  string      `json:"to"`
	MinimumMinutes      int         `json:"minimum_minutes"`
	MaximumMinutes      int         `json:"maximum_minutes"`
	StepMinutes         int         `json:"step_minutes"`
	BufferBeforeMinutes int         `json:"buffer_before_minutes"` // kept free, never charged (T42)
	BufferAfterMinutes  int         `json:"buffer_after_minutes"`
	Lanes               []LaneDraft `json:"lanes,omitempty"` // in a draft; then rows of their own
}

// LaneDraft is a lane as its provider writes it.
type LaneDraft struct {
	Label string     `json:"label"`
	ID    *uuid.UUID `json:"-"` // a lane the provider has already: whoever it is serves one visit at a time over all its offers (T52)
}

// Visit is support by the hour at a time of one's own choosing.
type Visit struct {
	LocalStart string     // London wall time, "2027-01-09T10:00"
	Minutes    int        // elapsed
	LaneID     *uuid.UUID // whom to have; nil: whoever is free
}

// before and after are the buffers as durations.
func (r VisitRules) before() time.Duration { return time.Duration(r.BufferBeforeMinutes) * time.Minute }

func (r VisitRules) after() time.Duration { return time.Duration(r.BufferAfterMinutes) * time.Minute }

// occasion turns a visit asked for into an elapsed time, or notes why it
// cannot be had. Day and hours are judged as wall time, in the zone the
// provider stated them in (T41).
func (r VisitRules) occasion(v Visit, now time.Time, at string, f *shortbreaks.Faults) tariff.Occasion {
	start, trouble := Instant(v.LocalStart)
	if trouble != "" {
		f.Add(at+"/local_start", "%s", trouble)
		return tariff.Occasion{}
	}
	o := tariff.Occasion{StartsAt: start, EndsAt: start.Add(time.Duration(v.Minutes) * time.Minute)}
	if trouble := r.lengthTrouble(v.Minutes); trouble != "" {
		f.Add(at+"/minutes", "%s", trouble)
		return o
	}
	f.Unless(start.After(now), at+"/local_start", "This time has passed; choose a later one.")
	f.Unless(r.open(o), at+"/local_start", "Visits are on %s, from %s to %s.", shortbreaks.Weekdays(r.Days), r.From, r.To)
	return o
}

// lengthTrouble says why a visit cannot last this long, or "".
func (r VisitRules) lengthTrouble(minutes int) string {
	if minutes < r.MinimumMinutes || minutes > r.MaximumMinutes {
		return fmt.Sprintf("A visit lasts from %s to %s.", shortbreaks.Minutes(r.MinimumMinutes), shortbreaks.Minutes(r.MaximumMinutes))
	}
	if r.StepMinutes > 0 && minutes%r.StepMinutes != 0 {
		return fmt.Sprintf("A visit lasts a multiple of %s.", shortbreaks.Minutes(r.StepMinutes))
	}
	return ""
}

// open reports whether the offer is there for all of this time. Wall times
// written alike compare as text.
func (r VisitRules) open(o tariff.Occasion) bool {
	start, end := shortbreaks.Wall(o.StartsAt), shortbreaks.Wall(o.EndsAt)
	day := shortbreaks.Date(o.StartsAt)
	for _, day := range []time.Time{day, day.AddDate(0, 0, -1)} {
		if !slices.Contains(r.Days, shortbreaks.ISOWeekday(day)) {
			continue
		}
		last := day
		if r.To <= r.From {
			last = day.AddDate(0, 0, 1)
		}
		if start >= wallOf(day, r.From) && end <= wallOf(last, r.To) {
			return true
		}
	}
	return false
}

// Instant is the one instant of a London wall time, or why there is not one:
// the hour the clocks leave out in March, the hour they repeat in October
// (T35).
func Instant(local string) (at time.Time, trouble string) {
	at, err := time.ParseInLocation(shortbreaks.WallLayout, local, shortbreaks.London)
	if err != nil {
		return time.Time{}, "Give a time such as 2027-01-09T10:00."
	}
	if shortbreaks.Wall(at) != local {
		return time.Time{}, "This time does not exist: the clocks go forward that night. Choose an hour earlier or later."
	}
	if shortbreaks.Wall(at.Add(time.Hour)) == local || shortbreaks.Wall(at.Add(-time.Hour)) == local {
		return time.Time{}, "This time comes twice: the clocks go back that night. Choose a start before or after that hour."
	}
	return at, ""
}

// wallOf is a wall time on a date, as text.
func wallOf(day time.Time, clock string) string { return day.Format(time.DateOnly) + "T" + clock }

// hoursRead unpacks the hours of many offers, the same ones once.
type hoursRead map[string]*VisitRules

func (h hoursRead) of(text *string) (*VisitRules, error) {
	if text == nil {
		return nil, nil //nolint:nilnil // an offer with sessions has none
	}
	if known, ok := h[*text]; ok {
		return known, nil
	}
	var r VisitRules
	if err := json.Unmarshal([]byte(*text), &r); err != nil {
		return nil, fmt.Errorf("reading the hours of an offer: %w", err)
	}
	h[*text] = &r
	return &r, nil
}

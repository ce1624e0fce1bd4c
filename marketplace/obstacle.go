package marketplace

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"shortbreaks"
	"shortbreaks/marketplace/tariff"
)

// obstacles are what stands between an offer and the dates asked for: of each
// date the last thing that was in the way, each thing once.
type obstacles struct {
	of    int // dates asked for
	dates map[string]int
	words map[string]string // a sentence; "" is said by the number of dates
}

// add notes what is in the way on a date.
func (b *obstacles) add(code, words string) {
	if b.dates[code]++; b.words[code] == "" {
		b.words[code] = words
	}
}

// reasons are the obstacles in words, in the order of ReasonCodes.
func (b *obstacles) reasons() (all []Reason) {
	for _, code := range ReasonCodes {
		n := b.dates[code]
		if n == 0 {
			continue
		}
		words := b.words[code]
		if words == "" {
			words = fmt.Sprintf(obstacleWords[code], onDates(n, b.of))
		}
		all = append(all, Reason{code, words})
	}
	return all
}

// obstacleWords say an obstacle of some of the dates.
var obstacleWords = map[string]string{ //nolint:gosec // words for people
	NoDates: "There is nothing %s.", DatesPassed: "It is too late %s: it has begun.", OtherTimes: "It is at another time of day, or shorter than you ask, %s.",
	Full: "It is full %s.", Closed: "The provider is closed %s.",
}

func onDates(n, of int) string {
	switch {
	case of == 1:
		return "on this date"
	case n >= of:
		return "on any of these dates"
	case n == 1:
		return fmt.Sprintf("on 1 of these %d dates", of)
	}
	return fmt.Sprintf("on %d of these %d dates", n, of)
}

// obstacles says why an offer without a way to buy has none. Of one that has
// its answer means nothing.
func (s *stock) obstacles(o found) []Reason {
	b := &obstacles{of: len(s.dates), dates: map[string]int{}, words: map[string]string{}}
	if o.visits != nil {
		s.visitObstacles(o, b)
		return b.reasons()
	}
	ask := s.ask(tariff.BySession)
	for _, on := range s.dates {
		if code, words := s.sessionObstacle(o, on, &ask); code != "" {
			b.add(code, words)
		}
	}
	bundles := 0
	for _, t := range s.terms[o.ID] {
		bundles++
		if code, words := s.bundleObstacle(o, t); code != "" {
			b.add(code, words)
		}
	}
	if len(ask.Occasions) > 0 && bundles == 0 { // a bundle's own obstacle says more than that single dates are not sold
		b.unpriced(s, o, ask)
	}
	return b.reasons()
}

// visitObstacles goes the way of byVisits.
func (s *stock) visitObstacles(o found, b *obstacles) {
	if words := o.visits.lengthTrouble(s.pattern.Minutes); words != "" {
		b.add(OtherLength, words)
		return
	}
	ask := s.ask(tariff.ByVisit)
	for _, on := range s.dates {
		start, trouble := Instant(wallOf(on, cmp.Or(s.pattern.From, o.visits.From)))
		v := tariff.Occasion{StartsAt: start, EndsAt: start.Add(time.Duration(s.pattern.Minutes) * time.Minute)}
		wish := LaneWish{Provider: o.ProviderID, Offer: o.ID, From: v.StartsAt.Add(-o.visits.before()), To: v.EndsAt.Add(o.visits.after())}
		key := laneOffer{o.ProviderID, o.ID}
		switch {
		case trouble != "":
			b.add(OtherTimes, trouble)
		case !o.visits.open(v):
			b.add(OtherTimes, fmt.Sprintf("Visits are on %s, from %s to %s.", shortbreaks.Weekdays(o.visits.Days), o.visits.From, o.visits.To))
		case !o.window.CanBook(start, s.now):
			b.tooLateOrEarly(o, start, s.now)
		case s.lapsed(o, shortbreaks.Date(start)):
			b.add(CredentialLapsed, s.lapses.words(o.ID, s.pattern.Age, s.judged(shortbreaks.Date(start))))
		case overlaps(s.lanes.shut[key], wish.From, wish.To):
			b.add(Closed, "")
		case !s.lanes.anyFree(wish, 1):
			b.add(Full, "")
		default:
			ask.Occasions = append(ask.Occasions, v)
		}
	}
	if len(ask.Occasions) > 0 {
		b.unpriced(s, o, ask)
	}
}

// sessionObstacle is what is in the way of the session nearest to being had on
// a date; one that could be had joins the ask.
func (s *stock) sessionObstacle(o found, on time.Time, ask *tariff.Ask) (code, words string) {
	stages := []string{NoDates, DatesPassed, OtherTimes, Full, NoticeTooShort, TooFarAhead, CredentialLapsed}
	code = NoDates
	for _, e := range s.sessions[o.ID][on.Format(time.DateOnly)] {
		var reached, said string
		refusal := o.window.tooLateOrEarly(e.StartsAt, s.now)
		switch {
		case e.State != "scheduled":
			reached = NoDates
		case !e.StartsAt.After(s.now):
			reached = DatesPassed
		case !s.serves(e, on):
			reached = OtherTimes
		case e.left() == 0:
			reached = Full
		case refusal != nil:
			reached, said = codeOf(refusal), refusal.Detail
		case s.lapsed(o, on):
			reached, said = CredentialLapsed, s.lapses.words(o.ID, s.pattern.Age, s.judged(on))
		default:
			ask.Occasions = append(ask.Occasions, e.occasion())
			return "", ""
		}
		if slices.Index(stages, reached) >= slices.Index(stages, code) {
			code, words = reached, said
		}
	}
	return code, words
}

// bundleObstacle goes the way of byBundle.
func (s *stock) bundleObstacle(o found, t Term) (code, words string) {
	whole := bundleOf(t, s.whole[t.ID], s.now)
	b := bundleOf(t, s.whole[t.ID], o.window.gone(s.now))
	switch {
	case len(whole.remaining) == 0:
		return DatesPassed, ""
	case len(b.remaining) == 0:
		refusal := o.window.tooLateOrEarly(whole.remaining[len(whole.remaining)-1].StartsAt, s.now)
		return codeOf(refusal), refusal.Detail
	case b.placesLeft() == 0:
		return Full, t.Name + " is sold whole, and a session of it is full."
	}
	if refusal := o.window.tooLateOrEarly(b.remaining[0].StartsAt, s.now); refusal != nil {
		return codeOf(refusal), refusal.Detail
	}
	for _, e := range b.remaining {
		if on := shortbreaks.Date(e.StartsAt); s.lapsed(o, on) {
			return CredentialLapsed, s.lapses.words(o.ID, s.pattern.Age, s.judged(on))
		}
	}
	if !slices.ContainsFunc(s.dates, func(on time.Time) bool {
		return slices.ContainsFunc(b.remaining, func(e sessionRow) bool { return s.serves(e, on) })
	}) {
		return OtherTimes, ""
	}
	ask := s.ask(tariff.ByBundle)
	ask.Bundle, ask.Occasions = b.ask().Bundle, b.ask().Occasions
	return NoPrice, s.noPrice(o, ask)
}

// unpriced notes that none of the prices is for this buyer.
func (b *obstacles) unpriced(s *stock, o found, ask tariff.Ask) { b.add(NoPrice, s.noPrice(o, ask)) }

// noPrice says why no price of the offer can be used for the ask.
func (s *stock) noPrice(o found, ask tariff.Ask) string {
	s.pattern.taper(ask.Occasions)
	_, err := tariff.Price(&o.tariff, &ask)
	var refusal *shortbreaks.Error
	if errors.As(err, &refusal) && refusal.Detail != "" {
		return refusal.Detail
	}
	return "None of its prices is for you."
}

// tooLateOrEarly notes why a visit may not be booked now.
func (b *obstacles) tooLateOrEarly(o found, start, now time.Time) {
	refusal := o.window.tooLateOrEarly(start, now)
	if code := codeOf(refusal); code == DatesPassed {
		b.add(code, "")
	} else {
		b.add(code, refusal.Detail)
	}
}

// codeOf is the reason that a refusal to book now is.
func codeOf(refusal *shortbreaks.Error) string {
	switch {
	case errors.Is(refusal, ErrNotice):
		return NoticeTooShort
	case errors.Is(refusal, ErrHorizon):
		return TooFarAhead
	}
	return DatesPassed
}

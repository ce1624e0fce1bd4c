package demo

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/google/uuid"

	"shortbreaks"
	"shortbreaks/booking"
	"shortbreaks/budgets"
	"shortbreaks/internal/db"
	"shortbreaks/marketplace"
	"shortbreaks/people"
)

// Seed is the demo's own; another makes other birthdays and bookings.
const Seed = 7

// lastSubject is the sign-in made last of all, so that it tells a world that
// is complete from one that was cut short.
const lastSubject = "demo.complete"

// ErrCutShort says an earlier load was interrupted.
var ErrCutShort = errors.New("the demo data was cut short while it was being made: stop, delete the data folder and start again")

// begun is how long ago the demo's world was made: long enough for its first
// sessions to have run, so that there is attendance to record and agree.
const begun = 21 * 24 * time.Hour

// Load makes the demo's world: two councils, twelve providers, their offers
// and terms of sessions, twelve families with budgets and plans, and some
// bookings, as they would stand three weeks later. Dates count from today; all
// else is the same for the same seed. A database that has a world is left as
// it is.
func Load(ctx context.Context, d *db.DB, seed uint64) error {
	done, err := loaded(ctx, d)
	if done || err != nil {
		return err
	}
	then := d.At(func(now time.Time) time.Time { return now.Add(-begun) })
	w := &world{Builder: Builder{D: then}, rand: rand.New(rand.NewPCG(seed, seed))} //nolint:gosec // made-up data, not secrets
	for _, step := range []func(context.Context) error{w.day, w.councils, w.offers, w.families, w.bookings} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	w.D = d
	if err := w.registers(ctx); err != nil {
		return err
	}
	_, err = w.NewPerson(ctx, "Demo", lastSubject)
	return err
}

// loaded reports whether the world is there, whole.
func loaded(ctx context.Context, d *db.DB) (bool, error) {
	all, err := d.AllAuthorities(ctx)
	if err != nil || len(all) == 0 {
		return false, err
	}
	known, err := people.SubjectKnown(ctx, d, lastSubject)
	if err == nil && !known {
		err = ErrCutShort
	}
	return true, err
}

// world is what has been made so far.
type world struct {
	Builder
	rand  *rand.Rand
	today time.Time // London date
	made  []*Council
	sold  map[string]*marketplace.OfferDetail // by title
	stars *House                              // whose registers are filed
	homes []*Home
}

func (w *world) day(ctx context.Context) error {
	return w.D.Read(ctx, db.Scope{}, func(tx *db.Tx) error {
		w.today = shortbreaks.Date(tx.Now)
		return nil
	})
}

func (w *world) councils(ctx context.Context) error {
	for _, c := range []struct{ name, slug string }{{"Ashmere Council", "ashmere"}, {"Brackenvale Council", "brackenvale"}} {
		made, err := w.NewCouncil(ctx, c.name, c.slug, strings.TrimSuffix(c.name, " Council"))
		if err != nil {
			return fmt.Errorf("council %s: %w", c.name, err)
		}
		w.made = append(w.made, made)
	}
	return nil
}

func (w *world) offers(ctx context.Context) error {
	w.sold = map[string]*marketplace.OfferDetail{}
	for _, h := range houses {
		made, err := w.newHouse(ctx, h.name, h.slug, h.staff, filings[h.slug])
		if err == nil {
			err = w.describe(ctx, made, h)
		}
		if err != nil {
			return fmt.Errorf("provider %s: %w", h.name, err)
		}
		if h.slug == "stars" {
			w.stars = made
		}
		for _, s := range h.offers {
			if w.sold[s.title], err = w.PublishOffer(ctx, made, h.draft(s, w.today)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *world) families(ctx context.Context) error {
	for _, f := range families {
		council := w.made[f.council]
		children := make([]budgets.Child, len(f.children))
		for i, k := range f.children {
			children[i] = budgets.Child{
				FirstName: k.name, FamilyName: f.name, DateOfBirth: born(w.today, k.age, 20+w.rand.IntN(300)), Postcode: f.postcode, ReducedRate: k.reduced,
			}
		}
		home, err := w.NewHome(ctx, council.ID, children, f.subject)
		if err != nil {
			return fmt.Errorf("family %s: %w", f.name, err)
		}
		w.homes = append(w.homes, home)
		for i, k := range f.children {
			if err := w.fund(ctx, council, home, home.Children[i].ID, plans[k.plan]); err != nil {
				return fmt.Errorf("plan of family %s: %w", f.name, err)
			}
		}
	}
	return nil
}

// fund gives a child its money for this financial year and the next, and its
// approved lines.
func (w *world) fund(ctx context.Context, council *Council, home *Home, child uuid.UUID, p plan) error {
	from, to := FinancialYear(w.today)
	for _, year := range []time.Time{w.today, to.AddDate(0, 0, 1)} {
		for _, m := range p.money {
			if err := w.Allocate(ctx, council, child, m.stream, m.unit, m.amount, year); err != nil {
				return err
			}
		}
	}
	for _, l := range p.lines {
		l.ChildID, l.StartsOn, l.EndsOn = child, from, to.AddDate(1, 0, 0)
		if l.ManagementOption == budgets.DirectPayment {
			l.HolderID = &home.Parents[0].Person
		}
		if _, err := w.ApprovePlanLine(ctx, council, l); err != nil {
			return err
		}
	}
	return nil
}

// bookings lets each family's children join the Saturday club for its first
// dates, and some the swimming, so that statements, registers and demand have
// something to show. What a family cannot book it does not.
func (w *world) bookings(ctx context.Context) error {
	club, swim := w.sold["Saturday activity club"], w.sold["Structured swimming"]
	for _, home := range w.homes {
		for i, c := range home.Children {
			for _, o := range []*marketplace.OfferDetail{club, swim} {
				n := 2 - i
				if o == swim {
					n = w.rand.IntN(3)
				}
				if n == 0 || len(o.Sessions) < n {
					continue
				}
				ask := booking.CreateQuote{ChildID: c.ID, OfferID: o.Offer.ID, FamilyPays: "direct"}
				for _, s := range o.Sessions[:n] {
					ask.SessionIDs = append(ask.SessionIDs, s.ID)
				}
				if _, err := w.Book(ctx, home.Parents[0], ask); err != nil && !refused(err) {
					return fmt.Errorf("demo booking: %w", err)
				}
			}
		}
	}
	return nil
}

// registers files the club's register of the dates that have run; families
// have agreed all but the first one's, which is left to be recorded.
func (w *world) registers(ctx context.Context) error {
	for n, home := range w.homes {
		if n == 0 {
			continue
		}
		parent := home.Parents[0]
		page, _, err := booking.List(ctx, w.D, parent, booking.ListBookings{OfferID: &w.sold["Saturday activity club"].Offer.ID, Limit: 100})
		if err != nil {
			return err
		}
		for _, b := range page {
			for _, it := range b.Items {
				if err := w.attended(ctx, parent, it); err != nil {
					return fmt.Errorf("demo register: %w", err)
				}
			}
		}
	}
	return nil
}

// attended records one date as delivered and agrees it, if it has started.
func (w *world) attended(ctx context.Context, parent shortbreaks.Actor, it *booking.Item) error {
	_, err := booking.Record(ctx, w.D, w.stars.Coordinator, booking.RecordAttendance{ItemID: it.ID, Outcome: booking.Delivered})
	if errors.Is(err, booking.ErrWrongState) {
		return nil // still to come
	}
	if err != nil {
		return err
	}
	_, err = booking.Confirm(ctx, w.D, parent, it.ID)
	return err
}

// refused reports whether an error is a clear refusal to a family.
func refused(err error) bool {
	var e *shortbreaks.Error
	return errors.As(err, &e) && (e.Kind == shortbreaks.Conflict || e.Kind == shortbreaks.Invalid)
}

func words(list string) []string { return strings.Fields(list) }

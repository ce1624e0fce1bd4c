package booking_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/booking"
	"shortbreaks/budgets"
	"shortbreaks/internal/db"
	"shortbreaks/internal/db/dbtest"
	"shortbreaks/internal/demo"
	"shortbreaks/marketplace"
	"shortbreaks/marketplace/tariff"
	"shortbreaks/payments"
)

// monday is when every test begins, unless it says otherwise.
var monday = time.Date(2027, 1, 4, 9, 0, 0, 0, time.UTC)

// world is a council, a provider and a family of two children, each with
// £1,000 of social care money and a line that pays for clubs and support.
type world struct {
	t       *testing.T
	ctx     context.Context
	d       *db.DB
	clock   *dbtest.Clock
	build   demo.Builder
	council *demo.Council
	house   *demo.House
	home    *demo.Home
	parent  shortbreaks.Actor
	child   uuid.UUID
	sibling uuid.UUID
}

func newWorld(t *testing.T, change ...dbtest.Option) *world {
	t.Helper()
	t.Parallel()
	w := &world{t: t, ctx: t.Context(), clock: dbtest.NewClock(monday)}
	w.d = dbtest.New(t, append([]dbtest.Option{dbtest.WithClock(w.clock)}, change...)...)
	w.build = demo.Builder{D: w.d}
	var err error
	w.council, err = w.build.NewCouncil(w.ctx, "Ashmere Council", "ashmere", "Ashmere")
	require.NoError(t, err)
	w.house, err = w.build.NewHouse(w.ctx, "Ashmere Stars", "stars", 2)
	require.NoError(t, err)
	w.home = w.family("oakley", 2)
	w.parent, w.child, w.sibling = w.home.Parents[0], w.home.Children[0].ID, w.home.Children[1].ID
	for _, c := range w.home.Children {
		w.allocate(c.ID, "social_care", payments.InPence, 100_000)
		w.line(c.ID, budgets.NewPlanLine{})
	}
	t.Cleanup(w.auditIsClean)
	return w
}

// auditIsClean proves the books at the end of every test.
func (w *world) auditIsClean() {
	findings, err := payments.Audit(context.WithoutCancel(w.ctx), w.d)
	require.NoError(w.t, err)
	require.Empty(w.t, findings)
}

func (w *world) family(name string, children int) *demo.Home {
	w.t.Helper()
	kids := make([]budgets.Child, children)
	for i := range kids {
		kids[i] = budgets.Child{FirstName: "Child" + string(rune('A'+i)), FamilyName: name, DateOfBirth: time.Date(2017, 5, 1, 0, 0, 0, 0, time.UTC)}
	}
	home, err := w.build.NewHome(w.ctx, w.council.ID, kids, "family."+name)
	require.NoError(w.t, err)
	return home
}

func (w *world) allocate(child uuid.UUID, stream string, unit payments.Unit, amount int64) {
	w.t.Helper()
	require.NoError(w.t, w.build.Allocate(w.ctx, w.council, child, stream, unit, amount, shortbreaks.Date(monday)))
}

// line approves a plan line; what is left out is: everything paid for, from
// social care alone, up to £1,000.
func (w *world) line(child uuid.UUID, l budgets.NewPlanLine) *budgets.PlanLine {
	w.t.Helper()
	l.ChildID = child
	l.StartsOn, l.EndsOn = demo.FinancialYear(monday)
	if l.Description == "" {
		l.Description = "Short breaks"
	}
	if l.PlanType == "" {
		l.PlanType = "ehc"
	}
	if l.ManagementOption == "" {
		l.ManagementOption = budgets.Notional
	}
	if l.Unit == "" {
		l.Unit = payments.InPence
	}
	if l.Shares == nil {
		l.Shares = []budgets.Share{{Stream: "social_care", Weight: 1}}
	}
	if l.LimitAmount == 0 {
		l.LimitAmount = 100_000
	}
	made, err := w.build.ApprovePlanLine(w.ctx, w.council, l)
	require.NoError(w.t, err)
	return made
}

// charge is a costed charge of the given kind and unit.
func charge(kind, unit string, pence shortbreaks.Pence) tariff.Charge {
	c := tariff.Charge{Kind: kind, Basis: "per_child", Unit: unit, When: "planned", AmountPence: pence, VAT: "exempt"}
	if pence > 0 {
		c.Components = []tariff.Component{{Kind: "staff", AmountPence: pence}}
	}
	return c
}

func tariffOf(charges ...tariff.Charge) tariff.Tariff {
	return tariff.Tariff{Options: []tariff.Option{{
		Name: "Standard", WhoMayUse: "anyone", PaymentTiming: "arrears", BilledOn: "booked", Charges: charges,
	}}}
}

// saturdays is a club of three hours on 13 Saturdays from 9 January 2027.
func saturdays(t tariff.Tariff) marketplace.OfferDraft {
	return marketplace.OfferDraft{
		Setting: &marketplace.SettingDraft{Name: "Hall", Postcode: "ZZ1 1AA"}, Title: "Saturday club", Summary: "Games and company.",
		Category: "club", AccessRoute: "targeted", AgeFrom: 5, AgeTo: 17, RatioStaff: 1, RatioChildren: 3, Instant: true,
		Terms: tariff.Terms{FreeUntilHours: 48, LateFeePercent: 50}, Tariff: t,
		Sessions: &marketplace.SessionSeries{
			FirstDate: time.Date(2027, 1, 9, 0, 0, 0, 0, time.UTC), LastDate: time.Date(2027, 4, 3, 0, 0, 0, 0, time.UTC),
			Weekdays: []int{6}, From: "10:00", To: "13:00", Capacity: 10,
		},
	}
}

// hourly is support by the hour, every day from 8 to 20, by two workers.
func hourly(pence shortbreaks.Pence) marketplace.OfferDraft {
	c := charge("support", "hour", pence)
	c.MinimumMinutes, c.StepMinutes, c.StepMode = 60, 15, "up"
	d := saturdays(tariffOf(c))
	d.Title, d.Category, d.Sessions = "Support", "support_worker", nil
	d.Visits = &marketplace.VisitRules{
		Days: []int{1, 2, 3, 4, 5, 6, 7}, From: "08:00", To: "20:00", MinimumMinutes: 60, MaximumMinutes: 480, StepMinutes: 5,
		BufferBeforeMinutes: 15, BufferAfterMinutes: 15, Lanes: []marketplace.LaneDraft{{Label: "A"}, {Label: "B"}},
	}
	return d
}

func (w *world) publish(d marketplace.OfferDraft) *marketplace.OfferDetail {
	w.t.Helper()
	made, err := w.build.PublishOffer(w.ctx, w.house, d)
	require.NoError(w.t, err)
	return made
}

// ask quotes the first n sessions of an offer for a child.
func ask(child uuid.UUID, o *marketplace.OfferDetail, n int) booking.CreateQuote {
	c := booking.CreateQuote{ChildID: child, OfferID: o.Offer.ID}
	for _, s := range o.Sessions[:n] {
		c.SessionIDs = append(c.SessionIDs, s.ID)
	}
	return c
}

func (w *world) quote(who shortbreaks.Actor, c booking.CreateQuote) *booking.Quote {
	w.t.Helper()
	q, err := booking.MakeQuote(w.ctx, w.d, who, c)
	require.NoError(w.t, err)
	return q
}

func toBook(quotes ...*booking.Quote) booking.CreateBooking {
	var c booking.CreateBooking
	for _, q := range quotes {
		c.Quotes = append(c.Quotes, booking.QuoteToBook{QuoteID: q.ID, ExpectedTotalPence: q.TotalPence})
	}
	return c
}

// book quotes and books one thing as the parent.
func (w *world) book(c booking.CreateQuote) *booking.Booking {
	w.t.Helper()
	basket, _, err := booking.Create(w.ctx, w.d, w.parent, toBook(w.quote(w.parent, c)))
	require.NoError(w.t, err)
	return basket.Bookings[0]
}

// money is allocated, reserved, spent and free of a child's one account of a
// stream, and checks that they add up (T09).
func (w *world) money(child uuid.UUID, stream string, unit payments.Unit) (allocated, reserved, spent, free int64) {
	w.t.Helper()
	b, err := budgets.Get(w.ctx, w.d, w.council.Approver, child)
	require.NoError(w.t, err)
	for _, a := range b.Accounts {
		if a.Stream == stream && a.Unit == unit {
			require.Equal(w.t, a.Allocated, a.Reserved+a.Spent+a.Free, "%s adds up", stream)
			return a.Allocated, a.Reserved, a.Spent, a.Free
		}
	}
	w.t.Fatalf("the child has no account of %s in %s", stream, unit)
	return 0, 0, 0, 0
}

// requireMoney states what is reserved, spent and free in pence of social care.
func (w *world) requireMoney(child uuid.UUID, reserved, spent, free int64) {
	w.t.Helper()
	_, r, s, f := w.money(child, "social_care", payments.InPence)
	require.Equal(w.t, []int64{reserved, spent, free}, []int64{r, s, f}, "reserved, spent, free")
}

// owed is what a provider is owed, by who hands it over.
func (w *world) owed() map[string]int64 {
	w.t.Helper()
	tb, err := payments.TrialBalance(w.ctx, w.d, w.house.Owner)
	require.NoError(w.t, err)
	by := map[string]int64{}
	for _, r := range tb.Rows {
		by[r.Payer] += r.Balance
	}
	return by
}

// taken is how many places of a session are taken, as the public sees it.
func (w *world) taken(o *marketplace.OfferDetail, n int) int {
	w.t.Helper()
	now, err := marketplace.Get(w.ctx, w.d, shortbreaks.Anonymous, o.Offer.ID)
	require.NoError(w.t, err)
	for _, s := range now.Sessions {
		if s.ID == o.Sessions[n].ID {
			return s.Capacity - s.PlacesLeft
		}
	}
	w.t.Fatal("the session is gone")
	return 0
}

// together runs f n times at the same moment and returns the errors.
func together(n int, f func(i int) error) []error {
	start := make(chan struct{})
	errs := make(chan error, n)
	for i := range n {
		go func() {
			<-start
			err := f(i)
			for again := 0; again < 20 && db.Unavailable(err); again++ { // told to come again: a slow machine lets nobody wait for a lock for long
				err = f(i)
			}
			errs <- err
		}()
	}
	close(start)
	all := make([]error, 0, n)
	for range n {
		all = append(all, <-errs)
	}
	return all
}

// oneOf requires that exactly want of the errors are nil and the rest are refusal.
func oneOf(t *testing.T, errs []error, want int, refusal error) {
	t.Helper()
	ok := 0
	for _, err := range errs {
		if err == nil {
			ok++
		} else {
			require.ErrorIs(t, err, refusal)
		}
	}
	require.Equal(t, want, ok)
}

func stateOf(b *booking.Booking) []booking.State {
	states := make([]booking.State, len(b.Items))
	for i, it := range b.Items {
		states[i] = it.State
	}
	return states
}

package booking_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks/booking"
	"shortbreaks/budgets"
	"shortbreaks/marketplace"
	"shortbreaks/payments"
)

// another is a family with one child of its own money and limit.
func (w *world) another(name string, money, limit int64) (child uuid.UUID) {
	w.t.Helper()
	child = w.family(name, 1).Children[0].ID
	w.allocate(child, "social_care", payments.InPence, money)
	w.line(child, budgets.NewPlanLine{LimitAmount: limit})
	return child
}

// orders are one order for each ask, made on behalf by the practitioner.
func (w *world) orders(asks ...[]booking.CreateQuote) (orders []booking.Order) {
	w.t.Helper()
	for _, quotes := range asks {
		o := booking.Order{Authority: w.council.ID, Who: w.council.Practitioner}
		for _, c := range quotes {
			o.Quotes = append(o.Quotes, w.quote(w.council.Practitioner, c))
		}
		orders = append(orders, o)
	}
	return orders
}

func one(c booking.CreateQuote) []booking.CreateQuote { return []booking.CreateQuote{c} }

// nth asks for one session of an offer.
func nth(child uuid.UUID, o *marketplace.OfferDetail, n int) booking.CreateQuote {
	return booking.CreateQuote{ChildID: child, OfferID: o.Offer.ID, SessionIDs: []uuid.UUID{o.Sessions[n].ID}}
}

// Both the account and the line limit what a child may spend. Each is looked
// at for itself, and refuses one order of a set, not the set.
func TestLineAndAccountEachRefuseTheirOwnOrderOnly(t *testing.T) {
	w := newWorld(t)
	club := w.publish(saturdays(tariffOf(charge("place", "session", 800))))
	lowLine, lowAccount := w.another("hughes", 100_000, 1_000), w.another("novak", 1_000, 100_000)
	verdicts := w.reserve(w.orders(
		one(ask(lowLine, club, 2)), one(ask(lowAccount, club, 2)), one(ask(w.child, club, 2)), one(ask(lowLine, club, 1)), one(ask(lowAccount, club, 1)),
	))
	require.ErrorIs(t, verdicts[0].Refusal, booking.ErrBudgetTooLow)
	require.ErrorContains(t, verdicts[0].Refusal, "plan line")
	require.ErrorIs(t, verdicts[1].Refusal, booking.ErrBudgetTooLow)
	require.ErrorContains(t, verdicts[1].Refusal, "social care money")
	for _, v := range verdicts[2:] {
		require.NoError(t, v.Refusal)
	}
	w.requireMoney(lowLine, 800, 0, 99_200)
	w.requireMoney(lowAccount, 800, 0, 200)
	require.Equal(t, 3, w.taken(club, 0))
	require.Equal(t, 1, w.taken(club, 1))
}

// The family of a request made a day before the start is past the terms'
// deadline from the first moment, and still owes nothing.
func TestARequestCancelledAfterTheDeadlineCostsNothing(t *testing.T) {
	w := newWorld(t)
	w.clock.Set(monday.Add(4 * 24 * time.Hour))
	b := requestFor(w)
	require.Less(t, b.Items[0].StartsAt.Sub(w.clock.Now()), 48*time.Hour)
	_, err := booking.Cancel(w.ctx, w.d, w.parent, booking.CancelBooking{BookingID: b.ID, Reason: "ill"})
	require.NoError(t, err)
	w.requireMoney(w.child, 0, 0, 100_000)
	require.Empty(t, w.owed())
}

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
	"shortbreaks/marketplace"
	"shortbreaks/marketplace/tariff"
	"shortbreaks/payments"
)

// crediting is a club paid at booking whose terms give a credit for 90 days.
func crediting(siblings bool) marketplace.OfferDraft {
	d := ahead("at_booking", nil)
	d.Terms.Credit = &tariff.CreditTerms{Days: 90, Siblings: siblings}
	return d
}

// ownMoney is a world whose family of two children has no budget and pays in.
func ownMoney(t *testing.T, pence int64) *world {
	t.Helper()
	w := newWorld(t)
	g := w.family("own", 2)
	w.parent, w.child, w.sibling = g.Parents[0], g.Children[0].ID, g.Children[1].ID
	w.paysIn(pence)
	return w
}

func (w *world) paidItself(child uuid.UUID, o *marketplace.OfferDetail, sessions ...int) *booking.Booking {
	w.t.Helper()
	c := booking.CreateQuote{ChildID: child, OfferID: o.Offer.ID, FamilyPays: "top_up"}
	for _, n := range sessions {
		c.SessionIDs = append(c.SessionIDs, o.Sessions[n].ID)
	}
	return w.book(c)
}

func (w *world) credits() []*payments.Credit {
	w.t.Helper()
	list, _, err := payments.Credits(w.ctx, w.d, w.parent, payments.ListCredits{Limit: 50})
	require.NoError(w.t, err)
	return list
}

// lefts is what is left of each credit, newest first.
func (w *world) lefts() []int {
	w.t.Helper()
	var all []int
	for _, c := range w.credits() {
		all = append(all, int(c.LeftPence))
	}
	return all
}

// own is reserved, spent and free of a child's own money.
func (w *world) own(child uuid.UUID) []int64 {
	w.t.Helper()
	got, err := budgets.Get(w.ctx, w.d, w.parent, child)
	require.NoError(w.t, err)
	if got.TopUp == nil {
		return nil
	}
	require.Equal(w.t, got.TopUp.Allocated, got.TopUp.Reserved+got.TopUp.Spent+got.TopUp.Free)
	return []int64{got.TopUp.Reserved, got.TopUp.Spent, got.TopUp.Free}
}

func (w *world) transfer(id, to uuid.UUID, pence shortbreaks.Pence) (*payments.Credit, error) {
	c, _, err := payments.Transfer(w.ctx, w.d, w.parent, payments.TransferCredit{CreditID: id, ToChildID: to, AmountPence: pence})
	return c, err
}

func (w *world) lapse() int {
	w.t.Helper()
	n, err := payments.LapseCredits(w.ctx, w.d)
	require.NoError(w.t, err)
	return n
}

func TestWhatAFamilyPaidItselfComesBackAsACreditWhereTheTermsSaySo(t *testing.T) {
	w := ownMoney(t, 5000)
	club := w.publish(crediting(true))
	b := w.paidItself(w.child, club, 0, 1, 2, 3)
	require.Contains(t, b.Terms.Explain(), "comes back as a credit to use within 90 days")
	require.Equal(t, 4, w.takeDues())
	require.Equal(t, []int64{0, 3204, 1796}, w.own(w.child))
	w.cancel(b, "plans_changed", 0) // in time
	w.clock.Set(b.Items[1].StartsAt.Add(-time.Hour))
	w.cancel(b, "plans_changed", 1) // half is the fee
	_, err := booking.Cancel(w.ctx, w.d, w.house.Owner, booking.CancelBooking{BookingID: b.ID, ItemIDs: itemIDs(b, 2), Reason: "no staff"})
	require.NoError(t, err)
	require.Equal(t, []int64{0, 1202, 3798}, w.own(w.child))
	list := w.credits()
	require.Equal(t, []int{400, 801}, w.lefts(), "what the provider cancels comes back as money")
	require.Equal(t, day("2027-04-04"), list[1].LastOn, "90 days from the cancellation")
	require.Equal(t, b.Items[0].ID, list[1].ItemID)
	require.Equal(t, "Saturday club", list[1].OfferTitle)
	q := w.quote(w.parent, booking.CreateQuote{ChildID: w.child, OfferID: club.Offer.ID, SessionIDs: []uuid.UUID{club.Sessions[5].ID}, FamilyPays: "top_up"})
	_, err = w.move(b.Items[3], booking.QuoteToBook{QuoteID: q.ID, ExpectedTotalPence: q.TotalPence})
	require.NoError(t, err)
	require.Len(t, w.credits(), 2, "a date that is moved is not cancelled")

	plain := w.paidItself(w.child, w.publish(ahead("at_booking", nil)), 4)
	require.Equal(t, 2, w.takeDues(), "and that of the date that was moved")
	w.cancel(plain, "plans_changed")
	require.Len(t, w.credits(), 2, "terms that give no credit give money")
}

func TestR109_WhatABudgetPaidComesBackToTheBudgetAndIsNoCredit(t *testing.T) {
	w := newWorld(t)
	b := w.book(ask(w.child, w.publish(crediting(true)), 2))
	require.Equal(t, 2, w.takeDues())
	w.cancel(b, "plans_changed")
	w.requireMoney(w.child, 0, 0, 100_000)
	require.Empty(t, w.credits())
	// Nor can anybody make one of it: the schema refuses it.
	owner := dbtest.Owner(t, w.d)
	_, err := owner.Exec(w.ctx, `INSERT INTO credit (authority_id, id, child_id, account_id, provider_id, offer_id, item_id, amount_pence, after_seq, last_on, for_siblings, created_by, created_at)
		SELECT i.authority_id, i.id, i.child_id, a.id, i.provider_id, i.id, i.id, 1, 0, '2027-04-04', true, i.id, i.starts_at
		FROM booking_item i JOIN account a ON a.child_id = i.child_id AND a.kind = 'budget' LIMIT 1`)
	require.Equal(t, "credit_is_family_money", db.ConstraintName(err))
	err = w.d.Do(w.ctx, db.Scope{Authorities: []uuid.UUID{w.council.ID}}, func(tx *db.Tx) error {
		accounts := make([]uuid.UUID, 2)
		for i, child := range []uuid.UUID{w.child, w.sibling} {
			if err := tx.PGX.QueryRow(w.ctx, `SELECT id FROM account WHERE kind = 'budget' AND child_id = $1`, child).Scan(&accounts[i]); err != nil {
				return err
			}
		}
		_, err := payments.Post(w.ctx, tx, []payments.Posting{{Authority: w.council.ID, Kind: payments.KindCreditTransfer, Source: b.ID, Entries: []payments.Entry{
			{Account: accounts[0], Unit: payments.InPence, Amount: -1}, {Account: accounts[1], Unit: payments.InPence, Amount: 1},
		}}})
		return err
	})
	require.Equal(t, "credit_moves_own_money", db.ConstraintName(err))
}

func TestTheCreditThatEndsFirstIsUsedFirstAndComesBackWithItsBooking(t *testing.T) {
	w := ownMoney(t, 1602)
	club := w.publish(crediting(true))
	b := w.paidItself(w.child, club, 0, 1)
	require.Equal(t, 2, w.takeDues())
	w.cancel(b, "plans_changed", 0)
	w.clock.Set(monday.AddDate(0, 0, 1))
	w.cancel(b, "plans_changed", 1)
	require.Equal(t, []int{801, 801}, w.lefts())
	cheap := w.publish(saturdays(tariffOf(charge("place", "session", 1000))))
	used := w.paidItself(w.child, cheap, 2)
	require.Equal(t, []int{602, 0}, w.lefts(), "the older first, then of the next")
	w.cancel(used, "plans_changed")
	require.Equal(t, []int{801, 801}, w.lefts())
	used = w.paidItself(w.child, cheap, 2)
	w.clock.Set(used.Items[0].EndsAt)
	w.settled(used, 0, booking.RecordAttendance{Outcome: booking.Delivered})
	require.Equal(t, []int{602, 0}, w.lefts())
	require.Equal(t, []int64{0, 1000, 602}, w.own(w.child))
}

func TestACreditNobodyUsedEndsOnceAndIsTheProviders(t *testing.T) {
	w := ownMoney(t, 2403)
	club := w.publish(crediting(true))
	b := w.paidItself(w.child, club, 0, 1)
	require.Equal(t, 2, w.takeDues())
	w.cancel(b, "plans_changed")
	require.Equal(t, []int64{0, 0, 2403}, w.own(w.child))
	require.Equal(t, map[string]int64{"authority": 0}, w.owed())
	w.clock.Set(time.Date(2027, 4, 4, 22, 59, 59, 0, time.UTC)) // summer time
	require.Zero(t, w.lapse())
	require.Equal(t, []int{801, 801}, w.lefts())
	draft := saturdays(tariffOf(charge("place", "session", 500)))
	draft.Sessions.FirstDate, draft.Sessions.LastDate = day("2027-04-10"), day("2027-04-17")
	later := w.paidItself(w.child, w.publish(draft), 0)
	w.clock.Set(time.Date(2027, 4, 4, 23, 0, 0, 0, time.UTC))
	require.Equal(t, []int{0, 0}, w.lefts(), "over, whether the job has run or not")
	_, err := w.transfer(w.credits()[0].ID, w.sibling, 0)
	require.ErrorIs(t, err, payments.ErrCreditTooLow)
	w.cancel(later, "plans_changed") // before the job: what it reserved then is plain money
	ended := make(chan int, 3)
	for _, err := range together(3, func(int) error { n, err := payments.LapseCredits(w.ctx, w.d); ended <- n; return err }) {
		require.NoError(t, err)
	}
	require.Equal(t, 2, <-ended+<-ended+<-ended)
	require.Zero(t, w.lapse())
	require.Equal(t, []int64{0, 1102, 1301}, w.own(w.child), "1602 less the 500 that were reserved")
	require.Equal(t, map[string]int64{"authority": 1102}, w.owed())
	lapsed := shortbreaks.Pence(0)
	for _, c := range w.credits() {
		lapsed += *c.LapsedPence
	}
	require.EqualValues(t, 1102, lapsed)
}

func TestR109_ACreditGoesToABrotherOrSisterWhereTheTermsAllowItAndToNobodyElse(t *testing.T) {
	w := ownMoney(t, 1602)
	b := w.paidItself(w.child, w.publish(crediting(true)), 0)
	alone := w.paidItself(w.child, w.publish(crediting(false)), 1)
	require.Equal(t, 2, w.takeDues())
	w.cancel(b, "plans_changed")
	w.cancel(alone, "plans_changed")
	list := w.credits()
	stays, mine := list[0], list[1]
	_, err := w.transfer(stays.ID, w.sibling, 0)
	require.ErrorIs(t, err, payments.ErrCreditStays)
	stranger := w.family("other", 1)
	_, err = w.transfer(mine.ID, stranger.Children[0].ID, 0)
	require.ErrorIs(t, err, shortbreaks.ErrNotFound)
	_, _, err = payments.Transfer(w.ctx, w.d, stranger.Parents[0], payments.TransferCredit{CreditID: mine.ID, ToChildID: stranger.Children[0].ID})
	require.ErrorIs(t, err, shortbreaks.ErrNotFound)
	_, err = w.transfer(mine.ID, w.child, 0)
	require.ErrorIs(t, err, shortbreaks.ErrInvalid, "to itself")
	_, err = w.transfer(mine.ID, w.sibling, 802)
	require.ErrorIs(t, err, payments.ErrCreditTooLow)
	// A parent of two families moves nothing between them.
	both := w.parent
	both.Children = append([]uuid.UUID{stranger.Children[0].ID}, both.Children...)
	_, _, err = payments.Transfer(w.ctx, w.d, both, payments.TransferCredit{CreditID: mine.ID, ToChildID: stranger.Children[0].ID})
	require.ErrorIs(t, err, shortbreaks.ErrInvalid)

	got, err := w.transfer(mine.ID, w.sibling, 300)
	require.NoError(t, err)
	require.Equal(t, mine.LastOn, got.LastOn, "it ends when it did")
	require.Equal(t, []int{300, 801, 501}, w.lefts())
	require.Equal(t, []int64{0, 0, 300}, w.own(w.sibling))
	got, err = w.transfer(got.ID, w.child, 0) // and back
	require.NoError(t, err)
	require.EqualValues(t, 300, got.AmountPence)
	rest, err := w.transfer(mine.ID, w.sibling, 0)
	require.NoError(t, err)
	require.EqualValues(t, 501, rest.AmountPence)
	used := w.paidItself(w.sibling, w.publish(saturdays(tariffOf(charge("place", "session", 500)))), 3)
	require.Equal(t, booking.Confirmed, used.Items[0].State)
	require.Equal(t, []int{1, 300, 0, 801, 0}, w.lefts())
	_, err = w.transfer(rest.ID, w.child, 2)
	require.ErrorIs(t, err, payments.ErrCreditTooLow, "a booking uses the rest")
	_, err = dbtest.Owner(t, w.d).Exec(w.ctx, `UPDATE credit SET from_id = $2 WHERE id = $1`, mine.ID, stays.ID)
	require.Equal(t, "credit_stays_in_family", db.ConstraintName(err))
}

func TestFamiliesAreToldOfACreditThatEndsSoonTwiceAndOnceEach(t *testing.T) {
	w := ownMoney(t, 1602)
	b := w.paidItself(w.child, w.publish(crediting(true)), 0, 1)
	require.Equal(t, 2, w.takeDues())
	w.cancel(b, "plans_changed", 0)
	teller := booking.Teller{DB: w.d}
	told := func() (n int) {
		for _, err := range together(2, func(int) error { _, err := teller.TellCredits(w.ctx); return err }) {
			require.NoError(t, err)
		}
		news, _, _, err := booking.ListNews(w.ctx, w.d, w.parent, uuid.Nil, 100)
		require.NoError(t, err)
		for _, one := range news {
			if one.Kind == booking.NewsCreditEnding {
				n++
				require.Contains(t, one.Words(), "Saturday club, Sunday 4 April 2027")
			}
		}
		return n
	}
	w.clock.Set(noon(2027, 3, 4)) // 31 days
	require.Zero(t, told())
	w.clock.Set(noon(2027, 3, 5))
	require.Equal(t, 1, told())
	w.clock.Set(noon(2027, 3, 28))
	require.Equal(t, 2, told())
	w.clock.Set(noon(2027, 3, 29))
	require.Equal(t, 2, told())
	_, err := booking.Cancel(w.ctx, w.d, w.house.Owner, booking.CancelBooking{BookingID: b.ID, Reason: "closed"})
	require.NoError(t, err)
	w.clock.Set(noon(2027, 3, 30))
	_, err = w.transfer(w.credits()[0].ID, w.sibling, 0)
	require.NoError(t, err)
	require.Equal(t, 3, told(), "the sibling's ends soon too")
	w.t.Cleanup(func() { _, _ = payments.LapseCredits(context.WithoutCancel(w.ctx), w.d) })
}

package booking_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/booking"
	"shortbreaks/marketplace"
)

// small is a Saturday club of so many places at £8.00.
func (w *world) small(capacity int) *marketplace.OfferDetail {
	w.t.Helper()
	d := saturdays(tariffOf(charge("place", "session", 800)))
	d.Sessions.Capacity = capacity
	return w.publish(d)
}

func (w *world) outside(o *marketplace.OfferDetail, reference string, places int) (*booking.OutsidePlace, error) {
	taken, err := booking.OutsidePlaces(w.ctx, w.d, w.house.Coordinator, booking.TakeOutside{
		SessionIDs: []uuid.UUID{o.Sessions[0].ID}, Reference: reference, Places: places,
	})
	if err != nil {
		return nil, err
	}
	return taken[0], nil
}

func TestAPlaceTakenOutsideCountsLikeAnyOtherUntilItIsEnded(t *testing.T) {
	w := newWorld(t)
	club := w.small(2)
	form, err := w.outside(club, "Form 217", 1)
	require.NoError(t, err)
	require.EqualValues(t, 1, form.PlaceSeq)
	again, err := w.outside(club, " Form 217 ", 1)
	require.NoError(t, err)
	require.Equal(t, form.ID, again.ID, "sent again it changes nothing")
	_, err = w.outside(club, "Form 217", 2)
	require.ErrorIs(t, err, booking.ErrOutsideReference)
	_, err = w.outside(club, "Form 218", 2)
	require.ErrorIs(t, err, booking.ErrSessionFull)
	w.requireSeen(club, 0, 2, 1)

	w.book(ask(w.child, club, 1))
	_, _, err = booking.Create(w.ctx, w.d, w.parent, toBook(w.quote(w.parent, ask(w.sibling, club, 1))))
	require.ErrorIs(t, err, booking.ErrSessionFull)
	beyond, err := booking.Beyond(w.ctx, w.d, w.house.Owner, club.Sessions[0].ID, 1)
	require.NoError(t, err)
	require.Len(t, beyond, 1, "what is taken outside is the provider's own to end; one family has to be asked")

	ended, err := booking.EndOutside(w.ctx, w.d, w.house.Owner, form.ID)
	require.NoError(t, err)
	require.Equal(t, booking.OutsideEnded, ended.State)
	_, err = booking.EndOutside(w.ctx, w.d, w.house.Owner, form.ID)
	require.NoError(t, err, "it stays ended")
	w.book(ask(w.sibling, club, 1))
	w.requireSeen(club, 0, 2, 0)
}

func TestAPlaceTakenOutsideInSeveralSessionsIsTakenInAllOrInNone(t *testing.T) {
	w := newWorld(t)
	club := w.small(1)
	w.book(ask(w.child, club, 1)) // the first is full
	_, err := booking.OutsidePlaces(w.ctx, w.d, w.house.Owner, booking.TakeOutside{
		SessionIDs: []uuid.UUID{club.Sessions[1].ID, club.Sessions[0].ID}, Reference: "A", Places: 1,
	})
	require.ErrorIs(t, err, booking.ErrSessionFull)
	w.requireSeen(club, 1, 1, 1)
	_, err = booking.OutsidePlaces(w.ctx, w.d, w.parent, booking.TakeOutside{SessionIDs: []uuid.UUID{club.Sessions[1].ID}, Reference: "A", Places: 1})
	require.ErrorIs(t, err, shortbreaks.ErrForbidden)
	_, err = booking.OutsidePlaces(w.ctx, w.d, w.house.Owner, booking.TakeOutside{SessionIDs: []uuid.UUID{club.Sessions[1].ID}, Reference: "07700 900123", Places: 1})
	require.Error(t, err, "no telephone number is kept")
	w.clock.Set(club.Sessions[1].StartsAt)
	_, err = booking.OutsidePlaces(w.ctx, w.d, w.house.Owner, booking.TakeOutside{SessionIDs: []uuid.UUID{club.Sessions[1].ID}, Reference: "A", Places: 1})
	require.ErrorIs(t, err, marketplace.ErrSessionStarted)
}

func TestASessionThatIsCalledOffKeepsNoPlaceTakenOutside(t *testing.T) {
	w := newWorld(t)
	club := w.small(2)
	form, err := w.outside(club, "Form 217", 1)
	require.NoError(t, err)
	w.book(ask(w.child, club, 1))
	_, n, err := booking.CallOffSession(w.ctx, w.d, w.house.Owner, club.Sessions[0].ID, "The hall is closed.")
	require.NoError(t, err)
	require.Equal(t, 1, n)
	list, _, err := booking.ListOutside(w.ctx, w.d, w.house.Owner, nil, true, uuid.Nil, 10)
	require.NoError(t, err)
	require.Equal(t, booking.OutsideEnded, list[0].State)
	require.Equal(t, form.ID, list[0].ID)
	require.Equal(t, w.house.Owner.Person, *list[0].EndedBy)
	_, err = w.outside(club, "Form 218", 1)
	require.ErrorIs(t, err, marketplace.ErrOfferClosed)
}

// code is a fresh booking code of the child for the house.
func (w *world) code(child uuid.UUID) string {
	w.t.Helper()
	_, code, err := booking.MakeCode(w.ctx, w.d, w.parent, child, w.house.ID)
	require.NoError(w.t, err)
	return code
}

func (w *world) enter(code string, o *marketplace.OfferDetail, n int) (*booking.OfflineBooking, error) {
	e, _, err := booking.EnterBooking(w.ctx, w.d, w.house.Coordinator, booking.EnterOffline{
		Code: code, OfferID: o.Offer.ID, SessionIDs: ask(w.child, o, n).SessionIDs, Reference: "Form 12",
	})
	return e, err
}

func TestWhatAProviderEntersWithACodeIsTheFamilysToAgree(t *testing.T) {
	w := newWorld(t)
	club := w.small(3)
	code := w.code(w.child)
	e, err := w.enter(strings.ToLower(strings.ReplaceAll(code, "-", " ")), club, 2)
	require.NoError(t, err)
	require.Equal(t, booking.Held, e.State)
	require.Equal(t, monday.Add(48*time.Hour), *e.ExpiresAt)
	w.requireMoney(w.child, 1600, 0, 98_400)
	w.requireSeen(club, 0, 3, 2)
	_, err = booking.AgreeOffline(w.ctx, w.d, w.house.Owner, e.BookingID)
	require.ErrorIs(t, err, shortbreaks.ErrForbidden)
	_, err = booking.Accept(w.ctx, w.d, w.house.Owner, e.BookingID)
	require.ErrorIs(t, err, booking.ErrWrongState, "a provider does not say yes for the family")
	_, err = booking.AgreeOffline(w.ctx, w.d, w.family("begum", 1).Parents[0], e.BookingID)
	require.ErrorIs(t, err, shortbreaks.ErrNotFound)

	agreed, err := booking.AgreeOffline(w.ctx, w.d, w.parent, e.BookingID)
	require.NoError(t, err)
	require.Equal(t, booking.Confirmed, agreed.State)
	require.Nil(t, agreed.ExpiresAt)
	_, err = booking.AgreeOffline(w.ctx, w.d, w.parent, e.BookingID)
	require.ErrorIs(t, err, booking.ErrWrongState)
	_, err = w.enter(code, club, 1)
	require.ErrorIs(t, err, booking.ErrCodeUnknown, "a code is for one booking")
}

func TestWhatTheFamilyDoesNotAgreeToIsFreeAgain(t *testing.T) {
	w := newWorld(t)
	club := w.small(3)
	e, err := w.enter(w.code(w.child), club, 1)
	require.NoError(t, err)
	w.clock.Advance(48 * time.Hour)
	_, err = booking.AgreeOffline(w.ctx, w.d, w.parent, e.BookingID)
	require.ErrorIs(t, err, booking.ErrRequestExpired, "before any sweep too")
	_, err = booking.Sweep(w.ctx, w.d)
	require.NoError(t, err)
	w.requireMoney(w.child, 0, 0, 100_000)
	w.requireSeen(club, 0, 3, 3)

	e, err = w.enter(w.code(w.child), club, 1)
	require.NoError(t, err)
	_, err = booking.Cancel(w.ctx, w.d, w.parent, booking.CancelBooking{BookingID: e.BookingID, Reason: "No."})
	require.NoError(t, err)
	w.requireMoney(w.child, 0, 0, 100_000)
}

func TestAProviderLearnsNothingOfTheFamilyFromARefusal(t *testing.T) {
	w := newWorld(t)
	club := w.small(3)
	poor := w.family("poor", 1)
	_, code, err := booking.MakeCode(w.ctx, w.d, poor.Parents[0], poor.Children[0].ID, w.house.ID)
	require.NoError(t, err)
	_, noMoney := w.enter(code, club, 1)
	w.book(ask(w.child, club, 1))
	_, booked := w.enter(w.code(w.child), club, 1)
	require.ErrorIs(t, noMoney, booking.ErrNotForFamily)
	require.Equal(t, noMoney.Error(), booked.Error(), "no money and booked already are told in the same words")

	_, err = w.enter("AAAAA-AAAAA", club, 1)
	require.ErrorIs(t, err, booking.ErrCodeUnknown)
	other, err := w.build.NewHouse(w.ctx, "Moor Lane", "moor", 2)
	require.NoError(t, err)
	_, _, err = booking.EnterBooking(w.ctx, w.d, other.Owner, booking.EnterOffline{Code: w.code(w.sibling), OfferID: club.Offer.ID, SessionIDs: ask(w.sibling, club, 1).SessionIDs})
	require.ErrorIs(t, err, booking.ErrCodeUnknown, "a code is for one provider")
}

func TestACodeEndsWithItsTimeItsWithdrawalAndTheRightsOfItsMaker(t *testing.T) {
	w := newWorld(t)
	club := w.small(3)
	for range 4 {
		w.code(w.child)
	}
	c, code, err := booking.MakeCode(w.ctx, w.d, w.parent, w.child, w.house.ID)
	require.NoError(t, err)
	_, _, err = booking.MakeCode(w.ctx, w.d, w.parent, w.child, w.house.ID)
	require.ErrorIs(t, err, booking.ErrTooManyCodes)
	require.ErrorIs(t, booking.WithdrawCode(w.ctx, w.d, w.family("begum", 1).Parents[0], c.ID), shortbreaks.ErrNotFound)
	require.NoError(t, booking.WithdrawCode(w.ctx, w.d, w.parent, c.ID))
	_, err = w.enter(code, club, 1)
	require.ErrorIs(t, err, booking.ErrCodeUnknown)
	late := w.code(w.child)
	w.clock.Advance(7 * 24 * time.Hour)
	_, err = w.enter(late, club, 1)
	require.ErrorIs(t, err, booking.ErrCodeUnknown)
}

func importOf(rows ...string) *strings.Reader {
	return strings.NewReader("reference,child,session_id,offer_id,date,from,option,total\n" + strings.Join(rows, "\n") + "\n")
}

func (w *world) importing(file *strings.Reader, dryRun bool) (booking.ImportReport, error) {
	report, _, err := booking.ImportBookings(w.ctx, w.d, w.council.Practitioner, nil, file, booking.ImportOptions{DryRun: dryRun}, nil)
	return report, err
}

func TestAnImportOfBookingsIsAllOrNothingWithEveryErrorByRowAndColumn(t *testing.T) {
	w := newWorld(t)
	club, full := w.small(3), w.small(1)
	w.book(ask(w.sibling, full, 1))
	stranger := shortbreaks.NewID()
	good := fmt.Sprintf("A-1,%s,%s,,,,Standard,8.00", w.child, club.Sessions[0].ID)
	report, err := w.importing(importOf(good,
		fmt.Sprintf("A-1,%s,%s,,,,,", w.child, club.Sessions[1].ID),
		fmt.Sprintf("A-3,%s,%s,,,,,", stranger, club.Sessions[1].ID),
		fmt.Sprintf("A-4,%s,,%s,2027-01-10,,,", w.child, club.Offer.ID),
		fmt.Sprintf("A-5,%s,,%s,2027-01-16,10:00,Cheap,7.99", w.child, club.Offer.ID),
		fmt.Sprintf("A-6,%s,%s,,,,,", w.child, full.Sessions[0].ID),
		fmt.Sprintf("=A7,%s,%s,,,,,", w.child, club.Sessions[2].ID),
		fmt.Sprintf("A-8,%s,%s,,,,,", w.child, club.Sessions[0].ID),
	), false)
	require.ErrorIs(t, err, shortbreaks.ErrInvalid)
	var places []string
	for _, e := range report.Errors {
		places = append(places, fmt.Sprint(e.Row, " ", e.Column))
	}
	require.Equal(t, []string{"3 reference", "4 child", "5 date", "6 option", "6 total", "7 ", "8 reference", "9 "}, places)
	w.requireMoney(w.child, 0, 0, 100_000)
	w.requireSeen(club, 0, 3, 3)

	dry, err := w.importing(importOf(good), true)
	require.NoError(t, err)
	require.Equal(t, []int{1, 1, 0}, []int{dry.Rows, dry.Made, dry.Unchanged})
	w.requireSeen(club, 0, 3, 3)
	made, err := w.importing(importOf(good), false)
	require.NoError(t, err)
	require.Equal(t, booking.Confirmed, made.Bookings[0].State)
	w.requireMoney(w.child, 800, 0, 99_200)
	second := fmt.Sprintf("A-2,%s,,%s,2027-01-16,,,", w.sibling, club.Offer.ID)
	again, err := w.importing(importOf(good, second), false)
	require.NoError(t, err)
	require.Equal(t, []int{2, 1, 1}, []int{again.Rows, again.Made, again.Unchanged}, "what was imported before is left as it is")
	b, err := booking.Load(w.ctx, w.d, w.parent, again.Bookings[0].BookingID)
	require.NoError(t, err)
	require.True(t, b.OnBehalf, "labelled as staff's doing")
}

func TestAProvidersFileTakesPlacesOutsideOnce(t *testing.T) {
	w := newWorld(t)
	club := w.small(3)
	file := func(rows ...string) *strings.Reader {
		return strings.NewReader("reference,session_id,offer_id,date,places\n" + strings.Join(rows, "\n") + "\n")
	}
	one, two := fmt.Sprintf("F-1,%s,,,2", club.Sessions[0].ID), fmt.Sprintf("F-2,,%s,2027-01-16,", club.Offer.ID)
	take := func(r *strings.Reader, dry bool) (booking.ImportReport, error) {
		return booking.ImportOutside(w.ctx, w.d, w.house.Coordinator, nil, r, booking.ImportOptions{DryRun: dry})
	}
	report, err := take(file(one, two, fmt.Sprintf("F-3,%s,,,2", club.Sessions[0].ID)), false)
	require.ErrorIs(t, err, shortbreaks.ErrInvalid)
	require.Equal(t, []marketplace.ImportError{{Row: 4, Detail: report.Errors[0].Detail}}, report.Errors)
	require.Contains(t, report.Errors[0].Detail, "has 1 place left")
	w.requireSeen(club, 0, 3, 3)
	report, err = take(file(one, two), true)
	require.NoError(t, err)
	require.Equal(t, 2, report.Made)
	w.requireSeen(club, 0, 3, 3)
	report, err = take(file(one), false)
	require.NoError(t, err)
	require.Equal(t, 1, report.Made)
	report, err = take(file(one, two), false)
	require.NoError(t, err)
	require.Equal(t, []int{1, 1}, []int{report.Made, report.Unchanged})
	w.requireSeen(club, 0, 3, 1)
	w.requireSeen(club, 1, 3, 2)
	other, err := w.build.NewHouse(w.ctx, "Moor Lane", "moor", 2)
	require.NoError(t, err)
	_, err = booking.ImportOutside(w.ctx, w.d, other.Owner, nil, file(fmt.Sprintf("F-9,%s,,,1", club.Sessions[2].ID)), booking.ImportOptions{})
	require.ErrorIs(t, err, shortbreaks.ErrInvalid, "sessions of another are not there")
}

package booking_test

import (
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
)

// separated is a family of two parents and one child, with money.
func (w *world) separated() (mother, father shortbreaks.Actor, child uuid.UUID) {
	w.t.Helper()
	home, err := w.build.NewHome(w.ctx, w.council.ID, []budgets.Child{{FirstName: "Ida", FamilyName: "Lane", DateOfBirth: time.Date(2017, 5, 1, 0, 0, 0, 0, time.UTC)}}, "mother.lane", "father.lane")
	require.NoError(w.t, err)
	return home.Parents[0], home.Parents[1], home.Children[0].ID
}

func fieldsOf(s *booking.CareSheet) map[string]string {
	by := map[string]string{}
	for _, f := range s.Facts {
		by[f.Field] += f.Words
	}
	return by
}

func (w *world) readings(child uuid.UUID) int {
	w.t.Helper()
	var n int
	require.NoError(w.t, w.d.Read(w.ctx, db.For(w.council.Practitioner), func(tx *db.Tx) error {
		return tx.PGX.QueryRow(w.ctx, `SELECT count(*) FROM read_event WHERE child_id = $1`, child).Scan(&n)
	}))
	return n
}

func TestACareSheetIsReadOnlyInItsTime(t *testing.T) {
	w := newWorld(t)
	_, err := booking.WriteCareSheet(w.ctx, w.d, w.parent, w.child, []booking.CareWords{{Field: "what_helps", Words: "A quiet corner."}})
	require.NoError(t, err)
	w.clock.Advance(2 * 24 * time.Hour)
	it := w.book(ask(w.child, w.publish(saturdays(tariffOf(charge("place", "session", 800)))), 1)).Items[0]
	after := shortbreaks.At(shortbreaks.Date(it.EndsAt).AddDate(0, 0, 2), 0)
	for _, c := range []struct {
		who  shortbreaks.Actor
		at   time.Time
		want error
	}{
		{w.house.Coordinator, w.clock.Now(), nil},
		{w.house.Worker, it.StartsAt.Add(-48*time.Hour - time.Second), booking.ErrWrongState},
		{w.house.Worker, it.StartsAt.Add(-48 * time.Hour), nil},
		{w.house.Worker, after.Add(-time.Second), nil},
		{w.house.Worker, after, booking.ErrWrongState},
		{w.house.Coordinator, after, booking.ErrWrongState},
		{w.house.Owner, it.StartsAt, shortbreaks.ErrForbidden},
		{w.council.Finance, it.StartsAt, shortbreaks.ErrForbidden},
		{w.council.Commissioner, it.StartsAt, shortbreaks.ErrForbidden},
		{w.parent, it.StartsAt, shortbreaks.ErrForbidden},
	} {
		w.clock.Set(c.at)
		before := w.readings(w.child)
		sheet, err := booking.ReadCareSheetFor(w.ctx, w.d, c.who, it.ID)
		require.ErrorIs(t, err, c.want, "%s at %s", c.who.Role, c.at)
		if c.want == nil {
			require.Equal(t, "A quiet corner.", sheet.Facts[0].Words)
			require.Equal(t, uuid.Nil, sheet.ChildID)
			before++
		}
		require.Equal(t, before, w.readings(w.child), "each reading is kept")
	}
	other, err := w.build.NewHouse(w.ctx, "Moor Lane", "moor", 2)
	require.NoError(t, err)
	w.clock.Set(it.StartsAt)
	_, err = booking.ReadCareSheetFor(w.ctx, w.d, other.Coordinator, it.ID)
	require.ErrorIs(t, err, shortbreaks.ErrNotFound)

	page, more, err := booking.Readings(w.ctx, w.d, w.parent, w.child, uuid.Nil, 10)
	require.NoError(t, err)
	require.False(t, more)
	require.Len(t, page, 3)
	require.Equal(t, []string{"worker", "Ashmere Stars", "care_sheet"}, []string{page[0].Role, page[0].ProviderName, page[0].What})
}

func TestACareSheetOfACancelledBookingIsNotRead(t *testing.T) {
	w := newWorld(t)
	b := w.book(ask(w.child, w.publish(saturdays(tariffOf(charge("place", "session", 800)))), 1))
	_, err := booking.Cancel(w.ctx, w.d, w.parent, booking.CancelBooking{BookingID: b.ID, Reason: "plans_changed"})
	require.NoError(t, err)
	_, err = booking.ReadCareSheetFor(w.ctx, w.d, w.house.Coordinator, b.Items[0].ID)
	require.ErrorIs(t, err, booking.ErrWrongState)
	requested := requestFor(w)
	_, err = booking.ReadCareSheetFor(w.ctx, w.d, w.house.Coordinator, requested.Items[0].ID)
	require.ErrorIs(t, err, booking.ErrWrongState, "not booked yet")
}

func TestT97_AnEmergencyContactIsItsOwnParents(t *testing.T) {
	w := newWorld(t)
	mother, father, child := w.separated()
	const phone = "Mum's work: 07700 900456"
	_, err := booking.WriteCareSheet(w.ctx, w.d, mother, child, []booking.CareWords{{Field: booking.EmergencyContact, Words: phone}, {Field: "avoid", Words: "Loud bells."}})
	require.NoError(t, err)
	theirs, err := booking.WriteCareSheet(w.ctx, w.d, father, child, []booking.CareWords{{Field: booking.EmergencyContact, Words: "Dad: 07700 900789"}})
	require.NoError(t, err)
	require.Equal(t, "Dad: 07700 900789", fieldsOf(theirs)[booking.EmergencyContact])
	require.Equal(t, "Loud bells.", fieldsOf(theirs)["avoid"])
	read, err := booking.ReadCareSheet(w.ctx, w.d, father, child)
	require.NoError(t, err)
	require.NotContains(t, fieldsOf(read)[booking.EmergencyContact], "900456")
	mothers, err := booking.ReadCareSheet(w.ctx, w.d, mother, child)
	require.NoError(t, err)
	require.Equal(t, phone, fieldsOf(mothers)[booking.EmergencyContact])

	_, err = booking.WriteCareSheet(w.ctx, w.d, mother, child, []booking.CareWords{{Field: "avoid", Words: "Ring me on 07700 900456"}})
	require.ErrorIs(t, err, marketplace.ErrContactDetails)

	it := w.deliverableTo(mother, child)
	w.clock.Set(it.StartsAt)
	sheet, err := booking.ReadCareSheetFor(w.ctx, w.d, w.house.Worker, it.ID)
	require.NoError(t, err)
	require.Contains(t, fieldsOf(sheet)[booking.EmergencyContact], "900456")
	require.Contains(t, fieldsOf(sheet)[booking.EmergencyContact], "900789", "who looks after the child may ring both")
}

// deliverableTo books a date the family pays itself.
func (w *world) deliverableTo(parent shortbreaks.Actor, child uuid.UUID) *booking.Item {
	w.t.Helper()
	c := ask(child, w.publish(saturdays(tariffOf(charge("place", "session", 800)))), 1)
	c.FamilyPays = "direct"
	basket, _, err := booking.Create(w.ctx, w.d, parent, toBook(w.quote(parent, c)))
	require.NoError(w.t, err)
	return basket.Bookings[0].Items[0]
}

func TestACareSheetSaysWhenItWasConfirmedAndAsksWhenThatIsLongAgo(t *testing.T) {
	w := newWorld(t)
	write := func(field, words string) *booking.CareSheet {
		sheet, err := booking.WriteCareSheet(w.ctx, w.d, w.parent, w.child, []booking.CareWords{{Field: field, Words: words}})
		require.NoError(t, err)
		return sheet
	}
	require.Equal(t, "confirmed today", write("medication", "Inhaler, two puffs, by a named worker.").Facts[0].Confirmed)
	w.clock.Advance(9 * 24 * time.Hour)
	sheet := write("avoid", "Nuts.")
	require.Equal(t, []string{"avoid", "medication"}, []string{sheet.Facts[0].Field, sheet.Facts[1].Field}, "always in one order")
	require.Equal(t, "confirmed 9 days ago", sheet.Facts[1].Confirmed)
	w.clock.Set(monday.Add(180 * 24 * time.Hour))
	read := func() *booking.CareSheet {
		sheet, err := booking.ReadCareSheet(w.ctx, w.d, w.parent, w.child)
		require.NoError(t, err)
		return sheet
	}
	require.Empty(t, read().Ask, "180 days are not too long")
	w.clock.Advance(time.Second)
	sheet = read()
	require.NotEmpty(t, sheet.Ask)
	require.Equal(t, []bool{false, true}, []bool{sheet.Facts[0].Stale, sheet.Facts[1].Stale})
	sheet, err := booking.ConfirmCareSheet(w.ctx, w.d, w.parent, w.child, []string{"medication"})
	require.NoError(t, err)
	require.Empty(t, sheet.Ask)
	require.Equal(t, "confirmed 171 days ago", sheet.Facts[0].Confirmed, "the others as they were")
	require.Len(t, write("avoid", " ").Facts, 1, "an empty one is removed")

	stranger := w.family("stranger", 1).Parents[0]
	_, err = booking.ReadCareSheet(w.ctx, w.d, stranger, w.child)
	require.ErrorIs(t, err, shortbreaks.ErrNotFound)
	_, err = booking.ConfirmCareSheet(w.ctx, w.d, stranger, w.child, nil)
	require.ErrorIs(t, err, shortbreaks.ErrNotFound)
	_, err = booking.ReadCareSheet(w.ctx, w.d, w.council.Practitioner, w.child)
	require.NoError(t, err)
	for _, who := range []shortbreaks.Actor{w.council.Finance, w.council.Commissioner, w.council.Auditor, w.house.Coordinator} {
		_, err = booking.ReadCareSheet(w.ctx, w.d, who, w.child)
		require.ErrorIs(t, err, shortbreaks.ErrForbidden)
	}
}

func TestNotesAreReadByFewAndEachReadingIsKept(t *testing.T) {
	w := newWorld(t)
	it := w.book(ask(w.child, w.publish(saturdays(tariffOf(charge("place", "session", 800)))), 1)).Items[0]
	add := func(who shortbreaks.Actor, words string, corrects *uuid.UUID) (*booking.ItemNote, error) {
		return booking.AddNote(w.ctx, w.d, who, booking.WriteNote{ItemID: it.ID, Kind: booking.NoteIncident, Words: words, HappenedAt: w.clock.Now(), Corrects: corrects})
	}
	_, err := add(w.house.Worker, "Too early.", nil)
	require.ErrorIs(t, err, booking.ErrWrongState)
	w.clock.Set(it.StartsAt.Add(time.Hour))
	first, err := add(w.house.Worker, "A bumped left knee.", nil)
	require.NoError(t, err)
	_, err = add(w.house.Worker, "It was the right knee.", &first.ID)
	require.NoError(t, err)
	manager, err := add(w.house.Owner, "The mat was moved.", nil)
	require.NoError(t, err)
	_, err = add(w.house.Worker, "No, it was not.", &manager.ID)
	require.ErrorIs(t, err, shortbreaks.ErrInvalid, "a worker corrects its own")
	_, err = add(w.parent, "I write too.", nil)
	require.ErrorIs(t, err, shortbreaks.ErrForbidden)

	second := w.colleague()
	for _, c := range []struct {
		who  shortbreaks.Actor
		want int
		err  error
	}{
		{w.parent, 3, nil},
		{w.council.Practitioner, 3, nil},
		{w.house.Owner, 3, nil},
		{w.house.Coordinator, 3, nil},
		{w.house.Worker, 2, nil},
		{second, 0, nil},
		{w.council.Finance, 0, shortbreaks.ErrForbidden},
		{w.council.Commissioner, 0, shortbreaks.ErrForbidden},
		{w.council.Approver, 0, shortbreaks.ErrForbidden},
		{w.council.Auditor, 0, shortbreaks.ErrForbidden},
		{w.family("f"+shortbreaks.NewID().String()[:8], 1).Parents[0], 0, shortbreaks.ErrNotFound},
	} {
		before := w.readings(w.child)
		page, _, err := booking.Notes(w.ctx, w.d, c.who, it.ID, uuid.Nil, 10)
		require.ErrorIs(t, err, c.err, c.who.Role)
		require.Len(t, page, c.want, c.who.Role)
		if c.want > 0 {
			before++
		}
		require.Equal(t, before, w.readings(w.child), c.who.Role)
	}
	page, more, err := booking.Notes(w.ctx, w.d, w.parent, it.ID, first.ID, 1)
	require.NoError(t, err)
	require.True(t, more)
	require.Equal(t, first.ID, *page[0].Corrects)

	_, err = dbtest.Owner(t, w.d).Exec(w.ctx, `UPDATE item_note SET words = 'Nothing happened.'`)
	require.ErrorContains(t, err, "append-only")
}

// colleague is another worker of the provider.
func (w *world) colleague() shortbreaks.Actor {
	w.t.Helper()
	who := w.house.Worker
	who.Person = shortbreaks.NewID()
	return who
}

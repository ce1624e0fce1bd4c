package booking_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/riverqueue/river"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/booking"
	"shortbreaks/budgets"
	"shortbreaks/internal/db"
	"shortbreaks/internal/db/dbtest"
	"shortbreaks/marketplace"
	"shortbreaks/people"
)

// tellCouncils tells them twice at once and gives how many news came of it.
func (w *world) tellCouncils() int {
	w.t.Helper()
	told := make(chan int, 2)
	for _, err := range together(2, func(int) error {
		n, err := booking.Teller{DB: w.d}.TellCouncils(w.ctx)
		told <- n
		return err
	}) {
		require.NoError(w.t, err)
	}
	return <-told + <-told
}

// other is a further person of the council in a role.
func (w *world) other(role shortbreaks.Role) shortbreaks.Actor {
	w.t.Helper()
	who := w.somebody(role)
	require.NoError(w.t, w.d.Do(w.ctx, db.Scope{Person: who.Person}, func(tx *db.Tx) error {
		if _, err := people.CreatePerson(w.ctx, tx, people.Person{ID: who.Person, DisplayName: "Someone"}); err != nil {
			return err
		}
		_, err := people.GrantRole(w.ctx, tx, people.Grant{PersonID: who.Person, Role: role, AuthorityID: &w.council.ID})
		return err
	}))
	return who
}

func TestApproversHearOfAnEmergencyThatWaitsForTheirDecision(t *testing.T) {
	w := newWorld(t)
	w.fundEmergencies(100_000)
	_, kept := w.emergencyClub(4, 2)
	second := w.other(shortbreaks.Approver)
	gone := w.other(shortbreaks.Approver)
	_, err := dbtest.Owner(t, w.d).Exec(w.ctx, `UPDATE role_grant SET ends_on = '2027-01-03' WHERE person_id = $1`, gone.Person)
	require.NoError(t, err)
	e, err := w.emergency(w.council.Approver, w.child, kept)
	require.NoError(t, err)
	require.Equal(t, 1, w.tellCouncils())
	require.Zero(t, w.tellCouncils(), "and not again")
	require.Empty(t, w.news(w.council.Approver), "who booked it does not decide on it")
	require.Empty(t, w.news(gone), "who is none any more")
	require.Empty(t, w.news(w.council.Practitioner))
	news := w.news(second)
	require.Len(t, news, 1)
	require.Equal(t, e.BookingID, *news[0].BookingID)
	require.Equal(t, "An emergency booking waits for a decision of yours: Saturday club, Saturday 9 January 2027. There is time until 00:00 on Wednesday 6 January 2027.",
		news[0].Words())
	foreign := second
	foreign.Authorities = []uuid.UUID{shortbreaks.NewID()}
	require.Empty(t, w.news(foreign), "who went to another council sees it no more")
	asFamily := second
	asFamily.Role = shortbreaks.Family
	require.Empty(t, w.news(asFamily), "nor does somebody as the family of a child")
}

func TestPractitionersHearOfWhatTheyHaveToAgreeToFirstOnceAWeek(t *testing.T) {
	w := newWorld(t)
	d := saturdays(tariffOf(charge("place", "session", 1000)))
	o := w.publish(d)
	w.rule("ask", 0, budgets.RuleAsks, 1)
	require.Zero(t, w.tellCouncils())
	w.quote(w.council.Practitioner, nth(w.child, o, 0))
	require.Zero(t, w.tellCouncils(), "a practitioner's own quote is the yes")
	w.quote(w.parent, nth(w.child, o, 1))
	w.quote(w.parent, nth(w.child, o, 2))
	require.Equal(t, 1, w.tellCouncils())
	news := w.news(w.council.Practitioner)
	require.Len(t, news, 1)
	require.Nil(t, news[0].BookingID)
	require.Equal(t, "A family asks for what you have to agree to first; your quote is your yes: Saturday club, Saturday 16 January 2027.", news[0].Words())
	require.Empty(t, w.news(w.council.Approver))
	w.clock.Advance(6 * 24 * time.Hour)
	w.quote(w.parent, nth(w.child, o, 3))
	require.Zero(t, w.tellCouncils(), "the same week")
	w.clock.Advance(24 * time.Hour)
	require.Zero(t, w.tellCouncils(), "the quote has run out")
	w.quote(w.parent, nth(w.child, o, 3))
	require.Equal(t, 1, w.tellCouncils())
}

func TestPractitionersHearWhenNightsAwayReachALimitOnce(t *testing.T) {
	w := newWorld(t)
	d := saturdays(tariffOf(charge("place", "session", 0)))
	d.Sessions = &marketplace.SessionSeries{
		FirstDate: day("2027-01-05"), LastDate: day("2027-04-30"), Weekdays: []int{1, 2, 3, 4, 5, 6, 7}, From: "18:00", To: "10:00", Capacity: 10,
	}
	o := w.publish(d)
	c := booking.CreateQuote{ChildID: w.child, OfferID: o.Offer.ID}
	for _, s := range o.Sessions[:15] {
		c.SessionIDs = append(c.SessionIDs, s.ID)
	}
	w.book(c)
	require.Empty(t, w.told(w.council.Practitioner), "16 days in a row")
	b := w.book(nth(w.child, o, 15))
	require.Equal(t, []booking.NewsKind{booking.NewsNightsReached}, w.told(w.council.Practitioner))
	news := w.news(w.council.Practitioner)[0]
	require.Equal(t, b.ID, *news.BookingID)
	require.NotContains(t, news.Words(), "Child")
	w.book(nth(w.child, o, 16))
	require.Len(t, w.told(w.council.Practitioner), 1, "once")
	require.Empty(t, w.news(w.council.Approver))
}

// The e-mail goes to whoever may still see what it is about, and names nobody.
func TestAnEmailToAPractitionerSaysADayAndNothingOfAChild(t *testing.T) {
	o := openPost(t)
	worker := &booking.NewsMailWorker{DB: o.d, Mailer: o.worker.Mailer, Address: o.worker.Address}
	require.NoError(t, o.confirm(o.council.Practitioner, o.give(o.council.Practitioner, "social@example.org")))
	o.rule("ask", 0, budgets.RuleAsks, 1)
	offer := o.publish(saturdays(tariffOf(charge("place", "session", 1000))))
	o.quote(o.parent, nth(o.child, offer, 0))
	n, err := booking.Teller{DB: o.d, Mail: true}.TellCouncils(o.ctx)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	jobs := o.jobs(o.council.Practitioner)
	require.Len(t, jobs, 1)
	require.NoError(t, worker.Work(o.ctx, jobs[0]))
	mails := o.received()
	require.Len(t, mails, 2)
	require.Contains(t, mails[1], "There is news about a short break on Saturday 9 January 2027.")
	require.NotContains(t, mails[1], "Saturday club")

	// One whose role has ended hears nothing.
	require.NoError(t, o.d.Do(o.ctx, db.Scope{Person: o.council.Practitioner.Person}, func(tx *db.Tx) error {
		_, err := tx.PGX.Exec(o.ctx, `UPDATE news SET mailed_at = NULL WHERE person_id = $1`, o.council.Practitioner.Person)
		return err
	}))
	_, err = dbtest.Owner(t, o.d).Exec(o.ctx, `UPDATE role_grant SET ends_on = '2027-01-03' WHERE person_id = $1`, o.council.Practitioner.Person)
	require.NoError(t, err)
	require.NoError(t, worker.Work(o.ctx, &river.Job[booking.NewsMailArgs]{Args: jobs[0].Args}))
	require.Len(t, o.received(), 2)
}

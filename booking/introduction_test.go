package booking_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/booking"
	"shortbreaks/internal/db"
	"shortbreaks/marketplace"
	"shortbreaks/marketplace/tariff"
	"shortbreaks/people"
)

// specialist is a club at 1:3 for £8.00, or 1:1 for £30.00, for children the
// provider has met.
func specialist() marketplace.OfferDraft {
	c := charge("place", "session", 800)
	c.Rate = &tariff.Rate{Ratios: []tariff.RatioRate{{Ratio: tariff.Ratio{Staff: 1, Children: 1}, AmountPence: 3000}, {Ratio: tariff.Ratio{Staff: 1, Children: 3}, AmountPence: 800}}}
	d := saturdays(tariffOf(c))
	d.Title, d.Content.NeedsIntroduction = "Specialist club", true
	return d
}

// introduce is a family's request, with consent.
func (w *world) introduce(who shortbreaks.Actor, child uuid.UUID) *booking.Introduction {
	w.t.Helper()
	i, err := booking.Introduce(w.ctx, w.d, who, booking.AskIntroduction{ChildID: child, ProviderID: w.house.ID, Consent: true, Words: "Shy at first."})
	require.NoError(w.t, err)
	return i
}

// accepted is a child the provider has met and accepted at a ratio.
func (w *world) accepted(who shortbreaks.Actor, child uuid.UUID, ratio tariff.Ratio) *booking.Introduction {
	w.t.Helper()
	i := w.introduce(who, child)
	_, err := booking.Arrange(w.ctx, w.d, w.house.Coordinator, booking.ArrangeVisit{IntroductionID: i.ID, LocalStart: "2027-01-03T10:00", Words: "At the hall."})
	require.NoError(w.t, err)
	i, err = booking.Decide(w.ctx, w.d, w.house.Owner, booking.DecideIntroduction{IntroductionID: i.ID, Accept: true, Ratio: ratio})
	require.NoError(w.t, err)
	return i
}

func (w *world) create(quotes ...*booking.Quote) error {
	_, _, err := booking.Create(w.ctx, w.d, w.parent, toBook(quotes...))
	return err
}

func TestT94_NoBookingBeforeTheIntroductionIsAccepted(t *testing.T) {
	w := newWorld(t)
	club := w.publish(specialist())
	q := w.quote(w.parent, ask(w.child, club, 1))
	require.Equal(t, booking.VerdictAsk, q.Verdict())
	require.Equal(t, "introduction-needed", q.NextSteps()[0].Code)
	require.Equal(t, "askIntroduction", q.NextSteps()[0].Operation)
	require.ErrorIs(t, w.create(q), booking.ErrIntroductionNeeded)
	asked := toBook(q)
	asked.Idem = once(w.parent, "key", asked)
	_, err := booking.NewDesk(w.d).Create(w.ctx, people.As(w.parent), asked)
	require.ErrorIs(t, err, booking.ErrIntroductionNeeded)
	byRequest := specialist()
	byRequest.Instant, byRequest.Title = false, "By request"
	require.ErrorIs(t, w.create(w.quote(w.parent, ask(w.child, w.publish(byRequest), 1))), booking.ErrIntroductionNeeded, "not as a request either")
	full := specialist()
	full.Sessions.Capacity, full.Title = 1, "Full"
	_, err = booking.JoinWaitlist(w.ctx, w.d, w.parent, ask(w.child, w.publish(full), 1))
	require.ErrorIs(t, err, booking.ErrIntroductionNeeded)

	// The first visit, and everything else of the provider, is booked as ever;
	// neither stands for an introduction, nor does the sibling's.
	meet := saturdays(tariffOf(charge("place", "session", 0)))
	meet.Title, meet.Content.FirstVisit = "First visit", true
	w.book(ask(w.child, w.publish(meet), 1))
	w.accepted(w.parent, w.sibling, tariff.Ratio{Staff: 1, Children: 3})
	require.ErrorIs(t, w.create(q), booking.ErrIntroductionNeeded)

	i := w.introduce(w.parent, w.child)
	require.ErrorIs(t, w.create(q), booking.ErrIntroductionNeeded)
	yes := booking.DecideIntroduction{IntroductionID: i.ID, Accept: true, Ratio: tariff.Ratio{Staff: 1, Children: 3}}
	_, err = booking.Decide(w.ctx, w.d, w.house.Owner, yes)
	require.ErrorIs(t, err, booking.ErrNotVisited, "nobody is accepted unseen")
	_, err = booking.Arrange(w.ctx, w.d, w.house.Coordinator, booking.ArrangeVisit{IntroductionID: i.ID, LocalStart: "2027-01-04T09:10"})
	require.NoError(t, err)
	_, err = booking.Decide(w.ctx, w.d, w.house.Owner, yes)
	require.ErrorIs(t, err, booking.ErrNotVisited)
	require.ErrorIs(t, w.create(q), booking.ErrIntroductionNeeded)
	w.clock.Set(*mustArrange(w, i.ID).VisitAt)
	_, err = booking.Decide(w.ctx, w.d, w.house.Owner, yes)
	require.NoError(t, err)
	require.NoError(t, w.create(q), "the quote still holds and is for the ratio decided")
	now := w.quote(w.parent, ask(w.child, club, 2))
	require.Equal(t, booking.VerdictAllowed, now.Verdict())
	require.Empty(t, now.NextSteps())
}

func mustArrange(w *world, id uuid.UUID) *booking.Introduction {
	i, err := booking.ReadIntroduction(w.ctx, w.d, w.parent, id)
	require.NoError(w.t, err)
	return i
}

func TestT94_TheRatioDecidedIsTheOneQuotedAndBooked(t *testing.T) {
	w := newWorld(t)
	d := specialist()
	d.Sessions.StaffUnits = 1
	club := w.publish(d)
	before := w.quote(w.parent, ask(w.child, club, 1))
	require.EqualValues(t, 800, before.TotalPence)
	alone := tariff.Ratio{Staff: 1, Children: 1}
	i := w.accepted(w.parent, w.child, alone)
	require.ErrorIs(t, w.create(before), booking.ErrRatioDecided)
	q := w.quote(w.parent, ask(w.child, club, 1))
	require.EqualValues(t, 3000, q.TotalPence, "nobody has to ask for it")
	require.Equal(t, alone, q.Document.Introduction.Ratio)
	require.Equal(t, 1, q.Document.Items[0].StaffUnits)
	wrong := ask(w.child, club, 1)
	wrong.Ratio = tariff.Ratio{Staff: 1, Children: 3}
	_, err := booking.MakeQuote(w.ctx, w.d, w.parent, wrong)
	require.ErrorIs(t, err, booking.ErrRatioDecided)
	require.NoError(t, w.create(q))

	late := w.quote(w.parent, nth(w.child, club, 1))
	_, err = booking.Decide(w.ctx, w.d, w.house.Owner, booking.DecideIntroduction{IntroductionID: i.ID, Accept: true, Ratio: tariff.Ratio{Staff: 1, Children: 3}})
	require.NoError(t, err, "it may be decided anew")
	require.ErrorIs(t, w.create(late), booking.ErrRatioDecided)
	require.NoError(t, w.create(w.quote(w.parent, nth(w.child, club, 1))))
}

func TestT94_AnIntroductionEndsAndNothingMoreIsBooked(t *testing.T) {
	w := newWorld(t)
	club := w.publish(specialist())
	i := w.accepted(w.parent, w.child, tariff.Ratio{Staff: 1, Children: 3})
	b := w.book(ask(w.child, club, 1))
	next := w.quote(w.parent, nth(w.child, club, 1))
	_, err := booking.Introduce(w.ctx, w.d, w.council.Practitioner, booking.AskIntroduction{ChildID: w.child, ProviderID: w.house.ID, Consent: true})
	require.ErrorIs(t, err, booking.ErrIntroduced)
	_, err = booking.Decide(w.ctx, w.d, w.house.Owner, booking.DecideIntroduction{IntroductionID: i.ID, Words: "No room."})
	require.ErrorIs(t, err, booking.ErrWrongState, "who was accepted is not declined")
	ended, err := booking.WithdrawIntroduction(w.ctx, w.d, w.parent, i.ID, "We moved away.")
	require.NoError(t, err)
	require.Equal(t, booking.IntroductionWithdrawn, ended.State)
	require.ErrorIs(t, w.create(next), booking.ErrIntroductionNeeded)
	now, err := booking.Load(w.ctx, w.d, w.parent, b.ID)
	require.NoError(t, err)
	require.Equal(t, []booking.State{booking.Confirmed}, stateOf(now), "what is booked stays booked")
	_, err = booking.Arrange(w.ctx, w.d, w.house.Owner, booking.ArrangeVisit{IntroductionID: i.ID, LocalStart: "2027-01-03T10:00"})
	require.ErrorIs(t, err, booking.ErrWrongState)
	require.NoError(t, w.create(w.quote(w.parent, nth(w.sibling, w.publish(saturdays(tariffOf(charge("place", "session", 800)))), 1))))
	again := w.introduce(w.parent, w.child)
	declined, err := booking.Decide(w.ctx, w.d, w.house.Owner, booking.DecideIntroduction{IntroductionID: again.ID, Words: "We have nobody for him."})
	require.NoError(t, err)
	require.Equal(t, booking.IntroductionDeclined, declined.State)
	require.ErrorIs(t, w.create(next), booking.ErrIntroductionNeeded)
	// One at a time, however many ask.
	errs := together(8, func(int) error {
		_, err := booking.Introduce(w.ctx, w.d, w.parent, booking.AskIntroduction{ChildID: w.child, ProviderID: w.house.ID, Consent: true})
		return err
	})
	oneOf(t, errs, 1, booking.ErrIntroduced)
}

// The provider learns what the family agreed to tell it, while the
// introduction lasts, and nobody else learns anything.
func TestR119_AProviderIsToldWhatTheFamilyAgreedTo(t *testing.T) {
	w := newWorld(t)
	_, err := booking.Introduce(w.ctx, w.d, w.parent, booking.AskIntroduction{ChildID: w.child, ProviderID: w.house.ID})
	require.ErrorIs(t, err, shortbreaks.ErrInvalid, "not without consent")
	_, err = booking.Introduce(w.ctx, w.d, w.parent, booking.AskIntroduction{ChildID: w.child, ProviderID: uuid.New(), Consent: true})
	require.ErrorIs(t, err, shortbreaks.ErrNotFound)
	other := w.family("novak", 1)
	_, err = booking.Introduce(w.ctx, w.d, other.Parents[0], booking.AskIntroduction{ChildID: w.child, ProviderID: w.house.ID, Consent: true})
	require.ErrorIs(t, err, shortbreaks.ErrNotFound)
	i := w.introduce(w.parent, w.child)
	rival, err := w.build.NewHouse(w.ctx, "Moor Lane", "moor", 3)
	require.NoError(t, err)
	bracken, err := w.build.NewCouncil(w.ctx, "Brackenvale Council", "bracken", "Brackenvale")
	require.NoError(t, err)
	list := func(who shortbreaks.Actor) []*booking.Introduction {
		found, more, err := booking.Introductions(w.ctx, w.d, who, booking.ListIntroductions{Limit: 10})
		require.NoError(t, err)
		require.False(t, more)
		return found
	}
	told := list(w.house.Coordinator)
	require.Len(t, told, 1)
	require.Equal(t, "ChildA", told[0].ToldName)
	require.Equal(t, 9, *told[0].ToldAge)
	require.Equal(t, "Shy at first.", told[0].ToldWords)
	require.Len(t, list(w.parent), 1)
	require.Len(t, list(w.council.Practitioner), 1)
	for _, who := range []shortbreaks.Actor{rival.Owner, other.Parents[0], bracken.Practitioner} {
		require.Empty(t, list(who))
		_, err := booking.ReadIntroduction(w.ctx, w.d, who, i.ID)
		require.ErrorIs(t, err, shortbreaks.ErrNotFound)
	}
	_, err = booking.Decide(w.ctx, w.d, rival.Owner, booking.DecideIntroduction{IntroductionID: i.ID, Words: "No."})
	require.ErrorIs(t, err, shortbreaks.ErrNotFound)
	_, _, err = booking.Introductions(w.ctx, w.d, w.council.Commissioner, booking.ListIntroductions{Limit: 10})
	require.ErrorIs(t, err, shortbreaks.ErrForbidden)
	byID, _, err := booking.Introductions(w.ctx, w.d, w.house.Owner, booking.ListIntroductions{ChildID: &w.child, Limit: 10})
	require.NoError(t, err)
	require.Empty(t, byID, "a provider cannot ask by a child's id")

	_, err = booking.WithdrawIntroduction(w.ctx, w.d, w.house.Owner, i.ID, "We closed the club.")
	require.NoError(t, err)
	told = list(w.house.Coordinator)
	require.Empty(t, told[0].ToldName+told[0].ToldWords)
	require.Nil(t, told[0].ToldAge)
	// The schema says so too.
	count := func(who shortbreaks.Actor) (n int) {
		require.NoError(t, w.d.Read(w.ctx, db.For(who), func(tx *db.Tx) error {
			return tx.PGX.QueryRow(w.ctx, `SELECT count(*) FROM introduction`).Scan(&n)
		}))
		return n
	}
	require.Equal(t, []int{1, 0, 0, 1}, []int{count(w.house.Owner), count(rival.Owner), count(bracken.Practitioner), count(w.council.Practitioner)})
	for _, sql := range []string{
		`INSERT INTO introduction SELECT authority_id, gen_random_uuid(), child_id, provider_id, 'asked', '', NULL, '', asked_by, asked_as, asked_at FROM introduction`,
		`UPDATE introduction SET child_id = gen_random_uuid()`,
		`UPDATE introduction SET told_name = 'Sam'`,
	} {
		require.Error(t, w.d.Do(w.ctx, db.For(w.house.Owner), func(tx *db.Tx) error {
			_, err := tx.PGX.Exec(w.ctx, sql)
			return err
		}), sql)
	}
}

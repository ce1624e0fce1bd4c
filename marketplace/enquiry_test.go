package marketplace_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/internal/db/dbtest"
	"shortbreaks/marketplace"
)

func TestR006_ContactDetailsAreFoundInWords(t *testing.T) {
	t.Parallel()
	for _, words := range []string{
		"Ring me on 07700 900123.", "ring 07700-900-123", "My number: (01632) 960 001", "+44 7700 900123", "0044 7700900123", "It is 7700900123",
		"oh seven seven zero zero nine zero zero one two three", "mum@example.org", "Write to mum @ example.org", "mum at example dot org",
		"mum(at)example(dot)org.uk", "see https://example.org/me", "www.example.org", "I am @willow_mum there",
	} {
		require.NotEmpty(t, marketplace.ContactIn(words), words)
	}
	for _, words := range []string{
		"Is it open at weekends. Can he come at 10:00?", "We could start on 2027-01-09 or 2027-01-16, 10:00 to 13:00.", "He is 9 and weighs 41.5 kg.",
		"Is it £10.00 or £12.50 for 2 children?", "From 09/01/2027 to 20/03/2027?", "Do you have 1 to 1 support at 3 places?", "It costs 100 000.",
		"Can two or three of us come at once?", "Does he meet you @ the gate?",
	} {
		require.Empty(t, marketplace.ContactIn(words), words)
	}
	names := []string{"Sam", "Oakley", "May", "J"}
	for words, found := range map[string]string{
		"Can Sam come?": "Sam", "can sam come": "Sam", "SAM'S club": "Sam", "the Oakley family": "Oakley", "My daughter May swims": "May",
		"may she come?": "", "the same Samaritan": "", "J is shy": "",
	} {
		require.Equal(t, found, marketplace.NamedIn(words, names), words)
	}
}

// asker is a person who asks as a family.
func asker() shortbreaks.Actor {
	return shortbreaks.Actor{Person: shortbreaks.NewID(), Role: shortbreaks.Family}
}

func (s *stall) ask(who shortbreaks.Actor, o *marketplace.OfferDetail, words string) *marketplace.Thread {
	s.t.Helper()
	e, err := marketplace.AskProvider(s.ctx, s.d, who, o.Offer.ID, words)
	require.NoError(s.t, err)
	return e
}

func (s *stall) reply(who shortbreaks.Actor, e *marketplace.Thread, words string) *marketplace.Thread {
	s.t.Helper()
	after, err := marketplace.Reply(s.ctx, s.d, who, e.ID, words)
	require.NoError(s.t, err)
	return after
}

func TestR006_AskedAnsweredAndToldToEverybody(t *testing.T) {
	t.Parallel()
	s := setup(t)
	o := s.publish(s.owner, single())
	mother := asker()
	e := s.ask(mother, o, " Is there a hoist? ")
	require.Equal(t, "Is there a hoist?", e.Messages[0].Words)
	require.Equal(t, "Saturday club", e.OfferTitle)
	require.Equal(t, start, e.WaitingSince.UTC())
	fact := marketplace.NewFact{Question: "Is there a hoist?", Answer: "Yes, beside the pool."}
	_, err := marketplace.PublishAnswer(s.ctx, s.d, s.owner, e.ID, fact)
	require.ErrorIs(t, err, marketplace.ErrWrongState, "nobody has answered yet")

	helper := s.owner
	helper.Role, helper.Person = shortbreaks.Coordinator, shortbreaks.NewID()
	answered := s.reply(helper, e, "Yes, beside the pool.")
	require.Nil(t, answered.WaitingSince)
	require.Equal(t, []string{"asker", "provider"}, []string{answered.Messages[0].Side, answered.Messages[1].Side})
	s.clock.Advance(time.Minute)
	again := s.reply(mother, e, "And a changing place?")
	require.Equal(t, start.Add(time.Minute), again.WaitingSince.UTC(), "the second question waits")
	s.reply(s.owner, e, "That too.")

	_, err = marketplace.PublishAnswer(s.ctx, s.d, helper, e.ID, fact)
	require.ErrorIs(t, err, shortbreaks.ErrForbidden, "what the public reads is the owner's")
	_, err = marketplace.PublishAnswer(s.ctx, s.d, s.owner, e.ID, marketplace.NewFact{Question: "Hoist", Answer: "Ring 07700 900123."})
	require.ErrorIs(t, err, marketplace.ErrContactDetails)
	made, err := marketplace.PublishAnswer(s.ctx, s.d, s.owner, e.ID, fact)
	require.NoError(t, err)
	read, err := marketplace.Get(s.ctx, s.d, shortbreaks.Anonymous, o.Offer.ID)
	require.NoError(t, err)
	require.Equal(t, "Yes, beside the pool.", read.Facts[0].Answer)
	other := s.provider("Other", 3)
	require.ErrorIs(t, marketplace.RemoveFact(s.ctx, s.d, other, o.Offer.ID, made.ID), shortbreaks.ErrNotFound)
	require.NoError(t, marketplace.RemoveFact(s.ctx, s.d, s.owner, o.Offer.ID, made.ID))
	require.ErrorIs(t, marketplace.RemoveFact(s.ctx, s.d, s.owner, o.Offer.ID, made.ID), shortbreaks.ErrNotFound)
}

func TestR006_NobodyIsReachedElsewhereWithoutSayingSo(t *testing.T) {
	t.Parallel()
	s := setup(t)
	o := s.publish(s.owner, single())
	mother := asker()
	const number = "Ring 07700 900123, please."
	_, err := marketplace.AskProvider(s.ctx, s.d, mother, o.Offer.ID, number)
	require.ErrorIs(t, err, marketplace.ErrContactDetails)
	require.Equal(t, []string{"/words"}, fields(err))
	require.Zero(t, s.count("enquiry"))
	e := s.ask(mother, o, "Is there a hoist?")
	for _, who := range []shortbreaks.Actor{mother, s.owner} {
		_, err = marketplace.Reply(s.ctx, s.d, who, e.ID, number)
		require.ErrorIs(t, err, marketplace.ErrContactDetails, "neither side")
	}
	_, err = marketplace.ShareContact(s.ctx, s.d, s.owner, e.ID, "07700 900123")
	require.ErrorIs(t, err, shortbreaks.ErrForbidden, "it is not the provider's to say")
	shared, err := marketplace.ShareContact(s.ctx, s.d, mother, e.ID, " Aisha, 07700 900123 ")
	require.NoError(t, err)
	require.Equal(t, "Aisha, 07700 900123", *shared.Contact)
	seen, err := marketplace.GetEnquiry(s.ctx, s.d, s.owner, e.ID)
	require.NoError(t, err)
	require.Equal(t, "Aisha, 07700 900123", *seen.Contact)
	s.reply(s.owner, e, number)
	back, err := marketplace.ShareContact(s.ctx, s.d, mother, e.ID, "")
	require.NoError(t, err)
	require.Nil(t, back.Contact)
	_, err = marketplace.Reply(s.ctx, s.d, s.owner, e.ID, number)
	require.ErrorIs(t, err, marketplace.ErrContactDetails)
	_, err = marketplace.ShareContact(s.ctx, s.d, mother, e.ID, "me")
	require.Equal(t, []string{"/contact"}, fields(err))
}

func TestR006_UnansweredOnesAreDueAfterTwoDaysAndPressAfterFive(t *testing.T) {
	t.Parallel()
	s := setup(t)
	o := s.publish(s.owner, single())
	mother := asker()
	e := s.ask(mother, o, "Is there a hoist?")
	answered := s.ask(mother, o, "Is there parking?")
	s.reply(s.owner, answered, "Yes.")
	list := func(l marketplace.ListEnquiries) (ids []uuid.UUID) {
		l.Limit = 20
		page, _, err := marketplace.Enquiries(s.ctx, s.d, s.owner, l)
		require.NoError(t, err)
		for _, thread := range page {
			ids = append(ids, thread.ID)
		}
		return ids
	}
	for _, c := range []struct {
		after time.Duration
		stage marketplace.Overdue
	}{
		{0, "no"},
		{48*time.Hour - time.Microsecond, "no"},
		{48 * time.Hour, "two_days"},
		{120*time.Hour - time.Microsecond, "two_days"},
		{120 * time.Hour, "five_days"},
	} {
		s.clock.Set(start.Add(c.after))
		read, err := marketplace.GetEnquiry(s.ctx, s.d, s.owner, e.ID)
		require.NoError(t, err)
		require.Equal(t, c.stage, read.Overdue, c.after)
		require.Equal(t, c.stage != "no", len(list(marketplace.ListEnquiries{Overdue: marketplace.Due})) == 1)
		require.Equal(t, c.stage == "five_days", len(list(marketplace.ListEnquiries{Overdue: marketplace.Pressing})) == 1)
	}
	require.Equal(t, []uuid.UUID{answered.ID, e.ID}, list(marketplace.ListEnquiries{}))
	require.Equal(t, []uuid.UUID{e.ID}, list(marketplace.ListEnquiries{Waiting: true}))
	require.Equal(t, []uuid.UUID{e.ID}, list(marketplace.ListEnquiries{After: answered.ID}))
	elsewhere := shortbreaks.NewID()
	require.Empty(t, list(marketplace.ListEnquiries{OfferID: &elsewhere}))
}

func TestR006_AThreadIsReadByItsTwoSidesOnly(t *testing.T) {
	t.Parallel()
	s := setup(t)
	o := s.publish(s.owner, single())
	mother, father, other := asker(), asker(), s.provider("Other", 3)
	e := s.ask(mother, o, "Is there a hoist?")
	both := mother // who also works for the other provider
	both.Role, both.Providers = shortbreaks.Coordinator, other.Providers
	worker := s.owner
	worker.Role = shortbreaks.Worker
	for name, c := range map[string]struct {
		who  shortbreaks.Actor
		want error
	}{
		"the other parent": {father, shortbreaks.ErrNotFound}, "another provider": {other, shortbreaks.ErrNotFound},
		"the asker, acting for another provider": {both, shortbreaks.ErrNotFound}, "a worker": {worker, shortbreaks.ErrForbidden},
		"the public": {shortbreaks.Anonymous, shortbreaks.ErrForbidden},
	} {
		_, err := marketplace.GetEnquiry(s.ctx, s.d, c.who, e.ID)
		require.ErrorIs(t, err, c.want, name)
		_, err = marketplace.Reply(s.ctx, s.d, c.who, e.ID, "Hello there.")
		require.ErrorIs(t, err, c.want, name)
	}
	_, err := marketplace.ShareContact(s.ctx, s.d, father, e.ID, "Father")
	require.ErrorIs(t, err, shortbreaks.ErrNotFound)
	_, err = marketplace.PublishAnswer(s.ctx, s.d, other, e.ID, marketplace.NewFact{Question: "Is there a hoist?", Answer: "No."})
	require.ErrorIs(t, err, shortbreaks.ErrNotFound)

	draft, err := marketplace.CreateOffer(s.ctx, s.d, s.owner, single())
	require.NoError(t, err)
	_, err = marketplace.AskProvider(s.ctx, s.d, mother, draft.Offer.ID, "Is there a hoist?")
	require.ErrorIs(t, err, shortbreaks.ErrNotFound, "nobody sees a draft, so nobody asks about it")
	_, err = marketplace.AskProvider(s.ctx, s.d, s.owner, o.Offer.ID, "Is there a hoist?")
	require.ErrorIs(t, err, shortbreaks.ErrForbidden)
	_, err = marketplace.Withdraw(s.ctx, s.d, s.owner, o.Offer.ID)
	require.NoError(t, err)
	_, err = marketplace.AskProvider(s.ctx, s.d, mother, o.Offer.ID, "Is there a hoist?")
	require.ErrorIs(t, err, marketplace.ErrWrongState)
}

func TestR006_QuestionsHaveTheirLimits(t *testing.T) {
	t.Parallel()
	s := setup(t)
	o := s.publish(s.owner, single())
	mother := asker()
	for _, words := range []string{"", " x ", strings.Repeat("a", 2001)} {
		_, err := marketplace.AskProvider(s.ctx, s.d, mother, o.Offer.ID, words)
		require.ErrorIs(t, err, shortbreaks.ErrInvalid)
	}
	var last *marketplace.Thread
	for range 10 {
		last = s.ask(mother, o, "Is there a hoist?")
	}
	_, err := marketplace.AskProvider(s.ctx, s.d, mother, o.Offer.ID, "And now?")
	require.ErrorIs(t, err, marketplace.ErrTooManyEnquiries)
	s.reply(s.owner, last, "Yes.")
	last = s.ask(mother, o, "And now?")
	for range 49 {
		s.reply(mother, last, "More")
	}
	_, err = marketplace.Reply(s.ctx, s.d, s.owner, last.ID, "Yes.")
	require.ErrorIs(t, err, marketplace.ErrWrongState, "fifty are enough")
}

// The same rules hold for whoever reaches the tables without the app.
func TestSQL_AnEnquiryIsItsTwoSidesOwn(t *testing.T) {
	t.Parallel()
	s := setup(t)
	o := s.publish(s.owner, single())
	mother, father, other := asker(), asker(), s.provider("Other", 3)
	e := s.ask(mother, o, "Is there a hoist?")
	as := func(person uuid.UUID, providers []uuid.UUID, authority uuid.UUID, f func(tx pgx.Tx)) {
		dbtest.As(t, s.d, func(tx pgx.Tx) {
			list := ""
			for _, p := range providers {
				list = p.String()
			}
			_, err := tx.Exec(s.ctx, `SELECT set_config('role', 'shortbreaks_app', true), set_config('app.person', $1, true),
				set_config('app.providers', $2, true), set_config('app.authorities', $3, true)`, person.String(), list, authority.String())
			require.NoError(t, err)
			f(tx)
		})
	}
	seen := func(tx pgx.Tx) (n int) {
		require.NoError(t, tx.QueryRow(s.ctx, `SELECT (SELECT count(*) FROM enquiry) + (SELECT count(*) FROM enquiry_message)`).Scan(&n))
		return n
	}
	council := shortbreaks.NewID()
	for name, c := range map[string]struct {
		person    uuid.UUID
		providers []uuid.UUID
		sees      int
	}{
		"the asker": {mother.Person, nil, 2}, "the provider": {s.owner.Person, s.owner.Providers, 2}, "the other parent": {father.Person, nil, 0},
		"another provider": {other.Person, other.Providers, 0}, "a council": {shortbreaks.NewID(), nil, 0},
	} {
		as(c.person, c.providers, council, func(tx pgx.Tx) { require.Equal(t, c.sees, seen(tx), name) })
	}
	say := func(person uuid.UUID, providers []uuid.UUID, side string, writer uuid.UUID) (err error) {
		as(person, providers, council, func(tx pgx.Tx) {
			_, err = tx.Exec(s.ctx, `INSERT INTO enquiry_message VALUES ($1, $2, $3, $4, $5, 'Hello there.', now())`,
				e.ProviderID, shortbreaks.NewID(), e.ID, side, writer)
		})
		return err
	}
	owner := s.owner
	require.NoError(t, say(mother.Person, nil, "asker", mother.Person))
	require.NoError(t, say(owner.Person, owner.Providers, "provider", owner.Person))
	require.ErrorContains(t, say(mother.Person, nil, "provider", mother.Person), "row-level security", "an asker does not answer")
	require.ErrorContains(t, say(owner.Person, owner.Providers, "asker", owner.Person), "row-level security", "a provider does not ask itself")
	require.ErrorContains(t, say(owner.Person, owner.Providers, "provider", mother.Person), "row-level security", "nobody writes in another's name")
	require.ErrorContains(t, say(father.Person, nil, "asker", father.Person), "row-level security")
	require.ErrorContains(t, say(other.Person, other.Providers, "provider", other.Person), "row-level security")

	refused := func(person uuid.UUID, providers []uuid.UUID, sql string, args ...any) (n int64, err error) {
		as(person, providers, council, func(tx pgx.Tx) {
			tag, e := tx.Exec(s.ctx, sql, args...)
			n, err = tag.RowsAffected(), e
		})
		return n, err
	}
	const asked = `INSERT INTO enquiry (provider_id, id, offer_id, person_id, asked_as, asked_at, contact, contact_shared_at) VALUES ($1, $2, $3, $4, 'family', now(), $5, $6)`
	_, err := refused(father.Person, nil, asked, e.ProviderID, shortbreaks.NewID(), o.Offer.ID, mother.Person, nil, nil)
	require.ErrorContains(t, err, "row-level security", "nobody asks in another's name")
	_, err = refused(father.Person, nil, asked, e.ProviderID, shortbreaks.NewID(), o.Offer.ID, father.Person, "Me", start)
	require.ErrorContains(t, err, "row-level security", "sharing is a step of its own")
	const share = `UPDATE enquiry SET contact = 'Mum', contact_shared_at = now()`
	n, err := refused(mother.Person, nil, share)
	require.NoError(t, err)
	require.EqualValues(t, 1, n)
	for _, who := range []shortbreaks.Actor{owner, father, other} {
		n, err = refused(who.Person, who.Providers, share)
		require.NoError(t, err)
		require.Zero(t, n, "only the asker shares")
	}
	for _, sql := range []string{
		`UPDATE enquiry SET person_id = $1`, `UPDATE enquiry_message SET words = $1::text`, `DELETE FROM enquiry WHERE id = $1`, `DELETE FROM enquiry_message WHERE id = $1`,
	} {
		_, err = refused(mother.Person, nil, sql, mother.Person)
		require.ErrorContains(t, err, "permission denied", sql)
	}
	require.NoError(t, s.d.Read(s.ctx, db.Scope{}, func(tx *db.Tx) error { require.Zero(t, seen(tx.PGX), "the public"); return nil }))
}

func TestSQL_AWorksheetIsItsProvidersOwn(t *testing.T) {
	t.Parallel()
	s := setup(t)
	_, _, err := marketplace.CostOffer(s.ctx, s.d, s.owner, marketplace.NewCosting{Sheet: worksheet(), SaveAs: "Club"})
	require.NoError(t, err)
	for name, c := range map[string]struct {
		scope db.Scope
		sees  int
	}{
		"the provider": {db.For(s.owner), 1}, "another": {db.For(s.provider("Other", 3)), 0}, "the public": {db.Scope{}, 0},
		"a council": {db.Scope{Person: shortbreaks.NewID(), Authorities: []uuid.UUID{shortbreaks.NewID()}}, 0},
	} {
		require.NoError(t, s.d.Read(s.ctx, c.scope, func(tx *db.Tx) error {
			var n int
			err := tx.PGX.QueryRow(s.ctx, `SELECT count(*) FROM cost_worksheet`).Scan(&n)
			require.Equal(t, c.sees, n, name)
			return err
		}))
	}
}

package booking_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/riverqueue/river"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/booking"
	"shortbreaks/internal/db"
	"shortbreaks/internal/db/dbtest"
	"shortbreaks/marketplace"
	"shortbreaks/people"
)

// told tells everybody and gives the kinds of news a person has, newest first.
func (w *world) told(who shortbreaks.Actor) (kinds []booking.NewsKind) {
	w.t.Helper()
	_, err := booking.Teller{DB: w.d}.Tell(w.ctx)
	require.NoError(w.t, err)
	for _, n := range w.news(who) {
		kinds = append(kinds, n.Kind)
	}
	return kinds
}

func (w *world) news(who shortbreaks.Actor) []booking.News {
	w.t.Helper()
	page, _, _, err := booking.ListNews(w.ctx, w.d, who, uuid.Nil, 100)
	require.NoError(w.t, err)
	return page
}

func (w *world) publishAs(d marketplace.OfferDraft) *marketplace.OfferDetail {
	w.t.Helper()
	o, err := w.build.PublishOffer(w.ctx, w.house, d)
	require.NoError(w.t, err)
	return o
}

func (w *world) booksSessions(o *marketplace.OfferDetail, n int) *booking.Booking {
	w.t.Helper()
	q := booking.CreateQuote{ChildID: w.child, OfferID: o.Offer.ID}
	for i := range n {
		q.SessionIDs = append(q.SessionIDs, o.Sessions[i].ID)
	}
	basket, err := w.build.Book(w.ctx, w.parent, q)
	require.NoError(w.t, err)
	return basket.Bookings[0]
}

func asksFirst() marketplace.OfferDraft {
	d := saturdays(tariffOf(charge("place", "session", 1000)))
	d.Instant = false
	return d
}

func TestThoseConcernedAreToldOnceAndNotWhoDidIt(t *testing.T) {
	w := newWorld(t)
	b := w.booksSessions(w.publishAs(asksFirst()), 3)
	require.Equal(t, []booking.NewsKind{booking.NewsAsked}, w.told(w.house.Owner), "three dates of one request are told as one")
	require.Equal(t, []booking.NewsKind{booking.NewsAsked}, w.told(w.house.Coordinator))
	require.Empty(t, w.told(w.parent), "who did it is not told")
	require.Equal(t, 3, w.news(w.house.Owner)[0].Dates)
	require.Equal(t, "Somebody asks for a place: Saturday club, Saturday 9 January 2027 and 2 more dates. There is time until 09:00 on Wednesday 6 January 2027.",
		w.news(w.house.Owner)[0].Words())
	_, err := booking.Accept(w.ctx, w.d, w.house.Coordinator, b.ID)
	require.NoError(t, err)
	require.Equal(t, []booking.NewsKind{booking.NewsAccepted}, w.told(w.parent))
	_, err = booking.Cancel(w.ctx, w.d, w.council.Practitioner, booking.CancelBooking{BookingID: b.ID, ItemIDs: []uuid.UUID{b.Items[0].ID}, Reason: "ill"})
	require.NoError(t, err)
	require.Equal(t, []booking.NewsKind{booking.NewsCancelledByFamily, booking.NewsAccepted}, w.told(w.parent), "done for them: they are told")
	require.Equal(t, []booking.NewsKind{booking.NewsCancelledByFamily, booking.NewsAsked}, w.told(w.house.Coordinator))

	// Many who tell at once tell nothing twice.
	_, err = booking.Cancel(w.ctx, w.d, w.house.Coordinator, booking.CancelBooking{BookingID: b.ID, Reason: "No heating"})
	require.NoError(t, err)
	var all sync.WaitGroup
	for range 6 {
		all.Go(func() {
			if _, err := (booking.Teller{DB: w.d}).Tell(context.WithoutCancel(w.ctx)); err != nil {
				t.Errorf("tell at once: %v", err)
			}
		})
	}
	all.Wait()
	require.Equal(t, []booking.NewsKind{booking.NewsCancelledProvider, booking.NewsCancelledByFamily, booking.NewsAccepted}, w.told(w.parent))
	require.NoError(t, booking.ReadNews(w.ctx, w.d, w.parent, nil))
	_, _, unread, err := booking.ListNews(w.ctx, w.d, w.parent, uuid.Nil, 1)
	require.NoError(t, err)
	require.Zero(t, unread)
	_, _, unread, err = booking.ListNews(w.ctx, w.d, w.house.Coordinator, uuid.Nil, 1)
	require.NoError(t, err)
	require.Equal(t, 2, unread, "nobody reads for another")
}

// TestAMoveThatCommitsLateIsToldToo: a move made before another and committed
// after that one was told is not passed over.
func TestAMoveThatCommitsLateIsToldToo(t *testing.T) {
	w := newWorld(t)
	o := w.publishAs(asksFirst())
	b, other := w.booksSessions(o, 1), w.booksSessions(w.publishAs(asksFirst()), 1)
	late, err := dbtest.Owner(t, w.d).Begin(w.ctx)
	require.NoError(t, err)
	defer func() { _ = late.Rollback(context.WithoutCancel(w.ctx)) }()
	_, err = late.Exec(w.ctx, `INSERT INTO item_event (authority_id, item_id, id, provider_id, from_state, to_state, actor_role, cause, at)
		SELECT authority_id, id, $2, provider_id, 'requested', 'declined', 'coordinator', 'late', $3 FROM booking_item WHERE id = $1`, other.Items[0].ID, shortbreaks.NewID(), monday)
	require.NoError(t, err)
	_, err = booking.Accept(w.ctx, w.d, w.house.Coordinator, b.ID)
	require.NoError(t, err)
	require.Equal(t, []booking.NewsKind{booking.NewsAccepted}, w.told(w.parent))
	require.NoError(t, late.Commit(w.ctx))
	require.Equal(t, []booking.NewsKind{booking.NewsDeclined, booking.NewsAccepted}, w.told(w.parent))
	// It was made up, and the books would say so.
	for _, sql := range []string{
		`ALTER TABLE item_event DISABLE TRIGGER item_event_append_only`, `DELETE FROM item_event WHERE cause = 'late'`,
		`ALTER TABLE item_event ENABLE TRIGGER item_event_append_only`,
	} {
		_, err = dbtest.Owner(t, w.d).Exec(w.ctx, sql)
		require.NoError(t, err)
	}
}

func TestNewsEndWithTheRightToSeeWhatTheyAreAbout(t *testing.T) {
	w := newWorld(t)
	b := w.booksSessions(w.publishAs(asksFirst()), 1)
	_, err := booking.Accept(w.ctx, w.d, w.house.Coordinator, b.ID)
	require.NoError(t, err)
	require.Len(t, w.told(w.parent), 1)
	without := w.parent
	without.Children = []uuid.UUID{w.sibling}
	require.Empty(t, w.news(without))
	_, err = dbtest.Owner(t, w.d).Exec(w.ctx, `UPDATE role_grant SET ends_on = '2027-01-03' WHERE person_id = $1 AND child_id = $2`, w.parent.Person, w.child)
	require.NoError(t, err)
	_, err = booking.Cancel(w.ctx, w.d, w.house.Coordinator, booking.CancelBooking{BookingID: b.ID, Reason: "No heating"})
	require.NoError(t, err)
	require.Len(t, w.told(w.parent), 1, "and nobody is told of a child that is no longer theirs")
}

func TestPeopleAreRemindedOnce(t *testing.T) {
	w := newWorld(t)
	teller := booking.Teller{DB: w.d}
	remind := func(at time.Time, n int, why string) {
		t.Helper()
		w.clock.Set(at)
		got, err := teller.Remind(w.ctx)
		require.NoError(t, err)
		require.Equal(t, n, got, why)
	}
	b := w.booksSessions(w.publishAs(saturdays(tariffOf(charge("place", "session", 1000)))), 1)
	asked := w.booksSessions(w.publishAs(asksFirst()), 2)
	require.NotEqual(t, b.ID, asked.ID)
	friday := time.Date(2027, 1, 8, 15, 59, 0, 0, time.UTC)
	remind(monday.Add(24*time.Hour-time.Minute), 0, "not a day yet")
	remind(monday.Add(24*time.Hour), 2, "owner and co-ordinator have a request for a day")
	remind(friday, 0, "before four on the day before")
	remind(friday.Add(time.Minute), 1, "the family")
	remind(friday.Add(2*time.Minute), 0, "and not again")
	require.Equal(t, booking.NewsDayBefore, w.news(w.parent)[0].Kind)
	w.clock.Set(b.Items[0].EndsAt)
	it, err := booking.Record(w.ctx, w.d, w.house.Worker, booking.RecordAttendance{ItemID: b.Items[0].ID, Outcome: booking.Delivered})
	require.NoError(t, err)
	require.Equal(t, booking.NewsRegisterFiled, w.told(w.parent)[0])
	remind(it.AutoConfirmAt.Add(-48*time.Hour-time.Second), 0, "not soon yet")
	remind(it.AutoConfirmAt.Add(-48*time.Hour), 1, "the family agrees or queries")
	remind(it.AutoConfirmAt.Add(-47*time.Hour), 0, "and not again")
	require.NotNil(t, w.news(w.parent)[0].Deadline)
	late := w.booksSessions(w.publishAs(saturdays(tariffOf(charge("place", "session", 1000)))), 1).Items[0]
	recorded := late.EndsAt.Add(49 * time.Hour) // too late for silence to agree to it
	w.clock.Set(recorded)
	_, err = booking.Record(w.ctx, w.d, w.house.Worker, booking.RecordAttendance{ItemID: late.ID, Outcome: booking.Delivered})
	require.NoError(t, err)
	remind(recorded.Add(120*time.Hour-time.Second), 0, "five days have not passed")
	remind(recorded.Add(120*time.Hour), 1, "only its yes agrees")
	require.Equal(t, booking.NewsYesNeeded, w.news(w.parent)[0].Kind)
	remind(recorded.Add(121*time.Hour), 0, "and not again")
	_, err = booking.Confirm(w.ctx, w.d, w.parent, late.ID)
	require.NoError(t, err)
	remind(monday.AddDate(1, 0, 0), 0, "half a year later")
	require.Empty(t, w.news(w.parent), "it is forgotten")
	_, err = booking.Sweep(w.ctx, w.d)
	require.NoError(t, err)
}

// mailing is a world with a mail server and a mother who has an address.
func mailing(t *testing.T) (*world, *post, *booking.NewsMailWorker) {
	t.Helper()
	w, p := newWorld(t), newPost(t)
	require.NoError(t, w.d.Do(w.ctx, db.Scope{Person: w.parent.Person}, func(tx *db.Tx) error {
		_, err := people.AddContact(w.ctx, tx, people.Contact{PersonID: w.parent.Person, Kind: "email", Value: "mother@example.org"})
		return err
	}))
	mailer, err := people.NewMailer(people.MailConfig{Address: p.address(), TLS: "none", From: "breaks@example.org", Within: 2 * time.Second})
	require.NoError(t, err)
	return w, p, &booking.NewsMailWorker{DB: w.d, Mailer: mailer, Address: "https://breaks.example.org"}
}

// jobs tells everybody and gives the jobs for one person's e-mails.
func (w *world) jobs(who shortbreaks.Actor) (jobs []*river.Job[booking.NewsMailArgs]) {
	w.t.Helper()
	_, err := booking.Teller{DB: w.d, Mail: true}.Tell(w.ctx)
	require.NoError(w.t, err)
	rows, err := dbtest.Owner(w.t, w.d).Query(w.ctx, `SELECT (args->>'news_id')::uuid FROM river_job
		WHERE kind = 'news_mail' AND args->>'person_id' = $1 ORDER BY id`, who.Person.String())
	require.NoError(w.t, err)
	for rows.Next() {
		a := booking.NewsMailArgs{PersonID: who.Person}
		require.NoError(w.t, rows.Scan(&a.NewsID))
		jobs = append(jobs, &river.Job[booking.NewsMailArgs]{Args: a})
	}
	require.NoError(w.t, rows.Err())
	return jobs
}

func TestAnEmailSaysADayAndNothingOfTheFamily(t *testing.T) {
	w, p, worker := mailing(t)
	b := w.booksSessions(w.publishAs(asksFirst()), 1)
	_, err := booking.Accept(w.ctx, w.d, w.house.Coordinator, b.ID)
	require.NoError(t, err)
	_, err = booking.Write(w.ctx, w.d, w.house.Owner, booking.WriteMessage{BookingID: b.ID, Words: "Bring the Gastrostomy kit"})
	require.NoError(t, err)
	jobs := w.jobs(w.parent)
	require.Len(t, jobs, 2)
	for _, job := range jobs {
		require.NoError(t, worker.Work(w.ctx, job))
		require.NoError(t, worker.Work(w.ctx, job), "once more, after it was sent")
	}
	mails := p.received()
	require.Len(t, mails, 2)
	for _, mail := range mails {
		require.Contains(t, mail, "There is news about a short break on Saturday 9 January 2027.")
		require.Contains(t, mail, "https://breaks.example.org")
		require.Contains(t, mail, "RCPT TO:<mother@example.org>")
		for _, private := range []string{
			"Child", "oakley", "Oakley", "2017", "Gastrostomy", "Saturday club", "Stars", "Ashmere", "ZZ1", "£", "10.00", b.Reference, "accept", "Accept",
			w.child.String(), b.ID.String(), "social", "plan",
		} {
			require.NotContains(t, mail, private)
		}
	}
}

func TestABrokenMailServerTouchesNothingElse(t *testing.T) {
	w, p, worker := mailing(t)
	b := w.booksSessions(w.publishAs(asksFirst()), 1)
	_, err := booking.Accept(w.ctx, w.d, w.house.Coordinator, b.ID)
	require.NoError(t, err)
	job := w.jobs(w.parent)[0]
	for _, manner := range []string{"refuses", "hangs", "cuts"} {
		p.behave(manner)
		within, cancel := context.WithTimeout(w.ctx, 10*time.Second)
		err := worker.Work(within, job)
		require.NoError(t, within.Err(), "it gave up by itself")
		cancel()
		require.Error(t, err, manner)
		require.NotContains(t, err.Error(), "mother", "an address is in no log")
		require.Empty(t, p.received())
		require.Equal(t, []booking.NewsKind{booking.NewsAccepted}, w.told(w.parent), "it can be read here")
		seen, err := booking.Load(w.ctx, w.d, w.parent, b.ID)
		require.NoError(t, err)
		require.Equal(t, booking.Confirmed, seen.Items[0].State)
	}
	p.behave("")
	require.NoError(t, worker.Work(w.ctx, job))
	require.Len(t, p.received(), 1)
	require.Equal(t, 1, strings.Count(p.received()[0], "Message-ID: <"+job.Args.NewsID.String()+"@"))
}

func TestNoEmailIsSentToThoseWhoDoNotWantItOrMayNotKnow(t *testing.T) {
	w, p, worker := mailing(t)
	b := w.booksSessions(w.publishAs(asksFirst()), 1)
	_, err := booking.Accept(w.ctx, w.d, w.house.Coordinator, b.ID)
	require.NoError(t, err)
	job := w.jobs(w.parent)[0]
	choose := func(mail bool) {
		choices, err := booking.ChooseNews(w.ctx, w.d, w.parent, []booking.NewsChoice{{Kind: booking.NewsAccepted, Mail: mail}})
		require.NoError(t, err)
		require.Len(t, choices, len(booking.NewsKinds))
	}
	none := func(why string) {
		t.Helper()
		require.NoError(t, worker.Work(w.ctx, job))
		require.Empty(t, p.received(), why)
	}
	choose(false)
	none("not wanted")
	choose(true)
	w.clock.Advance(25 * time.Hour)
	none("a day late")
	w.clock.Set(monday)
	owner := dbtest.Owner(t, w.d)
	_, err = owner.Exec(w.ctx, `UPDATE role_grant SET ends_on = '2027-01-03' WHERE person_id = $1 AND child_id = $2`, w.parent.Person, w.child)
	require.NoError(t, err)
	none("the child is no longer theirs; the brother is")
	_, err = owner.Exec(w.ctx, `UPDATE role_grant SET ends_on = NULL WHERE person_id = $1`, w.parent.Person)
	require.NoError(t, err)
	require.NoError(t, booking.ReadNews(w.ctx, w.d, w.parent, nil))
	none("read already")
	_, err = owner.Exec(w.ctx, `UPDATE news SET read_at = NULL`)
	require.NoError(t, err)
	_, err = owner.Exec(w.ctx, `DELETE FROM contact`)
	require.NoError(t, err)
	none("no address")
	without := *worker
	without.Mailer = nil
	require.NoError(t, without.Work(w.ctx, job), "no e-mail goes out here")
}

func TestMailSettingsThatAreRefused(t *testing.T) {
	t.Parallel()
	good := people.MailConfig{Address: "mail.example.org:587", From: "breaks@example.org"}
	_, err := people.NewMailer(good)
	require.NoError(t, err)
	for name, change := range map[string]func(*people.MailConfig){
		"no port": func(c *people.MailConfig) { c.Address = "mail.example.org" }, "a port of letters": func(c *people.MailConfig) { c.Address = "mail:smtp" },
		"no sender": func(c *people.MailConfig) { c.From = "" }, "open across the net": func(c *people.MailConfig) { c.TLS = "none" },
		"unknown": func(c *people.MailConfig) { c.TLS = "maybe" },
	} {
		c := good
		change(&c)
		_, err := people.NewMailer(c)
		require.Error(t, err, name)
	}
}

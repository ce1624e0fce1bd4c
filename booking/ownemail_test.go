package booking_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/riverqueue/river"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/booking"
	"shortbreaks/internal/db/dbtest"
	"shortbreaks/people"
)

// postOffice does the jobs about addresses that people gave.
type postOffice struct {
	*world
	*post
	worker *people.EmailWorker
}

func openPost(t *testing.T) *postOffice {
	t.Helper()
	w, p := newWorld(t), newPost(t)
	mailer, err := people.NewMailer(people.MailConfig{Address: p.address(), TLS: "none", From: "breaks@example.org", Within: 2 * time.Second})
	require.NoError(t, err)
	return &postOffice{w, p, &people.EmailWorker{DB: w.d, Mailer: mailer, Address: "https://breaks.example.org"}}
}

// deliver does the jobs that are due, once each, and gives their e-mails.
func (o *postOffice) deliver() []string {
	o.t.Helper()
	rows, err := dbtest.Owner(o.t, o.d).Query(o.ctx, `DELETE FROM river_job WHERE kind = 'own_email' AND scheduled_at <= $1
		RETURNING (args->>'person_id')::uuid, (args->>'ask_id')::uuid, args->>'what', args::text`, o.clock.Now())
	require.NoError(o.t, err)
	before := len(o.received())
	for rows.Next() {
		var a people.EmailArgs
		var all string
		require.NoError(o.t, rows.Scan(&a.PersonID, &a.AskID, &a.What, &all))
		require.NotContains(o.t, all, "@", "no address stands in a job")
		require.NoError(o.t, o.worker.Work(o.ctx, &river.Job[people.EmailArgs]{Args: a}))
	}
	require.NoError(o.t, rows.Err())
	return o.received()[before:]
}

var aCode = regexp.MustCompile(`[0-9A-Z]{5}-[0-9A-Z]{5}`)

func (o *postOffice) give(who shortbreaks.Actor, address string) (code string) {
	o.t.Helper()
	_, err := people.SetEmail(o.ctx, o.d, who, address)
	require.NoError(o.t, err)
	mails := o.deliver()
	require.Len(o.t, mails, 1)
	require.Contains(o.t, mails[0], "RCPT TO:<"+address+">")
	code = aCode.FindString(mails[0])
	require.NotEmpty(o.t, code)
	return code
}

func (o *postOffice) confirm(who shortbreaks.Actor, code string) error {
	_, err := people.ConfirmEmail(o.ctx, o.d, who, code)
	return err
}

func (o *postOffice) email(who shortbreaks.Actor) people.Email {
	o.t.Helper()
	e, err := people.OwnEmail(o.ctx, o.d, who)
	require.NoError(o.t, err)
	return *e
}

func TestNewsGoToAnAddressOnlyOnceItIsConfirmed(t *testing.T) {
	o := openPost(t)
	news := &booking.NewsMailWorker{DB: o.d, Mailer: o.worker.Mailer, Address: o.worker.Address}
	b := o.booksSessions(o.publishAs(asksFirst()), 1)
	code := o.give(o.parent, "mother@example.org")
	require.Equal(t, "mother@example.org", o.email(o.parent).Waiting)
	require.Empty(t, o.email(o.parent).Address)
	_, err := booking.Accept(o.ctx, o.d, o.house.Coordinator, b.ID)
	require.NoError(t, err)
	jobs := o.jobs(o.parent)
	require.Len(t, jobs, 1)
	require.NoError(t, news.Work(o.ctx, jobs[0]))
	require.Len(t, o.received(), 1, "only the code")

	require.NoError(t, o.confirm(o.parent, strings.ToLower(" "+strings.ReplaceAll(code, "-", " "))))
	require.Equal(t, people.Email{Address: "mother@example.org"}, o.email(o.parent))
	require.NoError(t, news.Work(o.ctx, jobs[0]))
	require.Contains(t, o.received()[1], "There is news about a short break on Saturday 9 January 2027.")
	require.ErrorIs(t, o.confirm(o.parent, code), people.ErrEmailCodeWrong, "once")

	_, err = booking.Write(o.ctx, o.d, o.house.Owner, booking.WriteMessage{BookingID: b.ID, Words: "Bring boots"})
	require.NoError(t, err)
	jobs = o.jobs(o.parent)
	require.Len(t, jobs, 2)
	require.NoError(t, people.RemoveEmail(o.ctx, o.d, o.parent))
	require.NoError(t, news.Work(o.ctx, jobs[1]))
	require.Len(t, o.received(), 2, "nothing after it was taken away, not even what was about to be sent")
	require.Equal(t, people.Email{}, o.email(o.parent))
}

func TestTheOldAddressIsToldOfTheNewAndOfNothingElse(t *testing.T) {
	o := openPost(t)
	require.NoError(t, o.confirm(o.parent, o.give(o.parent, "old@example.org")))
	require.Empty(t, o.deliver(), "there was none before it")
	code := o.give(o.parent, "new@example.org")
	require.Equal(t, "old@example.org", o.email(o.parent).Address, "used until the new one is confirmed")
	require.NoError(t, o.confirm(o.parent, code))
	mails := o.deliver()
	require.Len(t, mails, 1)
	require.Contains(t, mails[0], "RCPT TO:<old@example.org>")
	require.NotContains(t, mails[0], "new@example.org")
	for _, mail := range o.received() {
		for _, private := range []string{"Child", "Mother", o.child.String(), "need", "budget"} {
			require.NotContains(t, mail, private)
		}
	}
	var left int
	require.NoError(t, dbtest.Owner(t, o.d).QueryRow(o.ctx, `SELECT count(*) FROM email_ask WHERE replaced IS NOT NULL`).Scan(&left))
	require.Zero(t, left)
	o.clock.Advance(24 * time.Hour)
	o.deliver()
	require.NoError(t, dbtest.Owner(t, o.d).QueryRow(o.ctx, `SELECT count(*) FROM email_ask`).Scan(&left))
	require.Zero(t, left, "what was asked is forgotten after a day")
	require.Equal(t, "new@example.org", o.email(o.parent).Address)
}

func TestACodeCountsForADayForItsAddressAndForFiveTries(t *testing.T) {
	o := openPost(t)
	code := o.give(o.parent, "mother@example.org")
	o.clock.Advance(24*time.Hour - time.Second)
	for range 4 {
		require.ErrorIs(t, o.confirm(o.parent, "00000-00000"), people.ErrEmailCodeWrong)
	}
	require.ErrorIs(t, o.confirm(o.house.Owner, code), people.ErrEmailCodeWrong, "another person's")
	require.NoError(t, o.confirm(o.parent, code), "the fifth, a second before the end")

	second := o.give(o.parent, "other@example.org")
	require.ErrorIs(t, o.confirm(o.parent, code), people.ErrEmailCodeWrong, "of the address before")
	for range 4 {
		require.ErrorIs(t, o.confirm(o.parent, "00000-00000"), people.ErrEmailCodeWrong)
	}
	require.ErrorIs(t, o.confirm(o.parent, second), people.ErrEmailCodeWrong, "the sixth")
	require.Empty(t, o.email(o.parent).Waiting)

	third := o.give(o.parent, "third@example.org")
	o.clock.Advance(24 * time.Hour)
	require.ErrorIs(t, o.confirm(o.parent, third), people.ErrEmailCodeWrong, "its day is over")
	require.Equal(t, people.Email{Address: "mother@example.org"}, o.email(o.parent))
}

func TestFourCodesAnHourAndTheNewestCounts(t *testing.T) {
	o := openPost(t)
	first := o.give(o.parent, "mother@example.org")
	for range 3 {
		second := o.give(o.parent, "mother@example.org")
		require.NotEqual(t, first, second)
		require.ErrorIs(t, o.confirm(o.parent, first), people.ErrEmailCodeWrong)
		first = second
	}
	_, err := people.SetEmail(o.ctx, o.d, o.parent, "x@example.org")
	require.ErrorIs(t, err, people.ErrAskedOften)
	require.NoError(t, people.RemoveEmail(o.ctx, o.d, o.parent))
	_, err = people.SetEmail(o.ctx, o.d, o.parent, "x@example.org")
	require.ErrorIs(t, err, people.ErrAskedOften, "taking it back does not start afresh")
	require.ErrorIs(t, o.confirm(o.parent, first), people.ErrEmailCodeWrong, "taken back")
	o.clock.Advance(time.Hour)
	code := o.give(o.parent, "x@example.org")
	require.NoError(t, o.confirm(o.parent, code))
	e, err := people.SetEmail(o.ctx, o.d, o.parent, "x@EXAMPLE.org")
	require.NoError(t, err)
	require.Equal(t, people.Email{Address: "x@example.org"}, *e, "it is used already")
	require.Empty(t, o.deliver())
}

func TestAnswersDoNotTellWhoElseHasAnAddress(t *testing.T) {
	o := openPost(t)
	require.NoError(t, o.confirm(o.house.Owner, o.give(o.house.Owner, "shared@example.org")))
	e, err := people.SetEmail(o.ctx, o.d, o.parent, "shared@example.org")
	require.NoError(t, err)
	other, err := people.SetEmail(o.ctx, o.d, o.house.Coordinator, "nobodys@example.org")
	require.NoError(t, err)
	e.Waiting, other.Waiting = "", ""
	require.Equal(t, e, other)
}

func TestACodeIsKeptAsAHashAlone(t *testing.T) {
	o := openPost(t)
	code := o.give(o.parent, "mother@example.org")
	bare := people.TidyCode(code)
	var kept string
	require.NoError(t, dbtest.Owner(t, o.d).QueryRow(o.ctx, `SELECT (SELECT string_agg(e::text, ' ') FROM email_ask e) ||
		coalesce((SELECT string_agg(args::text || coalesce(errors::text, ''), ' ') FROM river_job), '')`).Scan(&kept))
	require.NotContains(t, kept, code)
	require.NotContains(t, kept, bare)
	o.behave("refuses")
	_, err := people.SetEmail(o.ctx, o.d, o.parent, "mother@example.org")
	require.NoError(t, err)
	var a people.EmailArgs
	require.NoError(t, dbtest.Owner(t, o.d).QueryRow(o.ctx, `SELECT (args->>'person_id')::uuid, (args->>'ask_id')::uuid, args->>'what' FROM river_job
		WHERE kind = 'own_email' AND args->>'what' = 'code'`).Scan(&a.PersonID, &a.AskID, &a.What))
	err = o.worker.Work(o.ctx, &river.Job[people.EmailArgs]{Args: a})
	require.Error(t, err, "so that it is tried again")
	require.NotContains(t, err.Error(), "mother@")
	o.behave("")
	require.NoError(t, o.worker.Work(o.ctx, &river.Job[people.EmailArgs]{Args: a}))
	mails := o.received()
	require.NoError(t, o.confirm(o.parent, aCode.FindString(mails[len(mails)-1])), "the code of the attempt that arrived")
	a.AskID = uuid.New()
	require.NoError(t, o.worker.Work(o.ctx, &river.Job[people.EmailArgs]{Args: a}), "what is gone is passed over")
}

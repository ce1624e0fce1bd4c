package payments_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/riverqueue/river"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/internal/db/dbtest"
	"shortbreaks/internal/stripedouble"
	"shortbreaks/payments"
)

const (
	stripeKey    = "sk_test_of_ours"
	stripeSecret = "whsec_of_ours"
)

// till is a world with a stand-in for Stripe, a family and its child.
type till struct {
	*world
	double *stripedouble.Double
	stripe *payments.Stripe
	c      child
	family shortbreaks.Actor
}

func newTill(t *testing.T) *till {
	t.Helper()
	w := newWorld(t)
	double := stripedouble.New(stripedouble.Options{Clock: w.clock.Now, APIKey: stripeKey, Secret: stripeSecret})
	base, err := double.Listen("127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, double.Close()) })
	c := w.child()
	return &till{
		world: w, double: double, c: c,
		stripe: payments.NewStripe(payments.StripeConfig{
			Key: stripeKey, WebhookSecret: stripeSecret, APIBase: base,
			SuccessURL: "https://breaks.example/paid", CancelURL: "https://breaks.example/back",
		}),
		family: shortbreaks.Actor{
			Person: shortbreaks.NewID(), Role: shortbreaks.Family, Authorities: []uuid.UUID{w.authority}, Children: []uuid.UUID{c.id},
		},
	}
}

// ask is a request for a top-up under a key.
func (s *till) ask(pence shortbreaks.Pence, key string) payments.NewTopUp {
	return payments.NewTopUp{ChildID: s.c.id, AmountPence: pence, Idem: &shortbreaks.Idem{
		Caller: s.family.Person, Operation: "createTopUp", Key: key, Hash: fmt.Appendf(nil, "%s %d", s.c.id, pence),
		Render: func(result any) (int, []byte, error) {
			top := result.(*payments.TopUp)
			body, err := json.Marshal(map[string]any{"id": top.ID, "url": top.CheckoutURL, "state": top.State})
			return 201, body, err
		},
	}}
}

// create asks and wants a new top-up.
func (s *till) create(pence shortbreaks.Pence, key string) *payments.TopUp {
	s.t.Helper()
	top, reply, err := payments.CreateTopUp(ctx, s.d, s.family, s.stripe, s.ask(pence, key))
	require.NoError(s.t, err)
	require.NotNil(s.t, top)
	require.Equal(s.t, 201, reply.Status)
	require.False(s.t, reply.Replayed)
	return top
}

// checkout is the id of a top-up's page at Stripe.
func (s *till) checkout(top *payments.TopUp) string {
	_, id, ok := strings.Cut(top.CheckoutURL, "/pay/")
	require.True(s.t, ok, top.CheckoutURL)
	return id
}

// events are the bodies Stripe would send of one type, oldest first.
func (s *till) events(kind string) []stripedouble.Event {
	var out []stripedouble.Event
	for _, e := range s.double.Events() {
		if e.Type == kind {
			out = append(out, e)
		}
	}
	return out
}

// receive delivers a body rightly signed now.
func (s *till) receive(body []byte) error {
	return payments.ReceiveStripeEvent(ctx, s.d, s.stripe, body, stripedouble.Sign(stripeSecret, s.clock.Now(), body))
}

// handle delivers an event and works its job.
func (s *till) handle(e stripedouble.Event) {
	s.t.Helper()
	require.NoError(s.t, s.receive(e.Body))
	require.NoError(s.t, payments.HandleStripeEvent(ctx, s.d, e.ID))
}

// books is what all that changed: state of the top-up, the family's money,
// and the number of postings.
func (s *till) books() string {
	var state string
	require.NoError(s.t, s.owner.QueryRow(ctx, `SELECT string_agg(state || ' ' || coalesce(payment_intent_id, '-'), ', ' ORDER BY id) FROM top_up`).Scan(&state))
	return fmt.Sprintf("%s; %d; %d", state, s.derived(payments.TopUpMoney, payments.InPence, ""), s.number(`SELECT count(*) FROM ledger_transaction`))
}

func TestT71_ATopUpPostsOnceHoweverOftenStripeSaysSo(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	top := s.create(2500, "k1")
	require.Equal(t, payments.TopUpOpen, top.State)
	s.clean()
	require.NoError(t, s.double.Complete(s.checkout(top)))
	done := s.events("checkout.session.completed")[0]
	for range 3 {
		s.handle(done)
	}
	for _, e := range s.events("payment_intent.succeeded") {
		s.handle(e)
	}
	require.EqualValues(t, 1, s.number(`SELECT count(*) FROM river_job WHERE args->>'event_id' = $1`, done.ID), "one notice, one job")
	require.EqualValues(t, 2500, s.derived(payments.TopUpMoney, payments.InPence, ""))
	require.EqualValues(t, -2500, s.derived(payments.CardClearing, payments.InPence, ""))
	require.EqualValues(t, 1, s.number(`SELECT count(*) FROM ledger_transaction`))
	require.EqualValues(t, 1, s.number(`SELECT count(*) FROM top_up WHERE state = 'succeeded' AND settled_at = $1`, start))

	var kept string
	require.NoError(t, s.owner.QueryRow(ctx, `SELECT string_agg(payload::text, ' ') FROM stripe_event`).Scan(&kept))
	require.NotContains(t, kept, "customer_details", "nothing of the payer is kept")
}

// Two notices of one payment, worked at the same moment: whoever comes second
// waits for the top-up before looking at it.
func TestT71_TwoNoticesAtOncePostOnce(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	top := s.create(700, "k1")
	notices := s.notices(top)
	for _, name := range []string{"paid", "late"} {
		require.NoError(t, s.receive(notices[name].Body))
	}
	holder, err := s.owner.Begin(ctx)
	require.NoError(t, err)
	defer func() { _ = holder.Rollback(ctx) }()
	_, err = holder.Exec(ctx, `SELECT FROM top_up FOR UPDATE`)
	require.NoError(t, err)
	done := make(chan error, 4)
	for _, name := range []string{"paid", "late", "paid", "late"} {
		go func() {
			err := payments.HandleStripeEvent(ctx, s.d, notices[name].ID)
			for db.Unavailable(err) { // it waited too long; the queue would try again
				err = payments.HandleStripeEvent(ctx, s.d, notices[name].ID)
			}
			done <- err
		}()
	}
	require.Eventually(t, func() bool {
		return s.number(`SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`) >= 4
	}, dbtest.Patience, 5*time.Millisecond)
	require.NoError(t, holder.Rollback(ctx))
	for range 4 {
		require.NoError(t, <-done)
	}
	require.Equal(t, "succeeded true 700", s.outcome(top))
	require.EqualValues(t, 1, s.number(`SELECT count(*) FROM ledger_transaction`))
	s.clean()
}

func TestT71_NoticesOutOfOrderEndInTheSameState(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	for _, c := range []struct {
		want string // state, whether it has its payment, pence posted
		set  []string
	}{
		{"succeeded true 2500", []string{"paid", "expired"}},
		{"succeeded true 2500", []string{"paid", "unpaid", "expired"}},
		{"succeeded true 2500", []string{"paid", "wrong"}},
		{"succeeded true 2500", []string{"late", "paid", "failed"}},
		{"succeeded true 2500", []string{"unpaid", "late"}},
		{"failed false 0", []string{"failed", "expired"}},
		{"review false 0", []string{"wrong", "expired", "failed"}},
		{"open false 0", []string{"unpaid"}},
	} {
		for i, order := range permutations(c.set) {
			top := s.create(2500, fmt.Sprint(c.set, i))
			notices := s.notices(top)
			for _, name := range order {
				s.handle(notices[name])
			}
			require.Equal(t, c.want, s.outcome(top), "%v", order)
		}
	}
	s.clean()
}

// notices are all that Stripe might say of a top-up, true or not.
func (s *till) notices(top *payments.TopUp) map[string]stripedouble.Event {
	session := s.checkout(top)
	require.NoError(s.t, s.double.Complete(session))
	all := s.events("checkout.session.completed")
	paid := all[len(all)-1]
	unpaid := map[string]any{"payment_status": "unpaid", "payment_intent": nil}
	return map[string]stripedouble.Event{
		"paid":    paid,
		"unpaid":  variant(s.t, paid, "evt_unpaid_"+session, "", unpaid),
		"expired": variant(s.t, paid, "evt_expired_"+session, "checkout.session.expired", unpaid),
		"failed":  variant(s.t, paid, "evt_failed_"+session, "checkout.session.async_payment_failed", unpaid),
		"wrong":   variant(s.t, paid, "evt_wrong_"+session, "", map[string]any{"amount_total": 9999}),
		"late":    variant(s.t, paid, "evt_late_"+session, "checkout.session.async_payment_succeeded", nil),
	}
}

// outcome is what became of one top-up: its state, whether it has its payment,
// and what was posted for it.
func (s *till) outcome(top *payments.TopUp) (what string) {
	require.NoError(s.t, s.owner.QueryRow(ctx, `SELECT state || ' ' || (payment_intent_id IS NOT NULL) || ' ' || coalesce((SELECT sum(e.amount) FROM ledger_transaction t
			JOIN ledger_entry e ON e.transaction_id = t.id WHERE t.kind = 'top_up' AND t.source_id = u.id AND e.amount > 0), 0)
		FROM top_up u WHERE id = $1`, top.ID).Scan(&what))
	return what
}

// variant is an event with another id, another type if given, and some of its
// object changed.
func variant(t *testing.T, e stripedouble.Event, id, kind string, change map[string]any) stripedouble.Event {
	t.Helper()
	var body map[string]any
	require.NoError(t, json.Unmarshal(e.Body, &body))
	body["id"] = id
	if kind != "" {
		body["type"] = kind
	}
	object := body["data"].(map[string]any)["object"].(map[string]any)
	for k, v := range change {
		object[k] = v
	}
	e.ID = id
	var err error
	e.Body, err = json.Marshal(body)
	require.NoError(t, err)
	return e
}

func permutations[T any](all []T) [][]T {
	if len(all) < 2 {
		return [][]T{all}
	}
	var out [][]T
	for i := range all {
		rest := append(append([]T{}, all[:i]...), all[i+1:]...)
		for _, p := range permutations(rest) {
			out = append(out, append([]T{all[i]}, p...))
		}
	}
	return out
}

func TestAPaymentThatDoesNotFitIsReviewedAndNotPosted(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	top := s.create(2500, "k1")
	require.NoError(t, s.double.Complete(s.checkout(top)))
	paid := s.events("checkout.session.completed")[0]
	other := s.create(700, "k2")
	require.NoError(t, s.double.Complete(s.checkout(other)))
	s.handle(s.events("checkout.session.completed")[1])
	var intent string
	require.NoError(t, s.owner.QueryRow(ctx, `SELECT payment_intent_id FROM top_up WHERE id = $1`, other.ID).Scan(&intent))

	for i, c := range []struct {
		change  map[string]any
		outcome string
		state   string
	}{
		{map[string]any{"metadata": map[string]any{}}, "review: no such top-up", "open"},
		{map[string]any{"metadata": map[string]any{"top_up": shortbreaks.NewID().String()}}, "review: no such top-up", "open"},
		{map[string]any{"metadata": map[string]any{"top_up": "' OR true"}}, "review: no such top-up", "open"},
		{map[string]any{"amount_total": 2499}, "review: the amount differs", "review"},
		{map[string]any{"currency": "eur"}, "review: the currency differs", "review"},
		{map[string]any{"payment_intent": nil}, "review: it names no payment", "review"},
		{map[string]any{"id": "cs_other"}, "review: it is of another checkout", "review"},
		{map[string]any{"payment_intent": intent}, "review: the payment belongs to another top-up", "review"},
	} {
		e := variant(t, paid, fmt.Sprintf("evt_%d", i), "", c.change)
		s.handle(e)
		var outcome, state string
		require.NoError(t, s.owner.QueryRow(ctx, `SELECT outcome FROM stripe_event WHERE id = $1`, e.ID).Scan(&outcome))
		require.NoError(t, s.owner.QueryRow(ctx, `SELECT state FROM top_up WHERE id = $1`, top.ID).Scan(&state))
		require.Equal(t, c.outcome, outcome)
		require.Equal(t, c.state, state)
		s.exec(`UPDATE top_up SET state = 'open', settled_at = NULL WHERE id = $1`, top.ID)
	}
	require.EqualValues(t, 700, s.derived(payments.TopUpMoney, payments.InPence, ""))
	s.clean()
}

func TestABadSignatureChangesNothing(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	top := s.create(2500, "k1")
	require.NoError(t, s.double.Complete(s.checkout(top)))
	body := s.events("checkout.session.completed")[0].Body
	before := s.books()
	for name, signature := range map[string]string{
		"none": "", "another secret": stripedouble.Sign("whsec_wrong", start, body), "of another body": stripedouble.Sign(stripeSecret, start, []byte("{}")),
		"too old": stripedouble.Sign(stripeSecret, start.Add(-301*time.Second), body), "of the future": stripedouble.Sign(stripeSecret, start.Add(301*time.Second), body),
		"nonsense": "t=1,v1=zz", "no time": "v1=00",
	} {
		require.ErrorIs(t, payments.ReceiveStripeEvent(ctx, s.d, s.stripe, body, signature), payments.ErrSignature, name)
	}
	for _, bad := range []string{"", "{", "[]", "{}", `{"id":"evt_1"}`, `{"id":"evt_1","type":"checkout.session.completed","data":{"object":{"amount_total":"much"}}}`} {
		require.ErrorIs(t, s.receive([]byte(bad)), payments.ErrEvent, bad)
	}
	require.Equal(t, before, s.books())
	require.EqualValues(t, 0, s.number(`SELECT (SELECT count(*) FROM stripe_event) + (SELECT count(*) FROM river_job)`))
	require.NoError(t, payments.ReceiveStripeEvent(ctx, s.d, s.stripe, body, stripedouble.Sign(stripeSecret, start.Add(-299*time.Second), body)))
}

func TestATopUpIsResumedWhereItStopped(t *testing.T) {
	t.Parallel()
	s := newTill(t)

	// Stripe did the work but its answers were lost, each of them.
	s.double.Drop(3)
	_, _, err := payments.CreateTopUp(ctx, s.d, s.family, s.stripe, s.ask(2500, "k1"))
	require.ErrorIs(t, err, payments.ErrCardsUnavailable)
	require.EqualValues(t, 1, s.number(`SELECT count(*) FROM top_up WHERE state = 'pending'`))
	s.clean()
	top := s.create(2500, "k1")
	require.EqualValues(t, 1, s.number(`SELECT count(*) FROM top_up WHERE state = 'open'`))
	keys := map[string]bool{}
	for _, r := range s.double.Requests() {
		keys[r.IdempotencyKey] = true
		for _, name := range []string{"Zebedee", "Quillfeather", s.c.id.String(), s.family.Person.String()} {
			require.False(t, r.Mentions(name), "Stripe was told %s", name)
		}
	}
	require.Equal(t, map[string]bool{top.ID.String(): true}, keys, "the row's id is Stripe's key, so one page was opened")

	again, reply, err := payments.CreateTopUp(ctx, s.d, s.family, s.stripe, s.ask(2500, "k1"))
	require.NoError(t, err)
	require.Nil(t, again)
	require.True(t, reply.Replayed)
	require.Contains(t, string(reply.Body), top.CheckoutURL)
	_, _, err = payments.CreateTopUp(ctx, s.d, s.family, s.stripe, s.ask(2600, "k1"))
	require.ErrorIs(t, err, shortbreaks.ErrKeyReused)

	// Long after the reply is forgotten the row still knows its request.
	s.clock.Advance(73 * time.Hour)
	_, _, err = payments.CreateTopUp(ctx, s.d, s.family, s.stripe, s.ask(2600, "k1"))
	require.ErrorIs(t, err, shortbreaks.ErrKeyReused)
	same := s.create(2500, "k1")
	require.Equal(t, []any{top.ID, top.CheckoutURL}, []any{same.ID, same.CheckoutURL})
	s.clean()
}

func TestManyEqualRequestsMakeOneTopUp(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	var mu sync.Mutex
	bodies := map[string]int{}
	s.together(6, func(int) error {
		_, reply, err := payments.CreateTopUp(ctx, s.d, s.family, s.stripe, s.ask(2500, "k1"))
		mu.Lock()
		defer mu.Unlock()
		if err == nil {
			bodies[string(reply.Body)]++
		}
		return err
	})
	require.Len(t, bodies, 1)
	require.EqualValues(t, 1, s.number(`SELECT count(*) FROM top_up`))
	s.clean()
}

func TestATopUpIsRefusedByStripeOrByUs(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	s.double.Fail(1, 402)
	_, _, err := payments.CreateTopUp(ctx, s.d, s.family, s.stripe, s.ask(2500, "k1"))
	require.ErrorIs(t, err, payments.ErrTopUpRefused)
	_, _, err = payments.CreateTopUp(ctx, s.d, s.family, s.stripe, s.ask(2500, "k1"))
	require.ErrorIs(t, err, payments.ErrTopUpRefused, "the same request stays refused")
	require.EqualValues(t, 1, s.number(`SELECT count(*) FROM top_up WHERE state = 'failed'`))
	asked := len(s.double.Requests())

	try := func(who shortbreaks.Actor, change func(*payments.NewTopUp)) error {
		c := s.ask(2500, "k2")
		change(&c)
		_, _, err := payments.CreateTopUp(ctx, s.d, who, s.stripe, c)
		return err
	}
	practitioner, parent := s.family, s.family
	practitioner.Role = shortbreaks.Practitioner
	other := s.child()
	parent.Children = append([]uuid.UUID{}, shortbreaks.NewID())
	require.ErrorIs(t, try(practitioner, func(*payments.NewTopUp) {}), shortbreaks.ErrForbidden)
	require.ErrorIs(t, try(s.family, func(c *payments.NewTopUp) { c.ChildID = other.id }), shortbreaks.ErrNotFound)
	require.ErrorIs(t, try(parent, func(c *payments.NewTopUp) { c.ChildID = parent.Children[0] }), shortbreaks.ErrNotFound)
	for _, pence := range []shortbreaks.Pence{-1, 0, 99, 100_001} {
		require.ErrorIs(t, try(s.family, func(c *payments.NewTopUp) { c.AmountPence = pence }), shortbreaks.ErrInvalid)
	}
	require.Len(t, s.double.Requests(), asked, "Stripe was not troubled")
	require.EqualValues(t, 1, s.number(`SELECT count(*) FROM top_up`))
	s.clean()

	top, reply, err := payments.CreateTopUp(ctx, s.d, s.family, s.stripe, payments.NewTopUp{ChildID: s.c.id, AmountPence: 100})
	require.NoError(t, err)
	require.Nil(t, reply, "a caller that repeats nothing keeps nothing")
	require.Equal(t, payments.TopUpOpen, top.State)
	s.clean()
}

func TestTheQueueWorksANotice(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	top := s.create(2500, "k1")
	require.NoError(t, s.double.Complete(s.checkout(top)))
	workers := river.NewWorkers()
	river.AddWorker(workers, &payments.StripeEventWorker{DB: s.d})
	jobs, err := db.NewJobs(s.d, workers, nil)
	require.NoError(t, err)
	require.NoError(t, jobs.Start(ctx))
	t.Cleanup(func() { require.NoError(t, jobs.Stop(ctx)) })
	require.NoError(t, s.receive(s.events("checkout.session.completed")[0].Body))
	require.Eventually(t, func() bool {
		return s.number(`SELECT count(*) FROM top_up WHERE state = 'succeeded'`) == 1
	}, dbtest.Patience, 20*time.Millisecond)
	s.clean()
}

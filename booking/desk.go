package booking

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/people"
)

// Desk takes the requests that come at the same time together: one round trip
// reads their quotes, one locks what they compete for, one writes what was
// decided, and one commit makes it last. A request that comes alone is
// answered at once. Each has its own answer, and takes effect as by Create.
//
// A desk keeps nothing between batches. Other processes have their own against
// the same database.
type Desk struct {
	d      *db.DB
	quotes db.Gather[asking, *Order]
	orders db.Gather[*placing, *shortbreaks.Reply]
	looks  db.Gather[*placing, *shortbreaks.Reply]
	full   fullSessions
}

// deskMost is how many requests make a batch. Larger ones gain little and let
// everybody in them wait for the last.
const deskMost = 128

// deskBeside is how many begin beside a batch under way. One booking alone
// costs PostgreSQL as much again as ten more in its batch.
const deskBeside = 16

// NewDesk makes the desk of a process.
func NewDesk(d *db.DB) *Desk {
	k := &Desk{d: d}
	k.quotes = db.Gather[asking, *Order]{Do: k.readQuotes, Most: deskMost, AtOnce: 2, Beside: deskBeside}
	k.orders = db.Gather[*placing, *shortbreaks.Reply]{Do: k.place, Most: deskMost, AtOnce: 2, Beside: deskBeside, Rows: (*placing).rows}
	k.looks = db.Gather[*placing, *shortbreaks.Reply]{Do: k.look, Most: deskMost, AtOnce: 2}
	return k
}

// asking is a request of somebody whose rights are yet to be read.
type asking struct {
	who     people.Acting
	request CreateBooking
}

// placing is one request at the desk.
type placing struct {
	request CreateBooking
	order   *Order
}

// Create is the use case Create for requests that carry an Idempotency-Key,
// and for callers whose rights have not been read: their grants are read with
// their quotes. Errors: as Create, and people.ErrRoleNotHeld.
func (k *Desk) Create(ctx context.Context, who people.Acting, c CreateBooking) (*shortbreaks.Reply, error) {
	if !mayBook(who.Role) {
		return nil, shortbreaks.ErrForbidden
	}
	if err := checkWanted(c.Quotes); err != nil {
		return nil, err
	}
	order, err := k.quotes.Ask(ctx, asking{who, c})
	if err != nil {
		return nil, err
	}
	p := &placing{c, order}
	reply, err := (*shortbreaks.Reply)(nil), errMayBeFree
	if len(order.Quotes) == 1 && k.full.wants(order) { // of several, every line that cannot be booked is named
		reply, err = k.looks.Ask(ctx, p)
	}
	if errors.Is(err, errMayBeFree) {
		reply, err = k.orders.Ask(ctx, p)
		k.full.note(order, err)
	}
	if errors.Is(err, errAlone) {
		_, reply, err = Create(ctx, k.d, order.Who, c)
	}
	return reply, err
}

// errAlone is for a request that cannot be served together with others.
var errAlone = errors.New("booking: to be served alone")

// readQuotes makes the orders of requests: who asks and may, and the quotes
// asked for, are read in one round trip.
func (k *Desk) readQuotes(ctx context.Context, asked []asking) []db.Answer[*Order] {
	var askers, ids []uuid.UUID
	persons := make([]uuid.UUID, len(asked))
	for i, a := range asked {
		persons[i] = a.who.Person
		for _, q := range a.request.Quotes {
			askers, ids = append(askers, a.who.Person), append(ids, q.QuoteID)
		}
	}
	var held *people.Held
	var found map[uuid.UUID]*quoteFound
	now, err := k.d.ReadAtOnce(ctx, db.Scope{RightsOf: persons}, func(batch *pgx.Batch) {
		held = people.QueueRights(batch, persons)
		people.QueueReach(batch, persons)
		found = queueQuotes(batch, `SELECT DISTINCT g.authority_id, w.id FROM unnest($1::uuid[], $2::uuid[]) w (person_id, id)
			JOIN role_grant g USING (person_id)`, askers, ids)
	})
	answers := make([]db.Answer[*Order], len(asked))
	for i, a := range asked {
		who, refused := shortbreaks.Actor{}, err
		if refused == nil {
			who, refused = held.Actor(a.who, now)
		}
		if answers[i].Err = refused; refused == nil {
			answers[i].Is, answers[i].Err = newOrder(who, a.request, found)
		}
	}
	return answers
}

// rows are what a request changes. A key, and a quote, is for one request at a
// time: the second of two finds what the first has left.
func (p *placing) rows() db.Rows {
	r := db.Rows{Alone: []uuid.UUID{keyRow(p.request.Idem)}}
	n := needs([]Order{*p.order})
	r.Alone = append(r.Alone, n.quotes...)
	for _, t := range n.tickets {
		r.Shared = append(r.Shared, t.id)
	}
	for _, k := range n.places {
		r.Shared = append(r.Shared, k.Session)
	}
	for _, w := range n.lanes {
		r.Shared = append(r.Shared, w.Provider) // whichever of its workers
	}
	for _, l := range n.lines {
		r.Shared = append(r.Shared, l.ID)
	}
	for _, a := range n.accounts {
		r.Shared = append(r.Shared, a.ID)
	}
	return r
}

// keyRow stands for a caller's key among the ids of rows.
func keyRow(idem *shortbreaks.Idem) uuid.UUID {
	return uuid.NewSHA1(idem.Caller, []byte(idem.Key))
}

// place serves a batch. If the database refuses it as a whole, each request is
// served alone, so that none is refused for what another asked.
func (k *Desk) place(ctx context.Context, asked []*placing) []db.Answer[*shortbreaks.Reply] {
	answers := make([]db.Answer[*shortbreaks.Reply], len(asked))
	b := newBatch(asked)
	err := k.d.DoAfter(ctx, b.scope(), b.queueLocks, func(tx *db.Tx) error { return b.serve(ctx, tx, answers) })
	if err != nil {
		for i := range answers {
			answers[i] = db.Answer[*shortbreaks.Reply]{Err: errAlone}
		}
	}
	return answers
}

// deskBatch is the requests of one transaction.
type deskBatch struct {
	asked []*placing
	keys  *db.Keys
	r     reservation
}

func newBatch(asked []*placing) *deskBatch { return &deskBatch{asked: asked} }

func (b *deskBatch) scope() (s db.Scope) {
	for _, p := range b.asked {
		s.Authorities = addAll(s.Authorities, []uuid.UUID{p.order.Authority})
	}
	return s
}

func (b *deskBatch) queueLocks(batch *pgx.Batch) {
	keys := make([]db.KeyAsked, len(b.asked))
	b.r = reservation{orders: make([]Order, len(b.asked))}
	for i, p := range b.asked {
		keys[i] = db.KeyAsked{Authority: p.order.Authority, Idem: p.request.Idem}
		b.r.orders[i] = *p.order
	}
	b.keys = db.QueueKeys(batch, keys)
	b.r.queueLocks(batch)
}

// serve decides and writes. A request whose key was answered before gets that
// answer and takes part in nothing.
func (b *deskBatch) serve(ctx context.Context, tx *db.Tx, answers []db.Answer[*shortbreaks.Reply]) error {
	if err := b.r.lockRest(ctx, tx); err != nil {
		return err
	}
	clear(answers)
	b.r.verdicts = make([]Verdict, len(b.asked))
	for i, p := range b.asked {
		b.r.verdicts[i].Refusal = b.before(i, p, tx, &answers[i])
	}
	b.r.decide(tx.Now)
	kept, err := b.answer(answers)
	if err != nil {
		return err
	}
	var writing pgx.Batch
	b.r.writes.queue(&writing, tx.Now)
	db.QueueKeep(&writing, tx.Now, kept)
	tx.Last(&writing)
	return nil
}

// errMayBeFree is for a request that has to queue for its places.
var errMayBeFree = errors.New("booking: there may be a place")

// look answers requests for sessions that were full a moment ago without a
// lock: a rush on a session that is sold out costs each family a glance. A
// session with a place again is asked for like any other. What was answered
// under a key is read after the places, so that whoever took the last one is
// told so and not that there is none.
func (k *Desk) look(ctx context.Context, asked []*placing) []db.Answer[*shortbreaks.Reply] {
	b := newBatch(asked)
	r := reservation{orders: make([]Order, len(asked)), board: &board{}}
	keys := make([]db.KeyAsked, len(asked))
	for i, p := range asked {
		r.orders[i], keys[i] = *p.order, db.KeyAsked{Authority: p.order.Authority, Idem: p.request.Idem}
	}
	now, err := k.d.ReadAtOnce(ctx, b.scope(), func(batch *pgx.Batch) {
		r.board.queue(batch, needs(r.orders), false)
		b.keys = db.QueueReplies(batch, keys)
	})
	answers := make([]db.Answer[*shortbreaks.Reply], len(asked))
	for i, p := range asked {
		answers[i].Err = errMayBeFree
		if err != nil || r.board.fullFor(*p.order) == nil {
			continue
		}
		if reply, err := b.keys.Replay(i, now); reply != nil || err != nil {
			continue // answered where the key is locked
		}
		if answers[i].Err = checkTotals(p.request.Quotes, p.order.Quotes); answers[i].Err == nil {
			answers[i].Err = r.board.refuseFull(*p.order, now)
		}
	}
	return answers
}

// fullSessions are those that had no place when last asked for. It is a hint
// and nothing more.
type fullSessions struct {
	mu  sync.Mutex
	ids map[uuid.UUID]bool
}

// rememberedFull bounds the hint; beyond it begins anew.
const rememberedFull = 4096

func (f *fullSessions) wants(o *Order) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.ids) > 0 && slices.ContainsFunc(sessionsOf(o), func(id uuid.UUID) bool { return f.ids[id] })
}

// note remembers what came of an order.
func (f *fullSessions) note(o *Order, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	full := errors.Is(err, ErrSessionFull)
	if !full && len(f.ids) == 0 {
		return
	}
	if f.ids == nil || len(f.ids) >= rememberedFull {
		f.ids = map[uuid.UUID]bool{}
	}
	for _, id := range sessionsOf(o) {
		if full {
			f.ids[id] = true
		} else {
			delete(f.ids, id)
		}
	}
}

func sessionsOf(o *Order) (ids []uuid.UUID) {
	for _, q := range o.Quotes {
		for _, it := range q.Document.Items {
			if it.SessionID != nil {
				ids = append(ids, *it.SessionID)
			}
		}
	}
	return ids
}

// errAnswered marks a request that needs no deciding.
var errAnswered = errors.New("booking: answered before")

// before is what comes before deciding: the key, then the total.
func (b *deskBatch) before(i int, p *placing, tx *db.Tx, answer *db.Answer[*shortbreaks.Reply]) error {
	reply, err := b.keys.Replay(i, tx.Now)
	switch {
	case errors.Is(err, db.ErrKeyElsewhere):
		return errAlone
	case err != nil:
		return err
	case reply != nil:
		answer.Is = reply
		return errAnswered
	}
	return checkTotals(p.request.Quotes, p.order.Quotes)
}

func (b *deskBatch) answer(answers []db.Answer[*shortbreaks.Reply]) (kept []db.Kept, err error) {
	for i, v := range b.r.verdicts {
		switch {
		case errors.Is(v.Refusal, errAnswered):
		case v.Refusal != nil:
			answers[i].Err = v.Refusal
		default:
			idem := b.asked[i].request.Idem
			reply := &shortbreaks.Reply{}
			if reply.Status, reply.Body, err = idem.Render(v.Basket); err != nil {
				return nil, err
			}
			answers[i].Is = reply
			kept = append(kept, db.Kept{KeyAsked: db.KeyAsked{Authority: b.asked[i].order.Authority, Idem: idem}, Reply: reply})
		}
	}
	return kept, nil
}

func addAll(ids, more []uuid.UUID) []uuid.UUID {
	for _, id := range more {
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

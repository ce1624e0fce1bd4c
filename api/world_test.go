package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/api"
	"shortbreaks/api/gen"
	"shortbreaks/budgets"
	"shortbreaks/internal/db"
	"shortbreaks/internal/db/dbtest"
	"shortbreaks/internal/demo"
	"shortbreaks/internal/stripedouble"
	"shortbreaks/marketplace"
	"shortbreaks/marketplace/tariff"
	"shortbreaks/payments"
	"shortbreaks/people"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// monday is when every test begins.
var monday = time.Date(2027, 1, 4, 9, 0, 0, 0, time.UTC)

// world is a server on a database of its own, with two councils, two
// providers and three families. Oakley's two parents live apart; Begum is of
// the same council, Rowe of the other.
type world struct {
	t        *testing.T
	ctx      context.Context
	d        *db.DB
	clock    *dbtest.Clock
	keys     *people.Keys
	double   *stripedouble.Double
	searches *marketplace.SearchCounter
	server   *api.Server
	contract *api.Contract
	log      *bytes.Buffer
	build    demo.Builder

	ash, bracken         *demo.Council
	stars, moor          *demo.House
	oakley, begum, rowe  *demo.Home
	mother, father       caller // of Oakley
	sam, rosa            uuid.UUID
	practitioner, notary caller // notary: the approver
}

// setup makes the world and at the end of the test proves the books.
func setup(t *testing.T, change ...func(*api.Config)) *world {
	t.Helper()
	t.Parallel()
	w := &world{t: t, ctx: t.Context(), clock: dbtest.NewClock(monday), log: &bytes.Buffer{}, searches: marketplace.NewSearchCounter()}
	w.d = dbtest.New(t, dbtest.WithClock(w.clock))
	w.build = demo.Builder{D: w.d}
	w.serve(change...)
	w.populate()
	t.Cleanup(func() {
		findings, err := payments.Audit(context.WithoutCancel(w.ctx), w.d)
		require.NoError(t, err)
		require.Empty(t, findings)
	})
	return w
}

func (w *world) serve(change ...func(*api.Config)) {
	w.t.Helper()
	var err error
	w.keys, err = people.NewKeys(people.KeySettings{Issuer: "https://breaks.test", Audience: "https://breaks.test", Generate: true})
	require.NoError(w.t, err)
	w.double = stripedouble.New(stripedouble.Options{Clock: w.clock.Now, APIKey: "sk_test_api", Secret: "whsec_api"})
	base, err := w.double.Listen("127.0.0.1:0")
	require.NoError(w.t, err)
	w.t.Cleanup(func() { require.NoError(w.t, w.double.Close()) })
	cfg := api.Config{
		DB: w.d, Keys: w.keys, Searches: w.searches, Demo: true, Mail: true, Now: w.clock.Now, Log: slog.New(slog.NewJSONHandler(w.log, nil)),
		Stripe: payments.NewStripe(payments.StripeConfig{
			Key: "sk_test_api", WebhookSecret: "whsec_api", APIBase: base, SuccessURL: "https://breaks.test/paid", CancelURL: "https://breaks.test/back",
		}),
	}
	for _, c := range change {
		c(&cfg)
	}
	w.server, err = api.New(cfg)
	require.NoError(w.t, err)
	w.contract, err = api.NewContract()
	require.NoError(w.t, err)
}

func (w *world) populate() {
	w.t.Helper()
	council := func(name, slug string) *demo.Council {
		c, err := w.build.NewCouncil(w.ctx, name, slug, name)
		require.NoError(w.t, err)
		return c
	}
	w.ash, w.bracken = council("Ashmere", "ashmere"), council("Brackenvale", "brackenvale")
	house := func(name, slug string) *demo.House {
		h, err := w.build.NewHouse(w.ctx, name, slug, 8)
		require.NoError(w.t, err)
		return h
	}
	w.stars, w.moor = house("Ashmere Stars", "stars"), house("Moor Lane", "moor")
	w.oakley = w.family(w.ash, "oakley", []string{"Sam", "Rosa"}, "mother.oakley", "father.oakley")
	w.begum = w.family(w.ash, "begum", []string{"Amina"}, "mother.begum")
	w.rowe = w.family(w.bracken, "rowe", []string{"Poppy"}, "mother.rowe")
	w.sam, w.rosa = w.oakley.Children[0].ID, w.oakley.Children[1].ID
	w.mother, w.father = w.as(w.oakley.Parents[0]), w.as(w.oakley.Parents[1])
	w.practitioner, w.notary = w.as(w.ash.Practitioner), w.as(w.ash.Approver)
}

func (w *world) family(c *demo.Council, name string, children []string, parents ...string) *demo.Home {
	w.t.Helper()
	kids := make([]budgets.Child, len(children))
	for i, first := range children {
		kids[i] = budgets.Child{FirstName: first, FamilyName: name, DateOfBirth: time.Date(2017, 5, 1, 0, 0, 0, 0, time.UTC)}
	}
	home, err := w.build.NewHome(w.ctx, c.ID, kids, parents...)
	require.NoError(w.t, err)
	return home
}

// grant gives a person one more role.
func (w *world) grant(g people.Grant) shortbreaks.Actor {
	w.t.Helper()
	require.NoError(w.t, w.d.Do(w.ctx, db.Scope{Person: g.PersonID}, func(tx *db.Tx) error {
		_, err := people.GrantRole(w.ctx, tx, g)
		return err
	}))
	who, err := people.Load(w.ctx, w.d, g.PersonID, g.Role)
	require.NoError(w.t, err)
	return who
}

// fund gives a child £1,000 of social care money and an approved line for all
// of it that pays for every kind of charge.
func (w *world) fund(c *demo.Council, child uuid.UUID) *budgets.PlanLine {
	w.t.Helper()
	require.NoError(w.t, w.build.Allocate(w.ctx, c, child, "social_care", payments.InPence, 100_000, shortbreaks.Date(monday)))
	return w.line(c, budgets.NewPlanLine{ChildID: child})
}

// line approves a plan line; what is left out is: everything, from social
// care, up to £1,000.
func (w *world) line(c *demo.Council, l budgets.NewPlanLine) *budgets.PlanLine {
	w.t.Helper()
	l.StartsOn, l.EndsOn = demo.FinancialYear(monday)
	l.PlanType, l.Description, l.ManagementOption, l.Unit = "ehc", "Short breaks", budgets.Notional, payments.InPence
	if l.Shares == nil {
		l.Shares = []budgets.Share{{Stream: "social_care", Weight: 1}}
	}
	if l.LimitAmount == 0 {
		l.LimitAmount = 100_000
	}
	made, err := w.build.ApprovePlanLine(w.ctx, c, l)
	require.NoError(w.t, err)
	return made
}

// charge is a costed charge.
func charge(kind, unit string, pence shortbreaks.Pence) tariff.Charge {
	return tariff.Charge{
		Kind: kind, Basis: "per_child", Unit: unit, When: "planned", AmountPence: pence, VAT: "exempt",
		Components: []tariff.Component{
			{Kind: "staff", AmountPence: pence - pence/4 - pence/8}, {Kind: "on_costs", AmountPence: pence / 4}, {Kind: "overhead", AmountPence: pence / 8},
		},
	}
}

// club is three hours on 13 Saturdays from 9 January 2027, £12.00 a time, with
// 1:1 support at £18.00 an hour for those who ask for it.
func club() marketplace.OfferDraft {
	support := charge("support", "hour", 1800)
	support.Optional = true
	return marketplace.OfferDraft{
		Setting: &marketplace.SettingDraft{Name: "Hall", Postcode: "ZZ1 1AA"}, Title: "Saturday club", Summary: "Games and company.",
		Category: "club", AccessRoute: "targeted", AgeFrom: 5, AgeTo: 17, RatioStaff: 1, RatioChildren: 3, Instant: true,
		Terms: tariff.Terms{FreeUntilHours: 48, LateFeePercent: 50},
		Tariff: tariff.Tariff{Options: []tariff.Option{{
			Name: "Standard", WhoMayUse: "anyone", PaymentTiming: "arrears", BilledOn: "booked",
			Charges: []tariff.Charge{charge("place", "session", 1200), support},
		}}},
		Sessions: &marketplace.SessionSeries{
			FirstDate: time.Date(2027, 1, 9, 0, 0, 0, 0, time.UTC), LastDate: time.Date(2027, 4, 3, 0, 0, 0, 0, time.UTC),
			Weekdays: []int{6}, From: "10:00", To: "13:00", Capacity: 10,
		},
	}
}

// visits is support by the hour by two workers, accepted by the provider.
func visits() marketplace.OfferDraft {
	d := club()
	d.Title, d.Category, d.Sessions, d.Instant = "Support worker", "support_worker", nil, false
	hour := charge("support", "hour", 2500)
	hour.MinimumMinutes, hour.StepMinutes, hour.StepMode = 60, 15, "up"
	d.Tariff.Options[0].Charges = []tariff.Charge{hour}
	d.Visits = &marketplace.VisitRules{
		Days: []int{1, 2, 3, 4, 5, 6, 7}, From: "08:00", To: "20:00", MinimumMinutes: 60, MaximumMinutes: 480, StepMinutes: 5,
		Lanes: []marketplace.LaneDraft{{Label: "A"}, {Label: "B"}},
	}
	return d
}

func (w *world) publish(h *demo.House, d marketplace.OfferDraft) *marketplace.OfferDetail {
	w.t.Helper()
	made, err := w.build.PublishOffer(w.ctx, h, d)
	require.NoError(w.t, err)
	return made
}

// caller asks the server as somebody.
type caller struct {
	w     *world
	token string
}

// as signs an actor in.
func (w *world) as(who shortbreaks.Actor) caller {
	w.t.Helper()
	token, err := w.keys.Issue(who.Person, who.Role, shortbreaks.NewID(), w.clock.Now())
	require.NoError(w.t, err)
	return caller{w, token}
}

// nobody is not signed in.
func (w *world) nobody() caller { return caller{w: w} }

// answer is what the server said.
type answer struct {
	t      *testing.T
	status int
	header http.Header
	body   []byte
}

// object writes a JSON object in few words.
type object map[string]any

// ask sends one request through the real router and holds the answer against
// the contract. body is bytes, text or anything JSON writes; lines of head are
// further headers.
func (c caller) ask(method, path string, body any, head ...string) answer {
	c.w.t.Helper()
	req := c.request(method, path, body, head...)
	rec := httptest.NewRecorder()
	c.w.server.Handler().ServeHTTP(rec, req)
	a := answer{c.w.t, rec.Code, rec.Header(), rec.Body.Bytes()}
	c.w.check(req, a)
	return a
}

func (c caller) request(method, path string, body any, head ...string) *http.Request {
	var sent io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		sent = strings.NewReader(b)
	case []byte:
		sent = bytes.NewReader(b)
	default:
		text, err := json.Marshal(b)
		require.NoError(c.w.t, err)
		sent = bytes.NewReader(text)
	}
	req := httptest.NewRequestWithContext(c.w.ctx, method, path, sent)
	if sent != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	for _, h := range head {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	return req
}

// check holds an answer against the contract. A public operation does not
// declare the refusals of a token, which its default answer covers: they are
// held against an operation that does.
func (w *world) check(req *http.Request, a answer) {
	w.t.Helper()
	err := w.contract.CheckResponse(req, a.status, a.header, a.body)
	if err != nil && (a.status == http.StatusUnauthorized || a.status == http.StatusForbidden) {
		like := httptest.NewRequestWithContext(w.ctx, http.MethodGet, "/v1/bookings", nil)
		err = w.contract.CheckResponse(like, a.status, a.header, a.body)
	}
	require.NoError(w.t, err, "%s %s: %d %s", req.Method, req.URL, a.status, a.body)
	require.NotEmpty(w.t, a.header.Get("X-Request-Id"))
	if a.header.Get("Content-Type") == api.ProblemMIME {
		api.InSentences(w.t, a.body)
	}
}

func (c caller) get(path string) answer {
	c.w.t.Helper()
	return c.ask(http.MethodGet, path, nil)
}

func (c caller) post(path string, body any, head ...string) answer {
	c.w.t.Helper()
	return c.ask(http.MethodPost, path, body, head...)
}

// into reads an answer of success.
func into[T any](a answer, status int) T {
	a.t.Helper()
	var out T
	require.Equal(a.t, status, a.status, "%s", a.body)
	require.NoError(a.t, json.Unmarshal(a.body, &out))
	return out
}

// refused checks status and code of a refusal and gives the problem.
func (a answer) refused(status int, code string) gen.Problem {
	a.t.Helper()
	var p gen.Problem
	require.Equal(a.t, status, a.status, "%s", a.body)
	require.NoError(a.t, json.Unmarshal(a.body, &p))
	require.Equal(a.t, code, p.Code, "%s", a.body)
	require.Equal(a.t, api.ProblemMIME, a.header.Get("Content-Type"))
	return p
}

func key(name string) string { return "Idempotency-Key: " + name }

// quote asks for the first n sessions of an offer.
func (c caller) quote(child uuid.UUID, o *marketplace.OfferDetail, n int, more ...object) gen.Quote {
	c.w.t.Helper()
	return into[gen.Quote](c.post("/v1/quotes", wanted(child, o, n, more...)), http.StatusCreated)
}

// wanted is the body of a quote for the first n sessions of an offer.
func wanted(child uuid.UUID, o *marketplace.OfferDetail, n int, more ...object) object {
	body := object{"child_id": child, "offer_id": o.Offer.ID}
	var ids []uuid.UUID
	for _, s := range o.Sessions[:n] {
		ids = append(ids, s.ID)
	}
	if n > 0 {
		body["session_ids"] = ids
	}
	for _, m := range more {
		for k, v := range m {
			body[k] = v
		}
	}
	return body
}

// toBook is the body of a booking of these quotes.
func toBook(quotes ...gen.Quote) object {
	var list []object
	for _, q := range quotes {
		list = append(list, object{"quote_id": q.ID, "expected_total_pence": q.TotalPence})
	}
	return object{"quotes": list}
}

// book quotes and books the first n sessions of an offer.
func (c caller) book(child uuid.UUID, o *marketplace.OfferDetail, n int) gen.Booking {
	c.w.t.Helper()
	a := c.post("/v1/bookings", toBook(c.quote(child, o, n)), key(shortbreaks.NewID().String()))
	return into[gen.Basket](a, http.StatusCreated).Bookings[0]
}

// visit quotes and requests one visit of three hours.
func (c caller) visit(child uuid.UUID, o *marketplace.OfferDetail, localStart string) gen.Booking {
	c.w.t.Helper()
	q := c.quote(child, o, 0, object{"visits": []object{{"local_start": localStart, "minutes": 180}}})
	a := c.post("/v1/bookings", toBook(q), key(shortbreaks.NewID().String()))
	return into[gen.Basket](a, http.StatusCreated).Bookings[0]
}

// money is reserved, spent and free of a child's social care money, as the
// family reads it; it checks that they add up (T09).
func (c caller) money(child uuid.UUID) []int64 {
	c.w.t.Helper()
	b := into[gen.Budget](c.get("/v1/budgets/"+child.String()), http.StatusOK)
	for _, a := range b.Accounts {
		if a.Stream == gen.FundingStreamSocialCare && a.Unit == gen.AccountUnitPence {
			require.Equal(c.w.t, a.Allocated, a.Reserved+a.Spent+a.Free)
			return []int64{a.Reserved, a.Spent, a.Free}
		}
	}
	c.w.t.Fatal("the child has no social care money")
	return nil
}

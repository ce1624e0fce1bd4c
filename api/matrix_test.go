package api_test

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/api/gen"
	"shortbreaks/booking"
	"shortbreaks/budgets"
	"shortbreaks/internal/demo"
	"shortbreaks/marketplace"
)

// targets are the columns of the matrix: whose record is asked for.
var targets = []string{"own", "same", "foreign", "missing"}

// anonymous is the row of somebody who is not signed in.
const anonymous = "anonymous"

// matrix is the reviewed file: status by operation, role and target.
func matrix(t *testing.T) map[string]map[string][]string {
	t.Helper()
	f, err := os.Open("testdata/matrix.csv")
	require.NoError(t, err)
	defer func() { require.NoError(t, f.Close()) }()
	r := csv.NewReader(f)
	r.Comment = '#'
	rows, err := r.ReadAll()
	require.NoError(t, err)
	require.Equal(t, append([]string{"operation", "role"}, targets...), rows[0])
	m := map[string]map[string][]string{}
	for _, row := range rows[1:] {
		if m[row[0]] == nil {
			m[row[0]] = map[string][]string{}
		}
		require.NotContains(t, m[row[0]], row[1], "%s is there twice for %s", row[0], row[1])
		m[row[0]][row[1]] = row[2:]
	}
	return m
}

// TestMatrix asks every operation of the contract in every role for every
// target, and compares with the reviewed file. An operation or role the file
// does not have fails it, as does one the file has and the contract has not.
func TestMatrix(t *testing.T) {
	expected := matrix(t)
	m := newCast(t)
	for _, o := range m.contract.Operations() {
		rows := expected[o.ID]
		require.Len(t, rows, len(m.actors), "%s has a row for each role", o.ID)
		delete(expected, o.ID)
		make := m.requests()[o.ID]
		require.NotNil(t, make, "%s can be asked for", o.ID)
		for role := range m.actors {
			cells, ok := rows[role]
			require.True(t, ok, "%s has a row for %s", o.ID, role)
			// The contract's own list of roles must say the same.
			named := o.Public || slices.Contains(o.Roles, shortbreaks.Role(role))
			require.Equal(t, named, cells[0] != "401" && cells[0] != "403", "%s: x-roles and the matrix differ on %s", o.ID, role)
			for i, target := range targets {
				if cells[i] == "-" {
					continue
				}
				m.clock.Set(monday)
				r := make(target, cells[i][0] == '2')
				a := m.signedIn(role).ask(r.method, r.path, r.body, key(shortbreaks.NewID().String()), "Stripe-Signature: t=1,v1=00", cmp.Or(r.head, "X-None: 1"))
				assert.Equal(t, cells[i], strconv.Itoa(a.status), "%s as %s on %s: %s", o.ID, role, target, a.body)
			}
		}
	}
	require.Empty(t, expected, "the matrix has operations the contract has not")
	m.clock.Set(monday)
}

// cast is a world with an actor for each role and, for each target, a child,
// its parent and a provider.
type cast struct {
	*world
	actors  map[string]shortbreaks.Actor
	child   map[string]uuid.UUID
	parent  map[string]shortbreaks.Actor
	council map[string]*demo.Council
	club    map[string]*marketplace.OfferDetail
	visits  map[string]*marketplace.OfferDetail
	next    map[string]int // fixtures by target, so that no two want the same hour or session
	shared  map[string]uuid.UUID
	full    map[string]*marketplace.OfferDetail // a club that is full
	secrets map[uuid.UUID]string                // of calendar addresses
	quiet   map[uuid.UUID]*marketplace.OfferDetail
}

func newCast(t *testing.T) *cast {
	t.Helper()
	w := setup(t)
	w.fund(w.ash, w.sam)
	w.fund(w.ash, w.begum.Children[0].ID)
	w.fund(w.bracken, w.rowe.Children[0].ID)
	club, visits := club(), visits()
	club.Sessions.Weekdays, club.Sessions.Capacity = []int{1, 2, 3, 4, 5, 6, 7}, 100
	club.Tariff.Options[0].Charges[0] = charge("place", "session", 100)
	visits.Tariff.Options[0].Charges[0] = charge("support", "hour", 100)
	stars, moor := w.publish(w.stars, club), w.publish(w.moor, club)
	starsVisits, moorVisits := w.publish(w.stars, visits), w.publish(w.moor, visits)
	return &cast{
		world: w, shared: map[string]uuid.UUID{}, full: map[string]*marketplace.OfferDetail{}, next: map[string]int{}, secrets: map[uuid.UUID]string{},
		actors: map[string]shortbreaks.Actor{
			anonymous: shortbreaks.Anonymous, "family": w.oakley.Parents[0], "practitioner": w.ash.Practitioner, "approver": w.ash.Approver,
			"finance": w.ash.Finance, "commissioner": w.ash.Commissioner, "auditor": w.ash.Auditor,
			"provider_owner": w.stars.Owner, "coordinator": w.stars.Coordinator, "worker": w.stars.Worker,
		},
		child:   map[string]uuid.UUID{"own": w.sam, "same": w.begum.Children[0].ID, "foreign": w.rowe.Children[0].ID},
		parent:  map[string]shortbreaks.Actor{"own": w.oakley.Parents[0], "same": w.begum.Parents[0], "foreign": w.rowe.Parents[0]},
		council: map[string]*demo.Council{"own": w.ash, "same": w.ash, "foreign": w.bracken},
		club:    map[string]*marketplace.OfferDetail{"own": stars, "same": stars, "foreign": moor, "missing": stars},
		visits:  map[string]*marketplace.OfferDetail{"own": starsVisits, "same": starsVisits, "foreign": moorVisits},
	}
}

func (m *cast) signedIn(role string) caller {
	if role == anonymous {
		return m.nobody()
	}
	return m.as(m.actors[role])
}

// request is what one cell sends; head is further headers.
type request struct {
	method, path string
	body         any
	head         string
}

// req is a request with a body of JSON, or none.
func req(method, path string, body any) request {
	return request{method: method, path: path, body: body}
}

// record is the id of a record of a target. A cell that should succeed gets a
// fresh one, since it will change; the others share one, since they must not.
func (m *cast) record(kind, target string, fresh bool, make func() uuid.UUID) uuid.UUID {
	if target == "missing" {
		return shortbreaks.NewID()
	}
	name := kind + " " + target
	if id, ok := m.shared[name]; ok && !fresh {
		return id
	}
	id := make()
	if !fresh {
		m.shared[name] = id
	}
	return id
}

func (m *cast) childOf(target string) uuid.UUID {
	if target == "missing" {
		return shortbreaks.NewID()
	}
	return m.child[target]
}

// wants is a session of its own for each fixture.
func (m *cast) wants(target string) booking.CreateQuote {
	m.next[target]++
	o := m.club[target]
	return booking.CreateQuote{ChildID: m.child[target], OfferID: o.Offer.ID, SessionIDs: []uuid.UUID{o.Sessions[m.next[target]].ID}}
}

func (m *cast) booked(q booking.CreateQuote, target string) *booking.Booking {
	m.t.Helper()
	basket, err := m.build.Book(m.ctx, m.parent[target], q)
	require.NoError(m.t, err)
	return basket.Bookings[0]
}

func (m *cast) quoteID(target string, fresh bool) uuid.UUID {
	return m.record("quote", target, fresh, func() uuid.UUID {
		q, err := booking.MakeQuote(m.ctx, m.d, m.parent[target], m.wants(target))
		require.NoError(m.t, err)
		return q.ID
	})
}

func (m *cast) confirmedID(target string, fresh bool) uuid.UUID {
	return m.record("confirmed", target, fresh, func() uuid.UUID { return m.booked(m.wants(target), target).ID })
}

// requestedID is a visit the provider has yet to answer.
func (m *cast) requestedID(target string, fresh bool) uuid.UUID {
	return m.record("requested", target, fresh, func() uuid.UUID {
		m.next[target]++
		at := monday.AddDate(0, 0, 3+m.next[target]).Format(time.DateOnly) + "T10:00"
		return m.booked(booking.CreateQuote{
			ChildID: m.child[target], OfferID: m.visits[target].Offer.ID, Visits: []marketplace.Visit{{LocalStart: at, Minutes: 60}},
		}, target).ID
	})
}

// itemID is an item that has started; recorded, if its register is filled in.
// It leaves the clock there.
func (m *cast) itemID(target string, fresh, recorded bool) uuid.UUID {
	var starts time.Time
	id := m.record(fmt.Sprint("item ", recorded), target, fresh, func() uuid.UUID {
		it := m.booked(m.wants(target), target).Items[0]
		starts = it.StartsAt
		m.clock.Set(it.EndsAt)
		if recorded {
			house := map[string]*demo.House{"own": m.stars, "same": m.stars, "foreign": m.moor}[target]
			_, err := booking.Record(m.ctx, m.d, house.Coordinator, booking.RecordAttendance{ItemID: it.ID, Outcome: booking.Delivered})
			require.NoError(m.t, err)
		}
		return it.ID
	})
	if starts.IsZero() {
		m.clock.Set(monday.AddDate(0, 3, 0))
	}
	return id
}

func (m *cast) lineID(target string, fresh bool) uuid.UUID {
	return m.record("line", target, fresh, func() uuid.UUID {
		l := budgets.NewPlanLine{
			ChildID: m.child[target], PlanType: "ehc", Description: "Swimming", ManagementOption: budgets.Notional, Unit: "pence",
			Shares: []budgets.Share{{Stream: "health", Weight: 1}}, LimitAmount: 100, Categories: []string{"swimming"},
		}
		l.StartsOn, l.EndsOn = demo.FinancialYear(monday)
		made, err := budgets.CreatePlanLine(m.ctx, m.d, m.council[target].Practitioner, l)
		require.NoError(m.t, err)
		return made.ID
	})
}

func (m *cast) draftID(target string, fresh bool) uuid.UUID {
	return m.record("draft", target, fresh, func() uuid.UUID {
		made, err := marketplace.CreateOffer(m.ctx, m.d, m.houseOf(target).Owner, club())
		require.NoError(m.t, err)
		return made.Offer.ID
	})
}

// offerID is a published offer, or a paused one, of the target's provider.
func (m *cast) offerID(target string, fresh, paused bool) uuid.UUID {
	return m.record(fmt.Sprint("offer ", paused), target, fresh, func() uuid.UUID {
		made := m.publish(m.houseOf(target), club())
		if paused {
			_, err := marketplace.PauseOffer(m.ctx, m.d, m.houseOf(target).Owner, made.Offer.ID)
			require.NoError(m.t, err)
		}
		return made.Offer.ID
	})
}

// readOffer is an offer with its version; a missing one has an id only.
func (m *cast) readOffer(target string, id uuid.UUID) marketplace.OfferAtVersion {
	if target == "missing" {
		return marketplace.OfferAtVersion{OfferID: id, VersionID: id}
	}
	o, err := marketplace.Get(m.ctx, m.d, m.houseOf(target).Owner, id)
	require.NoError(m.t, err)
	return marketplace.OfferAtVersion{OfferID: id, VersionID: o.Version.ID}
}

// photoPath is where a photo of a draft is read.
func (m *cast) photoPath(target string, fresh bool) string {
	var offer uuid.UUID
	id := m.record("photo", target, fresh, func() uuid.UUID {
		offer = m.draftID(target, true)
		p, err := marketplace.UploadPhoto(m.ctx, m.d, m.houseOf(target).Owner, offer, marketplace.NewPhoto{
			AltText: "A sunny hall", ContentType: "image/jpeg", Body: photo(m.t, ""),
		})
		require.NoError(m.t, err)
		m.shared["offer of photo "+p.ID.String()] = offer
		return p.ID
	})
	if target == "missing" {
		offer = shortbreaks.NewID()
	} else {
		offer = m.shared["offer of photo "+id.String()]
	}
	return "/v1/offers/" + offer.String() + "/photos/" + id.String()
}

// enquiryID is a question of the target's parent about the target's club, with
// its answer.
func (m *cast) enquiryID(target string, fresh bool) uuid.UUID {
	return m.record("enquiry", target, fresh, func() uuid.UUID {
		e, err := marketplace.AskProvider(m.ctx, m.d, m.parent[target], m.club[target].Offer.ID, "Is there a hoist?")
		require.NoError(m.t, err)
		_, err = marketplace.Reply(m.ctx, m.d, m.houseOf(target).Owner, e.ID, "Yes.")
		require.NoError(m.t, err)
		return e.ID
	})
}

// clubID is a published offer.
func (m *cast) clubID(target string, _ bool) uuid.UUID {
	if target == "missing" {
		return shortbreaks.NewID()
	}
	return m.club[target].Offer.ID
}

func (m *cast) houseOf(target string) *demo.House {
	if target == "foreign" {
		return m.moor
	}
	return m.stars
}

// requests says how each operation is asked for a target's record.
func (m *cast) requests() map[string]func(target string, fresh bool) request {
	type ask = func(target string, fresh bool) request
	plain := func(method, path string, body any) ask {
		return func(string, bool) request { return request{method: method, path: path, body: body} }
	}
	at := func(method, before string, id func(string, bool) uuid.UUID, after string, body any) ask {
		return func(target string, fresh bool) request {
			return request{method: method, path: before + id(target, fresh).String() + after, body: body}
		}
	}
	child := func(target string, _ bool) uuid.UUID { return m.childOf(target) }
	offered := func(target string, fresh bool) uuid.UUID { return m.offerID(target, fresh, false) }
	paused := func(target string, fresh bool) uuid.UUID { return m.offerID(target, fresh, true) }
	started := func(target string, fresh bool) uuid.UUID { return m.itemID(target, fresh, false) }
	recorded := func(target string, fresh bool) uuid.UUID { return m.itemID(target, fresh, true) }
	const get, post, put = http.MethodGet, http.MethodPost, http.MethodPut
	all := map[string]ask{
		"listCategories": plain(get, "/v1/categories", nil),
		"searchOffers":   plain(get, "/v1/offers", nil), "getJWKS": plain(get, "/v1/jwks.json", nil),
		"compareOffers":      plain(post, "/v1/offer-comparisons", object{"weekdays": []int{6}, "minutes": 60, "starts_on": "2027-01-09", "ends_on": "2027-03-27"}),
		"receiveStripeEvent": plain(post, "/v1/stripe-events", object{"id": "evt_1"}),
		"issueToken":         plain(post, "/v1/tokens", object{"subject": "mother.oakley"}),
		"listBookings":       plain(get, "/v1/bookings", nil), "listBudgets": plain(get, "/v1/budgets", nil),
		"getOfferFacets": plain(get, "/v1/offer-facets", nil), "getOfferMap": plain(get, "/v1/offer-map", nil),
		"findOffersTogether":  plain(post, "/v1/offer-sets", object{"children": []object{{"age": 9}, {"age": 12}}}),
		"listShortlist":       plain(get, "/v1/shortlist", nil),
		"addToShortlist":      at(put, "/v1/shortlist/", m.clubID, "", object{"note": "Ask about the hoist."}),
		"removeFromShortlist": at(http.MethodDelete, "/v1/shortlist/", m.clubID, "", nil),
		"getDemand":           plain(get, "/v1/demand?by=week", nil), "getTrialBalance": plain(get, "/v1/trial-balance", nil),
		"listLedgerTransactions": plain(get, "/v1/ledger-transactions", nil),
		"getOffer":               at(get, "/v1/offers/", m.draftID, "", nil),
		"getOfferCalendar":       at(get, "/v1/offers/", m.draftID, "/calendar.ics", nil),
		"changeSessions":         at(post, "/v1/offers/", m.draftID, "/session-changes", object{"from_date": "2027-01-05", "capacity": 5}),
		"callOffSession":         at(post, "/v1/sessions/", m.sessionID, "/calling-off", object{"reason": "No heating."}),
		"moveSession":            at(post, "/v1/sessions/", m.sessionID, "/move", object{"date": "2027-02-14", "from": "10:00", "to": "13:00"}),
		"getBusyCalendar":        at(get, "/v1/lanes/", m.busyLaneID, "/busy-calendar", nil),
		"setBusyCalendar":        at(put, "/v1/lanes/", m.busyLaneID, "/busy-calendar", object{"file": busyFile}),
		"removeBusyCalendar":     at(http.MethodDelete, "/v1/lanes/", m.busyLaneID, "/busy-calendar", nil),
		"listClosures":           plain(get, "/v1/closures", nil), "listCalendars": plain(get, "/v1/calendars", nil),
		"createClosure":   m.ofProvider("/v1/closures", object{"starts_on": "2027-12-24", "ends_on": "2027-12-25", "reason": "Christmas"}),
		"previewSessions": m.ofProvider("/v1/session-previews", object{"sessions": object{"dates": []string{"2027-05-01"}, "from": "10:00", "to": "13:00", "capacity": 3}}),
		"importCalendar":  m.termDates,
		"publishOffer":    at(post, "/v1/offers/", m.draftID, "/publication", nil),
		"updateOffer":     at(put, "/v1/offers/", m.draftID, "/content", editBody()),
		"pauseOffer":      at(post, "/v1/offers/", offered, "/pause", nil),
		"resumeOffer":     at(post, "/v1/offers/", paused, "/resumption", nil),
		"withdrawOffer":   at(post, "/v1/offers/", paused, "/withdrawal", nil),
		"copyOffer":       at(post, "/v1/offers/", offered, "/copies", nil),
		"askProvider":     at(post, "/v1/offers/", offered, "/enquiries", object{"words": "Is there a hoist?"}),
		"listEnquiries":   plain(get, "/v1/enquiries", nil),
		"getEnquiry":      at(get, "/v1/enquiries/", m.enquiryID, "", nil),
		"replyToEnquiry":  at(post, "/v1/enquiries/", m.enquiryID, "/messages", object{"words": "Thank you."}),
		"shareContact":    at(put, "/v1/enquiries/", m.enquiryID, "/contact", object{"contact": "Sam's mother"}),
		"withdrawContact": at(http.MethodDelete, "/v1/enquiries/", m.enquiryID, "/contact", nil),
		"publishAnswer":   at(post, "/v1/enquiries/", m.enquiryID, "/fact", object{"question": "Is there a hoist?", "answer": "Yes."}),
		"removeFact": func(target string, fresh bool) request {
			id := m.record("fact", target, fresh, func() uuid.UUID {
				f, err := marketplace.PublishAnswer(m.ctx, m.d, m.houseOf(target).Owner, m.enquiryID(target, true), marketplace.NewFact{Question: "Is there a hoist?", Answer: "Yes."})
				require.NoError(m.t, err)
				return f.ID
			})
			return request{method: http.MethodDelete, path: "/v1/offers/" + m.club[target].Offer.ID.String() + "/facts/" + id.String()}
		},
		"listCostings": plain(get, "/v1/costings", nil),
		"costOffer": func(target string, _ bool) request {
			provider := m.houseOf(target).ID
			if target == "missing" {
				provider = shortbreaks.NewID()
			}
			return request{method: post, path: "/v1/costings", body: costingBody(object{"save_as": "Club", "provider_id": provider})}
		},
		"listOfferImports": plain(get, "/v1/offer-imports", nil),
		"getOfferImport":   at(get, "/v1/offer-imports/", m.importID, "", nil),
		"importOffers":     m.fileOfOffers,
		"exportOffers": func(target string, _ bool) request {
			return request{method: get, path: "/v1/offer-exports?provider_id=" + m.providerOf(target).String()}
		},
		"uploadPhoto": func(target string, fresh bool) request {
			path := "/v1/offers/" + m.draftID(target, fresh).String() + "/photos?alt_text=A%20sunny%20hall"
			return request{post, path, photo(m.t, ""), "Content-Type: image/jpeg"}
		},
		"getPhoto": func(target string, fresh bool) request { return request{method: get, path: m.photoPath(target, fresh)} },
		"removePhoto": func(target string, fresh bool) request {
			return request{method: http.MethodDelete, path: m.photoPath(target, fresh)}
		},
		"orderPhotos": func(target string, fresh bool) request {
			offer, photo, _ := strings.Cut(m.photoPath(target, fresh), "/photos/")
			return request{method: put, path: offer + "/photo-order", body: object{"photo_ids": []string{photo}}}
		},
		"listOfferVersions": at(get, "/v1/offers/", m.draftID, "/versions", nil),
		"reviseOffer": func(target string, fresh bool) request {
			read := m.readOffer(target, offered(target, fresh))
			return request{method: post, path: "/v1/offers/" + read.OfferID.String() + "/versions", body: object{
				"version_id": read.VersionID, "tariff": tariffBody(1200), "cancellation_terms": object{"free_until_hours": 48, "late_fee_percent": 50},
			}}
		},
		"bulkReviseOffers": func(target string, fresh bool) request {
			read := m.readOffer(target, offered(target, fresh))
			return request{method: post, path: "/v1/offer-revisions", body: object{
				"offers": []object{{"offer_id": read.OfferID, "version_id": read.VersionID}}, "pence": 100, "dry_run": false,
			}}
		},
		"createOffer": func(target string, _ bool) request {
			provider := m.houseOf(target).ID
			if target == "missing" {
				provider = shortbreaks.NewID()
			}
			return request{method: post, path: "/v1/offers", body: draftBody(object{"provider_id": provider})}
		},
		"createQuote": func(target string, _ bool) request {
			return request{method: post, path: "/v1/quotes", body: wanted(m.childOf(target), m.club[target], 1)}
		},
		"getQuote": at(get, "/v1/quotes/", m.quoteID, "?as=pdf", nil),
		"createBooking": func(target string, fresh bool) request {
			return request{method: post, path: "/v1/bookings", body: toBook(gen.Quote{ID: m.quoteID(target, fresh), TotalPence: 100})}
		},
		"getBooking":        at(get, "/v1/bookings/", m.confirmedID, "", nil),
		"acceptBooking":     at(post, "/v1/bookings/", m.requestedID, "/acceptance", nil),
		"declineBooking":    at(post, "/v1/bookings/", m.requestedID, "/decline", object{"reason": "Nobody is free."}),
		"cancelBooking":     at(post, "/v1/bookings/", m.confirmedID, "/cancellation", object{"reason": "ill"}),
		"recordAttendance":  at(put, "/v1/booking-items/", started, "/attendance", object{"outcome": "delivered"}),
		"confirmAttendance": at(post, "/v1/booking-items/", recorded, "/confirmation", nil),
		"queryAttendance":   at(post, "/v1/booking-items/", recorded, "/query", object{"reason": "She was not there."}),
		"getBudget":         at(get, "/v1/budgets/", child, "", nil),
		"getStatement":      at(get, "/v1/budgets/", child, "/statement", nil),
		"createAllocation": func(target string, _ bool) request {
			return request{method: post, path: "/v1/allocations", body: object{
				"child_id": m.childOf(target), "stream": "health", "unit": "pence", "amount": 100,
				"period": object{"name": "This year", "starts_on": "2026-04-01", "ends_on": "2027-03-31"},
			}}
		},
		"listContracts": func(string, bool) request { return req(get, "/v1/contracts", nil) },
		"createContract": func(string, bool) request {
			return req(post, "/v1/contracts", object{
				"provider_id": m.stars.ID, "kind": "framework", "reference": shortbreaks.NewID().String(), "name": "Lot 2",
				"starts_on": "2027-01-01", "ends_on": "2027-12-31",
			})
		},
		"costPlan": func(target string, _ bool) request {
			return req(post, "/v1/plan-costings", object{
				"child_id": m.childOf(target), "starts_on": "2027-01-01", "ends_on": "2027-03-31",
				"lines": []object{{"name": "A trip", "fixed": object{"pence": 100, "every": "once"}}},
			})
		},
		"createPlanLine": func(target string, _ bool) request {
			return request{method: post, path: "/v1/plan-lines", body: lineBody(m.childOf(target))}
		},
		"approvePlanLine": at(post, "/v1/plan-lines/", m.lineID, "/approval", nil),
		"createTopUp": func(target string, _ bool) request {
			return request{method: post, path: "/v1/top-ups", body: object{"child_id": m.childOf(target), "amount_pence": 2500}}
		},
	}
	maps.Copy(all, m.providerRequests())
	maps.Copy(all, m.openDataRequests())
	maps.Copy(all, m.lifeRequests())
	maps.Copy(all, m.seriesRequests())
	maps.Copy(all, m.trustRequests())
	maps.Copy(all, m.registerRequests())
	maps.Copy(all, m.tellingRequests())
	maps.Copy(all, m.emergencyRequests())
	maps.Copy(all, m.roundRequests())
	maps.Copy(all, m.offlineRequests())
	maps.Copy(all, m.creditRequests())
	return all
}

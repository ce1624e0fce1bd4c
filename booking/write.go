package booking

import (
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/budgets"
	"shortbreaks/internal/db"
	"shortbreaks/marketplace"
	"shortbreaks/marketplace/tariff"
	"shortbreaks/payments"
)

// writes is everything the accepted orders of one batch change.
type writes struct {
	baskets []*Basket
	who     []shortbreaks.Actor
	claims  []marketplace.LaneClaim
	holds   []*payments.Hold
	kept    map[marketplace.EmergencyRef]int // places used that were kept for emergencies
	outside []*OutsidePlace
}

func (w *writes) add(t taking, basket *Basket) {
	w.baskets = append(w.baskets, basket)
	w.who = append(w.who, t.order.Who)
	w.claims = append(w.claims, t.claims...)
	w.holds = append(w.holds, t.holds...)
	w.useKept(t.order, basket)
	w.outside = append(w.outside, t.fresh...)
}

// queue puts what stores it into a batch: a handful of set-based statements,
// in lock order.
func (w *writes) queue(batch *pgx.Batch, now time.Time) {
	if len(w.baskets) == 0 {
		return
	}
	var bookings []*Booking
	var items []*Item
	var charges []Charge
	var dues []ItemDue
	var events []event
	places := map[marketplace.PlaceKey]int{}
	for i, b := range w.baskets {
		for _, bk := range b.Bookings {
			bookings = append(bookings, bk)
			for _, it := range bk.Items {
				if it.SessionID != nil {
					places[marketplace.PlaceKey{Provider: it.ProviderID, Session: *it.SessionID}] += it.Places
				}
				items = append(items, it)
				charges = append(charges, it.Charges...)
				dues = append(dues, it.Dues...)
				events = append(events, newEvent(it, "", it.State, mover{who: w.who[i], onBehalf: bk.OnBehalf, cause: "booked"}, now))
			}
		}
	}
	marketplace.QueueUseEmergency(batch, w.kept)
	w.queueOutside(batch, places)
	marketplace.QueueTakePlaces(batch, places)
	marketplace.QueueClaimLanes(batch, w.claims)
	queueBookings(batch, bookings)
	queueItems(batch, items)
	queueCharges(batch, charges)
	queueDues(batch, dues)
	queueEvents(batch, events)
	w.queueParties(batch)
	queueNewTickets(batch, items)
	budgets.QueueMoveLocked(batch, heldByLine(w.holds))
	payments.QueueHolds(batch, now, w.holds)
}

func heldByLine(holds []*payments.Hold) []payments.LineMove {
	at := map[uuid.UUID]int{}
	var moves []payments.LineMove
	for _, h := range holds {
		if h.Line == nil {
			continue
		}
		i, ok := at[*h.Line]
		if !ok {
			i = len(moves)
			at[*h.Line] = i
			moves = append(moves, payments.LineMove{Authority: h.Authority, Line: *h.Line})
		}
		moves[i].Held += h.Amount
	}
	return moves
}

func queueBookings(batch *pgx.Batch, bookings []*Booking) {
	n := len(bookings)
	var ids [8][]uuid.UUID
	refs, billed, totals, behalf, at, keys, terms := make([]string, n), make([]string, n), make([]int64, n), make([]bool, n),
		make([]time.Time, n), make([]*string, n), make([]tariff.Terms, n)
	for i, b := range bookings {
		for c, id := range []uuid.UUID{b.AuthorityID, b.ID, b.BasketID, b.QuoteID, b.ChildID, b.ProviderID, b.OfferID, b.VersionID} {
			ids[c] = append(ids[c], id)
		}
		refs[i], billed[i], totals[i], behalf[i], at[i], keys[i], terms[i] = b.Reference, b.BilledOn, int64(b.TotalPence), b.OnBehalf, b.CreatedAt, b.CreatedKey, b.Terms
	}
	by := make([]uuid.UUID, n)
	for i, b := range bookings {
		by[i] = b.CreatedBy
	}
	batch.Queue(`INSERT INTO booking (authority_id, id, basket_id, quote_id, child_id, provider_id, offer_id, version_id, reference, billed_on,
			total_pence, on_behalf, created_at, created_key, created_by, terms)
		`+db.ArrayRows("uuid uuid uuid uuid uuid uuid uuid uuid text text bigint boolean timestamptz text uuid json"),
		ids[0], ids[1], ids[2], ids[3], ids[4], ids[5], ids[6], ids[7], refs, billed, totals, behalf, at, keys, by, terms)
}

func queueItems(batch *pgx.Batch, items []*Item) {
	n := len(items)
	var ids [5][]uuid.UUID
	ns, prices := make([]int32, n), make([]int64, n)
	children, sessions, lanes := make([]*uuid.UUID, n), make([]*uuid.UUID, n), make([]*uuid.UUID, n)
	kinds, local, zones, states := make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	from, to, expires, seqs := make([]time.Time, n), make([]time.Time, n), make([]*time.Time, n), make([]*int64, n)
	for i, it := range items {
		for c, id := range []uuid.UUID{it.AuthorityID, it.ID, it.BookingID, it.ProviderID, it.VersionID} {
			ids[c] = append(ids[c], id)
		}
		ns[i], prices[i], children[i], sessions[i], lanes[i] = int32(it.N), int64(it.PricePence), it.ChildID, it.SessionID, it.LaneID
		kinds[i], local[i], zones[i], states[i] = it.AttendeeKind, it.LocalStart, it.TimeZone, string(it.State)
		from[i], to[i], expires[i], seqs[i] = it.StartsAt, it.EndsAt, it.ExpiresAt, it.PlaceSeq
	}
	batch.Queue(`INSERT INTO booking_item (authority_id, id, booking_id, provider_id, version_id, n, price_pence, child_id, session_id, lane_id,
			attendee_kind, local_start, time_zone, state, starts_at, ends_at, expires_at, place_seq)
		`+db.ArrayRows("uuid uuid uuid uuid uuid int bigint uuid uuid uuid text text text text timestamptz timestamptz timestamptz bigint"),
		ids[0], ids[1], ids[2], ids[3], ids[4], ns, prices, children, sessions, lanes, kinds, local, zones, states, from, to, expires, seqs)
}

func queueCharges(batch *pgx.Batch, charges []Charge) {
	n := len(charges)
	if n == 0 {
		return
	}
	var ids [3][]uuid.UUID
	ns, quantities, amounts, lines := make([]int32, n), make([]int64, n), make([]int64, n), make([]*uuid.UUID, n)
	kinds, payers, units := make([]string, n), make([]string, n), make([]string, n)
	for i, c := range charges {
		for k, id := range []uuid.UUID{c.AuthorityID, c.ItemID, c.ProviderID} {
			ids[k] = append(ids[k], id)
		}
		ns[i], quantities[i], amounts[i], lines[i] = int32(c.N), c.Quantity, int64(c.AmountPence), c.LineID
		kinds[i], payers[i], units[i] = c.Kind, c.Payer, string(c.Unit)
	}
	batch.Queue(`INSERT INTO item_charge (authority_id, item_id, provider_id, n, quantity, amount_pence, line_id, kind, payer, unit)
		`+db.ArrayRows("uuid uuid uuid int bigint bigint uuid text text text"),
		ids[0], ids[1], ids[2], ns, quantities, amounts, lines, kinds, payers, units)
}

package booking

import (
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/marketplace"
)

// ErrStaffTaken says that a session has places and nobody left to give a child
// the support it needs (T51).
var ErrStaffTaken = shortbreaks.NewError(shortbreaks.Conflict, "staff-taken", "Everybody who could give this support is taken")

// Party is who comes on one child's place: how many places of the session they
// take together, and how many staff give their time to this child alone.
type Party struct {
	Places     int            `json:"places,omitempty"` // 0 is 1: the child alone
	StaffUnits int            `json:"staff_units,omitempty"`
	Companions map[string]int `json:"companions,omitempty"` // by kind; nil: nobody
}

func (p Party) places() int { return max(1, p.Places) }

// partyOf counts a quote's people as the offer counts them (T96): only kinds it
// admits, each with the places it says. Companions need no budget; they cost
// what the tariff asks for each attendee, and nothing else.
func partyOf(o *marketplace.Offered, c CreateQuote) Party {
	p := Party{StaffUnits: staffUnits(o, c), Companions: c.Companions}
	for kind, n := range c.Companions {
		p.Places += n * o.Offer.Companions[kind]
	}
	if p.Places > 0 {
		p.Places++ // the child
	}
	return p
}

// staffUnits is how many staff a child has to itself: two for 2:1, none in a
// group.
func staffUnits(o *marketplace.Offered, c CreateQuote) int {
	staff, children := o.Offer.RatioStaff, o.Offer.RatioChildren
	if c.Ratio.Staff > 0 {
		staff, children = c.Ratio.Staff, c.Ratio.Children
	}
	if children != 1 || o.Items[0].SessionID == nil {
		return 0
	}
	return staff
}

// errSomeLeft is why a session has no room for this party, but may for another.
var errSomeLeft = errors.New("booking: room for fewer")

// fits reports whether a session in hand has room for a party.
func (p Party) fits(in *marketplace.Places) bool {
	return in.Free() >= p.places() && !p.lacksStaff(in)
}

func (p Party) lacksStaff(in *marketplace.Places) bool {
	return in.StaffUnits > 0 && in.StaffTaken+p.StaffUnits > in.StaffUnits
}

// takeParty takes what a party needs of a session in hand, or says what is
// missing: places, or staff even where places remain (T51).
func (t *taking) takeParty(item *Item, p *marketplace.Places, party Party) error {
	n := party.places()
	if t.freeOf(p) < n {
		return fmt.Errorf("%w (%w)", ErrSessionFull.With(fmt.Sprintf("The session of %s has %s left and %d are asked for. Nothing was booked and no money was kept.",
			item.LocalStart, shortbreaks.Plural(t.freeOf(p), "place"), n)), errSomeLeft)
	}
	if party.lacksStaff(p) {
		return ErrStaffTaken.With("The session of " + item.LocalStart + " has places, but no more staff for support of this kind. Nothing was booked.")
	}
	item.Places, item.StaffUnits, item.Companions = n, party.StaffUnits, party.Companions
	p.Taken, p.Seq, p.StaffTaken = p.Taken+n, p.Seq+int64(n), p.StaffTaken+party.StaffUnits
	t.did(func() { p.Taken, p.Seq, p.StaffTaken = p.Taken-n, p.Seq-int64(n), p.StaffTaken-party.StaffUnits })
	return nil
}

// queueParties writes who else comes on the items of a batch, and takes their staff.
func (w *writes) queueParties(batch *pgx.Batch) {
	staff := map[marketplace.PlaceKey]int{}
	var authorities, ids []uuid.UUID
	var places, units []int32
	var companions []map[string]int
	for _, b := range w.baskets {
		for _, bk := range b.Bookings {
			for _, it := range bk.Items {
				if it.SessionID == nil || (it.Places == 1 && it.StaffUnits == 0 && it.Companions == nil) {
					continue
				}
				authorities, ids = append(authorities, it.AuthorityID), append(ids, it.ID)
				places, units = append(places, int32(it.Places)), append(units, int32(it.StaffUnits)) //nolint:gosec // a party is small
				companions = append(companions, it.Companions)
				if it.StaffUnits > 0 {
					staff[marketplace.PlaceKey{Provider: it.ProviderID, Session: *it.SessionID}] += it.StaffUnits
				}
			}
		}
	}
	if len(ids) == 0 {
		return
	}
	batch.Queue(`UPDATE booking_item i SET places = k.places, staff_units = k.units, companions = k.companions
		FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::int[], $5::jsonb[]) AS k (authority_id, id, places, units, companions)
		WHERE i.authority_id = k.authority_id AND i.id = k.id`, authorities, ids, places, units, companions)
	marketplace.QueueTakeStaff(batch, staff)
}

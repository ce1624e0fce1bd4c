package booking

import "slices"

// State is where an item stands in its life (docs/ARCHITECTURE.md).
type State string

// Live states keep the place counted; closed ones gave it back. Settled and
// closed states are final.
const (
	Held                 State = "held"
	Requested            State = "requested"
	Conditional          State = "conditional"
	Confirmed            State = "confirmed"
	Delivered            State = "delivered"
	PartlyDelivered      State = "partly_delivered"
	NoShow               State = "no_show"
	Disputed             State = "disputed"
	Settled              State = "settled"
	Declined             State = "declined"
	Expired              State = "expired"
	CancelledByFamily    State = "cancelled_by_family"
	CancelledByProvider  State = "cancelled_by_provider"
	CancelledByAuthority State = "cancelled_by_authority"
)

// moves is the whole state machine: nothing else is possible.
var moves = map[State][]State{
	Held:            {Requested, Conditional, Confirmed, Expired, CancelledByFamily, CancelledByProvider, CancelledByAuthority},
	Requested:       {Confirmed, Declined, Expired, CancelledByFamily, CancelledByProvider, CancelledByAuthority},
	Conditional:     {Confirmed, Expired, CancelledByFamily, CancelledByProvider, CancelledByAuthority},
	Confirmed:       {Delivered, PartlyDelivered, NoShow, CancelledByFamily, CancelledByProvider, CancelledByAuthority},
	Delivered:       {Delivered, PartlyDelivered, NoShow, Settled, Disputed},
	PartlyDelivered: {Delivered, PartlyDelivered, NoShow, Settled, Disputed},
	NoShow:          {Delivered, PartlyDelivered, NoShow, Settled, Disputed},
	Disputed:        {Settled, Delivered, PartlyDelivered, NoShow},
}

// CanBecome reports whether an item may move from one state to another.
func (s State) CanBecome(to State) bool { return slices.Contains(moves[s], to) }

// Live reports whether the item's place is counted.
func (s State) Live() bool { return s == Settled || len(moves[s]) > 0 }

// from lists the states that may become this one, for the guard of an update.
func (s State) from() []string {
	var from []string
	for _, st := range []State{Held, Requested, Conditional, Confirmed, Delivered, PartlyDelivered, NoShow, Disputed} {
		if st.CanBecome(s) {
			from = append(from, string(st))
		}
	}
	return from
}

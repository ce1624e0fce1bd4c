package api

import (
	"shortbreaks"
	"shortbreaks/api/gen"
	"shortbreaks/booking"
)

// paidAheadFor writes what of an item is paid before it takes place; nothing if
// all is paid in arrears.
func paidAheadFor(who shortbreaks.Actor) func(*booking.Item) *gen.PaidAhead {
	return func(it *booking.Item) *gen.PaidAhead {
		if len(it.Dues) == 0 {
			return nil
		}
		paid, back, due := it.PaidAhead()
		out := &gen.PaidAhead{PaidPence: int64(paid), StillDuePence: int64(due), Dues: mapped(it.Dues, itemDueOut)}
		if !providerSide(who) {
			out.GivenBackPence = pence64(&back)
		}
		return out
	}
}

func itemDueOut(d booking.ItemDue) gen.ItemDue {
	return gen.ItemDue{
		ChargeN: d.ChargeN, What: gen.DueKind(d.What), DueOn: day(d.DueOn), Pence: int64(d.AmountPence), State: gen.ItemDueState(d.State),
		TakenAt: londonOrNone(d.TakenAt),
	}
}

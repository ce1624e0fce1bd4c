package booking

import (
	"context"
	"strconv"

	"github.com/google/uuid"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/marketplace"
)

// takeAll takes the places of every row, or says what is wrong with all of them.
func (f *bookingFile) takeAll(ctx context.Context, tx *db.Tx, who shortbreaks.Actor, provider uuid.UUID, report *ImportReport) error {
	rows := f.parse()
	if err := f.findSessions(ctx, tx, rows); err != nil {
		return err
	}
	var orders []Order
	var of []parsed
	first := map[outsideKey]int{}
	for i, p := range rows {
		f.progress(i+1, len(rows))
		o := f.outside(p, provider)
		if o == nil {
			continue
		}
		if line, ok := first[o.key()]; ok {
			f.Fault(p.row, "reference", "This reference is in row %d for this session already.", line)
			continue
		}
		first[o.key()] = p.row.Line
		orders, of = append(orders, Order{Who: who, Outside: []*OutsidePlace{o}}), append(of, p)
	}
	verdicts, err := Reserve(ctx, tx, orders)
	if err != nil {
		return err
	}
	for i, v := range verdicts {
		switch {
		case v.Refusal != nil:
			if err := f.blame(of[i].row, v.Refusal); err != nil {
				return err
			}
		case orders[i].Outside[0].before:
			report.Unchanged++
		default:
			report.Made++
		}
	}
	return f.Refusal()
}

// outside is what a row would take; nil if there is a fault.
func (f *bookingFile) outside(p parsed, provider uuid.UUID) *OutsidePlace {
	n := 1
	if text := p.row.Cell["places"]; text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil || n < 1 || n > 50 {
			f.Fault(p.row, "places", "Give 1 to 50.")
		}
	}
	if marketplace.WithoutContact("", p.reference) != nil {
		f.Fault(p.row, "reference", "Use a reference of your own, without a telephone number or an address.")
	}
	o := f.session(p)
	if o != nil && o.ProviderID != provider {
		f.Fault(p.row, "session_id", "There is no such session.") // of this provider's
	}
	if o == nil || f.Faulty(p.row) {
		return nil
	}
	o.Reference, o.Places, o.asIs = p.reference, n, true
	return o
}

package booking

import (
	"context"

	"github.com/google/uuid"

	"shortbreaks"
	"shortbreaks/budgets"
	"shortbreaks/internal/db"
)

// recordAll files first entries; corrections are filed alone.
func (m *Moves) recordAll(ctx context.Context, asked []wish) []db.Answer[*Item] {
	return moveAll(ctx, m.d, asked, func(tx *db.Tx, answers []db.Answer[*Item]) error {
		locked, err := selectItems(ctx, tx, `id = ANY ($1) ORDER BY authority_id, id FOR UPDATE`, askedIDs(asked))
		if err != nil {
			return err
		}
		items := chosenBy(asked, locked, byItem, answers, func(a wish, own []*Item) ([]*Item, error) {
			if own[0].State != Confirmed {
				return nil, errAlone
			}
			return own, own[0].recordable(a.entry.Outcome, tx.Now)
		})
		filed, err := filings(ctx, tx, asked, items, answers)
		if err != nil || len(filed) == 0 {
			return err
		}
		if items, err = fileAll(ctx, tx, filed, together(asked)); err != nil {
			return err
		}
		return answerItems(ctx, tx, asked, items, answers)
	})
}

// filings are the entries that can be filed; the others are refused.
func filings(ctx context.Context, tx *db.Tx, asked []wish, items []*Item, answers []db.Answer[*Item]) ([]*filing, error) {
	if len(items) == 0 {
		return nil, nil
	}
	noted, err := readSteps(ctx, tx, items)
	if err != nil {
		return nil, err
	}
	of := itemsByID(items)
	var filed []*filing
	for i, a := range asked {
		if answers[i].Err != nil {
			continue
		}
		f := &filing{it: of[a.id], r: a.entry, by: a.who}
		f.r.fromSteps(noted[a.id])
		if f.minutes, answers[i].Err = attended(f.it, f.r); answers[i].Err == nil {
			f.it.by = &mover{who: a.who, cause: f.r.Cause}
			filed = append(filed, f)
		}
	}
	return filed, nil
}

// fileAll files entries and moves their items, as Record does one. The days of
// the register are each authority's setting.
func fileAll(ctx context.Context, tx *db.Tx, filed []*filing, who shortbreaks.Actor) ([]*Item, error) {
	items := make([]*Item, len(filed))
	for i, f := range filed {
		items[i] = f.it
	}
	authorities := authoritiesOf(items)
	if err := tx.EnterAuthority(ctx, authorities...); err != nil {
		return nil, err
	}
	settings, err := budgets.SettingsOfEach(ctx, tx, authorities, shortbreaks.Date(tx.Now))
	if err != nil {
		return nil, err
	}
	for _, f := range filed {
		f.onTime = !tx.Now.After(f.it.EndsAt.Add(settings[f.it.AuthorityID].RegisterWithin))
	}
	if err := fileDeliveries(ctx, tx, filed); err != nil {
		return nil, err
	}
	found, err := selectBookings(ctx, tx, who, `b.id = ANY ($3)`, bookingsOf(items))
	if err != nil {
		return nil, err
	}
	charges, err := chargesOf(ctx, tx, items)
	if err != nil {
		return nil, err
	}
	bookings := make(map[uuid.UUID]*Booking, len(found))
	for _, b := range found {
		bookings[b.ID] = b
	}
	outcomes := map[State][]*Item{}
	for _, f := range filed {
		charge, err := dueWithAdded(bookings[f.it.BookingID], f.it, addedPence(charges[f.it.ID]), f.r, f.minutes)
		if err != nil {
			return nil, err
		}
		f.it.ChargePence = &charge
		outcomes[f.r.Outcome] = append(outcomes[f.r.Outcome], f.it)
	}
	if err := awaitAgreement(ctx, tx, filed, settings); err != nil {
		return nil, err
	}
	for _, to := range []State{Delivered, PartlyDelivered, NoShow} {
		if err := move(ctx, tx, outcomes[to], to, mover{}); err != nil {
			return nil, err
		}
	}
	return items, nil
}

package booking

import (
	"context"
	"fmt"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/payments"
)

// keepCredits makes credits of what came back to the family's own account for
// dates of one booking that it cancelled, where its terms give a credit. What a
// provider or a council cancels, and what is moved, comes back as money.
func keepCredits(ctx context.Context, tx *db.Tx, b *Booking, items []*Item, to State, by mover) error {
	c := b.Terms.Credit
	if c == nil || to != CancelledByFamily || by.cause == moved || len(items) == 0 {
		return nil
	}
	return payments.KeepCredits(ctx, tx, payments.NewCredits{
		Authority: b.AuthorityID, Provider: b.ProviderID, Offer: b.OfferID, Items: idsOf(items),
		LastOn: shortbreaks.Date(tx.Now).AddDate(0, 0, c.Days), ForSiblings: c.Siblings, By: by.who.Person,
	})
}

// TellCredits tells families of credits that end soon with something left of
// them, 30 and 7 days before, once each. It returns how many it looked at.
func (t Teller) TellCredits(ctx context.Context) (looked int, err error) {
	scope, err := t.DB.System(ctx)
	if err != nil {
		return 0, err
	}
	for {
		n := 0
		err := t.DB.Do(ctx, scope, func(tx *db.Tx) error {
			list, some, err := payments.CreditsEnding(ctx, tx, tellAtOnce)
			if n = some; err != nil {
				return err
			}
			facts := make([]fact, len(list))
			for i, c := range list {
				facts[i] = fact{
					Authority: c.AuthorityID, Provider: c.ProviderID, Source: c.Source(), Child: c.ChildID, Offer: &c.OfferID,
					Starts: shortbreaks.At(c.LastOn, 12*60), Dates: 1, Family: NewsCreditEnding,
				}
			}
			_, err = t.tell(ctx, tx, facts)
			return err
		})
		if looked += n; err != nil {
			return looked, fmt.Errorf("tell people of credits: %w", err)
		}
		if n < tellAtOnce {
			return looked, nil
		}
	}
}

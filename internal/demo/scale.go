package demo

import (
	"context"
	"fmt"

	"shortbreaks/internal/db"
	"shortbreaks/people"
)

// MostScale is how often the demo's supply may be multiplied; a copy of it
// takes about a second to make.
const MostScale = 200

// Scale makes the supply of a loaded demo n times as large: further houses of
// the same offers, each round under a number of its own and around other
// postcodes. What is there already is not made again. progress, if given, is
// told after each round.
func Scale(ctx context.Context, d *db.DB, n int, progress func(done, of int)) error {
	if n < 1 || n > MostScale {
		return fmt.Errorf("the demo can be made 1 to %d times as large, not %d", MostScale, n)
	}
	w := &world{Builder: Builder{D: d}}
	if err := w.day(ctx); err != nil {
		return err
	}
	for round := 2; round <= n; round++ {
		mark := fmt.Sprintf("demo.scale.%d", round)
		known, err := people.SubjectKnown(ctx, d, mark)
		if err != nil {
			return err
		}
		if !known {
			if err := w.another(ctx, round); err != nil {
				return fmt.Errorf("making the demo larger: %w", err)
			}
			if _, err := w.NewPerson(ctx, "Demo", mark); err != nil {
				return err
			}
		}
		if progress != nil {
			progress(round, n)
		}
	}
	return nil
}

// another makes the houses once more; each is at the place of another house.
func (w *world) another(ctx context.Context, round int) error {
	for i, h := range houses {
		h.name, h.slug = fmt.Sprintf("%s %d", h.name, round), fmt.Sprintf("%s-%d", h.slug, round)
		h.setting.Postcode = houses[(i+round)%len(houses)].setting.Postcode
		known, err := people.SubjectKnown(ctx, w.D, "provider_owner."+h.slug)
		if err != nil {
			return err
		}
		if known { // a round that was cut short goes on with the next house
			continue
		}
		made, err := w.NewHouse(ctx, h.name, h.slug, h.staff)
		if err != nil {
			return err
		}
		for _, s := range h.offers {
			if _, err := w.PublishOffer(ctx, made, h.draft(s, w.today)); err != nil {
				return err
			}
		}
	}
	return nil
}

package payments

import (
	"context"
	"time"

	"github.com/google/uuid"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// openAtOnce is how many credits one page looks at for those with something
// left: a page of few that says there is more is better than one that takes long.
const openAtOnce = 400

// OpenCredits asks for the credits of an authority that can still be used.
type OpenCredits struct {
	EndsBefore *time.Time // a London date; nil: whenever they end
	Limit      int
	After      CreditEnd // zero: from the soonest
}

// CreditEnd is where a credit stands among those that end.
type CreditEnd struct {
	LastOn time.Time // a London date
	ID     uuid.UUID
}

// ListOpen lists the credits of the actor's authorities that somebody can still
// use, the soonest ending first, each with what is left of it. next is where the
// page ended, nil after the last one. Errors: forbidden.
func ListOpen(ctx context.Context, d *db.DB, who shortbreaks.Actor, o OpenCredits) (list []*Credit, next *CreditEnd, err error) {
	if !who.Is(shortbreaks.Finance) {
		return nil, nil, shortbreaks.ErrForbidden
	}
	err = d.Read(ctx, db.For(who), func(tx *db.Tx) error {
		list, next, err = o.read(ctx, tx, who)
		return err
	})
	return list, next, err
}

func (o OpenCredits) read(ctx context.Context, tx *db.Tx, who shortbreaks.Actor) (list []*Credit, next *CreditEnd, err error) {
	after := o.After
	for looked := 0; ; {
		some, err := selectCredits(ctx, tx, `WHERE c.authority_id = ANY ($1) AND c.lapsed_pence IS NULL AND c.last_on >= $2 AND ($3::date IS NULL OR c.last_on < $3)
			AND (c.last_on, c.id) > ($4::date, $5::uuid) ORDER BY c.last_on, c.id LIMIT $6`,
			who.Authorities, shortbreaks.Date(tx.Now), o.EndsBefore, after.LastOn, after.ID, o.Limit+1)
		if err != nil {
			return nil, nil, err
		}
		if err := workOutLeft(ctx, tx, some); err != nil {
			return nil, nil, err
		}
		for _, c := range some {
			if len(list) == o.Limit || looked == openAtOnce {
				return list, &after, nil
			}
			after, looked = CreditEnd{c.LastOn, c.ID}, looked+1
			if c.LeftPence > 0 {
				list = append(list, c)
			}
		}
		if len(some) <= o.Limit {
			return list, nil, nil
		}
	}
}

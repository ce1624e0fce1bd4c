package people

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// Families says, for each of these people, of which children they are family
// today. It is for telling people of what concerns them: nobody is told by a
// role they no longer hold.
func Families(ctx context.Context, tx *db.Tx, persons []uuid.UUID) (map[uuid.UUID][]uuid.UUID, error) {
	if err := tx.AskRights(ctx, persons); err != nil {
		return nil, err
	}
	rows, err := tx.PGX.Query(ctx, grantsSQL, persons)
	if err != nil {
		return nil, fmt.Errorf("read families: %w", err)
	}
	children, today := map[uuid.UUID][]uuid.UUID{}, shortbreaks.Date(tx.Now)
	var g Grant
	_, err = pgx.ForEachRow(rows, []any{&g.PersonID, (*string)(&g.Role), &g.AuthorityID, &g.ProviderID, &g.ChildID, &g.StartsOn, &g.EndsOn}, func() error {
		if g.Role == shortbreaks.Family && g.heldOn(today) {
			children[g.PersonID] = addOnce(children[g.PersonID], g.ChildID)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read families: %w", err)
	}
	return children, nil
}

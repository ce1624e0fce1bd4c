package booking

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// Flag says that something is booked within two days and the worker, or in a
// session everybody, lacks a sign-off that the child needs (T95). The
// provider's people and the practitioner read it. It cancels nothing: somebody
// is signed off, another worker comes, or a person cancels.
type Flag struct {
	AuthorityID uuid.UUID
	ID          uuid.UUID
	ItemID      uuid.UUID
	ProviderID  uuid.UUID
	Task        string
	WrittenAt   time.Time
	ClearedAt   *time.Time // when it was in order again, or no longer to take place

	BookingID  uuid.UUID
	StartsAt   time.Time
	LocalStart string
}

// Words say what is wrong and what can be done.
func (f Flag) Words() string {
	if f.ClearedAt != nil {
		return "In order: \"" + f.Task + "\" on " + shortbreaks.LongDate(f.StartsAt) + "."
	}
	return "Nobody who comes on " + shortbreaks.LongDate(f.StartsAt) + " is signed off for \"" + f.Task +
		"\" for this child. Have somebody assessed, send another worker, or talk to the family. Nothing was cancelled."
}

// lookAhead is how long before an item its worker's sign-offs are looked at.
const lookAhead = 48 * time.Hour

// sqlSoonNeeding finds what children with needs have booked within two days, or
// at all where a sign-off for the child was withdrawn, need by need, by the
// children's key: there are few of them.
const sqlSoonNeeding = `
SELECT i.authority_id, i.id, i.provider_id, n.child_id, i.starts_at, i.ends_at, l.worker_id, i.lane_id IS NOT NULL, o.category, n.task, n.categories, n.starts_on, n.ends_on
FROM child_need n
CROSS JOIN LATERAL (SELECT i.authority_id, i.id, i.booking_id, i.provider_id, i.lane_id, i.starts_at, i.ends_at FROM booking_item i
    WHERE i.authority_id = n.authority_id AND i.child_id = n.child_id AND i.state IN ('requested', 'conditional', 'confirmed')
        AND i.starts_at > $1 AND (i.starts_at <= $2 OR EXISTS (SELECT FROM competency w WHERE w.authority_id = n.authority_id AND w.child_id = n.child_id
            AND w.provider_id = i.provider_id AND w.withdrawn_at IS NOT NULL))
        AND (i.session_id IS NOT NULL OR i.lane_id IS NOT NULL) OFFSET 0) i
JOIN booking b ON b.authority_id = i.authority_id AND b.id = i.booking_id
JOIN offer o ON o.provider_id = b.provider_id AND o.id = b.offer_id
LEFT JOIN lane l ON l.provider_id = i.provider_id AND l.id = i.lane_id`

// soon is one need of one item that is near.
type soon struct {
	Authority, Item, Provider, Child uuid.UUID
	StartsAt, EndsAt                 time.Time
	Worker                           *uuid.UUID
	Visit                            bool
	Category, Task                   string
	Categories                       []string
	From                             time.Time
	To                               *time.Time
}

// lacks reports whether the need is the item's and nobody meets it.
func (s soon) lacks(c *crew) bool {
	n := Need{Task: s.Task, Categories: s.Categories, StartsOn: s.From, EndsOn: s.To}
	if !n.matters(s.Category, shortbreaks.Date(s.StartsAt)) {
		return false
	}
	worker := s.Worker
	if s.Visit && worker == nil {
		worker = &uuid.Nil
	}
	return len(c.lacking(childAt{s.Child, s.Provider}, []string{s.Task}, s.StartsAt, s.EndsAt, worker)) > 0
}

// FlagCompetencies looks at what is booked within two days, and at all of it for
// a child of whom a sign-off was withdrawn, and flags what has
// nobody signed off for it, once, however often and by however many it runs;
// what is in order again is cleared. It returns how many flags it wrote or
// cleared.
func FlagCompetencies(ctx context.Context, d *db.DB) (changed int, err error) {
	scope, err := d.System(ctx)
	if err != nil {
		return 0, err
	}
	err = d.Do(ctx, scope, func(tx *db.Tx) error {
		near, c, err := readSoon(ctx, tx)
		if err != nil {
			return err
		}
		near = slices.DeleteFunc(near, func(s soon) bool { return !s.lacks(c) })
		changed, err = writeFlags(ctx, tx, near)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("flag competencies: %w", err)
	}
	return changed, nil
}

func readSoon(ctx context.Context, tx *db.Tx) ([]soon, *crew, error) {
	rows, err := tx.PGX.Query(ctx, sqlSoonNeeding, tx.Now, tx.Now.Add(lookAhead))
	if err != nil {
		return nil, nil, err
	}
	near, err := pgx.CollectRows(rows, pgx.RowToStructByPos[soon])
	if err != nil {
		return nil, nil, err
	}
	quotes := make([]*Quote, len(near))
	for i, s := range near {
		quotes[i] = &Quote{AuthorityID: s.Authority, ChildID: s.Child, ProviderID: s.Provider}
	}
	var batch pgx.Batch
	c := queueCrew(&batch, quotes)
	if batch.Len() == 0 {
		return near, c, nil
	}
	return near, c, tx.PGX.SendBatch(ctx, &batch).Close()
}

// writeFlags writes the flags that are missing and clears those that are none
// any more. Two that do so at once meet in the index.
func writeFlags(ctx context.Context, tx *db.Tx, lacking []soon) (int, error) {
	var authorities, ids, items, providers []uuid.UUID
	var tasks []string
	for _, s := range lacking {
		authorities, ids, items = append(authorities, s.Authority), append(ids, shortbreaks.NewID()), append(items, s.Item)
		providers, tasks = append(providers, s.Provider), append(tasks, s.Task)
	}
	made, err := tx.PGX.Exec(ctx, `INSERT INTO competency_flag (authority_id, id, item_id, provider_id, task, written_at)
		SELECT w.*, $6 FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[]) w (authority_id, id, item_id, provider_id, task)
		ON CONFLICT DO NOTHING`, authorities, ids, items, providers, tasks, tx.Now)
	if err != nil {
		return 0, err
	}
	cleared, err := tx.PGX.Exec(ctx, `UPDATE competency_flag f SET cleared_at = $4 WHERE cleared_at IS NULL
		AND NOT EXISTS (SELECT FROM unnest($1::uuid[], $2::uuid[], $3::text[]) w (authority_id, item_id, task)
			WHERE w.authority_id = f.authority_id AND w.item_id = f.item_id AND w.task = f.task)`, authorities, items, tasks, tx.Now)
	if err != nil {
		return 0, err
	}
	return int(made.RowsAffected() + cleared.RowsAffected()), nil
}

// Flags lists what has nobody signed off for it, the newest first, and whether
// there is more; cleared flags only if they are asked for. For the provider's
// people and the practitioner. Errors: forbidden.
func Flags(ctx context.Context, d *db.DB, who shortbreaks.Actor, cleared bool, after uuid.UUID, limit int) (page []Flag, more bool, err error) {
	if !who.Is(shortbreaks.ProviderOwner, shortbreaks.Coordinator, shortbreaks.Practitioner) {
		return nil, false, shortbreaks.ErrForbidden
	}
	reach, column := who.Authorities, "f.authority_id"
	if providerSide(who) {
		reach, column = who.Providers, "f.provider_id"
	}
	err = d.Read(ctx, db.For(who), func(tx *db.Tx) error {
		rows, err := tx.PGX.Query(ctx, `SELECT f.authority_id, f.id, f.item_id, f.provider_id, f.task, f.written_at, f.cleared_at, i.booking_id, i.starts_at, i.local_start
			FROM competency_flag f JOIN booking_item i ON i.authority_id = f.authority_id AND i.id = f.item_id
			WHERE `+column+` = ANY ($1) AND ($2 OR f.cleared_at IS NULL) AND ($3 = '00000000-0000-0000-0000-000000000000'::uuid OR f.id < $3)
			ORDER BY f.id DESC LIMIT $4`, reach, cleared, after, limit+1)
		if err != nil {
			return err
		}
		page, err = pgx.CollectRows(rows, pgx.RowToStructByName[Flag])
		return err
	})
	if err != nil {
		return nil, false, fmt.Errorf("list flags: %w", err)
	}
	more = len(page) > limit
	return slices.Clip(page[:min(len(page), limit)]), more, nil
}

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
	"shortbreaks/marketplace"
)

// NoteStaff says who of the staff is there. NotedAt is the phone's own clock:
// sent again it changes nothing, and of two the later noted counts.
type NoteStaff struct {
	Occasion  uuid.UUID // a session, or the item of a visit
	WorkerIDs []uuid.UUID
	NotedAt   time.Time
}

// NoteStaffPresent records who was there, with how many were needed then. Too
// few are warned of and recorded, never refused: a register that may not tell
// the truth is worth nothing. Errors: forbidden, not-found, invalid.
func NoteStaffPresent(ctx context.Context, d *db.DB, who shortbreaks.Actor, n NoteStaff) (reg *Register, err error) {
	if !who.Is(shortbreaks.Coordinator, shortbreaks.Worker) {
		return nil, shortbreaks.ErrForbidden
	}
	err = d.Do(ctx, db.For(who), func(tx *db.Tx) error {
		if reg, err = registerOf(ctx, tx, who, n.Occasion); err != nil {
			return err
		}
		if err := n.check(reg, tx.Now); err != nil {
			return err
		}
		_, err := tx.PGX.Exec(ctx, `INSERT INTO staff_present (provider_id, occasion_id, noted_at, worker_ids, staff_needed, recorded_by, recorded_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`, reg.ProviderID, reg.ID, n.NotedAt, n.WorkerIDs, reg.StaffNeeded, who.Person, tx.Now)
		if err != nil {
			return fmt.Errorf("note staff: %w", err)
		}
		reg, err = registerOf(ctx, tx, who, n.Occasion)
		return err
	})
	if err != nil {
		return nil, err
	}
	return reg, nil
}

func (n *NoteStaff) check(reg *Register, now time.Time) error {
	var f shortbreaks.Faults
	if n.WorkerIDs == nil {
		n.WorkerIDs = []uuid.UUID{}
	}
	for i, id := range n.WorkerIDs {
		at := fmt.Sprintf("/worker_ids/%d", i)
		f.Unless(slices.ContainsFunc(reg.Staff, func(s StaffHere) bool { return s.WorkerID == id }), at, "This provider has no such worker on that day.")
		f.Unless(!slices.Contains(n.WorkerIDs[:i], id), at, "This worker is there twice.")
	}
	f.Unless(!n.NotedAt.After(now.Add(fastClock)), "/noted_at", "This is still to come. Check the clock of your phone.")
	f.Unless(!now.Before(reg.StartsAt.Add(-earliestArrival)), "/worker_ids", "It is too early to say who is there.")
	return f.As(shortbreaks.ErrInvalid)
}

// staffNeeded is how many staff those expected need: each child with staff of
// its own has them all to itself, the others share as the offer says.
func (r *Register) staffNeeded() int {
	alone, sharing := 0, 0
	for _, e := range r.Children {
		if e.Noted.Absent || e.Item.State == NoShow {
			continue
		}
		alone += e.Item.StaffUnits
		if e.Item.StaffUnits == 0 {
			sharing++
		}
		sharing += e.Item.Companions["sibling"]
	}
	if r.RatioChildren < 1 {
		return alone
	}
	return alone + (sharing*r.RatioStaff+r.RatioChildren-1)/r.RatioChildren
}

// fillStaff reads the workers of the registers' providers and who was there.
func fillStaff(ctx context.Context, tx *db.Tx, list []*Register, providers, ids []uuid.UUID) error {
	rows, err := tx.PGX.Query(ctx, `SELECT DISTINCT ON (p.occasion_id) p.occasion_id, p.worker_ids FROM staff_present p
		JOIN unnest($1::uuid[], $2::uuid[]) k (provider_id, id) ON p.provider_id = k.provider_id AND p.occasion_id = k.id
		ORDER BY p.occasion_id, p.noted_at DESC`, providers, ids)
	if err != nil {
		return fmt.Errorf("read staff present: %w", err)
	}
	there := map[uuid.UUID][]uuid.UUID{}
	var id uuid.UUID
	var workers []uuid.UUID
	if _, err = pgx.ForEachRow(rows, []any{&id, &workers}, func() error { there[id], workers = workers, nil; return nil }); err != nil {
		return fmt.Errorf("read staff present: %w", err)
	}
	type day struct {
		provider uuid.UUID
		on       time.Time
	}
	known := map[day][]marketplace.Worker{}
	for _, r := range list {
		key := day{r.ProviderID, shortbreaks.Date(r.StartsAt)}
		if _, read := known[key]; !read {
			if known[key], err = marketplace.WorkersOn(ctx, tx, key.provider, key.on); err != nil {
				return err
			}
		}
		r.staffed(known[key], there)
	}
	return nil
}

func (r *Register) staffed(workers []marketplace.Worker, there map[uuid.UUID][]uuid.UUID) {
	present := 0
	ids, noted := there[r.ID]
	for _, w := range workers {
		here := slices.Contains(ids, w.ID)
		r.Staff = append(r.Staff, StaffHere{WorkerID: w.ID, Name: w.DisplayName, Present: here})
		if here {
			present++
		}
	}
	if r.StaffNoted = noted; noted && present < r.StaffNeeded {
		r.Warning = fmt.Sprintf("%s here and %s needed. Call for help, or tell the families.", shortbreaks.Capital(staffWords(present)), staffWords(r.StaffNeeded))
	}
}

func staffWords(n int) string {
	if n == 1 {
		return "1 member of staff"
	}
	return fmt.Sprintf("%d staff", n)
}

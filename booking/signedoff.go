package booking

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// ErrCompetencyMissing says that nobody, or not the worker asked for, is
// signed off for what this child needs (T95).
var ErrCompetencyMissing = shortbreaks.NewError(shortbreaks.Conflict, "competency-missing", "Nobody is signed off for what this child needs")

// signOff is that a worker may do a task for one child. A sign-off in general
// does not count: it is of the child and the worker together (R120).
type signOff struct {
	Child, Provider, Worker uuid.UUID
	Task                    string
	From                    time.Time
	To                      *time.Time // the last day
}

// sameTask compares tasks as people write them.
func sameTask(a, b string) bool {
	return strings.EqualFold(strings.Join(strings.Fields(a), " "), strings.Join(strings.Fields(b), " "))
}

// covers reports whether it counts for a task from the first to the last date
// of an item.
func (s signOff) covers(task string, from, to time.Time) bool {
	return sameTask(s.Task, task) && !from.Before(s.From) && (s.To == nil || !to.After(*s.To))
}

const signOffColumns = `c.child_id, c.provider_id, c.worker_id, c.task, c.assessed_on, c.expires_on`

// crew is who is signed off for whom, and which lane is whose.
type crew struct {
	signed  []signOff
	workers map[uuid.UUID]uuid.UUID // by lane, of those that are somebody's
}

// lacking are the tasks of an item that a worker is not signed off for; with
// no worker named, those nobody of the provider is: in a session it is not
// said who looks after whom.
func (c *crew) lacking(at childAt, tasks []string, starts, ends time.Time, worker *uuid.UUID) (missing []string) {
	from, to := shortbreaks.Date(starts), shortbreaks.Date(ends)
	for _, task := range tasks {
		if !slices.ContainsFunc(c.signed, func(s signOff) bool {
			return s.Child == at.child && s.Provider == at.provider && (worker == nil || s.Worker == *worker) && s.covers(task, from, to)
		}) {
			missing = append(missing, task)
		}
	}
	return missing
}

// lanesFor are the lanes whose worker is signed off for all that an item of a
// child needs.
func (c *crew) lanesFor(q *Quote, it QuotedItem) map[uuid.UUID]bool {
	lanes := map[uuid.UUID]bool{}
	for lane, worker := range c.workers {
		if len(c.lacking(childAt{q.ChildID, q.ProviderID}, it.Tasks, it.StartsAt, it.EndsAt, &worker)) == 0 {
			lanes[lane] = true
		}
	}
	return lanes
}

// missing is the refusal of a quoted item for want of somebody signed off; nil
// if there is somebody.
func (c *crew) missing(q *Quote, it QuotedItem) error {
	if len(it.Tasks) == 0 {
		return nil
	}
	if it.SessionID != nil {
		if lacks := c.lacking(childAt{q.ChildID, q.ProviderID}, it.Tasks, it.StartsAt, it.EndsAt, nil); len(lacks) > 0 {
			return nobodySignedOff(q.Document.ProviderName, lacks, it)
		}
		return nil
	}
	able := c.lanesFor(q, it)
	switch {
	case len(able) == 0:
		return nobodySignedOff(q.Document.ProviderName, it.Tasks, it)
	case it.LaneWish != nil && !able[*it.LaneWish]:
		return ErrCompetencyMissing.With("This worker is not signed off for " + listed(it.Tasks) + " for this child on " +
			shortbreaks.LongDate(it.StartsAt) + ". Ask for another, or for anyone.")
	}
	return nil
}

func nobodySignedOff(provider string, tasks []string, it QuotedItem) error {
	return ErrCompetencyMissing.With("Nobody of " + provider + " is signed off for " + listed(tasks) + " for this child on " +
		shortbreaks.LongDate(it.StartsAt) + ". Ask the provider to have somebody assessed, or choose another.")
}

func listed(tasks []string) string {
	quoted := make([]string, len(tasks))
	for i, t := range tasks {
		quoted[i] = "\"" + t + "\""
	}
	return shortbreaks.Listed(quoted)
}

// queueCrew reads by key who is signed off for the children of these quotes,
// and whose lanes serve their offers. Nothing is locked: of one that is withdrawn
// at the same moment, the flags tell.
func queueCrew(batch *pgx.Batch, quotes []*Quote) *crew {
	c := &crew{workers: map[uuid.UUID]uuid.UUID{}}
	if len(quotes) == 0 {
		return c
	}
	n := len(quotes)
	authorities, children, providers, offers := make([]uuid.UUID, n), make([]uuid.UUID, n), make([]uuid.UUID, n), make([]uuid.UUID, n)
	for i, q := range quotes {
		authorities[i], children[i], providers[i], offers[i] = q.AuthorityID, q.ChildID, q.ProviderID, q.OfferID
	}
	batch.Queue(`SELECT DISTINCT `+signOffColumns+` FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) w (authority_id, child_id, provider_id)
		JOIN competency c USING (authority_id, child_id, provider_id) WHERE c.withdrawn_at IS NULL`, authorities, children, providers).Query(func(rows pgx.Rows) (err error) {
		c.signed, err = pgx.CollectRows(rows, pgx.RowToStructByPos[signOff])
		return err
	})
	batch.Queue(`SELECT DISTINCT l.id, l.worker_id FROM unnest($1::uuid[], $2::uuid[]) w (provider_id, offer_id)
		JOIN offer_lane ol USING (provider_id, offer_id) JOIN lane l ON l.provider_id = ol.provider_id AND l.id = ol.lane_id
		WHERE l.worker_id IS NOT NULL`, providers, offers).Query(func(rows pgx.Rows) error {
		var lane, worker uuid.UUID
		_, err := pgx.ForEachRow(rows, []any{&lane, &worker}, func() error { c.workers[lane] = worker; return nil })
		return err
	})
	return c
}

// needsTasks reports whether somebody has to be signed off for any of it.
func (q *Quote) needsTasks() bool {
	return slices.ContainsFunc(q.Document.Items, func(it QuotedItem) bool { return len(it.Tasks) > 0 })
}

// noteNeeds writes into a draft which tasks each item needs somebody for, and
// why it cannot be booked yet if nobody is signed off.
func noteNeeds(ctx context.Context, tx *db.Tx, q *Quote) error {
	needs, err := selectNeeds(ctx, tx, `authority_id = $1 AND child_id = $2 ORDER BY task, id`, q.AuthorityID, q.ChildID)
	if err != nil || len(needs) == 0 {
		return err
	}
	for i := range q.Document.Items {
		it := &q.Document.Items[i]
		for _, n := range needs {
			if n.matters(q.Document.Category, shortbreaks.Date(it.StartsAt)) && !slices.Contains(it.Tasks, n.Task) {
				it.Tasks = append(it.Tasks, n.Task)
			}
		}
	}
	if !q.needsTasks() {
		return nil
	}
	var batch pgx.Batch
	c := queueCrew(&batch, []*Quote{q})
	if err := tx.PGX.SendBatch(ctx, &batch).Close(); err != nil {
		return fmt.Errorf("read who is signed off: %w", err)
	}
	for _, it := range q.Document.Items {
		if err := c.missing(q, it); err != nil {
			q.Document.Unskilled = detailOf(err)
			break
		}
	}
	return nil
}

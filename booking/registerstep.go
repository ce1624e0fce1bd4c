package booking

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// The kinds of step a register is written in.
const (
	StepArrived = "arrived"
	StepLeft    = "left"
	StepAbsent  = "absent"
)

// When a step may lie, so that a phone with a wrong clock or day is told so.
const (
	earliestArrival = 3 * time.Hour
	latestLeaving   = 24 * time.Hour
	fastClock       = 5 * time.Minute
)

// NoteStep is one thing noted on a phone. NotedAt is the phone's own clock and
// names the step: sent again, it changes nothing; of two of a kind, the later
// noted counts, in whatever order they come.
type NoteStep struct {
	ItemID      uuid.UUID
	Kind        string // one of the Step constants
	At          *time.Time
	NotedAt     time.Time
	Cause       string // absent: why
	CollectedBy string // left: who took the child away
	Password    string // of the collection, if that is nobody on the list
}

// Note writes one step of the register of an item. It files nothing and moves
// no money (see Record). Errors: forbidden, not-found, wrong-state, invalid,
// collection-not-listed, collection-password-wrong, collection-tries.
func Note(ctx context.Context, d *db.DB, who shortbreaks.Actor, n NoteStep) (*Register, error) {
	if !who.Is(shortbreaks.Coordinator, shortbreaks.Worker) {
		return nil, shortbreaks.ErrForbidden
	}
	var reg *Register
	var refusal error
	err := d.Do(ctx, db.For(who), func(tx *db.Tx) error {
		refusal = nil
		it, _, err := lockItem(ctx, tx, who, n.ItemID)
		if err != nil {
			return err
		}
		noted, err := n.known(ctx, tx, it)
		if err != nil {
			return err
		}
		if !noted {
			if refusal, err = n.write(ctx, tx, who, it); err != nil || refusal != nil {
				return err
			}
		}
		reg, err = registerOf(ctx, tx, who, it.occasion())
		return err
	})
	if err == nil {
		err = refusal
	}
	if err != nil {
		return nil, err
	}
	return reg, nil
}

// known reports whether the step was sent before.
func (n *NoteStep) known(ctx context.Context, tx *db.Tx, it *Item) (known bool, err error) {
	err = tx.PGX.QueryRow(ctx, `SELECT EXISTS (SELECT FROM register_step WHERE authority_id = $1 AND item_id = $2 AND kind = $3 AND noted_at = $4)`,
		it.AuthorityID, it.ID, n.Kind, n.NotedAt).Scan(&known)
	if err != nil {
		return false, fmt.Errorf("read register: %w", err)
	}
	return known, nil
}

func (n *NoteStep) write(ctx context.Context, tx *db.Tx, who shortbreaks.Actor, it *Item) (refusal, err error) {
	if it.State != Confirmed && (!it.State.CanBecome(Delivered) || it.State == Disputed) {
		return nil, ErrWrongState.With("It is " + shortbreaks.Spaced(string(it.State)) + ". Nothing was recorded.")
	}
	if err := n.check(it, tx.Now); err != nil {
		return nil, err
	}
	how, by := "", strings.TrimSpace(n.CollectedBy)
	if n.Kind == StepLeft && it.ChildID != nil {
		if err := enterFor(ctx, tx, it); err != nil {
			return nil, err
		}
		if how, refusal, err = collected(ctx, tx, who, it, by, n.Password); err != nil || refusal != nil {
			return refusal, err
		}
		if by == "" {
			how = ""
		}
	}
	_, err = tx.PGX.Exec(ctx, `INSERT INTO register_step (authority_id, item_id, kind, noted_at, provider_id, at, cause, collected_by, collected_how,
		recorded_by, recorded_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		it.AuthorityID, it.ID, n.Kind, n.NotedAt, it.ProviderID, n.At, n.Cause, by, how, who.Person, tx.Now)
	if err != nil {
		return nil, fmt.Errorf("write register: %w", err)
	}
	return nil, nil
}

func (n *NoteStep) check(it *Item, now time.Time) error {
	var f shortbreaks.Faults
	f.OneOf("/step", n.Kind, []string{StepArrived, StepLeft, StepAbsent})
	f.Unless(!n.NotedAt.After(now.Add(fastClock)), "/noted_at", "This is still to come. Check the clock of your phone.")
	f.Unless((n.Kind == StepAbsent) == (n.At == nil), "/at", "Say when the child arrived or left; of an absence there is no time.")
	f.Unless(n.Kind == StepLeft || n.CollectedBy == "" && n.Password == "", "/collected_by", "Only a child who leaves is collected.")
	f.Unless(n.Kind == StepAbsent || n.Cause == "", "/cause", "Only an absence has a cause.")
	if n.At != nil {
		f.Unless(!n.At.After(now.Add(fastClock)), "/at", "This is still to come.")
		f.Unless(!n.At.Before(it.StartsAt.Add(-earliestArrival)) && !n.At.After(it.EndsAt.Add(latestLeaving)), "/at", "This is far from when it was booked. Check the day.")
	}
	f.Unless(n.Kind != StepAbsent || !now.Before(it.StartsAt.Add(-earliestArrival)), "/step", "It is too early to say that the child did not come.")
	return f.As(shortbreaks.ErrInvalid)
}

// Steps is what the steps of an item come to.
type Steps struct {
	ArrivedAt, LeftAt         *time.Time
	CollectedBy, CollectedHow string
	Absent                    bool
	Cause                     string
}

// readSteps is what counts of each item: of each kind the last noted; an
// absence counts only if it was noted after any arrival.
func readSteps(ctx context.Context, tx *db.Tx, items []*Item) (map[uuid.UUID]*Steps, error) {
	rows, err := tx.PGX.Query(ctx, `SELECT DISTINCT ON (item_id, kind) item_id, kind, noted_at, at, cause, collected_by, collected_how
		FROM `+ofItems(`register_step`)+` ORDER BY item_id, kind, noted_at DESC`, idsOf(items), authoritiesOf(items))
	if err != nil {
		return nil, fmt.Errorf("read register: %w", err)
	}
	defer rows.Close()
	found, present := map[uuid.UUID]*Steps{}, map[uuid.UUID]time.Time{}
	absent := map[uuid.UUID]time.Time{}
	for rows.Next() {
		var id uuid.UUID
		var kind, cause, by, how string
		var noted time.Time
		var at *time.Time
		if err := rows.Scan(&id, &kind, &noted, &at, &cause, &by, &how); err != nil {
			return nil, fmt.Errorf("read register: %w", err)
		}
		s := found[id]
		if s == nil {
			s = &Steps{}
			found[id] = s
		}
		switch kind {
		case StepAbsent:
			s.Cause, absent[id] = cause, noted
			continue
		case StepArrived:
			s.ArrivedAt = at
		case StepLeft:
			s.LeftAt, s.CollectedBy, s.CollectedHow = at, by, how
		}
		if noted.After(present[id]) {
			present[id] = noted
		}
	}
	for id, noted := range absent {
		if found[id].Absent = noted.After(present[id]); !found[id].Absent {
			found[id].Cause = ""
		} else {
			*found[id] = Steps{Absent: true, Cause: found[id].Cause}
		}
	}
	return found, rows.Err()
}

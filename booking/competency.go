package booking

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/marketplace"
)

// Competency says that a worker was signed off for a task, for one child or in
// general (R120). Who may take which visit is signedoff.go's to say; only what
// names the child counts there. One that names a child is also the child's authority's to read,
// and its provider's only while it has a place for that child.
type Competency struct {
	ProviderID  uuid.UUID
	ID          uuid.UUID
	WorkerID    uuid.UUID
	Task        string
	AuthorityID *uuid.UUID // of the child
	ChildID     *uuid.UUID // nil: in general
	BookingID   *uuid.UUID // by which the provider knows the child
	AssessedBy  string
	AssessedOn  time.Time
	ExpiresOn   *time.Time // the last day; nil: no end
	AddedAt     time.Time
	AddedBy     uuid.UUID

	IntroductionID *uuid.UUID // by which it is known, if not by a booking

	WithdrawnAt     *time.Time // ended before its day
	WithdrawnBy     *uuid.UUID
	WithdrawnReason string
}

// RecordCompetency is a sign-off to be written down. A child is named by one
// of its bookings or by its introduction, since a provider knows no child's id.
type RecordCompetency struct {
	WorkerID   uuid.UUID
	Task       string
	BookingID  *uuid.UUID
	Introduced *uuid.UUID // the introduction
	AssessedBy string
	AssessedOn time.Time
	ExpiresOn  *time.Time
}

// AddCompetency writes a sign-off down. Errors: forbidden, not-found, invalid.
func AddCompetency(ctx context.Context, d *db.DB, who shortbreaks.Actor, provider uuid.UUID, r RecordCompetency) (*Competency, error) {
	if !who.Is(shortbreaks.ProviderOwner, shortbreaks.Coordinator) {
		return nil, shortbreaks.ErrForbidden
	}
	if !who.ForProvider(provider) {
		return nil, shortbreaks.ErrNotFound.With("There is no such provider within your reach.")
	}
	c := &Competency{
		ProviderID: provider, ID: shortbreaks.NewID(), WorkerID: r.WorkerID, Task: strings.TrimSpace(r.Task), BookingID: r.BookingID,
		AssessedBy: strings.TrimSpace(r.AssessedBy), AssessedOn: r.AssessedOn, ExpiresOn: r.ExpiresOn, AddedBy: who.Person,
		IntroductionID: r.Introduced,
	}
	err := d.Do(ctx, db.For(who), func(tx *db.Tx) error {
		c.AddedAt = tx.Now
		names, err := marketplace.WorkersNamed(ctx, tx, provider)
		if err != nil {
			return err
		}
		var f shortbreaks.Faults
		f.Text("/task", r.Task, 2, 120)
		f.Text("/assessed_by", r.AssessedBy, 2, 120)
		f.Unless(!r.AssessedOn.After(shortbreaks.Date(tx.Now)), "/assessed_on", "This day is still to come.")
		f.Unless(r.ExpiresOn == nil || !r.ExpiresOn.Before(r.AssessedOn), "/expires_on", "It ends before it begins.")
		_, known := names[r.WorkerID]
		f.Unless(known, "/worker_id", "This provider has no such worker.")
		f.Unless(r.BookingID == nil || r.Introduced == nil, "/introduction_id", "Name the child by a booking or by its introduction, and not by both.")
		if err := f.As(shortbreaks.ErrInvalid); err != nil {
			return err
		}
		if err := c.nameChild(ctx, tx); err != nil {
			return err
		}
		return c.insert(ctx, tx)
	})
	if err != nil {
		return nil, err
	}
	return c, nil
}

// nameChild finds whose booking it is: one of this provider, with a place
// still counted; or whose introduction, while it lasts.
func (c *Competency) nameChild(ctx context.Context, tx *db.Tx) error {
	if c.IntroductionID != nil {
		err := tx.PGX.QueryRow(ctx, `SELECT authority_id, child_id FROM introduction WHERE provider_id = $1 AND id = $2 AND ended_at IS NULL`,
			c.ProviderID, *c.IntroductionID).Scan(&c.AuthorityID, &c.ChildID)
		if errors.Is(err, pgx.ErrNoRows) {
			words := "This provider has no such introduction that lasts."
			return shortbreaks.ErrInvalid.With(words).At("/introduction_id", words)
		}
		return err
	}
	if c.BookingID == nil {
		return nil
	}
	err := tx.PGX.QueryRow(ctx, `SELECT b.authority_id, b.child_id FROM booking b WHERE b.provider_id = $1 AND b.id = $2
		AND EXISTS (SELECT FROM booking_item i WHERE i.authority_id = b.authority_id AND i.booking_id = b.id AND i.provider_id = $1 AND item_is_live(i.state))`,
		c.ProviderID, *c.BookingID).Scan(&c.AuthorityID, &c.ChildID)
	if errors.Is(err, pgx.ErrNoRows) {
		words := "This provider has no such booking with a place."
		return shortbreaks.ErrInvalid.With(words).At("/booking_id", words)
	}
	if err != nil {
		return fmt.Errorf("read booking of competency: %w", err)
	}
	return nil
}

const competencyColumns = `provider_id, id, worker_id, task, authority_id, child_id, booking_id, assessed_by, assessed_on, expires_on, added_at, added_by, introduction_id`

func (c *Competency) insert(ctx context.Context, tx *db.Tx) error {
	_, err := tx.PGX.Exec(ctx, `INSERT INTO competency (`+competencyColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
		c.ProviderID, c.ID, c.WorkerID, c.Task, c.AuthorityID, c.ChildID, c.BookingID, c.AssessedBy, c.AssessedOn, c.ExpiresOn, c.AddedAt, c.AddedBy, c.IntroductionID)
	if err != nil {
		return fmt.Errorf("record competency: %w", err)
	}
	return nil
}

// ListCompetencies is which sign-offs to list.
type ListCompetencies struct {
	ProviderID *uuid.UUID
	ChildID    *uuid.UUID // for staff of an authority
	After      uuid.UUID
	Limit      int
}

// recently is how long after the last time a provider still reads what it
// wrote about a child.
const recently = 90 * 24 * time.Hour

// Competencies lists sign-offs within reach, and whether there are more: for a
// provider those in general and those for children it serves or served in the
// last 90 days; for a practitioner those for children of the authority.
func Competencies(ctx context.Context, d *db.DB, who shortbreaks.Actor, l ListCompetencies) (list []Competency, more bool, err error) {
	if !who.Is(shortbreaks.ProviderOwner, shortbreaks.Coordinator, shortbreaks.Practitioner) {
		return nil, false, shortbreaks.ErrForbidden
	}
	err = d.Read(ctx, db.For(who), func(tx *db.Tx) error {
		rows, err := tx.PGX.Query(ctx, `SELECT `+slimCompetency+` FROM competency c
			WHERE id > $1 AND ($2::uuid IS NULL OR provider_id = $2) AND ($3::uuid IS NULL OR child_id = $3)
				AND CASE WHEN $4 THEN authority_id = ANY ($5)
					ELSE provider_id = ANY ($6) AND (child_id IS NULL OR EXISTS (SELECT FROM booking_item i
						WHERE i.provider_id = c.provider_id AND i.child_id = c.child_id AND item_is_live(i.state) AND i.ends_at > $7)
						OR EXISTS (SELECT FROM introduction n WHERE n.provider_id = c.provider_id AND n.child_id = c.child_id AND n.ended_at IS NULL)) END
			ORDER BY id LIMIT $8`,
			l.After, l.ProviderID, l.ChildID, who.Is(shortbreaks.Practitioner), who.Authorities, who.Providers, tx.Now.Add(-recently), l.Limit+1)
		if err != nil {
			return err
		}
		list, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Competency])
		return err
	})
	if err != nil {
		return nil, false, fmt.Errorf("list competencies: %w", err)
	}
	more = len(list) > l.Limit
	return slices.Clip(list[:min(len(list), l.Limit)]), more, nil
}

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

// News is one thing a person was told about a booking.
type News struct {
	ID        uuid.UUID
	Kind      NewsKind
	BookingID *uuid.UUID // nil: it is about no booking
	OfferID   uuid.UUID
	Reference string // "" without a booking
	Title     string // of the offer
	StartsAt  time.Time
	Dates     int
	Deadline  *time.Time
	At        time.Time
	ReadAt    *time.Time
}

// Words say it in a sentence that names no child.
func (n News) Words() string { return newsText(n.Kind, n.Title, n.StartsAt, n.Dates, n.Deadline) }

// hearers are told about bookings.
var hearers = []shortbreaks.Role{
	shortbreaks.Family, shortbreaks.ProviderOwner, shortbreaks.Coordinator, shortbreaks.Worker, shortbreaks.Practitioner, shortbreaks.Approver,
}

// newsFrom are one's own news, as far as one still may see what they are about.
const newsFrom = `
FROM news n LEFT JOIN booking b ON b.authority_id = n.authority_id AND b.id = n.booking_id
JOIN offer o ON o.provider_id = n.provider_id AND o.id = coalesce(n.offer_id, b.offer_id)
WHERE n.person_id = $1 AND CASE WHEN n.role = 'family' THEN coalesce(n.child_id, b.child_id) = ANY ($2)
    WHEN n.role IN ('practitioner', 'approver') THEN n.authority_id = ANY ($4) ELSE b.provider_id = ANY ($3) END`

// newsReach are the arguments of newsFrom. A family has its authority in scope
// and is no staff of it.
func newsReach(who shortbreaks.Actor) []any {
	councils := []uuid.UUID{}
	if who.Is(shortbreaks.Practitioner, shortbreaks.Approver) {
		councils = who.Authorities
	}
	return []any{who.Person, who.Children, who.Providers, councils}
}

// ListNews is a page of what the actor was told, the newest first, whether
// more follow, and how much of all is unread. Errors: forbidden.
func ListNews(ctx context.Context, d *db.DB, who shortbreaks.Actor, after uuid.UUID, limit int) (page []News, more bool, unread int, err error) {
	if !who.Is(hearers...) {
		return nil, false, 0, shortbreaks.ErrForbidden
	}
	err = d.Read(ctx, db.For(who), func(tx *db.Tx) error {
		rows, err := tx.PGX.Query(ctx, `SELECT n.id, n.kind, n.booking_id, o.id AS offer_id, coalesce(b.reference, '') AS reference, o.title,
				n.starts_at, n.dates, n.deadline, n.at, n.read_at `+newsFrom+`
			AND ($5 = '00000000-0000-0000-0000-000000000000'::uuid OR n.id < $5) ORDER BY n.id DESC LIMIT $6`, append(newsReach(who), after, limit+1)...)
		if err == nil {
			page, err = pgx.CollectRows(rows, pgx.RowToStructByName[News])
		}
		if err != nil {
			return fmt.Errorf("read news: %w", err)
		}
		if err := tx.PGX.QueryRow(ctx, `SELECT count(*) `+newsFrom+` AND n.read_at IS NULL`, newsReach(who)...).Scan(&unread); err != nil {
			return fmt.Errorf("count news: %w", err)
		}
		return nil
	})
	if more = len(page) > limit; more {
		page = page[:limit]
	}
	return page, more, unread, err
}

// ReadNews marks some of one's news as read; none named are all. What is not
// one's own is passed over. Errors: forbidden.
func ReadNews(ctx context.Context, d *db.DB, who shortbreaks.Actor, ids []uuid.UUID) error {
	if !who.Is(hearers...) {
		return shortbreaks.ErrForbidden
	}
	return d.Do(ctx, db.For(who), func(tx *db.Tx) error {
		_, err := tx.PGX.Exec(ctx, `UPDATE news SET read_at = $2 WHERE person_id = $1 AND read_at IS NULL AND (cardinality($3::uuid[]) = 0 OR id = ANY ($3))`,
			who.Person, tx.Now, append([]uuid.UUID{}, ids...))
		if err != nil {
			return fmt.Errorf("mark news as read: %w", err)
		}
		return nil
	})
}

// NewsChoice is whether somebody is sent an e-mail when there is news of a
// kind; unless they say otherwise, they are.
type NewsChoice struct {
	Kind NewsKind
	Mail bool
}

// NewsChoices are the actor's, of every kind. Errors: forbidden.
func NewsChoices(ctx context.Context, d *db.DB, who shortbreaks.Actor) (choices []NewsChoice, err error) {
	if !who.Is(hearers...) {
		return nil, shortbreaks.ErrForbidden
	}
	err = d.Read(ctx, db.For(who), func(tx *db.Tx) error {
		choices, err = choicesOf(ctx, tx, who.Person)
		return err
	})
	return choices, err
}

func choicesOf(ctx context.Context, tx *db.Tx, person uuid.UUID) ([]NewsChoice, error) {
	rows, err := tx.PGX.Query(ctx, `SELECT kind FROM news_choice WHERE person_id = $1 AND NOT mail`, person)
	if err != nil {
		return nil, fmt.Errorf("read choices: %w", err)
	}
	off, err := pgx.CollectRows(rows, pgx.RowTo[NewsKind])
	if err != nil {
		return nil, fmt.Errorf("read choices: %w", err)
	}
	choices := make([]NewsChoice, len(NewsKinds))
	for i, kind := range NewsKinds {
		choices[i] = NewsChoice{kind, !slices.Contains(off, kind)}
	}
	return choices, nil
}

// ChooseNews changes the choices named and leaves the others, and gives all.
// Errors: forbidden.
func ChooseNews(ctx context.Context, d *db.DB, who shortbreaks.Actor, change []NewsChoice) (choices []NewsChoice, err error) {
	if !who.Is(hearers...) {
		return nil, shortbreaks.ErrForbidden
	}
	err = d.Do(ctx, db.For(who), func(tx *db.Tx) error {
		for _, c := range change {
			_, err := tx.PGX.Exec(ctx, `INSERT INTO news_choice (person_id, kind, mail) VALUES ($1, $2, $3)
				ON CONFLICT (person_id, kind) DO UPDATE SET mail = excluded.mail`, who.Person, c.Kind, c.Mail)
			if err != nil {
				return fmt.Errorf("keep a choice: %w", err)
			}
		}
		choices, err = choicesOf(ctx, tx, who.Person)
		return err
	})
	return choices, err
}

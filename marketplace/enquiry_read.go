package marketplace

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// sqlThreads lists enquiries of a person ($1) or of providers ($2), with the
// first question after the last answer (w).
const sqlThreads = `
SELECT e.provider_id, e.id, e.offer_id, e.person_id, e.asked_as, e.asked_at, e.contact, e.contact_shared_at, o.title, p.name, w.since
FROM enquiry e
JOIN offer o ON o.provider_id = e.provider_id AND o.id = e.offer_id
JOIN provider p ON p.id = e.provider_id
CROSS JOIN LATERAL (
    SELECT min(q.at) AS since FROM enquiry_message q
    WHERE q.provider_id = e.provider_id AND q.enquiry_id = e.id AND q.side = 'asker' AND NOT EXISTS (
        SELECT FROM enquiry_message a WHERE a.provider_id = e.provider_id AND a.enquiry_id = e.id AND a.side = 'provider'
            AND (a.at, a.id) > (q.at, q.id))) w
WHERE (e.person_id = $1 OR e.provider_id = ANY ($2))
    AND ($3::uuid IS NULL OR e.id = $3) AND ($4::uuid IS NULL OR e.offer_id = $4)
    AND (NOT $5 OR w.since IS NOT NULL) AND ($6::timestamptz IS NULL OR w.since <= $6)
    AND ($7 = '00000000-0000-0000-0000-000000000000'::uuid OR e.id < $7)
ORDER BY e.id DESC LIMIT $8`

const sqlMessages = `SELECT provider_id, id, enquiry_id, side, person_id, words, at FROM enquiry_message WHERE enquiry_id = ANY ($1) ORDER BY at, id`

// readThreads reads threads within the actor's reach: an asker's own, a
// provider's all. The policies of the tables say the same.
func readThreads(ctx context.Context, tx *db.Tx, who shortbreaks.Actor, l ListEnquiries) (page []Thread, more bool, err error) {
	person, providers := who.Person, []uuid.UUID{}
	if sideOf(who) == SideProvider {
		person, providers = uuid.Nil, who.Providers
	}
	var before *time.Time
	if wait := map[Overdue]time.Duration{Due: answerDue, Pressing: answerPressing}[l.Overdue]; wait > 0 {
		at := tx.Now.Add(-wait)
		before = &at
	}
	rows, err := tx.PGX.Query(ctx, sqlThreads, person, providers, l.only, l.OfferID, l.Waiting, before, l.After, l.Limit+1)
	if err != nil {
		return nil, false, fmt.Errorf("reading enquiries: %w", err)
	}
	page, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (t Thread, err error) {
		err = row.Scan(&t.ProviderID, &t.ID, &t.OfferID, &t.PersonID, &t.AskedAs, &t.AskedAt, &t.Contact, &t.ContactSharedAt,
			&t.OfferTitle, &t.ProviderName, &t.WaitingSince)
		t.Overdue = overdueAt(t.WaitingSince, tx.Now)
		return t, err
	})
	if err != nil {
		return nil, false, fmt.Errorf("reading enquiries: %w", err)
	}
	if more = len(page) > l.Limit; more {
		page = page[:l.Limit]
	}
	return page, more, readMessages(ctx, tx, page)
}

func readMessages(ctx context.Context, tx *db.Tx, threads []Thread) error {
	ids := make([]uuid.UUID, len(threads))
	at := map[uuid.UUID]int{}
	for i, t := range threads {
		ids[i], at[t.ID] = t.ID, i
	}
	rows, err := tx.PGX.Query(ctx, sqlMessages, ids)
	if err != nil {
		return fmt.Errorf("reading messages: %w", err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[EnquiryMessage])
	if err != nil {
		return fmt.Errorf("reading messages: %w", err)
	}
	for _, m := range all {
		t := &threads[at[m.EnquiryID]]
		t.Messages = append(t.Messages, m)
	}
	return nil
}

func readThread(ctx context.Context, tx *db.Tx, who shortbreaks.Actor, id uuid.UUID) (*Thread, error) {
	found, _, err := readThreads(ctx, tx, who, ListEnquiries{only: &id, Limit: 1})
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, shortbreaks.ErrNotFound.With("There is no such enquiry.")
	}
	return &found[0], nil
}

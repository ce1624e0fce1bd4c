package booking

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// When people are reminded.
const (
	remindFrom   = 16 * 60            // minutes of the London day before a booking: four in the afternoon
	answerAfter  = 24 * time.Hour     // a request nobody answered
	agreeBefore  = 48 * time.Hour     // before the register counts as agreed
	yesAfter     = 5 * 24 * time.Hour // a register that no silence agrees to
	newsKept     = 180 * 24 * time.Hour
	ticketBefore = 14 * 24 * time.Hour // before a block of dates is over
	remindAtOnce = 500
)

// remindOfStartsUpTo is the end of the London day of which people are reminded
// now: tomorrow from four o'clock on, else today. Days are London's, so a day
// on which the clocks change is one like any other.
func remindOfStartsUpTo(now time.Time) time.Time {
	today := shortbreaks.Date(now)
	if now.Before(shortbreaks.At(today, remindFrom)) {
		return shortbreaks.At(today.AddDate(0, 0, 1), 0)
	}
	return shortbreaks.At(today.AddDate(0, 0, 2), 0)
}

// reminder is one kind: the statement finds its items with $1 now, $2 until
// when, $3 how many, and leaves out those told already.
type reminder struct {
	kind   NewsKind
	until  func(now time.Time) time.Time
	family bool // whether the family or the provider is reminded
	where  string
}

const sqlRemind = `
SELECT i.authority_id, i.provider_id, i.booking_id, b.child_id, i.lane_id, i.id, i.starts_at, %s
FROM booking_item i JOIN booking b ON b.authority_id = i.authority_id AND b.id = i.booking_id
WHERE %s AND NOT EXISTS (SELECT FROM news n WHERE n.source_id = i.id AND n.kind = '%s') AND i.id > $3
ORDER BY i.id LIMIT %d`

// startsSoon is what starts between now and then: by sessions and by visits, each
// found in an index that the booking of a place does not write.
const startsSoon = `i.state = 'confirmed' AND ((i.provider_id, i.session_id) IN (SELECT s.provider_id, s.id FROM session s
        WHERE s.state = 'scheduled' AND s.starts_at > $1 AND s.starts_at < $2)
    OR (i.lane_id IS NOT NULL AND i.starts_at > $1 AND i.starts_at < $2))`

var reminders = []reminder{
	{NewsDayBefore, remindOfStartsUpTo, true, startsSoon},
	{
		NewsRequestWaiting, func(now time.Time) time.Time { return now.Add(-answerAfter) }, false,
		`i.expires_at > $1 AND i.state = 'requested' AND b.created_at <= $2 AND i.n = (SELECT min(f.n) FROM booking_item f
			WHERE f.authority_id = i.authority_id AND f.booking_id = i.booking_id AND f.state = 'requested')`,
	},
	{
		NewsAgreeSoon, func(now time.Time) time.Time { return now.Add(agreeBefore) }, true,
		`i.auto_confirm_at > $1 AND i.auto_confirm_at <= $2 AND i.state IN ('delivered', 'partly_delivered', 'no_show')`,
	},
	{
		NewsTicketEnding, func(now time.Time) time.Time { return now.Add(ticketBefore) }, true,
		`i.session_id IS NULL AND i.lane_id IS NULL AND i.state = 'confirmed' AND i.ends_at > $1 AND i.ends_at <= $2 AND (i.authority_id, i.id) IN (
			SELECT t.authority_id, t.id FROM ticket t WHERE t.used < t.count)`,
	},
	{
		NewsYesNeeded, func(now time.Time) time.Time { return now.Add(-yesAfter) }, true,
		`i.starts_at < $1 AND i.auto_confirm_at IS NULL AND i.state IN ('delivered', 'partly_delivered', 'no_show') AND (i.authority_id, i.id) IN (
			SELECT d.authority_id, d.item_id FROM delivery d WHERE d.agree_because <> '' AND d.recorded_at <= $2 AND d.recorded_at > $2 - interval '60 days')`,
	},
}

// Remind reminds families of what is tomorrow, of registers that are about to
// count as agreed and of those that never do without their yes (T60), and providers of requests nobody answered for a day; once
// each, however often it is asked; and families of blocks of dates that are over in 14 days with dates left. It forgets news of half a year ago. It
// returns how many news it wrote.
func (t Teller) Remind(ctx context.Context) (written int, err error) {
	for _, r := range reminders {
		n, err := t.remind(ctx, r)
		written += n
		if err != nil {
			return written, fmt.Errorf("remind people (%s): %w", r.kind, err)
		}
	}
	scope, err := t.DB.System(ctx)
	if err != nil {
		return written, err
	}
	return written, t.DB.Do(ctx, scope, func(tx *db.Tx) error {
		_, err := tx.PGX.Exec(ctx, `DELETE FROM news WHERE at < $1`, tx.Now.Add(-newsKept))
		return err
	})
}

func (t Teller) remind(ctx context.Context, r reminder) (written int, err error) {
	deadline := "NULL::timestamptz"
	switch r.kind {
	case NewsRequestWaiting:
		deadline = "i.expires_at"
	case NewsAgreeSoon:
		deadline = "i.auto_confirm_at"
	}
	statement := fmt.Sprintf(sqlRemind, deadline, r.where, r.kind, remindAtOnce)
	scope, err := t.scope(ctx, `SELECT id FROM provider`)
	if err != nil {
		return 0, err
	}
	for after := (fact{}).Source; ; {
		var facts []fact
		err := t.DB.Do(ctx, scope, func(tx *db.Tx) error {
			rows, err := tx.PGX.Query(ctx, statement, tx.Now, r.until(tx.Now), after)
			if err != nil {
				return err
			}
			facts, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (f fact, err error) {
				f.Dates = 1
				if r.family {
					f.Family = r.kind
				} else {
					f.ToProvider = r.kind
				}
				err = row.Scan(&f.Authority, &f.Provider, &f.Booking, &f.Child, &f.Lane, &f.Source, &f.Starts, &f.Deadline)
				return f, err
			})
			if err != nil {
				return err
			}
			n, err := t.tell(ctx, tx, facts)
			written += n
			return err
		})
		if err != nil || len(facts) < remindAtOnce {
			return written, err
		}
		after = facts[len(facts)-1].Source
	}
}

package marketplace

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

// Notice warns the people who run a provider that a credential will run out.
// It names no child.
type Notice struct {
	ProviderID   uuid.UUID `gorm:"primaryKey"`
	ID           uuid.UUID `gorm:"primaryKey"`
	CredentialID uuid.UUID
	DaysBefore   int // the threshold it was written at: 60, 30 or 7
	ExpiresOn    time.Time
	WrittenAt    time.Time
}

// TableName is the table's.
func (Notice) TableName() string { return "notice" }

// providersAtOnce is how many providers one transaction of the round looks at.
const providersAtOnce = 200

// sqlEnding lists the credentials to be warned of. A threshold is reached when
// so many days or fewer are left; a day the round was not made is made up for,
// and only by the nearest threshold. One that has been renewed beyond its end
// needs no warning, nor one of a worker who has left by then.
const sqlEnding = `
SELECT c.provider_id, c.id, t.days, c.expires_on
FROM credential c
CROSS JOIN LATERAL (SELECT min(d) AS days FROM unnest(ARRAY[60, 30, 7]) AS d WHERE c.expires_on - @today::date <= d) t
LEFT JOIN worker w ON w.provider_id = c.provider_id AND w.id = c.worker_id
WHERE c.provider_id = ANY (@providers) AND c.withdrawn_at IS NULL AND c.expires_on >= @today::date AND t.days IS NOT NULL
    AND (w.left_on IS NULL OR w.left_on >= c.expires_on)
    AND NOT EXISTS (SELECT FROM credential n WHERE n.provider_id = c.provider_id AND n.kind = c.kind AND n.worker_id IS NOT DISTINCT FROM c.worker_id
        AND n.withdrawn_at IS NULL AND n.issued_on <= c.expires_on + 1 AND (n.expires_on IS NULL OR n.expires_on > c.expires_on))
    AND NOT EXISTS (SELECT FROM notice n WHERE n.provider_id = c.provider_id AND n.credential_id = c.id AND n.days_before = t.days)
ORDER BY c.provider_id, c.id`

const sqlWrite = `INSERT INTO notice (provider_id, id, credential_id, days_before, expires_on, written_at) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT ON CONSTRAINT notice_once DO NOTHING`

// WarnOfExpiry makes the day's round: whoever runs a provider is told 60, 30
// and 7 days before a credential ends, once each, however often the round is
// made and by however many (T82). It returns how many notices it wrote.
func WarnOfExpiry(ctx context.Context, d *db.DB) (written int, err error) {
	for after := uuid.Nil; ; {
		providers, err := ProvidersAfter(ctx, d, after, providersAtOnce)
		if err != nil || len(providers) == 0 {
			return written, err
		}
		fresh := 0
		err = d.Do(ctx, db.Scope{Providers: providers}, func(tx *db.Tx) error {
			n, err := warn(ctx, tx, providers)
			fresh = n
			return err
		})
		if err != nil {
			return written, fmt.Errorf("warning of credentials that end: %w", err)
		}
		written += fresh
		after = providers[len(providers)-1]
	}
}

// warn writes the notices of some providers. Two rounds at once meet in the
// constraint: the later one writes nothing.
func warn(ctx context.Context, tx *db.Tx, providers []uuid.UUID) (written int, err error) {
	rows, err := tx.PGX.Query(ctx, sqlEnding, pgx.NamedArgs{"today": shortbreaks.Date(tx.Now), "providers": providers})
	if err != nil {
		return 0, err
	}
	type ending struct {
		Provider, Credential uuid.UUID
		Days                 int
		On                   time.Time
	}
	ends, err := pgx.CollectRows(rows, pgx.RowToStructByPos[ending])
	if err != nil {
		return 0, err
	}
	for _, e := range ends {
		tag, err := tx.PGX.Exec(ctx, sqlWrite, e.Provider, shortbreaks.NewID(), e.Credential, e.Days, e.On, tx.Now)
		if err != nil {
			return 0, err
		}
		written += int(tag.RowsAffected())
	}
	return written, nil
}

// NoticeDetail is a notice with what it is about, in words.
type NoticeDetail struct {
	Notice
	Kind        string // of credential
	Words       string
	BookedAfter int // sessions and visits booked for later dates; somebody decides what becomes of each
}

const sqlNotices = `
SELECT n.provider_id, n.id, n.credential_id, n.days_before, n.expires_on, n.written_at, c.kind, coalesce(w.display_name, ''),
    (SELECT count(*) FROM session s JOIN session_places p ON p.provider_id = s.provider_id AND p.session_id = s.id
        WHERE s.provider_id = n.provider_id AND s.state = 'scheduled' AND p.taken > 0 AND s.starts_at >= e.ended)
    + (SELECT count(*) FROM lane_claim l WHERE l.provider_id = n.provider_id AND lower(l.during) >= e.ended)
FROM notice n
CROSS JOIN LATERAL (SELECT (n.expires_on + 1)::timestamp AT TIME ZONE 'Europe/London' AS ended) e
JOIN credential c ON c.provider_id = n.provider_id AND c.id = n.credential_id
LEFT JOIN worker w ON w.provider_id = c.provider_id AND w.id = c.worker_id
WHERE n.provider_id = $1 AND ($2::uuid = '00000000-0000-0000-0000-000000000000' OR (n.written_at, n.id) < (SELECT written_at, id FROM notice WHERE provider_id = $1 AND id = $2))
ORDER BY n.written_at DESC, n.id DESC LIMIT $3`

// ListNotices lists what a provider's owner and co-ordinators have been told,
// newest first, and whether there is more.
func ListNotices(ctx context.Context, d *db.DB, who shortbreaks.Actor, provider, after uuid.UUID, limit int) (list []NoticeDetail, more bool, err error) {
	if err := reach(who, provider, shortbreaks.ProviderOwner, shortbreaks.Coordinator); err != nil {
		return nil, false, err
	}
	err = d.Read(ctx, db.For(who), func(tx *db.Tx) error {
		rows, err := tx.PGX.Query(ctx, sqlNotices, provider, after, limit+1)
		if err != nil {
			return err
		}
		list, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (n NoticeDetail, err error) {
			var worker string
			err = row.Scan(&n.ProviderID, &n.ID, &n.CredentialID, &n.DaysBefore, &n.ExpiresOn, &n.WrittenAt, &n.Kind, &worker, &n.BookedAfter)
			n.Words = noticeWords(n, worker, shortbreaks.Date(tx.Now))
			return n, err
		})
		list, more = paged(list, limit)
		return err
	})
	if err != nil {
		return nil, false, fmt.Errorf("reading the notices of provider %s: %w", provider, err)
	}
	return list, more, nil
}

func noticeWords(n NoticeDetail, worker string, today time.Time) string {
	what := shortbreaks.Capital(CredentialWords(n.Kind))
	if slices.Contains(providersOwn, n.Kind) {
		what = "Your " + CredentialWords(n.Kind)
	} else if worker != "" {
		what += " of " + worker
	}
	left, ends := int(n.ExpiresOn.Sub(today)/(24*time.Hour)), n.ExpiresOn.Format("2 January 2006")
	switch {
	case left < 0:
		what += " ended on " + ends
	case left == 0:
		what += " ends today, " + ends
	default:
		what += " ends in " + shortbreaks.Plural(left, "day") + ", on " + ends
	}
	what += ". Where an offer needs it, later dates cannot be booked. What is booked stays booked"
	if n.BookedAfter > 0 {
		what += ": " + shortbreaks.Plural(n.BookedAfter, "session") + " after it"
	}
	return what + ". Put the new one on file."
}

package booking

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/marketplace"
	"shortbreaks/people"
)

// What a calendar shows: what has been for a month, so that a program that
// reads seldom still learns what was cancelled, and what is to come.
const (
	calendarBack = 31 * 24 * time.Hour
	maxEntries   = 1000
)

// Calendar is what the secret of an address leads to, as iCalendar (RFC 5545).
// Rights are those of this moment: of what its owner may no longer see nothing
// is left in it, and without the role the address leads nowhere. It names no
// child and no need, and of a discreet setting only the district: others may
// look over a shoulder, and calendars are kept on other people's servers.
// Errors: not-found, the same for a secret never given and one taken back.
func Calendar(ctx context.Context, d *db.DB, secret string) (text string, err error) {
	link, err := presented(ctx, d, secret)
	if err != nil {
		return "", err
	}
	who, err := people.Load(ctx, d, link.PersonID, link.Role)
	if errors.Is(err, people.ErrRoleNotHeld) {
		return "", shortbreaks.ErrNotFound
	}
	if err != nil {
		return "", err
	}
	var events []marketplace.CalendarEvent
	err = d.Read(ctx, db.For(who), func(tx *db.Tx) (err error) {
		switch link.Kind {
		case CalendarOfSetting:
			if !who.ForProvider(*link.ProviderID) {
				return shortbreaks.ErrNotFound
			}
			events, err = settingEntries(ctx, tx, *link.ProviderID, *link.SettingID)
		case CalendarOfVisits:
			events, err = itemEntries(ctx, tx, sqlVisitEntries, who.Providers, who.Person)
		default:
			events, err = itemEntries(ctx, tx, sqlBookingEntries, who.Authorities, who.Children)
		}
		return err
	})
	if err != nil {
		return "", err
	}
	return marketplace.CalendarFile("Bookings", "Short breaks", events), nil
}

// entry is an item as a calendar shows it.
type entry struct {
	ID        uuid.UUID
	StartsAt  time.Time
	EndsAt    time.Time
	State     State
	Reference string
	Title     string
	Provider  string
	Visit     bool
	Moves     int // of the item, from its making
	ChangedAt time.Time
	Discreet  bool
	Setting   string
	Postcode  string
	Area      string
}

const sqlEntries = `
SELECT i.id, i.starts_at, i.ends_at, i.state, b.reference, o.title, p.name AS provider, i.session_id IS NULL AS visit,
    e.moves, e.changed_at, t.discreet, t.name AS setting, t.postcode, t.area
FROM booking b
JOIN booking_item i ON i.authority_id = b.authority_id AND i.booking_id = b.id
JOIN offer o ON o.provider_id = b.provider_id AND o.id = b.offer_id
JOIN provider p ON p.id = b.provider_id
JOIN setting t ON t.provider_id = o.provider_id AND t.id = o.setting_id
CROSS JOIN LATERAL (SELECT count(*) AS moves, coalesce(max(at), b.created_at) AS changed_at FROM item_event e
    WHERE e.authority_id = i.authority_id AND e.item_id = i.id) e
WHERE i.ends_at > $3 AND (i.session_id IS NOT NULL OR i.lane_id IS NOT NULL) AND `

const sqlEntriesEnd = ` ORDER BY i.starts_at, i.id LIMIT $4`

// sqlBookingEntries are the bookings of children ($2) of authorities ($1).
const sqlBookingEntries = sqlEntries + `b.authority_id = ANY ($1) AND b.child_id = ANY ($2)` + sqlEntriesEnd

// sqlVisitEntries are the visits of a person ($2) who works for providers ($1).
const sqlVisitEntries = sqlEntries + `i.provider_id = ANY ($1) AND i.lane_id IN (SELECT l.id FROM lane l
    JOIN worker w ON w.provider_id = l.provider_id AND w.id = l.worker_id WHERE w.provider_id = ANY ($1) AND w.person_id = $2)` + sqlEntriesEnd

func itemEntries(ctx context.Context, tx *db.Tx, statement string, reach, whose any) ([]marketplace.CalendarEvent, error) {
	rows, err := tx.PGX.Query(ctx, statement, reach, whose, tx.Now.Add(-calendarBack), maxEntries)
	if err != nil {
		return nil, fmt.Errorf("read a calendar: %w", err)
	}
	entries, err := pgx.CollectRows(rows, pgx.RowToStructByName[entry])
	if err != nil {
		return nil, fmt.Errorf("read a calendar: %w", err)
	}
	events := make([]marketplace.CalendarEvent, len(entries))
	for i, e := range entries {
		events[i] = e.event()
	}
	return events, nil
}

// event is the entry as it is written. A visit may be at the family's home, so
// no place is told of it.
func (e entry) event() marketplace.CalendarEvent {
	status, words := e.State.inCalendar()
	place := ""
	if !e.Visit {
		place = placeOf(marketplace.Setting{Discreet: e.Discreet, Name: e.Setting, Postcode: e.Postcode, Area: e.Area})
	}
	return marketplace.CalendarEvent{
		UID: e.ID.String(), From: e.StartsAt, To: e.EndsAt, Changed: e.ChangedAt, Sequence: max(e.Moves-1, 0), Status: status, Busy: true,
		Summary: e.Title, Place: place, About: strings.Join([]string{words, e.Provider, "Booking " + e.Reference, "Sign in to see more."}, "\n"),
	}
}

func placeOf(s marketplace.Setting) string {
	s = s.Public()
	return s.Name + ", " + s.Postcode
}

// inCalendar is how sure a calendar is of an item, and the same in words.
func (s State) inCalendar() (marketplace.CalendarStatus, string) {
	switch {
	case !s.Live():
		return marketplace.CalendarCancelled, "This will not take place."
	case s == Held || s == Requested || s == Conditional:
		return marketplace.CalendarTentative, "Not confirmed yet."
	}
	return marketplace.CalendarConfirmed, "Confirmed."
}

const sqlSettingEntries = `
SELECT s.id, s.starts_at, s.ends_at, s.state = 'scheduled', s.sequence, coalesce(s.changed_at, o.published_at, o.created_at), coalesce(s.reason, ''), o.title,
    coalesce(c.taken, 0), coalesce(c.capacity, 0), t.discreet, t.name, t.postcode, t.area
FROM offer o
JOIN session s ON s.provider_id = o.provider_id AND s.offer_id = o.id
JOIN setting t ON t.provider_id = o.provider_id AND t.id = o.setting_id
LEFT JOIN session_places c ON c.provider_id = s.provider_id AND c.session_id = s.id
WHERE o.provider_id = $1 AND o.setting_id = $2 AND o.state <> 'draft' AND s.ends_at > $3
ORDER BY s.starts_at, s.id LIMIT $4`

// settingEntries are the sessions at a setting, with how many places are taken.
func settingEntries(ctx context.Context, tx *db.Tx, provider, setting uuid.UUID) ([]marketplace.CalendarEvent, error) {
	rows, err := tx.PGX.Query(ctx, sqlSettingEntries, provider, setting, tx.Now.Add(-calendarBack), maxEntries)
	if err != nil {
		return nil, fmt.Errorf("read the calendar of a setting: %w", err)
	}
	events, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (e marketplace.CalendarEvent, err error) {
		var id uuid.UUID
		var runs bool
		var reason string
		var taken, capacity int
		var at marketplace.Setting
		err = row.Scan(&id, &e.From, &e.To, &runs, &e.Sequence, &e.Changed, &reason, &e.Summary, &taken, &capacity,
			&at.Discreet, &at.Name, &at.Postcode, &at.Area)
		e.UID, e.Busy, e.Status, e.Place = "setting-"+id.String(), true, marketplace.CalendarConfirmed, placeOf(at)
		e.About = fmt.Sprintf("%d of %s taken.", taken, shortbreaks.Plural(capacity, "place"))
		if !runs {
			e.Status, e.About = marketplace.CalendarCancelled, strings.TrimSpace("Called off. "+reason)
		}
		return e, err
	})
	if err != nil {
		return nil, fmt.Errorf("read the calendar of a setting: %w", err)
	}
	return events, nil
}

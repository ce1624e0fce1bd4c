package booking

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// CalendarKind is what a calendar shows.
type CalendarKind string

// What a calendar shows: the bookings of a family's children, the visits of a
// worker, or the sessions at a setting with how many come.
const (
	CalendarOfBookings CalendarKind = "bookings"
	CalendarOfVisits   CalendarKind = "visits"
	CalendarOfSetting  CalendarKind = "setting"
)

// maxLinks is how many addresses of calendars one person may have.
const maxLinks = 20

// ErrTooManyLinks is given to one who has as many addresses as anyone may.
var ErrTooManyLinks = shortbreaks.NewError(shortbreaks.Conflict, "too-many-links", "You have as many calendar addresses as one person may have")

// linkBytes are random: 256 bits cannot be guessed, so a plain hash is as good
// as a slow one.
const linkBytes = 32

// CalendarLink is a secret address at which one person's calendar is read
// without signing in. It belongs to that person and to the role they were in.
type CalendarLink struct {
	PersonID   uuid.UUID
	ID         uuid.UUID
	Kind       CalendarKind
	Role       shortbreaks.Role
	ProviderID *uuid.UUID // of the setting
	SettingID  *uuid.UUID
	Name       string // what its owner calls it; nowhere in the calendar
	CreatedAt  time.Time
}

const linkColumns = `person_id, id, kind, role, provider_id, setting_id, name, created_at`

// NewCalendarLink asks for an address. A setting is given for a calendar of a
// setting and for no other.
type NewCalendarLink struct {
	Kind      CalendarKind
	SettingID *uuid.UUID
	Name      string
}

// kindsOf are the calendars a role has.
func kindsOf(role shortbreaks.Role) []CalendarKind {
	switch role {
	case shortbreaks.Family:
		return []CalendarKind{CalendarOfBookings}
	case shortbreaks.ProviderOwner, shortbreaks.Coordinator, shortbreaks.Worker:
		return []CalendarKind{CalendarOfVisits, CalendarOfSetting}
	}
	return nil
}

// CreateCalendarLink makes a secret address. The secret is given this once:
// only its hash is kept. Errors: forbidden, not-found, invalid, too-many-links.
func CreateCalendarLink(ctx context.Context, d *db.DB, who shortbreaks.Actor, n NewCalendarLink) (link *CalendarLink, secret string, err error) {
	kinds := kindsOf(who.Role)
	if kinds == nil {
		return nil, "", shortbreaks.ErrForbidden
	}
	var f shortbreaks.Faults
	f.Text("/name", n.Name, 1, 80)
	f.Unless((n.Kind == CalendarOfSetting) == (n.SettingID != nil), "/setting_id", "Name a setting for the calendar of a setting, and for no other.")
	if err := f.As(shortbreaks.ErrInvalid); err != nil {
		return nil, "", err
	}
	raw := make([]byte, linkBytes)
	_, _ = rand.Read(raw) // crypto/rand.Read never fails
	secret = base64.RawURLEncoding.EncodeToString(raw)
	err = d.Do(ctx, db.For(who), func(tx *db.Tx) error {
		link = &CalendarLink{
			PersonID: who.Person, ID: shortbreaks.NewID(), Kind: n.Kind, Role: who.Role, SettingID: n.SettingID, Name: strings.TrimSpace(n.Name), CreatedAt: tx.Now,
		}
		return keepLink(ctx, tx, who, link, secret, kinds)
	})
	if err != nil {
		return nil, "", err
	}
	return link, secret, nil
}

func keepLink(ctx context.Context, tx *db.Tx, who shortbreaks.Actor, l *CalendarLink, secret string, kinds []CalendarKind) error {
	if l.SettingID != nil {
		var provider uuid.UUID
		err := tx.PGX.QueryRow(ctx, `SELECT provider_id FROM setting WHERE provider_id = ANY ($1) AND id = $2`, who.Providers, l.SettingID).Scan(&provider)
		if errors.Is(err, pgx.ErrNoRows) {
			return shortbreaks.ErrNotFound
		}
		if err != nil {
			return fmt.Errorf("look for a setting: %w", err)
		}
		l.ProviderID = &provider
	}
	if !slices.Contains(kinds, l.Kind) {
		return shortbreaks.ErrInvalid.At("/kind", "Somebody in your role has no such calendar.")
	}
	var held int
	if err := tx.PGX.QueryRow(ctx, `SELECT count(*) FROM calendar_link WHERE person_id = $1`, who.Person).Scan(&held); err != nil {
		return fmt.Errorf("count calendar links: %w", err)
	}
	if held >= maxLinks {
		return ErrTooManyLinks.With("Take one away that you no longer use.")
	}
	_, err := tx.PGX.Exec(ctx, `INSERT INTO calendar_link (token_hash, `+linkColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		hashOf(secret), l.PersonID, l.ID, l.Kind, l.Role, l.ProviderID, l.SettingID, l.Name, l.CreatedAt)
	if err != nil {
		return fmt.Errorf("keep calendar link: %w", err)
	}
	return nil
}

// hashOf is what is kept of a secret.
func hashOf(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

// CalendarLinks are one's own addresses, the newest first, without their
// secrets. There are 20 at most. Errors: forbidden.
func CalendarLinks(ctx context.Context, d *db.DB, who shortbreaks.Actor) (links []CalendarLink, err error) {
	if kindsOf(who.Role) == nil {
		return nil, shortbreaks.ErrForbidden
	}
	err = d.Read(ctx, db.For(who), func(tx *db.Tx) error {
		links, err = selectLinks(ctx, tx, `person_id = $1 ORDER BY created_at DESC, id DESC`, who.Person)
		return err
	})
	return links, err
}

// RevokeCalendarLink makes an address of one's own lead nowhere, from the next
// request on. Errors: forbidden, not-found.
func RevokeCalendarLink(ctx context.Context, d *db.DB, who shortbreaks.Actor, id uuid.UUID) error {
	if kindsOf(who.Role) == nil {
		return shortbreaks.ErrForbidden
	}
	return d.Do(ctx, db.For(who), func(tx *db.Tx) error {
		done, err := tx.PGX.Exec(ctx, `DELETE FROM calendar_link WHERE person_id = $1 AND id = $2`, who.Person, id)
		if err != nil {
			return fmt.Errorf("revoke calendar link: %w", err)
		}
		if done.RowsAffected() != 1 {
			return shortbreaks.ErrNotFound
		}
		return nil
	})
}

// presented is the link of a secret, whoever's it is. A secret that was never
// given, or has been taken back, is not found.
func presented(ctx context.Context, d *db.DB, secret string) (*CalendarLink, error) {
	hash := hashOf(secret)
	var found []CalendarLink
	err := d.Read(ctx, db.Scope{Link: hash}, func(tx *db.Tx) (err error) {
		found, err = selectLinks(ctx, tx, `token_hash = $1`, hash)
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(found) != 1 {
		return nil, shortbreaks.ErrNotFound
	}
	return &found[0], nil
}

func selectLinks(ctx context.Context, tx *db.Tx, where string, args ...any) ([]CalendarLink, error) {
	rows, err := tx.PGX.Query(ctx, `SELECT `+linkColumns+` FROM calendar_link WHERE `+where, args...)
	if err != nil {
		return nil, fmt.Errorf("read calendar links: %w", err)
	}
	links, err := pgx.CollectRows(rows, pgx.RowToStructByName[CalendarLink])
	if err != nil {
		return nil, fmt.Errorf("read calendar links: %w", err)
	}
	return links, nil
}

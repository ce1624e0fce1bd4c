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
	"shortbreaks/budgets"
	"shortbreaks/internal/db"
	"shortbreaks/marketplace"
)

// Refusals at the door.
var (
	ErrNotOnList     = shortbreaks.NewError(shortbreaks.Conflict, "collection-not-listed", "This person is not on the child's collection list")
	ErrWrongPassword = shortbreaks.NewError(shortbreaks.Conflict, "collection-password-wrong", "That is not the collection password")
	ErrTooManyTries  = shortbreaks.NewError(shortbreaks.Conflict, "collection-tries", "The collection password was wrong too often")
)

// Wrong passwords for one child before none is listened to for a while.
const (
	mostTries = 5
	triesLast = 15 * time.Minute
)

// Collector is somebody who may collect a child. There is no place for a
// telephone number or an address: both parents and the provider read this.
type Collector struct {
	Name     string `json:"name"`
	Relation string `json:"relation"`
}

// CollectionList is who may collect a child; the password is never read back.
type CollectionList struct {
	ChildID     uuid.UUID
	People      []Collector
	HasPassword bool
	SetAt       *time.Time // nil: the family has kept none yet
}

// SetCollection replaces a child's list. A nil password leaves the one there
// is, an empty one removes it.
type SetCollection struct {
	ChildID  uuid.UUID
	People   []Collector
	Password *string
}

// KeepCollection is the family's list of who may collect its child, and the
// password for anybody else. Errors: forbidden, not-found, invalid,
// contact-details.
func KeepCollection(ctx context.Context, d *db.DB, who shortbreaks.Actor, c SetCollection) (*CollectionList, error) {
	if !who.Is(shortbreaks.Family) {
		return nil, shortbreaks.ErrForbidden
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	var hash, salt []byte
	if c.Password != nil && strings.TrimSpace(*c.Password) != "" {
		hash, salt = hashSecret(*c.Password) // before any row is locked
	}
	var list *CollectionList
	err := d.Do(ctx, db.For(who), func(tx *db.Tx) error {
		child, err := budgets.LoadChild(ctx, tx, who, c.ChildID)
		if err != nil {
			return err
		}
		_, err = tx.PGX.Exec(ctx, `INSERT INTO collection_list AS l (authority_id, child_id, people, password_hash, password_salt, set_by, set_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (authority_id, child_id) DO UPDATE SET people = excluded.people,
				password_hash = CASE WHEN $8 THEN excluded.password_hash ELSE l.password_hash END,
				password_salt = CASE WHEN $8 THEN excluded.password_salt ELSE l.password_salt END, set_by = excluded.set_by, set_at = excluded.set_at`,
			child.AuthorityID, child.ID, c.People, hash, salt, who.Person, tx.Now, c.Password != nil)
		if err != nil {
			return fmt.Errorf("keep collection list: %w", err)
		}
		list, err = readCollection(ctx, tx, child.AuthorityID, child.ID)
		return err
	})
	return list, err
}

func (c *SetCollection) check() error {
	if c.People == nil {
		c.People = []Collector{}
	}
	var f shortbreaks.Faults
	f.Unless(len(c.People) <= 20, "/people", "Name at most 20 people.")
	for i := range c.People {
		p := &c.People[i]
		p.Name, p.Relation = strings.TrimSpace(p.Name), strings.TrimSpace(p.Relation)
		f.Text(fmt.Sprintf("/people/%d/name", i), p.Name, 2, 80)
		f.Text(fmt.Sprintf("/people/%d/relation", i), p.Relation, 2, 40)
		twice := slices.ContainsFunc(c.People[:i], func(o Collector) bool { return strings.EqualFold(o.Name, p.Name) })
		f.Unless(!twice, fmt.Sprintf("/people/%d/name", i), "This person is on the list twice.")
	}
	if c.Password != nil && strings.TrimSpace(*c.Password) != "" {
		f.Text("/password", *c.Password, 6, 64)
	}
	if err := f.As(shortbreaks.ErrInvalid); err != nil {
		return err
	}
	for i, p := range c.People {
		if err := marketplace.WithoutContact(fmt.Sprintf("/people/%d/name", i), p.Name+" "+p.Relation); err != nil {
			return err
		}
	}
	return nil
}

// Collection is the list as the family and its practitioner read it. Errors:
// forbidden, not-found.
func Collection(ctx context.Context, d *db.DB, who shortbreaks.Actor, child uuid.UUID) (list *CollectionList, err error) {
	if !who.Is(shortbreaks.Family, shortbreaks.Practitioner) {
		return nil, shortbreaks.ErrForbidden
	}
	err = d.Read(ctx, db.For(who), func(tx *db.Tx) error {
		c, err := budgets.LoadChild(ctx, tx, who, child)
		if err != nil {
			return err
		}
		list, err = readCollection(ctx, tx, c.AuthorityID, c.ID)
		return err
	})
	return list, err
}

func readCollection(ctx context.Context, tx *db.Tx, authority, child uuid.UUID) (*CollectionList, error) {
	list := &CollectionList{ChildID: child}
	err := tx.PGX.QueryRow(ctx, `SELECT people, password_hash IS NOT NULL, set_at FROM collection_list WHERE authority_id = $1 AND child_id = $2`,
		authority, child).Scan(&list.People, &list.HasPassword, &list.SetAt)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return nil, fmt.Errorf("read collection list: %w", err)
	}
	return list, nil
}

// collected judges who takes a child away: somebody on the list, or somebody
// else with the password. A family that keeps no list is asked for nothing, and
// the register says so. A wrong password comes back as refusal, apart from err,
// since the try must be kept.
func collected(ctx context.Context, tx *db.Tx, who shortbreaks.Actor, it *Item, by, password string) (how string, refusal, err error) {
	var people []Collector
	var hash, salt []byte
	err = tx.PGX.QueryRow(ctx, `SELECT people, password_hash, password_salt FROM collection_list WHERE authority_id = $1 AND child_id = $2`,
		it.AuthorityID, *it.ChildID).Scan(&people, &hash, &salt)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return "unlisted", nil, nil
	case err != nil:
		return "", nil, fmt.Errorf("read collection list: %w", err)
	case by == "" && it.SessionID == nil:
		return "", nil, nil // a visit may end with the child at home
	case by == "":
		return "", nil, shortbreaks.ErrInvalid.At("/collected_by", "Say who collected the child.")
	case slices.ContainsFunc(people, func(c Collector) bool { return strings.EqualFold(c.Name, by) }):
		return "listed", nil, nil
	case len(hash) == 0:
		return "", nil, ErrNotOnList.With("The family keeps no password for anybody else. Call the family before the child leaves.")
	case password == "":
		return "", nil, ErrNotOnList.With("Ask for the collection password, or call the family.")
	}
	g := guess{authority: it.AuthorityID, child: *it.ChildID, hash: hash, salt: salt}
	right, tries, err := g.judge(ctx, tx, password)
	switch {
	case err != nil:
		return "", nil, err
	case tries >= mostTries:
		return "", nil, ErrTooManyTries.With("Wait a quarter of an hour, or call the family. The child stays with you until then.")
	case right:
		return "password", nil, nil
	}
	_, err = tx.PGX.Exec(ctx, `INSERT INTO collection_try (authority_id, child_id, id, provider_id, tried_by, at) VALUES ($1, $2, $3, $4, $5, $6)`,
		it.AuthorityID, *it.ChildID, shortbreaks.NewID(), it.ProviderID, who.Person, tx.Now)
	if err != nil {
		return "", nil, fmt.Errorf("note a wrong password: %w", err)
	}
	left := mostTries - tries - 1
	return "", ErrWrongPassword.With("Nothing was recorded. " + triesLeft(left) + " in the next quarter of an hour; if in doubt, call the family."), nil
}

func triesLeft(n int) string {
	if n == 0 {
		return "No more tries"
	}
	if n == 1 {
		return "One more try"
	}
	return fmt.Sprintf("%d more tries", n)
}

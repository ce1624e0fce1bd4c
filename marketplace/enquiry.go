package marketplace

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// Enquiry is a thread between one person and one provider about an offer,
// before anything is booked (R006). It names no child.
type Enquiry struct {
	ProviderID      uuid.UUID `gorm:"primaryKey"`
	ID              uuid.UUID `gorm:"primaryKey"`
	OfferID         uuid.UUID
	PersonID        uuid.UUID // who asked; the provider is not told
	AskedAs         string    // family or practitioner
	AskedAt         time.Time
	Contact         *string // what the asker chose to hand over; nil: nothing
	ContactSharedAt *time.Time
}

// TableName is the table's.
func (Enquiry) TableName() string { return "enquiry" }

// EnquiryMessage is one turn of a thread; it never changes.
type EnquiryMessage struct {
	ProviderID uuid.UUID `gorm:"primaryKey"`
	ID         uuid.UUID `gorm:"primaryKey"`
	EnquiryID  uuid.UUID
	Side       string // asker or provider
	PersonID   uuid.UUID
	Words      string
	At         time.Time
}

// TableName is the table's.
func (EnquiryMessage) TableName() string { return "enquiry_message" }

// The sides of a thread.
const (
	SideAsker    = "asker"
	SideProvider = "provider"
)

// An answer is due after two days and pressing after five.
const (
	answerDue      = 2 * 24 * time.Hour
	answerPressing = 5 * 24 * time.Hour
	maxWaiting     = 10 // questions one person has open
	maxMessages    = 50 // in one thread
)

// ErrTooManyEnquiries is given to one who asks everybody everything.
var ErrTooManyEnquiries = shortbreaks.NewError(shortbreaks.Conflict, "too-many-enquiries", "You have many questions open already")

// Overdue is how long a question has waited for its answer.
type Overdue string

// The stages of waiting: none, two elapsed days, five.
const (
	NotOverdue Overdue = "no"
	Due        Overdue = "two_days"
	Pressing   Overdue = "five_days"
)

// overdueAt is the stage of a question that waits since then; nil waits for
// nothing.
func overdueAt(since *time.Time, now time.Time) Overdue {
	switch {
	case since == nil || now.Before(since.Add(answerDue)):
		return NotOverdue
	case now.Before(since.Add(answerPressing)):
		return Due
	}
	return Pressing
}

// Thread is an enquiry as both sides read it.
type Thread struct {
	Enquiry
	OfferTitle   string
	ProviderName string
	WaitingSince *time.Time // the first question not yet answered; nil: none
	Overdue      Overdue
	Messages     []EnquiryMessage // by time
}

// askers may ask; answerers answer for their provider.
var (
	askers    = []shortbreaks.Role{shortbreaks.Family, shortbreaks.Practitioner}
	answerers = editors
)

// AskProvider asks about an offer that the public can read. Errors: forbidden,
// not-found, wrong-state (withdrawn), invalid, contact-details,
// too-many-enquiries.
func AskProvider(ctx context.Context, d *db.DB, who shortbreaks.Actor, offer uuid.UUID, words string) (*Thread, error) {
	if !who.Is(askers...) {
		return nil, shortbreaks.ErrForbidden
	}
	var asked *Thread
	err := d.Do(ctx, db.For(who), func(tx *db.Tx) error {
		o, err := findOffer(ctx, tx, offer)
		if err != nil {
			return err
		}
		if o.State == Withdrawn {
			return ErrWrongState.With("This offer has been withdrawn; nobody answers questions about it.")
		}
		names, err := childrensNames(ctx, tx, who)
		if err != nil {
			return err
		}
		if err := checkWords(words, names, false); err != nil {
			return err
		}
		waiting, _, err := readThreads(ctx, tx, who, ListEnquiries{Waiting: true, Limit: maxWaiting})
		if err != nil {
			return err
		}
		if len(waiting) >= maxWaiting {
			return ErrTooManyEnquiries.With(fmt.Sprintf("You are waiting for %d answers. Ask again when one has come.", len(waiting)))
		}
		e := Enquiry{ProviderID: o.ProviderID, ID: shortbreaks.NewID(), OfferID: o.ID, PersonID: who.Person, AskedAs: string(who.Role), AskedAt: tx.Now}
		if err := gorm.G[Enquiry](tx.DB).Create(ctx, &e); err != nil {
			return fmt.Errorf("asking about offer %s: %w", offer, err)
		}
		asked, err = say(ctx, tx, who, e, SideAsker, words)
		return err
	})
	return asked, err
}

// childrensNames are the names a family's words must not hold. A practitioner
// has hundreds of families; theirs are not looked for.
func childrensNames(ctx context.Context, tx *db.Tx, who shortbreaks.Actor) ([]string, error) {
	if !who.Is(shortbreaks.Family) {
		return nil, nil
	}
	rows, err := tx.PGX.Query(ctx, `SELECT unnest(ARRAY[first_name, family_name]) FROM child WHERE id = ANY ($1)`, who.Children)
	if err != nil {
		return nil, fmt.Errorf("reading the names not to be told: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// checkWords refuses a message that is too short or long, or tells too much.
func checkWords(words string, names []string, mayTell bool) error {
	var f shortbreaks.Faults
	f.Text("/words", words, 2, 2000)
	if err := f.As(shortbreaks.ErrInvalid); err != nil || mayTell {
		return err
	}
	return discreet("/words", words, names)
}

// say adds a message and reads the thread again.
func say(ctx context.Context, tx *db.Tx, who shortbreaks.Actor, e Enquiry, side, words string) (*Thread, error) {
	m := EnquiryMessage{
		ProviderID: e.ProviderID, ID: shortbreaks.NewID(), EnquiryID: e.ID, Side: side, PersonID: who.Person, Words: strings.TrimSpace(words), At: tx.Now,
	}
	if err := gorm.G[EnquiryMessage](tx.DB).Create(ctx, &m); err != nil {
		return nil, fmt.Errorf("writing to enquiry %s: %w", e.ID, err)
	}
	return readThread(ctx, tx, who, e.ID)
}

// Reply writes to a thread, on the side the actor is on. Errors: forbidden,
// not-found, invalid, contact-details, wrong-state (a thread of 50).
func Reply(ctx context.Context, d *db.DB, who shortbreaks.Actor, id uuid.UUID, words string) (*Thread, error) {
	return withThread(ctx, d, who, id, func(tx *db.Tx, t *Thread) (*Thread, error) {
		names, err := childrensNames(ctx, tx, who)
		if err != nil {
			return nil, err
		}
		if err := checkWords(words, names, t.Contact != nil); err != nil {
			return nil, err
		}
		if len(t.Messages) >= maxMessages {
			return nil, ErrWrongState.With("This thread is long enough; ask a new question.")
		}
		return say(ctx, tx, who, t.Enquiry, sideOf(who), words)
	})
}

// ShareContact hands the provider of one's own enquiry a way to be reached,
// in one's own words, or takes it back ("" is nothing). Until then neither
// side may write one. Errors: forbidden, not-found, invalid.
func ShareContact(ctx context.Context, d *db.DB, who shortbreaks.Actor, id uuid.UUID, contact string) (*Thread, error) {
	if !who.Is(askers...) {
		return nil, shortbreaks.ErrForbidden
	}
	return withThread(ctx, d, who, id, func(tx *db.Tx, t *Thread) (*Thread, error) {
		var shared *string
		var at *time.Time
		if contact = strings.TrimSpace(contact); contact != "" {
			var f shortbreaks.Faults
			f.Text("/contact", contact, 3, 200)
			if err := f.As(shortbreaks.ErrInvalid); err != nil {
				return nil, err
			}
			shared, at = &contact, &tx.Now
		}
		done, err := tx.PGX.Exec(ctx, `UPDATE enquiry SET contact = $3, contact_shared_at = $4 WHERE provider_id = $1 AND id = $2`, t.ProviderID, t.ID, shared, at)
		if err == nil && done.RowsAffected() != 1 {
			err = errors.New("it was not there")
		}
		if err != nil {
			return nil, fmt.Errorf("sharing a contact for enquiry %s: %w", id, err)
		}
		return readThread(ctx, tx, who, id)
	})
}

// GetEnquiry is a thread of one's own, or of one's provider. Errors:
// forbidden, not-found.
func GetEnquiry(ctx context.Context, d *db.DB, who shortbreaks.Actor, id uuid.UUID) (*Thread, error) {
	if !who.Is(askers...) && !who.Is(answerers...) {
		return nil, shortbreaks.ErrForbidden
	}
	var t *Thread
	err := d.Read(ctx, db.For(who), func(tx *db.Tx) (err error) {
		t, err = readThread(ctx, tx, who, id)
		return err
	})
	return t, err
}

// sideOf is where the actor stands.
func sideOf(who shortbreaks.Actor) string {
	if who.Is(answerers...) {
		return SideProvider
	}
	return SideAsker
}

func withThread(ctx context.Context, d *db.DB, who shortbreaks.Actor, id uuid.UUID, f func(*db.Tx, *Thread) (*Thread, error)) (*Thread, error) {
	if !who.Is(askers...) && !who.Is(answerers...) {
		return nil, shortbreaks.ErrForbidden
	}
	var t *Thread
	err := d.Do(ctx, db.For(who), func(tx *db.Tx) error {
		found, err := readThread(ctx, tx, who, id)
		if err != nil {
			return err
		}
		t, err = f(tx, found)
		return err
	})
	if err != nil {
		return nil, err
	}
	return t, nil
}

// ListEnquiries chooses threads; every field narrows.
type ListEnquiries struct {
	OfferID *uuid.UUID
	Waiting bool      // only those without an answer
	Overdue Overdue   // only those that have waited at least so long; "" or "no": any
	After   uuid.UUID // the last id of the page before
	Limit   int
	only    *uuid.UUID
}

// Enquiries are the threads of the actor, or of the actor's providers, the
// newest first. Errors: forbidden.
func Enquiries(ctx context.Context, d *db.DB, who shortbreaks.Actor, l ListEnquiries) (page []Thread, more bool, err error) {
	if !who.Is(askers...) && !who.Is(answerers...) {
		return nil, false, shortbreaks.ErrForbidden
	}
	err = d.Read(ctx, db.For(who), func(tx *db.Tx) error {
		page, more, err = readThreads(ctx, tx, who, l)
		return err
	})
	return page, more, err
}

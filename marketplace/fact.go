package marketplace

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// Fact is a question people ask about an offer and its answer, told to
// everybody in the provider's words (R006).
type Fact struct {
	ProviderID  uuid.UUID `gorm:"primaryKey"`
	ID          uuid.UUID `gorm:"primaryKey"`
	OfferID     uuid.UUID
	Question    string
	Answer      string
	PublishedAt time.Time
	PublishedBy uuid.UUID
}

// TableName is the table's.
func (Fact) TableName() string { return "offer_fact" }

// readShown reads what stands beside the words of an offer: its photos without
// their bytes, and its facts.
func (o *OfferDetail) readShown(ctx context.Context, tx *db.Tx) (err error) {
	of := "provider_id = ? AND offer_id = ?"
	o.Photos, err = gorm.G[Photo](tx.DB).Select("provider_id, id, offer_id, n, alt_text, width, height, small_width, small_height, digest, created_at").
		Where(of, o.Offer.ProviderID, o.Offer.ID).Order("n, id").Find(ctx)
	if err != nil {
		return err
	}
	o.Facts, err = gorm.G[Fact](tx.DB).Where(of, o.Offer.ProviderID, o.Offer.ID).Order("published_at, id").Find(ctx)
	return err
}

// maxFacts is how many questions and answers one offer shows.
const maxFacts = 30

// NewFact is a question and its answer in the provider's words: what a person
// asked is not repeated to others as it was asked.
type NewFact struct{ Question, Answer string }

// PublishAnswer tells everybody what was answered in an enquiry. Errors:
// forbidden, not-found, wrong-state (not yet answered, withdrawn, too many),
// invalid, contact-details.
func PublishAnswer(ctx context.Context, d *db.DB, who shortbreaks.Actor, enquiry uuid.UUID, n NewFact) (*Fact, error) {
	if !who.Is(shortbreaks.ProviderOwner) {
		return nil, shortbreaks.ErrForbidden
	}
	if err := n.check(); err != nil {
		return nil, err
	}
	var made *Fact
	err := d.Do(ctx, db.For(who), func(tx *db.Tx) error {
		t, err := readThread(ctx, tx, who, enquiry)
		if err != nil {
			return err
		}
		if t.WaitingSince != nil {
			return ErrWrongState.With("Answer the person who asked first, then tell everybody.")
		}
		if _, err := tx.PGX.Exec(ctx, sqlLockOffer, t.OfferID, who.Providers); err != nil {
			return fmt.Errorf("locking offer %s: %w", t.OfferID, err)
		}
		o, err := readDetail(ctx, tx, t.OfferID)
		if err != nil {
			return err
		}
		if err := o.mayEdit(who); err != nil {
			return err
		}
		if len(o.Facts) >= maxFacts {
			return ErrWrongState.With(fmt.Sprintf("An offer shows at most %d answers; remove one first.", maxFacts))
		}
		made = &Fact{
			ProviderID: t.ProviderID, ID: shortbreaks.NewID(), OfferID: t.OfferID, Question: strings.TrimSpace(n.Question),
			Answer: strings.TrimSpace(n.Answer), PublishedAt: tx.Now, PublishedBy: who.Person,
		}
		return insert(ctx, tx, []Fact{*made})
	})
	if err != nil {
		return nil, err
	}
	return made, nil
}

func (n NewFact) check() error {
	var f shortbreaks.Faults
	f.Text("/question", n.Question, 5, 300)
	f.Text("/answer", n.Answer, 2, 1000)
	if err := f.As(shortbreaks.ErrInvalid); err != nil {
		return err
	}
	if err := discreet("/question", n.Question, nil); err != nil {
		return err
	}
	return discreet("/answer", n.Answer, nil)
}

// RemoveFact takes a question and its answer off an offer. Errors: forbidden,
// not-found, wrong-state.
func RemoveFact(ctx context.Context, d *db.DB, who shortbreaks.Actor, offer, id uuid.UUID) error {
	_, err := change(ctx, d, who, offer, func(tx *db.Tx, o *OfferDetail) error {
		gone, err := tx.PGX.Exec(ctx, `DELETE FROM offer_fact WHERE provider_id = $1 AND offer_id = $2 AND id = $3`, o.Offer.ProviderID, offer, id)
		if err != nil {
			return fmt.Errorf("removing answer %s: %w", id, err)
		}
		if gone.RowsAffected() != 1 {
			return shortbreaks.ErrNotFound.With("There is no such answer.")
		}
		return nil
	})
	return err
}

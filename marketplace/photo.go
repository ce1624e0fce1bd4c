package marketplace

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// Photo is a picture of an offer as it was made anew here, in two sizes.
type Photo struct {
	ProviderID  uuid.UUID `gorm:"primaryKey"`
	ID          uuid.UUID `gorm:"primaryKey"`
	OfferID     uuid.UUID
	N           int    // its place in the row of photos, from 1
	AltText     string // for those who do not see it
	Width       int    // of the large one, in pixels
	Height      int
	SmallWidth  int
	SmallHeight int
	Large       []byte // JPEG; not read with an offer's detail
	Small       []byte
	Digest      string // SHA-256 of both, in hex
	CreatedAt   time.Time
	CreatedBy   uuid.UUID
}

// TableName is the table's.
func (Photo) TableName() string { return "offer_photo" }

// maxPhotos is how many photos one offer shows.
const maxPhotos = 10

// remaking keeps the memory of decoding within bounds: two photos of the
// largest size at once.
var remaking = make(chan struct{}, 2)

// NewPhoto is a file as it was sent.
type NewPhoto struct {
	AltText     string
	ContentType string
	Body        []byte
}

// editors may change an offer's words and photos: a co-ordinator of a draft,
// the owner always.
var editors = []shortbreaks.Role{shortbreaks.ProviderOwner, shortbreaks.Coordinator}

// UploadPhoto makes a photo anew in two sizes and shows it last. The file is
// unpacked before any transaction begins. Errors: forbidden, not-found,
// invalid, photo-refused, wrong-state.
func UploadPhoto(ctx context.Context, d *db.DB, who shortbreaks.Actor, offer uuid.UUID, n NewPhoto) (*Photo, error) {
	if !who.Is(editors...) {
		return nil, shortbreaks.ErrForbidden
	}
	if o, err := Get(ctx, d, who, offer); err != nil {
		return nil, err
	} else if err := o.mayEdit(who); err != nil { // before the work of unpacking
		return nil, err
	}
	var f shortbreaks.Faults
	f.Text("query/alt_text", n.AltText, 5, 200)
	if err := f.As(shortbreaks.ErrInvalid); err != nil {
		return nil, err
	}
	made, err := remadeInTurn(ctx, n)
	if err != nil {
		return nil, err
	}
	p := Photo{
		ID: shortbreaks.NewID(), OfferID: offer, AltText: strings.TrimSpace(n.AltText), Width: made.width, Height: made.height,
		SmallWidth: made.smallWidth, SmallHeight: made.smallHeight, Large: made.large, Small: made.small, Digest: made.digest, CreatedBy: who.Person,
	}
	_, err = changeAs(ctx, d, who, offer, editors, func(tx *db.Tx, o *OfferDetail) error {
		if err := o.mayEdit(who); err != nil {
			return err
		}
		if len(o.Photos) >= maxPhotos {
			return ErrWrongState.With(fmt.Sprintf("An offer shows at most %d photos; remove one first.", maxPhotos))
		}
		p.ProviderID, p.CreatedAt, p.N = o.Offer.ProviderID, tx.Now, 1
		for _, shown := range o.Photos {
			p.N = max(p.N, shown.N+1)
		}
		return insert(ctx, tx, []Photo{p})
	})
	if err != nil {
		return nil, err
	}
	return &p, nil
}

func remadeInTurn(ctx context.Context, n NewPhoto) (*picture, error) {
	select {
	case remaking <- struct{}{}:
		defer func() { <-remaking }()
		return remake(n.Body, n.ContentType)
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting to remake a photo: %w", ctx.Err())
	}
}

// mayEdit refuses who may not change the words and photos of this offer.
func (o *OfferDetail) mayEdit(who shortbreaks.Actor) error {
	switch {
	case !who.ForProvider(o.Offer.ProviderID):
		return shortbreaks.ErrNotFound.With("There is no such offer within your reach.")
	case o.Offer.State == Withdrawn:
		return ErrWrongState.With("This offer has been withdrawn; copy it to draft it anew.")
	case o.Offer.State != Draft && !who.Is(shortbreaks.ProviderOwner):
		return shortbreaks.ErrForbidden.With("A co-ordinator changes drafts; ask the owner to change what has been published.")
	}
	return nil
}

// PhotoFile is one size of a photo to be sent.
type PhotoFile struct {
	JPEG   []byte
	Digest string // what it is, to be compared with what a caller has
	Public bool   // false: of a draft, for its provider alone
}

const sqlPhoto = `SELECT CASE WHEN $3 THEN p.small ELSE p.large END, p.digest, o.state <> 'draft'
FROM offer_photo p JOIN offer o ON o.provider_id = p.provider_id AND o.id = p.offer_id
WHERE p.offer_id = $1 AND p.id = $2`

// ReadPhoto is a photo of an offer within reach, large or small. Errors:
// not-found.
func ReadPhoto(ctx context.Context, d *db.DB, who shortbreaks.Actor, offer, id uuid.UUID, small bool) (*PhotoFile, error) {
	var p PhotoFile
	err := d.Read(ctx, db.For(who), func(tx *db.Tx) error {
		return tx.PGX.QueryRow(ctx, sqlPhoto, offer, id, small).Scan(&p.JPEG, &p.Digest, &p.Public)
	})
	if errors.Is(err, errNoRows) {
		return nil, shortbreaks.ErrNotFound.With("There is no such photo.")
	}
	if err != nil {
		return nil, fmt.Errorf("reading photo %s: %w", id, err)
	}
	if small {
		p.Digest += "-small"
	}
	return &p, nil
}

// RemovePhoto takes a photo away. Errors: forbidden, not-found, wrong-state.
func RemovePhoto(ctx context.Context, d *db.DB, who shortbreaks.Actor, offer, id uuid.UUID) error {
	_, err := changeAs(ctx, d, who, offer, editors, func(tx *db.Tx, o *OfferDetail) error {
		if err := o.mayEdit(who); err != nil {
			return err
		}
		gone, err := tx.PGX.Exec(ctx, `DELETE FROM offer_photo WHERE provider_id = $1 AND offer_id = $2 AND id = $3`, o.Offer.ProviderID, offer, id)
		if err != nil {
			return fmt.Errorf("removing photo %s: %w", id, err)
		}
		if gone.RowsAffected() != 1 {
			return shortbreaks.ErrNotFound.With("There is no such photo.")
		}
		return nil
	})
	return err
}

const sqlOrderPhotos = `UPDATE offer_photo p SET n = w.n FROM unnest($3::uuid[]) WITH ORDINALITY AS w (id, n)
WHERE p.provider_id = $1 AND p.offer_id = $2 AND p.id = w.id`

// OrderPhotos shows the photos in this order; each must be named once. Errors:
// forbidden, not-found, invalid, wrong-state.
func OrderPhotos(ctx context.Context, d *db.DB, who shortbreaks.Actor, offer uuid.UUID, ids []uuid.UUID) (*OfferDetail, error) {
	return changeAs(ctx, d, who, offer, editors, func(tx *db.Tx, o *OfferDetail) error {
		if err := o.mayEdit(who); err != nil {
			return err
		}
		var have []uuid.UUID
		for _, p := range o.Photos {
			have = append(have, p.ID)
		}
		named := slices.Clone(ids)
		byID := func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) }
		slices.SortFunc(have, byID)
		slices.SortFunc(named, byID)
		if !slices.Equal(have, named) {
			words := "Name each photo of the offer once."
			return shortbreaks.ErrInvalid.With(words).At("/photo_ids", words)
		}
		moved, err := tx.PGX.Exec(ctx, sqlOrderPhotos, o.Offer.ProviderID, offer, ids)
		if err == nil && int(moved.RowsAffected()) != len(ids) {
			err = fmt.Errorf("%d of %d moved", moved.RowsAffected(), len(ids))
		}
		if err != nil {
			return fmt.Errorf("ordering the photos of offer %s: %w", offer, err)
		}
		return nil
	})
}

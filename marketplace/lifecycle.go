package marketplace

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// Gap is something an offer still lacks, in words for its provider.
type Gap struct {
	Pointer string // where in the offer
	Detail  string
	Blocks  bool // true: it cannot be published like this; false: families would miss it
}

// Gaps lists what an offer lacks before it is published: first what stands in
// the way, then what would help families to choose it.
func (o *OfferDetail) Gaps() []Gap {
	var gaps []Gap
	blocks := func(rule bool, pointer, detail string) {
		if !rule {
			gaps = append(gaps, Gap{pointer, detail, true})
		}
	}
	var uncosted shortbreaks.Faults
	o.Tariff.CheckBundles(&uncosted, o.bundleUnit())
	for _, f := range uncosted.Fields {
		blocks(false, f.Pointer, f.Detail)
	}
	if err := o.Tariff.Costed(o.Provider.StaffCount); err != nil {
		blocks(false, "/tariff", "The parts of a price do not sum to it.")
	}
	if o.Offer.Visits == nil {
		blocks(len(o.Sessions) > 0, "/sessions", "There are no dates still to come; add some.")
	} else {
		blocks(len(o.Lanes) > 0, "/visits/lanes", "Nobody gives this support yet; add a lane.")
	}
	helps := func(rule bool, pointer, detail string) {
		if !rule {
			gaps = append(gaps, Gap{pointer, detail, false})
		}
	}
	c := o.Offer.Content
	helps(c.Eligibility != "" || o.Offer.AccessRoute == "universal", "/content/eligibility", "Say who may come, and what they must show.")
	helps(len(c.Needs) > 0, "/content/needs", "Say which needs you are ready to meet.")
	helps(len(c.AccessFeatures) > 0, "/content/access_features", "Say how one gets in and around.")
	helps(len(c.Included) > 0, "/content/included", "Say what the price includes.")
	helps(len(o.Photos) > 0, "/photos", "Show a photo of the place.")
	return gaps
}

// bundleUnit is the unit of the offer's bundles, or "".
func (o *OfferDetail) bundleUnit() string {
	if len(o.terms) == 0 {
		return ""
	}
	return o.terms[0].Unit
}

// ready refuses an offer that cannot be sold as it stands.
func (o *OfferDetail) ready() error {
	if err := o.Tariff.Costed(o.Provider.StaffCount); err != nil {
		return err
	}
	var f shortbreaks.Faults
	for _, g := range o.Gaps() {
		if g.Blocks {
			f.Add(g.Pointer, "%s", g.Detail)
		}
	}
	return f.As(ErrOfferNotReady)
}

// PauseOffer stops new quotes and bookings of a published offer; what is
// booked stays booked. Pausing twice is pausing once. Errors: forbidden,
// not-found, wrong-state.
func PauseOffer(ctx context.Context, d *db.DB, who shortbreaks.Actor, id uuid.UUID) (*OfferDetail, error) {
	return change(ctx, d, who, id, func(tx *db.Tx, o *OfferDetail) error {
		switch o.Offer.State {
		case Paused:
			return nil
		case Draft, Withdrawn:
			return ErrWrongState.With("Only an offer that is published can be paused.")
		case Published:
		}
		return move(ctx, tx, o.Offer, Published, Paused, nil)
	})
}

// ResumeOffer puts a paused offer on sale again, if it could be published now.
// Errors: as PauseOffer, not-costed, offer-not-ready.
func ResumeOffer(ctx context.Context, d *db.DB, who shortbreaks.Actor, id uuid.UUID) (*OfferDetail, error) {
	return change(ctx, d, who, id, func(tx *db.Tx, o *OfferDetail) error {
		switch o.Offer.State {
		case Published:
			return nil
		case Draft, Withdrawn:
			return ErrWrongState.With("Only a paused offer can be resumed.")
		case Paused:
		}
		if err := o.ready(); err != nil {
			return err
		}
		return move(ctx, tx, o.Offer, Paused, Published, nil)
	})
}

// CopyOffer drafts an offer anew with the content, price and terms of another,
// and with the same workers for support by the hour; dates and photos are not
// copied. Errors: forbidden, not-found.
func CopyOffer(ctx context.Context, d *db.DB, who shortbreaks.Actor, id uuid.UUID) (*OfferDetail, error) {
	var made *OfferDetail
	_, err := changeAs(ctx, d, who, id, editors, func(tx *db.Tx, from *OfferDetail) error {
		s := shelf{provider: from.Provider, by: who.Person, now: tx.Now}
		o := from.Offer
		o.ID, o.State, o.CreatedAt, o.PublishedAt, o.Edition = shortbreaks.NewID(), Draft, tx.Now, nil, 1
		o.Title = copyTitle(o.Title)
		o.VersionID = s.addVersion(o.ID, 1, from.Tariff, from.Version.Terms)
		s.offers = append(s.offers, o)
		for _, lane := range from.Lanes {
			s.offerLanes = append(s.offerLanes, OfferLane{ProviderID: o.ProviderID, OfferID: o.ID, LaneID: lane.ID})
		}
		if err := s.write(ctx, tx); err != nil {
			return fmt.Errorf("copying offer %s: %w", id, err)
		}
		var err error
		made, err = readDetail(ctx, tx, o.ID)
		return err
	})
	return made, err
}

// copyTitle tells a copy from its original, within the length of a title.
func copyTitle(title string) string {
	const said = "Copy of "
	runes := []rune(said + title)
	return string(runes[:min(len(runes), 120)])
}

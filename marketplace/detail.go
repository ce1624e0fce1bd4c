package marketplace

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/marketplace/tariff"
)

var errNoRows = pgx.ErrNoRows

// mostShown is how many sessions and bundles a detail shows.
const mostShown = 50

// OfferDetail is everything there is to know before booking.
type OfferDetail struct {
	Offer     Offer
	Version   Version
	Provider  Provider
	Setting   Setting
	Tariff    tariff.Tariff // the version's, with what each price is made of
	PriceText string        // "£12.00 a session"
	// FrameworkRate says that some authorities have agreed another price.
	FrameworkRate bool
	// ComparableRatePence is the headline option's cost of one hour with the
	// child; nil where time is not what is sold.
	ComparableRatePence *shortbreaks.Pence
	Lanes               []Lane // of support by the hour
	Sessions            []SessionDetail
	Bundles             []BundleDetail
	Lapsed              []string     // kinds of credential it needs and has not today (T82)
	Reliability         *Reliability // nil: too few sessions have run to tell
	Photos              []Photo      // in their order, without the pictures themselves
	Facts               []Fact       // asked before and answered for everybody

	terms []Term
}

// SessionDetail is a session still to start, with its places.
type SessionDetail struct {
	ID         uuid.UUID
	TermID     *uuid.UUID
	StartsAt   time.Time
	EndsAt     time.Time
	LocalStart string
	TimeZone   string
	Capacity   int
	PlacesLeft int
	Taken      int
	Minimum    *Minimum // nil: it runs however few book

	// Of a session that was just changed; see CallOffSession and MoveSession.
	State        string
	PlannedStart *string
	Reason       *string
}

// BundleDetail is a bundle on sale, with today's price for what remains.
type BundleDetail struct {
	Term       Term
	Remaining  int
	PlacesLeft int // in the fullest session still to run
	PricePence shortbreaks.Pence
}

// Get reads an offer: published or withdrawn ones for everybody, a draft for
// its own provider.
func Get(ctx context.Context, d *db.DB, who shortbreaks.Actor, id uuid.UUID) (*OfferDetail, error) {
	var detail *OfferDetail
	err := d.Read(ctx, db.For(who), func(tx *db.Tx) (err error) {
		detail, err = readDetail(ctx, tx, id)
		return err
	})
	if err == nil && !who.ForProvider(detail.Offer.ProviderID) {
		detail.hideContracts()
		detail.Setting = detail.Setting.Public()
	}
	return detail, err
}

// hideContracts leaves out what is agreed with single authorities: that there
// is a framework rate is public, what it is is not (R021).
func (o *OfferDetail) hideContracts() {
	byContract := func(p tariff.Option) bool { return p.WhoMayUse == tariff.ByContract }
	o.FrameworkRate = slices.ContainsFunc(o.Tariff.Options, byContract)
	o.Tariff.Options = slices.DeleteFunc(slices.Clone(o.Tariff.Options), byContract)
}

func readDetail(ctx context.Context, tx *db.Tx, id uuid.UUID) (*OfferDetail, error) {
	offer, err := findOffer(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	o := &OfferDetail{Offer: offer}
	if err := o.read(ctx, tx); err != nil {
		return nil, fmt.Errorf("reading offer %s: %w", id, err)
	}
	return o, nil
}

func (o *OfferDetail) read(ctx context.Context, tx *db.Tx) (err error) {
	provider := o.Offer.ProviderID
	o.Version, err = gorm.G[Version](tx.DB).Where("provider_id = ? AND id = ?", provider, o.Offer.VersionID).First(ctx)
	if err != nil {
		return err
	}
	parts, err := gorm.G[Component](tx.DB).Where("provider_id = ? AND version_id = ?", provider, o.Offer.VersionID).Order("n").Find(ctx)
	if err != nil {
		return err
	}
	o.Provider, err = gorm.G[Provider](tx.DB).Where("id = ?", provider).First(ctx)
	if err != nil {
		return err
	}
	o.Setting, err = gorm.G[Setting](tx.DB).Where("provider_id = ? AND id = ?", provider, o.Offer.SettingID).First(ctx)
	if err != nil {
		return err
	}
	o.terms, err = gorm.G[Term](tx.DB).Where("provider_id = ? AND offer_id = ?", provider, o.Offer.ID).Order("starts_on, id").Find(ctx)
	if err != nil {
		return err
	}
	if err := o.readLanes(ctx, tx); err != nil {
		return err
	}
	if o.Lapsed, err = lapsedToday(ctx, tx, o.Offer); err != nil {
		return err
	}
	shown, err := readReliability(ctx, tx, []uuid.UUID{provider})
	if err != nil {
		return err
	}
	o.Reliability = shown[provider]
	if err := o.readShown(ctx, tx); err != nil {
		return err
	}
	o.Tariff = withComponents(o.Version.Tariff, parts)
	o.PriceText = tariff.PriceText(o.Version.PricePence, o.Version.PriceUnit)
	return o.show(ctx, tx)
}

func (o *OfferDetail) readLanes(ctx context.Context, tx *db.Tx) (err error) {
	if o.Offer.Visits == nil {
		return nil
	}
	o.Lanes, err = gorm.G[Lane](tx.DB).Where(`provider_id = ? AND id IN
		(SELECT lane_id FROM offer_lane WHERE provider_id = ? AND offer_id = ?)`, o.Offer.ProviderID, o.Offer.ProviderID, o.Offer.ID).
		Order("label, id").Find(ctx)
	return err
}

// show lays out what is still to run.
func (o *OfferDetail) show(ctx context.Context, tx *db.Tx) error {
	upcoming, err := upcomingSessions(ctx, tx, o.Offer, mostShown)
	if err != nil {
		return err
	}
	for _, s := range upcoming {
		o.Sessions = append(o.Sessions, s.detail())
	}
	running := slices.DeleteFunc(slices.Clone(o.terms), func(t Term) bool { return t.EndsOn.Before(shortbreaks.Date(tx.Now)) })
	running = running[:min(len(running), mostShown)]
	whole, err := sessionsOfTerms(ctx, tx, running)
	if err != nil {
		return err
	}
	for _, t := range running {
		b := bundleOf(t, whole[t.ID], o.Offer.gone(tx.Now))
		if len(b.remaining) == 0 {
			continue
		}
		ask := b.ask()
		if p, err := tariff.Price(&o.Tariff, &ask); err == nil {
			o.Bundles = append(o.Bundles, BundleDetail{t, len(b.remaining), b.placesLeft(), p.TotalPence})
		}
	}
	length, err := lastLength(ctx, tx, o.Offer)
	if err != nil {
		return err
	}
	planned := 0
	if n := len(o.terms); n > 0 {
		planned = o.terms[n-1].PlannedSessions
	}
	o.ComparableRatePence = o.Tariff.HeadlineRate(length, planned)
	return nil
}

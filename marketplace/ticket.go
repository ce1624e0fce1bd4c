package marketplace

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/marketplace/tariff"
)

// TicketWant asks for a block of dates bought at once.
type TicketWant struct {
	OfferID     uuid.UUID
	Option      string    // name of the price that sells the block
	From        time.Time // a date: the first it may be used on
	ReducedRate bool
	Schemes     []string
	Authority   uuid.UUID
}

// TicketOffered is a block as it is sold: Offered has one item, which stands for
// the last day, with the whole price.
type TicketOffered struct {
	Offered
	Block tariff.Block
	To    time.Time // a date: the last it may be used on
}

// OfferingTicket prices a block by the version on sale now, as it is paid for:
// once. What each use costs besides, such as a meal, is charged with its date.
// Refusals: offer-closed, invalid, not-found.
func OfferingTicket(ctx context.Context, tx *db.Tx, w TicketWant) (*TicketOffered, error) {
	o, prices, err := onSale(ctx, tx, w.OfferID)
	if err != nil {
		return nil, err
	}
	n := slices.IndexFunc(prices.Options, func(p tariff.Option) bool { return p.Name == w.Option && p.Block != nil })
	if n < 0 {
		return nil, notSold("/option", "This offer sells no block of this name.")
	}
	if w.From.Before(shortbreaks.Date(tx.Now)) {
		return nil, notSold("/from", "This date has passed; begin today or later.")
	}
	if w.From.After(shortbreaks.Date(tx.Now).AddDate(0, 0, mostNotice/(24*60))) {
		return nil, notSold("/from", "Begin within 90 days.")
	}
	option := prices.Options[n]
	option.Charges = option.Charges[:1]
	soldBy := tariff.BySession
	if o.Offer.Visits != nil {
		soldBy = tariff.ByVisit
	}
	noon := shortbreaks.At(w.From, 12*60)
	ask := tariff.Ask{
		SoldBy: soldBy, ReducedRate: w.ReducedRate, Schemes: w.Schemes, Attendees: 1,
		Occasions: []tariff.Occasion{{StartsAt: noon, EndsAt: noon.Add(time.Hour)}},
	}
	if w.Authority != uuid.Nil {
		if ask.Contracts, err = ContractsFor(ctx, tx, w.Authority, w.From, w.From); err != nil {
			return nil, err
		}
	}
	p, err := tariff.Price(&tariff.Tariff{Options: []tariff.Option{option}}, &ask)
	if err != nil {
		return nil, err
	}
	t := &TicketOffered{Offered: *o, Block: *option.Block, To: w.From.AddDate(0, 0, 7*option.Block.ValidWeeks-1)}
	last := shortbreaks.At(t.To, 24*60-1)
	t.Items = []OfferedItem{{StartsAt: last, EndsAt: last.Add(time.Minute), LocalStart: shortbreaks.Wall(last)}}
	t.takePrice(&p)
	t.Explanation = fmt.Sprintf("A block of %d, to be used from %s to %s: %s.", t.Block.Count, shortbreaks.LongDate(noon),
		shortbreaks.LongDate(last), t.TotalPence)
	return t, nil
}

// TicketUse names the block that dates are booked off: they cost no more than
// its other charges do, by the version it was bought at.
type TicketUse struct {
	VersionID uuid.UUID
	Option    string
}

// prices are what each date still costs.
func (u TicketUse) prices(ctx context.Context, tx *db.Tx, provider uuid.UUID) (tariff.Tariff, error) {
	version, err := gorm.G[Version](tx.DB).Where("provider_id = ? AND id = ?", provider, u.VersionID).First(ctx)
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return tariff.Tariff{}, shortbreaks.ErrNotFound
	}
	if err != nil {
		return tariff.Tariff{}, fmt.Errorf("reading the price a ticket was bought at: %w", err)
	}
	n := slices.IndexFunc(version.Tariff.Options, func(p tariff.Option) bool { return p.Name == u.Option && p.Block != nil })
	if n < 0 {
		return tariff.Tariff{}, fmt.Errorf("version %s sells no block %q", u.VersionID, u.Option)
	}
	bought := version.Tariff.Options[n]
	paid := bought.Charges[0]
	paid.AmountPence, paid.SubsidyPence, paid.Components = 0, 0, nil
	rest := tariff.Option{
		Name: bought.Name, WhoMayUse: "anyone", PaymentTiming: bought.PaymentTiming, Payment: bought.Payment, BilledOn: bought.BilledOn,
		Charges: append([]tariff.Charge{paid}, bought.Charges[1:]...),
	}
	return tariff.Tariff{Options: []tariff.Option{rest}}, nil
}

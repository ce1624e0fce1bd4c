package marketplace

import (
	"cmp"
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

// Want is what one attendee would have of one offer: exactly one of sessions,
// a bundle and visits.
type Want struct {
	OfferID     uuid.UUID
	SessionIDs  []uuid.UUID
	BundleID    *uuid.UUID
	Visits      []Visit
	LaneID      *uuid.UUID     // for every visit that names none
	ChargeKinds []string       // optional charges wanted besides
	ReducedRate bool           // the buyer is entitled to reduced rates
	Ratio       tariff.Ratio   // of the support; zero: what the offer gives
	Schemes     []string       // that fund this child's place
	Authority   uuid.UUID      // whose framework rates may be used (T31); Nil: nobody's
	Children    int            // of the family on these dates, this one included; 0 is 1
	ChildNo     int            // which of them this is; 0 is 1
	Quantities  map[string]int // by charge kind: miles, items
	Companions  map[string]int // who come along, by kind
	Ticket      *TicketUse     // that the dates are booked off
	AnyHour     bool           // for emergencies: no notice is asked for, and no horizon holds (R027)
	DateOfBirth time.Time      // zero for an attendee whose age does not count, such as a carer
}

// Offered is what a quote freezes. It takes nothing: places and lanes are the
// desk's.
type Offered struct {
	Offer                             Offer
	Provider                          Provider
	Setting                           Setting
	VersionID                         uuid.UUID
	BundleID                          *uuid.UUID
	OptionName, BilledOn, Explanation string
	FullPence                         shortbreaks.Pence // what all payers and subsidies together pay
	MightAdd                          []tariff.MightAdd
	Dues                              []tariff.Due
	Beats                             []tariff.Beaten
	Terms                             tariff.Terms
	BufferBefore, BufferAfter         time.Duration // around each visit; they block the lane, not the bill (T42)
	Items                             []OfferedItem // by start
	TotalPence                        shortbreaks.Pence
	ComparableRatePence               *shortbreaks.Pence

	anyHour bool
}

// OfferedItem is one session or visit with its lines.
type OfferedItem struct {
	SessionID        *uuid.UUID // nil for a visit
	LaneWish         *uuid.UUID // of a visit; nil: whoever is free
	StartsAt, EndsAt time.Time
	LocalStart       string
	PricePence       shortbreaks.Pence
	Charges          []tariff.Line
	Minimum          *Minimum // of a session that runs only if enough book
}

// Offering checks what is wanted of an offer and prices it by the version on
// sale now. Refusals name the value in the request they are about.
func Offering(ctx context.Context, tx *db.Tx, w Want) (*Offered, error) {
	if err := w.oneWay(); err != nil {
		return nil, err
	}
	o, prices, err := onSale(ctx, tx, w.OfferID)
	if err != nil {
		return nil, err
	}
	if w.Ticket != nil {
		if prices, err = w.Ticket.prices(ctx, tx, o.Provider.ID); err != nil {
			return nil, err
		}
	}
	ask := tariff.Ask{
		ReducedRate: w.ReducedRate, ChargeKinds: w.ChargeKinds, Schemes: w.Schemes, Ratio: w.Ratio, Children: w.Children, ChildNo: w.ChildNo,
		Quantities: w.Quantities, Attendees: 1,
	}
	for _, n := range w.Companions {
		ask.Attendees += n
	}
	if err := o.companions(w); err != nil {
		return nil, err
	}
	o.anyHour = w.AnyHour
	switch {
	case w.BundleID != nil:
		err = o.bundle(ctx, tx, *w.BundleID, &ask)
	case len(w.SessionIDs) > 0:
		err = o.sessions(ctx, tx, w.SessionIDs, &ask)
	default:
		err = o.visits(ctx, tx, w, &ask)
	}
	if err != nil {
		return nil, err
	}
	if err := o.ages(w); err != nil {
		return nil, err
	}
	if err := o.covered(ctx, tx, w); err != nil {
		return nil, err
	}
	if prices.OnHolidays() {
		if ask.Holidays, err = BankHolidays(ctx, tx, shortbreaks.Date(o.Items[0].StartsAt).AddDate(0, 0, -1), o.lastDay()); err != nil {
			return nil, err
		}
	}
	if w.Authority != uuid.Nil {
		first, last := shortbreaks.Date(o.Items[0].StartsAt), shortbreaks.Date(o.Items[len(o.Items)-1].StartsAt)
		if ask.Contracts, err = ContractsFor(ctx, tx, w.Authority, first, last); err != nil {
			return nil, err
		}
	}
	p, err := tariff.Price(&prices, &ask)
	if err != nil {
		return nil, err
	}
	o.takePrice(&p)
	return o, nil
}

// oneWay refuses a want that names no way to buy, or two.
func (w Want) oneWay() error {
	ways := 0
	for _, given := range []bool{len(w.SessionIDs) > 0, w.BundleID != nil, len(w.Visits) > 0} {
		if given {
			ways++
		}
	}
	if ways != 1 {
		words := "Ask for exactly one of session_ids, bundle_id and visits."
		return shortbreaks.ErrInvalid.With(words).At("", words)
	}
	return nil
}

// onSale reads a published offer with all that a quote shows of it.
func onSale(ctx context.Context, tx *db.Tx, id uuid.UUID) (*Offered, tariff.Tariff, error) {
	offer, err := findOffer(ctx, tx, id)
	if err != nil {
		return nil, tariff.Tariff{}, err
	}
	if offer.State != Published {
		return nil, tariff.Tariff{}, ErrOfferClosed.With("The provider does not sell it at present. Search for another.")
	}
	o := &Offered{Offer: offer, VersionID: offer.VersionID}
	version, err := gorm.G[Version](tx.DB).Where("provider_id = ? AND id = ?", offer.ProviderID, offer.VersionID).First(ctx)
	if err == nil {
		o.Provider, err = gorm.G[Provider](tx.DB).Where("id = ?", offer.ProviderID).First(ctx)
	}
	if err == nil {
		o.Setting, err = gorm.G[Setting](tx.DB).Where("provider_id = ? AND id = ?", offer.ProviderID, offer.SettingID).First(ctx)
	}
	if err != nil {
		return nil, tariff.Tariff{}, fmt.Errorf("reading offer %s: %w", id, err)
	}
	o.Terms = version.Terms
	if rules := offer.Visits; rules != nil {
		o.BufferBefore, o.BufferAfter = rules.before(), rules.after()
	}
	return o, version.Tariff, nil
}

// findOffer reads an offer within the caller's reach: published or withdrawn,
// or a draft of one's own.
func findOffer(ctx context.Context, tx *db.Tx, id uuid.UUID) (Offer, error) {
	offer, err := gorm.G[Offer](tx.DB).Where("id = ?", id).First(ctx)
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return Offer{}, shortbreaks.ErrNotFound.With("There is no such offer.")
	}
	if err != nil {
		return Offer{}, fmt.Errorf("reading offer %s: %w", id, err)
	}
	return offer, nil
}

// sessions finds the sessions asked for and lays them out by start.
func (o *Offered) sessions(ctx context.Context, tx *db.Tx, ids []uuid.UUID, ask *tariff.Ask) error {
	if o.Offer.Visits != nil {
		return notSold("/session_ids", "This is support by the hour: ask for visits.")
	}
	found, err := gorm.G[Session](tx.DB).
		Where("provider_id = ? AND offer_id = ? AND id IN ?", o.Offer.ProviderID, o.Offer.ID, ids).Find(ctx)
	if err != nil {
		return fmt.Errorf("reading the sessions asked for: %w", err)
	}
	byID := make(map[uuid.UUID]Session, len(found))
	for _, s := range found {
		byID[s.ID] = s
	}
	var unknown, started, off shortbreaks.Faults
	var early *shortbreaks.Error
	seen := map[uuid.UUID]bool{}
	for i, id := range ids {
		at := fmt.Sprintf("/session_ids/%d", i)
		s, ok := byID[id]
		switch {
		case !ok:
			unknown.Add(at, "This offer has no such session.")
		case seen[id]:
			unknown.Add(at, "This session is there twice.")
		case s.State != "scheduled":
			off.Add(at, "The session on %s was called off.", shortbreaks.LongDate(s.StartsAt))
		case !s.StartsAt.After(tx.Now):
			started.Add(at, "The session on %s has started; choose a later one.", shortbreaks.LongDate(s.StartsAt))
		default:
			early = o.bookable(s.StartsAt, tx.Now, at, early)
		}
		seen[id] = true
		o.addSession(s)
	}
	if err := cmp.Or(unknown.As(shortbreaks.ErrInvalid), off.As(ErrOfferClosed), started.As(ErrSessionStarted)); err != nil {
		return err
	}
	if early != nil {
		return early
	}
	o.lay(tariff.BySession, ask)
	return nil
}

// bundle finds what remains of a bundle: its sessions still to start.
func (o *Offered) bundle(ctx context.Context, tx *db.Tx, id uuid.UUID, ask *tariff.Ask) error {
	if o.Offer.Visits != nil {
		return notSold("/bundle_id", "This is support by the hour: ask for visits.")
	}
	where := "provider_id = ? AND offer_id = ? AND id = ?"
	term, err := gorm.G[Term](tx.DB).Where(where, o.Offer.ProviderID, o.Offer.ID, id).First(ctx)
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return notSold("/bundle_id", "This offer has no such bundle.")
	}
	if err != nil {
		return fmt.Errorf("reading bundle %s: %w", id, err)
	}
	all, err := sessionsOfTerms(ctx, tx, []Term{term})
	if err != nil {
		return err
	}
	gone := o.Offer.gone(tx.Now)
	if o.anyHour {
		gone = tx.Now
	}
	now := bundleOf(term, all[term.ID], gone)
	ask.Bundle = now.ask().Bundle
	for _, s := range now.remaining {
		o.Items = append(o.Items, OfferedItem{SessionID: &s.ID, StartsAt: s.StartsAt, EndsAt: s.EndsAt, LocalStart: s.LocalStart, Minimum: s.minimum()})
	}
	if len(o.Items) == 0 {
		words := "No session of " + term.Name + " is still to run."
		return ErrSessionStarted.With(words).At("/bundle_id", words)
	}
	if refusal := o.bookable(now.remaining[0].StartsAt, tx.Now, "/bundle_id", nil); refusal != nil {
		return refusal // the whole opens with its first session
	}
	o.BundleID = &term.ID
	o.lay(tariff.ByBundle, ask)
	return nil
}

// visits lays out the visits asked for.
func (o *Offered) visits(ctx context.Context, tx *db.Tx, w Want, ask *tariff.Ask) error {
	rules := o.Offer.Visits
	if rules == nil {
		return notSold("/visits", "This is sold by its sessions, not by the hour at a time of your choosing.")
	}
	lanes, err := gorm.G[OfferLane](tx.DB).Where("provider_id = ? AND offer_id = ?", o.Offer.ProviderID, o.Offer.ID).Find(ctx)
	if err != nil {
		return fmt.Errorf("reading the lanes of offer %s: %w", o.Offer.ID, err)
	}
	closures, err := readClosures(ctx, tx, o.Offer.ProviderID, shortbreaks.Date(tx.Now))
	if err != nil {
		return err
	}
	closures = closuresAt(closures, &o.Offer.SettingID)
	var f, shut shortbreaks.Faults
	var early *shortbreaks.Error
	for i, v := range w.Visits {
		at := fmt.Sprintf("/visits/%d", i)
		lane := cmp.Or(v.LaneID, w.LaneID)
		known := lane == nil || slices.ContainsFunc(lanes, func(l OfferLane) bool { return l.LaneID == *lane })
		f.Unless(known, at+"/lane_id", "Nobody of this name serves this offer.")
		occasion := rules.occasion(v, tx.Now, at, &f)
		early = o.bookable(occasion.StartsAt, tx.Now, at+"/local_start", early)
		kept := tariff.Occasion{StartsAt: occasion.StartsAt.Add(-rules.before()), EndsAt: occasion.EndsAt.Add(rules.after())}
		if c := slices.IndexFunc(closures, func(c Closure) bool { return c.shuts(kept) }); c >= 0 {
			shut.Add(at+"/local_start", "Closed on %s: %s", shortbreaks.LongDate(occasion.StartsAt), closures[c].Reason)
		}
		o.Items = append(o.Items, OfferedItem{LaneWish: lane, StartsAt: occasion.StartsAt, EndsAt: occasion.EndsAt, LocalStart: v.LocalStart})
	}
	if err := cmp.Or(f.As(shortbreaks.ErrInvalid), shut.As(ErrOfferClosed)); err != nil {
		return err
	}
	if early != nil {
		return early
	}
	o.lay(tariff.ByVisit, ask)
	return nil
}

// bookable adds a start that may not be booked now to what was refused before
// it.
func (o *Offered) bookable(starts, now time.Time, at string, before *shortbreaks.Error) *shortbreaks.Error {
	refusal := o.Offer.tooLateOrEarly(starts, now)
	switch {
	case refusal == nil, o.anyHour && starts.After(now):
		return before
	case before == nil:
		before = refusal
	}
	return before.At(at, refusal.Detail)
}

func (o *Offered) addSession(s Session) {
	o.Items = append(o.Items, OfferedItem{SessionID: &s.ID, StartsAt: s.StartsAt, EndsAt: s.EndsAt, LocalStart: s.LocalStart, Minimum: s.minimum()})
}

// lay sorts the items by start and tells the price what there is to be priced.
func (o *Offered) lay(by tariff.SoldBy, ask *tariff.Ask) {
	slices.SortStableFunc(o.Items, func(a, b OfferedItem) int { return a.StartsAt.Compare(b.StartsAt) })
	ask.SoldBy = by
	for _, item := range o.Items {
		ask.Occasions = append(ask.Occasions, tariff.Occasion{StartsAt: item.StartsAt, EndsAt: item.EndsAt})
	}
}

// ages judges the age on the date of each item (T43).
func (o *Offered) ages(w Want) error {
	if w.DateOfBirth.IsZero() {
		return nil
	}
	var f shortbreaks.Faults
	for _, item := range o.Items {
		age := shortbreaks.AgeOn(w.DateOfBirth, shortbreaks.Date(item.StartsAt))
		f.Unless(age >= o.Offer.AgeFrom && age <= o.Offer.AgeTo, w.pointer(item),
			"This offer is for ages %d to %d; on %s the child is %d.", o.Offer.AgeFrom, o.Offer.AgeTo, shortbreaks.LongDate(item.StartsAt), age)
	}
	return f.As(ErrAge)
}

// pointer is where the request asks for an item.
func (w Want) pointer(item OfferedItem) string {
	if w.BundleID != nil {
		return "/bundle_id"
	}
	if item.SessionID != nil {
		return fmt.Sprintf("/session_ids/%d", slices.Index(w.SessionIDs, *item.SessionID))
	}
	i := slices.IndexFunc(w.Visits, func(v Visit) bool { return v.LocalStart == item.LocalStart })
	return fmt.Sprintf("/visits/%d/local_start", i)
}

// takePrice writes the price onto the items.
func (o *Offered) takePrice(p *tariff.Priced) {
	o.OptionName, o.BilledOn, o.Explanation, o.Beats = p.OptionName(), p.BilledOn(), p.Explain(), p.Beats
	o.TotalPence, o.FullPence, o.ComparableRatePence = p.TotalPence, p.FullPence, p.RatePence
	o.MightAdd, o.Dues = p.MightAdd, p.Dues()
	for i := range o.Items {
		o.Items[i].PricePence, o.Items[i].Charges = p.Items[i].TotalPence, p.Items[i].Lines
	}
}

// lastDay is the latest date an item touches.
func (o *Offered) lastDay() (last time.Time) {
	for _, item := range o.Items {
		if on := shortbreaks.Date(item.EndsAt); on.After(last) {
			last = on
		}
	}
	return last
}

func notSold(at, words string) error { return shortbreaks.ErrInvalid.With(words).At(at, words) }

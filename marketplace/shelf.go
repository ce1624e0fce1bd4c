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

// shelf gathers the rows of one or many offers of a provider, so that a file
// of them is written in a few statements.
type shelf struct {
	provider Provider
	by       uuid.UUID
	now      time.Time
	locate   func(postcode string) (Point, bool) // in what was imported too; nil: only in the table that ships

	book       ruleBook  // what publishing is held against
	known      []Setting // the provider's before
	contracts  []Contract
	closures   []Closure // of the provider, still to end
	settings   []Setting
	offers     []Offer
	versions   []Version
	components []Component
	terms      []Term
	sessions   []Session
	counters   []Counter
	lanes      []Lane
	offerLanes []OfferLane
}

// openShelf reads what a draft is held against.
func openShelf(ctx context.Context, tx *db.Tx, provider, by uuid.UUID) (*shelf, error) {
	p, err := gorm.G[Provider](tx.DB).Where("id = ?", provider).First(ctx)
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, shortbreaks.ErrNotFound.With("There is no such provider.")
	}
	if err != nil {
		return nil, fmt.Errorf("reading provider %s: %w", provider, err)
	}
	known, err := gorm.G[Setting](tx.DB).Where("provider_id = ?", provider).Order("id").Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the settings of provider %s: %w", provider, err)
	}
	contracts, err := gorm.G[Contract](tx.DB).Where("provider_id = ?", provider).Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the contracts of provider %s: %w", provider, err)
	}
	closures, err := readClosures(ctx, tx, provider, shortbreaks.Date(tx.Now))
	if err != nil {
		return nil, err
	}
	locate := func(postcode string) (Point, bool) {
		point, found, err := LocateStep(ctx, tx, postcode)
		return point, found && err == nil // an error has ended the transaction: the next statement says so
	}
	s := &shelf{provider: p, by: by, now: tx.Now, locate: locate, known: known, contracts: contracts, closures: closures}
	s.book, err = readBook(ctx, tx, provider)
	return s, err
}

// placed is the setting with its place, if it is known.
func (s *shelf) placed(d *SettingDraft) *SettingDraft {
	if d == nil || s.locate == nil || d.point != nil {
		return d
	}
	located := *d
	if point, known := s.locate(d.Postcode); known {
		located.point = &point
	}
	return &located
}

// add checks a draft and lays its rows out; it writes nothing.
func (s *shelf) add(d OfferDraft, state OfferState) (uuid.UUID, error) {
	d.Setting = s.placed(d.Setting)
	d.Sessions = d.Sessions.shutOn(s.closuresOf(d))
	f := d.check(s.now)
	if err := f.As(shortbreaks.ErrInvalid); err != nil {
		return uuid.Nil, err
	}
	if err := s.checkContracts(d.Tariff); err != nil {
		return uuid.Nil, err
	}
	if err := d.Tariff.Costed(s.provider.StaffCount); err != nil {
		return uuid.Nil, err
	}
	d = d.trimmed()
	setting, err := s.setting(d)
	if err != nil {
		return uuid.Nil, err
	}
	o := Offer{
		ProviderID: s.provider.ID, ID: shortbreaks.NewID(), SettingID: setting, State: state,
		Title: d.Title, Summary: d.Summary, Category: d.Category, AccessRoute: d.AccessRoute,
		AgeFrom: d.AgeFrom, AgeTo: d.AgeTo, RatioStaff: d.RatioStaff, RatioChildren: d.RatioChildren,
		Instant: d.Instant, NoticeMinutes: d.NoticeMinutes, HorizonDays: d.HorizonDays, CreatedAt: s.now, Content: d.Content, Edition: 1,
		Companions: d.Companions,
	}
	if d.Visits != nil {
		o.Visits = s.addLanes(o.ID, *d.Visits)
	}
	if d.Sessions != nil {
		s.addSessions(o.ID, *d.Sessions)
	}
	if state == Published {
		o.PublishedAt = &s.now
		if err := s.mayPublish(o); err != nil {
			return uuid.Nil, err
		}
	}
	o.VersionID = s.addVersion(o.ID, 1, d.Tariff, d.Terms)
	o.NextPriceOn = nextChange(d.Tariff, shortbreaks.Date(s.now))
	s.offers = append(s.offers, o)
	return o.ID, nil
}

// checkContracts refuses prices by contracts the provider does not have.
func (s *shelf) checkContracts(t tariff.Tariff) error {
	var f shortbreaks.Faults
	for i, o := range t.Options {
		known := o.ContractID == nil || slices.ContainsFunc(s.contracts, func(c Contract) bool { return c.ID == *o.ContractID })
		f.Unless(known, fmt.Sprintf("/tariff/options/%d/contract_id", i), "You have no such contract.")
	}
	return f.As(shortbreaks.ErrInvalid)
}

// mayPublish holds an offer of the shelf against the rules.
func (s *shelf) mayPublish(o Offer) error {
	first := len(s.sessions) // its own were laid out last
	for first > 0 && s.sessions[first-1].OfferID == o.ID {
		first--
	}
	var sessions []stretch
	for _, e := range s.sessions[first:] {
		sessions = append(sessions, stretch{e.StartsAt, e.EndsAt})
	}
	return s.book.publishable(factsOf(o, sessions), shortbreaks.Date(s.now))
}

// setting is the one named, or one of the same name and postcode, or a new one.
func (s *shelf) setting(d OfferDraft) (uuid.UUID, error) {
	if d.SettingID != nil {
		for _, known := range s.known {
			if known.ID == *d.SettingID {
				return known.ID, nil
			}
		}
		words := "You have no such setting."
		return uuid.Nil, shortbreaks.ErrInvalid.With(words).At("/setting_id", words)
	}
	for _, known := range s.known {
		if known.Name == d.Setting.Name && known.Postcode == d.Setting.Postcode {
			return known.ID, nil
		}
	}
	point, _ := d.Setting.where() // check has found it
	fresh := Setting{
		ProviderID: s.provider.ID, ID: shortbreaks.NewID(), Name: d.Setting.Name, AddressLines: append([]string{}, d.Setting.address...),
		Postcode: point.Postcode, Area: point.Area, Latitude: point.Lat, Longitude: point.Lon, AccessFeatures: d.Setting.access,
	}
	s.known, s.settings = append(s.known, fresh), append(s.settings, fresh)
	return fresh.ID, nil
}

func (s *shelf) addVersion(offer uuid.UUID, n int, t tariff.Tariff, terms tariff.Terms) uuid.UUID {
	amount, unit := t.Headline()
	v := Version{
		ProviderID: s.provider.ID, ID: shortbreaks.NewID(), OfferID: offer, N: n, Tariff: withoutComponents(t), Terms: terms,
		PricePence: amount, PriceUnit: unit, CreatedAt: s.now, CreatedBy: s.by,
	}
	s.versions = append(s.versions, v)
	part := 0
	for i, o := range t.Options {
		for j, c := range o.Charges {
			for _, p := range c.Components {
				part++
				s.components = append(s.components, Component{
					ProviderID: v.ProviderID, VersionID: v.ID, N: part, OptionN: i + 1, ChargeN: j + 1,
					Kind: p.Kind, AmountPence: p.AmountPence, Note: p.Note,
				})
			}
		}
	}
	return v.ID
}

func (s *shelf) addLanes(offer uuid.UUID, r VisitRules) *VisitRules {
	for _, draft := range r.Lanes {
		if draft.ID != nil {
			s.offerLanes = append(s.offerLanes, OfferLane{ProviderID: s.provider.ID, OfferID: offer, LaneID: *draft.ID})
			continue
		}
		lane := Lane{ProviderID: s.provider.ID, ID: shortbreaks.NewID(), Label: draft.Label}
		s.lanes = append(s.lanes, lane)
		s.offerLanes = append(s.offerLanes, OfferLane{ProviderID: lane.ProviderID, OfferID: offer, LaneID: lane.ID})
	}
	r.Lanes = nil
	return &r
}

func (s *shelf) addSessions(offer uuid.UUID, series SessionSeries) {
	var term *uuid.UUID
	var first time.Time
	if b := series.Bundle; b != nil {
		first = series.firstStart()
		t := Term{
			ProviderID: s.provider.ID, ID: shortbreaks.NewID(), OfferID: offer, Name: b.Name, Unit: b.Unit,
			PlannedSessions: series.plannedSessions(), Capacity: b.Capacity,
		}
		t.StartsOn, t.EndsOn = series.bundleSpan()
		s.terms, term = append(s.terms, t), &t.ID
	}
	for _, one := range series.all() {
		for _, on := range one.dates() {
			o, _ := one.occasion(on) // check has found it
			session := Session{
				ProviderID: s.provider.ID, ID: shortbreaks.NewID(), OfferID: offer, TermID: term, StartsAt: o.StartsAt, EndsAt: o.EndsAt,
				LocalStart: wallOf(on, one.From), TimeZone: shortbreaks.ZoneName, State: "scheduled",
			}
			one.Minimum.apply(&session, first)
			s.sessions = append(s.sessions, session)
			s.counters = append(s.counters, Counter{ProviderID: session.ProviderID, SessionID: session.ID, Capacity: one.Capacity, StaffUnits: one.StaffUnits})
		}
	}
}

// write inserts everything gathered, each table once, parents first.
func (s *shelf) write(ctx context.Context, tx *db.Tx) error {
	for _, insert := range []func() error{
		func() error { return insert(ctx, tx, s.settings) },
		func() error { return insert(ctx, tx, s.offers) },
		func() error { return insert(ctx, tx, s.versions) },
		func() error { return insert(ctx, tx, s.components) },
		func() error { return insert(ctx, tx, s.terms) },
		func() error { return insert(ctx, tx, s.sessions) },
		func() error { return insert(ctx, tx, s.counters) },
		func() error { return insert(ctx, tx, s.lanes) },
		func() error { return insert(ctx, tx, s.offerLanes) },
	} {
		if err := insert(); err != nil {
			return fmt.Errorf("writing offers of provider %s: %w", s.provider.ID, err)
		}
	}
	keys := make([]offerKey, 0, len(s.offers))
	for _, o := range s.offers {
		keys = append(keys, offerKey{o.ProviderID, o.ID})
	}
	for batch := range slices.Chunk(keys, rowsAtOnce) {
		if err := relist(ctx, tx, batch); err != nil {
			return err
		}
	}
	return nil
}

// rowsAtOnce keeps a statement well under PostgreSQL's 65,535 parameters, and
// within its time.
const rowsAtOnce = 500

func insert[T any](ctx context.Context, tx *db.Tx, rows []T) error {
	if len(rows) == 0 {
		return nil
	}
	return gorm.G[T](tx.DB).CreateInBatches(ctx, &rows, rowsAtOnce)
}

// withoutComponents is the tariff as its version stores it: the components
// stand in their own table, once.
func withoutComponents(t tariff.Tariff) tariff.Tariff {
	bare := t.WithSubsidies()
	for i := range bare.Options {
		for j := range bare.Options[i].Charges {
			bare.Options[i].Charges[j].Components = nil
		}
	}
	return bare
}

// withComponents is the tariff as the contract shows it.
func withComponents(t tariff.Tariff, parts []Component) tariff.Tariff {
	full := tariff.Tariff{Options: slices.Clone(t.Options)}
	for i := range full.Options {
		full.Options[i].Charges = slices.Clone(full.Options[i].Charges)
	}
	for _, p := range parts {
		c := &full.Options[p.OptionN-1].Charges[p.ChargeN-1]
		c.Components = append(c.Components, tariff.Component{Kind: p.Kind, AmountPence: p.AmountPence, Note: p.Note})
	}
	return full
}

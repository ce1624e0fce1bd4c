package marketplace_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/internal/db/dbtest"
	"shortbreaks/internal/demo"
	"shortbreaks/marketplace"
	"shortbreaks/marketplace/tariff"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// start is a Monday before the spring term, 9:00 in London.
var start = time.Date(2027, 1, 4, 9, 0, 0, 0, time.UTC)

// stall is a database with one provider that has an owner.
type stall struct {
	ctx   context.Context
	t     testing.TB
	d     *db.DB
	admin *pgxpool.Pool
	clock *dbtest.Clock
	owner shortbreaks.Actor
}

func setup(t testing.TB) *stall {
	t.Helper()
	s := &stall{ctx: context.Background(), t: t, clock: dbtest.NewClock(start)}
	s.d = dbtest.New(t, dbtest.WithClock(s.clock))
	s.admin = dbtest.Owner(t, s.d)
	s.owner = s.provider("Willow Breaks", 5)
	return s
}

// provider makes one with a full file and answers its owner.
func (s *stall) provider(name string, staff int) shortbreaks.Actor {
	s.t.Helper()
	who := s.bareProvider(name, staff)
	require.NoError(s.t, demo.Builder{D: s.d}.File(s.ctx, who, who.Providers[0], demo.Filing{}))
	return who
}

// bareProvider makes one without credentials and answers its owner.
func (s *stall) bareProvider(name string, staff int) shortbreaks.Actor {
	s.t.Helper()
	id := shortbreaks.NewID()
	_, err := s.admin.Exec(s.ctx, `INSERT INTO provider (id, name, staff_count) VALUES ($1, $2, $3)`, id, name, staff)
	require.NoError(s.t, err)
	return shortbreaks.Actor{Person: shortbreaks.NewID(), Role: shortbreaks.ProviderOwner, Providers: []uuid.UUID{id}}
}

// publish makes a published offer of the draft.
func (s *stall) publish(who shortbreaks.Actor, draft marketplace.OfferDraft) *marketplace.OfferDetail {
	s.t.Helper()
	made, err := marketplace.CreateOffer(s.ctx, s.d, who, draft)
	require.NoError(s.t, err)
	require.Equal(s.t, marketplace.Draft, made.Offer.State)
	made, err = marketplace.PublishOffer(s.ctx, s.d, who, made.Offer.ID)
	require.NoError(s.t, err)
	return made
}

// offering asks as the public would.
func (s *stall) offering(w marketplace.Want) (o *marketplace.Offered, err error) {
	s.t.Helper()
	err = s.d.Read(s.ctx, db.Scope{}, func(tx *db.Tx) (err error) {
		o, err = marketplace.Offering(s.ctx, tx, w)
		return err
	})
	return o, err
}

func (s *stall) count(table string) (n int) {
	s.t.Helper()
	require.NoError(s.t, s.admin.QueryRow(s.ctx, `SELECT count(*) FROM `+table).Scan(&n))
	return n
}

func date(text string) time.Time {
	on, err := time.Parse(time.DateOnly, text)
	if err != nil {
		panic(err)
	}
	return on
}

// at is a London wall time.
func at(text string) time.Time {
	t, err := time.ParseInLocation(shortbreaks.WallLayout, text, shortbreaks.London)
	if err != nil {
		panic(err)
	}
	return t.UTC()
}

func pence(p shortbreaks.Pence) *shortbreaks.Pence { return &p }

// charge is a costed charge of one unit.
func charge(kind, unit string, amount shortbreaks.Pence) tariff.Charge {
	c := tariff.Charge{Kind: kind, Basis: "per_child", Unit: unit, When: "planned", AmountPence: amount, VAT: "exempt"}
	if amount > 0 {
		c.Components = []tariff.Component{
			{Kind: "staff", AmountPence: amount - amount/3},
			{Kind: "premises", AmountPence: amount / 3, Note: "hall"},
		}
	}
	return c
}

func option(name string, charges ...tariff.Charge) tariff.Option {
	return tariff.Option{Name: name, WhoMayUse: tariff.Anyone, PaymentTiming: "arrears", BilledOn: "booked", Charges: charges}
}

func reduced(o tariff.Option) tariff.Option {
	o.WhoMayUse = tariff.ReducedRate
	return o
}

func optional(c tariff.Charge) tariff.Charge {
	c.Optional = true
	return c
}

func tariffOf(options ...tariff.Option) tariff.Tariff {
	return tariff.Tariff{Options: options}
}

// club is 11 Saturdays from 10:00 to 13:00 of a 12-week term, by the session.
func club(t tariff.Tariff) marketplace.OfferDraft {
	return marketplace.OfferDraft{
		Setting: &marketplace.SettingDraft{Name: "Willow Hall", Postcode: "zz1 1aa"},
		Title:   "Saturday club", Summary: "Games, music and a garden.", Category: "club", AccessRoute: "universal",
		AgeFrom: 5, AgeTo: 16, RatioStaff: 1, RatioChildren: 3, Instant: true, Tariff: t,
		Terms: tariff.Terms{FreeUntilHours: 48, LateFeePercent: 50},
		Sessions: &marketplace.SessionSeries{
			FirstDate: date("2027-01-09"), LastDate: date("2027-03-27"), Weekdays: []int{6}, From: "10:00", To: "13:00",
			Except: []time.Time{date("2027-02-20")}, Capacity: 12,
		},
	}
}

// bundled sells all dates of a draft as one.
func bundled(d marketplace.OfferDraft, unit string) marketplace.OfferDraft {
	series := *d.Sessions
	series.Bundle = &marketplace.BundleDraft{Name: "Spring " + unit, Unit: unit}
	d.Sessions = &series
	return d
}

// support is a worker by the hour, Monday to Saturday, two lanes.
func support(t tariff.Tariff) marketplace.OfferDraft {
	return marketplace.OfferDraft{
		Setting: &marketplace.SettingDraft{Name: "Around Brackenvale", Postcode: "ZX1 1AA"},
		Title:   "One-to-one support worker", Summary: "Comes to you, or goes out with your child.",
		Category: "support_worker", AccessRoute: "targeted", AgeFrom: 5, AgeTo: 18, RatioStaff: 1, RatioChildren: 1, Tariff: t,
		Terms: tariff.Terms{FreeUntilHours: 48, LateFeePercent: 100},
		Visits: &marketplace.VisitRules{
			Days: []int{1, 2, 3, 4, 5, 6}, From: "08:00", To: "20:00", MinimumMinutes: 60, MaximumMinutes: 480, StepMinutes: 5,
			BufferAfterMinutes: 30, Lanes: []marketplace.LaneDraft{{Label: "Worker A"}, {Label: "Worker B"}},
		},
	}
}

// hourly is £25.00 an hour in steps of 15 minutes, up.
func hourly() tariff.Tariff {
	c := charge("support", "hour", 2500)
	c.MinimumMinutes, c.StepMinutes, c.StepMode = 60, 15, "up"
	return tariffOf(option("Standard", c))
}

// fields lists where an error says the values are.
func fields(err error) (pointers []string) {
	var e *shortbreaks.Error
	if errors.As(err, &e) {
		for _, f := range e.Fields {
			pointers = append(pointers, f.Pointer)
		}
	}
	return pointers
}

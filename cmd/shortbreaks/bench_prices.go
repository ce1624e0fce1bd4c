package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/budgets"
	"shortbreaks/marketplace/tariff"
)

// measurePlan times costing a plan of twenty lines for half a year: twelve at
// the cheapest offer within five miles of where most people live, four at
// chosen offers, two personal assistants and two fixed sums.
func (b *searchBench) measurePlan(ctx context.Context) error {
	rows, err := b.owner.Query(ctx, sqlOnSaturdays, 4)
	if err != nil {
		return err
	}
	offers, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return err
	}
	plan := b.plan(offers)
	say("costing a plan of %d lines, one client, %d times", len(plan.Lines), comparedRounds)
	who := shortbreaks.Actor{Person: shortbreaks.NewID(), Role: shortbreaks.Practitioner, Authorities: []uuid.UUID{shortbreaks.NewID()}}
	return b.rounds("plan", func() error {
		costing, err := budgets.Cost(ctx, b.d, who, plan)
		if err == nil && costing.TotalPence == 0 {
			err = errors.New("a plan that costs nothing measures nothing")
		}
		return err
	})
}

func (b *searchBench) plan(offers []uuid.UUID) budgets.CostPlan {
	age, saturday := 9, b.world.Weekend()
	plan := budgets.CostPlan{
		Age: &age, Postcode: b.world.Outcodes[0], StartsOn: saturday, EndsOn: saturday.AddDate(0, 6, 0),
		Shares: []budgets.Share{{Stream: "education", Weight: 1}},
	}
	kinds := []string{"club", "swimming", "sport", "play", "holiday_scheme", "support_worker"}
	for i := range 12 {
		plan.Lines = append(plan.Lines, budgets.CostLine{
			Name: fmt.Sprintf("Cheapest %d", i+1), Cheapest: &budgets.Cheapest{Category: kinds[i%len(kinds)], WithinMiles: 5},
			Use: &budgets.CostUse{Weekdays: []int{1 + i%7}, Minutes: 60},
		})
	}
	for i, id := range offers {
		plan.Lines = append(plan.Lines, budgets.CostLine{
			Name: fmt.Sprintf("Chosen %d", i+1), OfferID: &id, Use: &budgets.CostUse{Weekdays: []int{6}, Minutes: 60},
		})
	}
	for i := range 2 {
		plan.Lines = append(plan.Lines,
			budgets.CostLine{
				Name: fmt.Sprintf("Assistant %d", i+1), Use: &budgets.CostUse{Weekdays: []int{2, 4}, Minutes: 180},
				Assistant: &budgets.Assistant{WagePence: 1_400},
			},
			budgets.CostLine{Name: fmt.Sprintf("Fixed %d", i+1), Fixed: &budgets.FixedSum{Pence: 5_000, Every: "month"}},
		)
	}
	return plan
}

// pricedTimes is how many prices are timed together: one takes less than a
// clock can tell.
const pricedTimes = 200_000

// measurePrice times one visit of an hour and a half at a flat hourly rate,
// and counts what it leaves for the garbage collector.
func (b *searchBench) measurePrice() error {
	say("pricing one visit %d times", pricedTimes)
	t := tariff.Tariff{Options: []tariff.Option{{
		Name: "Standard", WhoMayUse: tariff.Anyone, PaymentTiming: "arrears", BilledOn: "booked",
		Charges: []tariff.Charge{{Kind: "support", Basis: "per_child", Unit: tariff.UnitHour, When: "planned", AmountPence: 1_850, StepMinutes: 15, StepMode: "up", VAT: "exempt"}},
	}}}
	begins := b.world.Weekend().Add(10 * time.Hour)
	ask := tariff.Ask{SoldBy: tariff.ByVisit, Occasions: []tariff.Occasion{{StartsAt: begins, EndsAt: begins.Add(90 * time.Minute)}}}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	start := time.Now()
	for range pricedTimes {
		p, err := tariff.Price(&t, &ask)
		if err != nil {
			return err
		}
		if p.TotalPence != 2_775 {
			return fmt.Errorf("an hour and a half at £18.50 came to %s", p.TotalPence)
		}
	}
	took := time.Since(start)
	runtime.ReadMemStats(&after)
	b.priceNanos = float64(took.Nanoseconds()) / pricedTimes
	b.priceAllocs = float64(after.Mallocs-before.Mallocs) / pricedTimes
	say("  price: %.0f ns, %.1f allocations", b.priceNanos, b.priceAllocs)
	return nil
}

// sayPrice is how pricing stands to its aim.
func (b *searchBench) sayPrice() string {
	return fmt.Sprintf("One visit at a flat hourly rate is priced in %.0f ns with %.1f allocations: %s.", b.priceNanos, b.priceAllocs, met(b.priceNanos < aimPrice, "under 1 µs"))
}

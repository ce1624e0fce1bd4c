package tariff_test

import (
	"fmt"
	"math/bits"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"shortbreaks"
	"shortbreaks/marketplace/tariff"
)

// Brute force: every way at all to cover up to six dates by two options by the
// date, two kinds of block, a membership bought on any of the dates, and an
// option with a cap for the whole booking. Blocks may overlap as they like;
// that one of each kind in hand is enough is what is tested.

const never = shortbreaks.Pence(1) << 40

// shop is a small tariff whose costs by date are worked out here by hand.
type shop struct {
	tf      tariff.Tariff
	days    []time.Time
	minutes []int
}

// serves reports whether an option is in force on a date.
func (s *shop) serves(o *tariff.Option, i int) bool {
	day := s.days[i].Format(time.DateOnly)
	return (o.ValidFrom == "" || day >= o.ValidFrom) && (o.ValidTo == "" || day <= o.ValidTo)
}

// costs of one use on a date: sessions and hours of one charge each.
func (s *shop) costs(c *tariff.Charge, i int) shortbreaks.Pence {
	if c.Unit == "hour" {
		return (c.AmountPence*shortbreaks.Pence(s.minutes[i])*2 + 60) / 120
	}
	return c.AmountPence
}

// blocksFor is the fewest blocks that serve each set of dates.
func (s *shop) blocksFor(o *tariff.Option) []int {
	fewest := make([]int, 1<<len(s.days))
	for set := 1; set < len(fewest); set++ {
		fewest[set] = 1 << 20
		first := bits.TrailingZeros(uint(set))
		for part := set; part > 0; part = (part - 1) & set {
			last := bits.Len(uint(part)) - 1
			inTime := s.days[last].Before(s.days[first].AddDate(0, 0, 7*o.Block.ValidWeeks))
			if part&(1<<first) == 0 || bits.OnesCount(uint(part)) > o.Block.Count || !inTime {
				continue
			}
			fewest[set] = min(fewest[set], 1+fewest[set&^part])
		}
	}
	return fewest
}

// cheapest goes through every set of dates on which membership is bought, and
// for each through every division of the dates.
func (s *shop) cheapest() shortbreaks.Pence {
	best := never
	n := len(s.days)
	member := s.option("Membership")
	for joins := range 1 << n {
		cost := shortbreaks.Pence(0)
		isMember := 0
		for i := range n {
			if joins&(1<<i) == 0 {
				continue
			}
			if member == nil || !s.serves(member, i) {
				cost = never
				break
			}
			cost += member.Charges[0].AmountPence
			for k := i; k < n && s.days[k].Before(monthsLater(s.days[i], member.Membership.Months)); k++ {
				isMember |= 1 << k
			}
		}
		if cost < best {
			best = min(best, cost+s.divide(isMember))
		}
	}
	return best
}

// monthsLater is the same day of a later month, or its last.
func monthsLater(day time.Time, months int) time.Time {
	for back := range 4 {
		if t := time.Date(day.Year(), day.Month()+time.Month(months), day.Day()-back, 0, 0, 0, 0, time.UTC); t.Day() == day.Day()-back {
			return t
		}
	}
	panic("no such month")
}

func (s *shop) option(name string) *tariff.Option {
	for i := range s.tf.Options {
		if s.tf.Options[i].Name == name {
			return &s.tf.Options[i]
		}
	}
	return nil
}

// open is the dates an option may serve.
func (s *shop) open(o *tariff.Option, isMember int) (set int) {
	if o == nil {
		return 0
	}
	for i := range s.days {
		if s.serves(o, i) && (o.WhoMayUse != "members" || isMember&(1<<i) != 0) {
			set |= 1 << i
		}
	}
	return set
}

// divide is the cheapest division of the dates among the options.
func (s *shop) divide(isMember int) shortbreaks.Pence {
	all := 1<<len(s.days) - 1
	capped := s.option("Capped")
	best := s.blocksAndSingles(all, isMember)
	if capped != nil {
		served := s.open(capped, all)
		if served == 0 || capped.WhoMayUse == "members" && served&^isMember != 0 {
			return best
		}
		price := shortbreaks.Pence(0)
		for i := range s.days {
			if served&(1<<i) != 0 {
				price += s.costs(&capped.Charges[0], i)
			}
		}
		best = min(best, min(price, *capped.Charges[0].CapPence)+s.blocksAndSingles(all&^served, isMember))
	}
	return best
}

func (s *shop) blocksAndSingles(dates, isMember int) shortbreaks.Pence {
	best := never
	a, b := s.option("Block A"), s.option("Block B")
	openA, openB := s.open(a, isMember)&dates, s.open(b, isMember)&dates
	forA, forB := s.blocksFor(a), s.blocksFor(b)
	for byA := openA; ; byA = (byA - 1) & openA {
		rest := openB &^ byA
		for byB := rest; ; byB = (byB - 1) & rest {
			cost := shortbreaks.Pence(forA[byA])*a.Charges[0].AmountPence + shortbreaks.Pence(forB[byB])*b.Charges[0].AmountPence
			for i := range s.days {
				switch bit := 1 << i; {
				case dates&bit == 0:
				case byA&bit != 0:
					cost += s.extra(a, i)
				case byB&bit != 0:
					cost += s.extra(b, i)
				default:
					cost += s.single(i, isMember)
				}
			}
			best = min(best, cost)
			if byB == 0 {
				break
			}
		}
		if byA == 0 {
			return best
		}
	}
}

// extra is what a use of a block costs besides.
func (s *shop) extra(o *tariff.Option, i int) (sum shortbreaks.Pence) {
	for n := 1; n < len(o.Charges); n++ {
		sum += s.costs(&o.Charges[n], i)
	}
	return sum
}

func (s *shop) single(i, isMember int) shortbreaks.Pence {
	best := never
	for _, name := range []string{"Single A", "Single B"} {
		if o := s.option(name); s.open(o, isMember)&(1<<i) != 0 {
			best = min(best, s.costs(&o.Charges[0], i))
		}
	}
	return best
}

func drawShop(t *rapid.T) (*shop, tariff.Ask) {
	s := &shop{}
	ask := tariff.Ask{SoldBy: tariff.ByVisit}
	day := time.Date(2027, 1, 4, 0, 0, 0, 0, time.UTC)
	for range rapid.IntRange(1, 6).Draw(t, "dates") {
		day = day.AddDate(0, 0, rapid.SampledFrom([]int{1, 3, 7, 7, 7, 14, 35}).Draw(t, "days later"))
		minutes := 15 * rapid.IntRange(1, 12).Draw(t, "quarters")
		s.days, s.minutes = append(s.days, day), append(s.minutes, minutes)
		start := shortbreaks.At(day, 10*60)
		ask.Occasions = append(ask.Occasions, tariff.Occasion{StartsAt: start, EndsAt: start.Add(time.Duration(minutes) * time.Minute)})
	}
	member := chance(t, "membership", 2)
	add := func(o tariff.Option, members bool) {
		if member && members && chance(t, o.Name+" for members", 2) {
			o.WhoMayUse, o.MemberOf = "members", "Membership"
		}
		if chance(t, o.Name+" ends", 4) {
			o.ValidTo = s.days[rapid.IntRange(0, len(s.days)-1).Draw(t, "last")].Format(time.DateOnly)
		} else if chance(t, o.Name+" begins", 4) {
			o.ValidFrom = s.days[rapid.IntRange(0, len(s.days)-1).Draw(t, "first")].Format(time.DateOnly)
		}
		s.tf.Options = append(s.tf.Options, o)
	}
	amount := func(name string, most int) shortbreaks.Pence {
		return shortbreaks.Pence(rapid.IntRange(0, most).Draw(t, name))
	}
	for _, name := range []string{"A", "B"} {
		add(option("Single "+name, charge("place", rapid.SampledFrom([]string{"hour", "session"}).Draw(t, "unit"), amount("single", 20))), true)
		block := option("Block "+name, charge("place", "item", amount("block", 40)))
		block.Block = &tariff.Block{Count: rapid.IntRange(2, 4).Draw(t, "count"), ValidWeeks: rapid.IntRange(1, 8).Draw(t, "weeks")}
		if chance(t, "more", 3) {
			block.Charges = append(block.Charges, charge("meal", "hour", amount("meal", 5)))
		}
		add(block, true)
	}
	if chance(t, "capped", 2) {
		c := charge("place", "session", amount("capped", 20))
		c.CapPence, c.CapPer = pence(amount("cap", 60)), "booking"
		add(option("Capped", c), true)
	}
	if member {
		o := option("Membership", charge("membership", "year", amount("membership", 15)))
		o.Membership = &tariff.Membership{Months: rapid.IntRange(1, 2).Draw(t, "months")}
		add(o, false)
	}
	s.tf.Options = rapid.Permutation(s.tf.Options).Draw(t, "order")
	return s, ask
}

func TestT87_TheCheapestMixIsWhatTryingEveryWayFinds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		for range 3 {
			s, ask := drawShop(t)
			require.True(t, passes(s.tf))
			want := s.cheapest()
			p, err := price(s.tf, ask)
			if want >= never {
				require.Error(t, err)
				continue
			}
			require.NoError(t, err)
			require.Equal(t, want.String(), p.TotalPence.String(), fmt.Sprint(s.days))
			sums(t, p)
		}
	})
}

func TestT87_TwoKindsOfBlockMayBeInHandAtOnce(t *testing.T) {
	t.Parallel()
	long, short := option("A year", charge("place", "item", 1200)), option("A fortnight", charge("place", "item", 700))
	long.Block, short.Block = &tariff.Block{Count: 2, ValidWeeks: 52}, &tariff.Block{Count: 2, ValidWeeks: 2}
	ask := by(tariff.BySession, occ("2027-01-09T10:00", "2027-01-09T11:00"), occ("2027-03-13T10:00", "2027-03-13T11:00"),
		occ("2027-03-20T10:00", "2027-03-20T11:00"), occ("2027-12-18T10:00", "2027-12-18T11:00"))
	// The first and last by the long block, the two of March by the short one.
	// Else: two long ones 24.00; three short ones 21.00; a short one and two singles 23.00.
	listed{name: "both", tf: tariffOf(option("Single", charge("place", "session", 800)), long, short), ask: ask, total: 1900}.try(t)
}

func TestT87_ABlockIsBoughtLaterIfItThenLastsToTheDearDate(t *testing.T) {
	t.Parallel()
	two := option("Block of 2", charge("place", "item", 900))
	two.Block = &tariff.Block{Count: 2, ValidWeeks: 4}
	ask := by(tariff.ByVisit, occ("2027-01-04T10:00", "2027-01-04T13:00"), occ("2027-01-11T10:00", "2027-01-11T12:00"), // by the hour 6.00, 4.00
		occ("2027-01-25T10:00", "2027-01-25T11:00"), occ("2027-02-03T10:00", "2027-02-03T20:00")) // and 2.00, 20.00
	// 6.00, a block from the second date used on the last, 2.00. Two blocks
	// would be 18.00; two visits by the hour, then a block, 19.00.
	listed{name: "later", tf: tariffOf(option("By the hour", charge("support", "hour", 200)), two), ask: ask, total: 1700}.try(t)
}

func TestT87_MembershipIsRenewedBeforeItIsNoLongerSold(t *testing.T) {
	t.Parallel()
	card := option("Membership", charge("membership", "month", 100))
	card.Membership, card.ValidTo = &tariff.Membership{Months: 2}, "2027-01-09"
	inside := option("Members", charge("place", "session", 0))
	inside.WhoMayUse, inside.MemberOf = tariff.Members, "Membership"
	ask := by(tariff.BySession, occ("2027-01-05T10:00", "2027-01-05T11:00"), occ("2027-01-09T10:00", "2027-01-09T11:00"), occ("2027-03-06T10:00", "2027-03-06T11:00"))
	// Bought on 5 January it ends on 4 March, and on 6 March none is sold:
	// bought again on the 9th it lasts. With one, the last date is 5.00.
	listed{name: "twice", tf: tariffOf(option("Single", charge("place", "session", 500)), card, inside), ask: ask, total: 200}.try(t)
}

func TestT87_NoDateIsServedTwice(t *testing.T) {
	t.Parallel()
	capped := with(charge("place", "session", 900), func(c *tariff.Charge) { c.CapPence, c.CapPer = pence(2000), "month" })
	first := with(option("To the 16th", capped), func(o *tariff.Option) { o.ValidTo = "2027-01-16" })
	second := with(option("From the 16th", capped), func(o *tariff.Option) { o.ValidFrom = "2027-01-16" })
	_, err := price(tariffOf(first, second), sessions(3, 60)) // each would serve all its dates, and both the 16th
	require.ErrorContains(t, err, "The prices of this offer do not serve all of these dates together; ask for fewer.")
}

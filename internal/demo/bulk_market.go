package demo

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/marketplace"
	"shortbreaks/marketplace/tariff"
)

// MarketSize says how large a bulk market is.
type MarketSize struct {
	Providers int // each with one setting
	Offers    int // of all together; one in ten is support by the hour
	Sessions  int // of all the others together, weekly, half a year back and on
	Seed      uint64
}

// Market is a large market all over the country, for measuring searches. Its
// towns, postcodes and names are made up.
type Market struct {
	size  MarketSize
	now   time.Time
	rand  *rand.Rand
	towns []town

	Outcodes []string // that people search around, as often as people live there
}

type town struct {
	name     string
	outcode  string
	lat, lon float64
	spread   float64 // degrees
	weight   float64
}

// The map the towns are strewn over, about as large as England, and how they
// are: few are large and most are small.
const (
	marketTowns        = 240
	southEdge, northTo = 50.6, 55.0
	westEdge, eastTo   = -3.6, 0.8
	pastWeeks          = 8
)

// ErrMarketSize refuses a market that cannot be.
var ErrMarketSize = errors.New("bulk market: at least one of each, an offer for each provider and a session for each offer")

// BulkMarket fills an empty, migrated database with a market of the given
// size. The pool is the owner's, a superuser of a database of its own: rows are
// copied in past row-level security and past checks of what is made right here.
// Then they are listed as the service lists them.
func BulkMarket(ctx context.Context, owner *pgxpool.Pool, d *db.DB, size MarketSize, say func(string, ...any)) (*Market, error) {
	if size.Providers < 1 || size.Offers < size.Providers || size.Sessions < size.Offers {
		return nil, ErrMarketSize
	}
	m := &Market{size: size, rand: rand.New(rand.NewPCG(size.Seed, 11))} //nolint:gosec // made-up data, not secrets
	m.addTowns()
	err := pgx.BeginFunc(ctx, owner, func(tx pgx.Tx) error {
		if err := tx.QueryRow(ctx, `SELECT now()`).Scan(&m.now); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `SET LOCAL session_replication_role = replica`); err != nil {
			return err
		}
		return m.copyIn(ctx, tx, say)
	})
	if err != nil {
		return nil, fmt.Errorf("bulk market: %w", err)
	}
	for _, name := range []string{"provider", "setting", "offer", "offer_version", "session", "session_places", "lane", "offer_lane", "place"} {
		if _, err := owner.Exec(ctx, `VACUUM (ANALYZE) `+name); err != nil {
			return nil, fmt.Errorf("bulk market: %w", err)
		}
	}
	say("listing %d offers", size.Offers)
	if _, err := marketplace.BuildListings(ctx, d); err != nil {
		return nil, fmt.Errorf("bulk market: %w", err)
	}
	for _, name := range []string{"offer_listing", "search_word"} {
		if _, err := owner.Exec(ctx, `VACUUM (ANALYZE) `+name); err != nil {
			return nil, fmt.Errorf("bulk market: %w", err)
		}
	}
	return m, nil
}

func (m *Market) addTowns() {
	for n := range marketTowns {
		t := town{
			name: marketStems[m.rand.IntN(len(marketStems))] + marketEnds[m.rand.IntN(len(marketEnds))], outcode: fmt.Sprintf("%s%d", []string{"ZQ", "ZV", "ZJ"}[n/90], 1+n%90),
			lat: southEdge + m.rand.Float64()*(northTo-southEdge), lon: westEdge + m.rand.Float64()*(eastTo-westEdge),
			weight: math.Pow(float64(n+1), -0.9),
		}
		t.spread = 0.02 + 0.12*math.Sqrt(t.weight)
		m.towns = append(m.towns, t)
	}
	for range 2_000 {
		m.Outcodes = append(m.Outcodes, m.town().outcode)
	}
}

// Weekend is the Saturday of the weekend after next, London's date.
func (m *Market) Weekend() time.Time { return onWeekday(shortbreaks.Date(m.now).AddDate(0, 0, 7), 6) }

// town is one by how many live there.
func (m *Market) town() town {
	sum := 0.0
	for _, t := range m.towns {
		sum += t.weight
	}
	at := m.rand.Float64() * sum
	for _, t := range m.towns {
		if at -= t.weight; at <= 0 {
			return t
		}
	}
	return m.towns[len(m.towns)-1]
}

// marketOffer is what the sessions of an offer are made from.
type marketOffer struct {
	provider, id uuid.UUID
	visits       bool
	weekday      int
	from         int // minutes after midnight
	minutes      int
	capacity     int
}

// marketTables gathers rows of all tables but the sessions, which are copied
// as they are made.
type marketTables struct {
	place, provider, cover, setting, offer, version, lane, offerLane *table
}

func (t marketTables) all() []*table {
	return []*table{t.place, t.provider, t.cover, t.setting, t.offer, t.version, t.lane, t.offerLane}
}

func newMarketTables() marketTables {
	return marketTables{
		place:    &table{name: "place", columns: "code postcode area latitude longitude"},
		provider: &table{name: "provider", columns: "id name staff_count created_at"},
		cover:    &table{name: "credential_cover", columns: "provider_id kind starts_on holders"},
		setting:  &table{name: "setting", columns: "provider_id id name postcode area latitude longitude"},
		offer: &table{name: "offer", columns: `provider_id id setting_id state version_id title summary category access_route age_from age_to
			ratio_staff ratio_children instant visits created_at published_at`},
		version:   &table{name: "offer_version", columns: "provider_id id offer_id n tariff terms price_pence price_unit created_at created_by"},
		lane:      &table{name: "lane", columns: "provider_id id label"},
		offerLane: &table{name: "offer_lane", columns: "provider_id offer_id lane_id"},
	}
}

func (m *Market) copyIn(ctx context.Context, tx pgx.Tx, say func(string, ...any)) error {
	tables := newMarketTables()
	for _, t := range m.towns {
		tables.place.add(t.outcode, t.outcode, t.name, t.lat, t.lon)
	}
	var offers []marketOffer
	for n := range m.size.Providers {
		of := m.size.Offers / m.size.Providers
		if n < m.size.Offers%m.size.Providers {
			of++
		}
		offers = append(offers, m.addProvider(tables, n, of)...)
	}
	say("copying %d offers of %d providers", m.size.Offers, m.size.Providers)
	for _, t := range tables.all() {
		if err := t.copyIn(ctx, tx); err != nil {
			return err
		}
		t.rows = nil
	}
	say("copying %d sessions", m.size.Sessions)
	return m.copySessions(ctx, tx, offers)
}

func (m *Market) addProvider(t marketTables, n, offers int) (made []marketOffer) {
	where, id, setting := m.town(), shortbreaks.NewID(), shortbreaks.NewID()
	lat, lon := where.lat+m.rand.NormFloat64()*where.spread, where.lon+m.rand.NormFloat64()*where.spread*1.6
	name := m.pick(marketStems) + m.pick(marketEnds) + " " + m.pick([]string{"Short Breaks", "Trust", "Youth", "Carers", "Care", "Activities", "Play", "Together"})
	t.provider.add(id, name, 1+m.rand.IntN(40), m.now)
	for _, kind := range []string{"ofsted", "insurance_public_liability", "first_aid", "safeguarding_training", "dbs_enhanced"} {
		t.cover.add(id, kind, m.now, 1) // all that its offers need to be booked
	}
	t.setting.add(id, setting, where.name+" "+m.pick([]string{"Hall", "Centre", "School", "House", "Barn", "Pool"}),
		fmt.Sprintf("%s %dAA", where.outcode, 1+n%9), where.name, lat, lon)
	for i := range offers {
		made = append(made, m.addOffer(t, id, setting, (n+i)%10 == 9))
	}
	return made
}

func (m *Market) addOffer(t marketTables, provider, setting uuid.UUID, visits bool) marketOffer {
	o := marketOffer{
		provider: provider, id: shortbreaks.NewID(), visits: visits, weekday: 1 + m.rand.IntN(7), from: 60 * (8 + m.rand.IntN(11)),
		minutes: 60 + 30*m.rand.IntN(7), capacity: 6 + m.rand.IntN(15),
	}
	version := shortbreaks.NewID()
	kind, unit := m.pick(marketplace.OfferCategories), tariff.UnitSession
	pence := shortbreaks.Pence(50 * m.rand.IntN(60))
	var rules *marketplace.VisitRules
	if visits {
		kind, unit, pence = "support_worker", tariff.UnitHour, shortbreaks.Pence(1100+25*m.rand.IntN(100))
		rules = &marketplace.VisitRules{
			Days: []int{1, 2, 3, 4, 5, 6}, From: "08:00", To: "20:00", MinimumMinutes: 60, MaximumMinutes: 480, StepMinutes: 15, BufferBeforeMinutes: 15, BufferAfterMinutes: 15,
		}
		lane := shortbreaks.NewID()
		t.lane.add(provider, lane, "Worker")
		t.offerLane.add(provider, o.id, lane)
	}
	from := m.rand.IntN(12)
	charge := tariff.Charge{Kind: "place", Basis: "per_child", Unit: unit, When: "planned", AmountPence: pence, VAT: "exempt"}
	words := make([]string, 10)
	for i := range words {
		words[i] = m.pick(MarketWords)
	}
	t.offer.add(provider, o.id, setting, string(marketplace.Published), version,
		m.pick(marketDays)+" "+m.pick(MarketWords)+" "+strings.ReplaceAll(kind, "_", " "), "A place for "+strings.Join(words, " ")+".", kind,
		m.pick([]string{"universal", "targeted", "targeted", "specialist"}), from, from+5+m.rand.IntN(8), 1, 1+m.rand.IntN(6), m.rand.IntN(2) == 0, rules, m.now, m.now)
	t.version.add(provider, version, o.id, 1, tariff.Tariff{Options: []tariff.Option{{
		Name: "Standard", WhoMayUse: tariff.Anyone, PaymentTiming: "arrears", BilledOn: "booked", Charges: []tariff.Charge{charge},
	}}}, twoDays, int64(pence), unit, m.now, provider)
	return o
}

func (m *Market) pick(words []string) string { return words[m.rand.IntN(len(words))] }

// copySessions streams the sessions of each offer and their places, a table at
// a time, both from the same seed: they are too many to hold.
func (m *Market) copySessions(ctx context.Context, tx pgx.Tx, offers []marketOffer) error {
	var held []marketOffer
	for _, o := range offers {
		if !o.visits {
			held = append(held, o)
		}
	}
	ids := make([]uuid.UUID, m.size.Sessions)
	for i := range ids {
		ids[i] = shortbreaks.NewID()
	}
	today := shortbreaks.Date(m.now)
	for _, t := range []struct {
		name, columns string
		row           func(o marketOffer, id uuid.UUID, week int) []any
	}{
		{"session", "provider_id id offer_id starts_at ends_at local_start time_zone state", func(o marketOffer, id uuid.UUID, week int) []any {
			starts := shortbreaks.At(onWeekday(today.AddDate(0, 0, 7*(week-pastWeeks)), o.weekday), o.from)
			return []any{
				o.provider, id, o.id, starts.UTC(), starts.Add(time.Duration(o.minutes) * time.Minute).UTC(),
				shortbreaks.Wall(starts), shortbreaks.ZoneName, "scheduled",
			}
		}},
		{"session_places", "provider_id session_id capacity taken", func(o marketOffer, id uuid.UUID, _ int) []any {
			taken := m.rand.IntN(o.capacity)
			if m.rand.IntN(5) == 0 {
				taken = o.capacity // full
			}
			return []any{o.provider, id, o.capacity, taken}
		}},
	} {
		n := 0
		_, err := tx.CopyFrom(ctx, pgx.Identifier{t.name}, strings.Fields(t.columns), pgx.CopyFromFunc(func() ([]any, error) {
			if n == m.size.Sessions {
				return nil, nil
			}
			// All sessions of an offer follow each other.
			each, more := m.size.Sessions/len(held), m.size.Sessions%len(held)
			o, week := n/(each+1), n%(each+1)
			if first := more * (each + 1); n >= first {
				o, week = more+(n-first)/each, (n-first)%each
			}
			n++
			return t.row(held[o], ids[n-1], week), nil
		}))
		if err != nil {
			return fmt.Errorf("copy into %s: %w", t.name, err)
		}
	}
	return nil
}

// What the names and texts of a bulk market are made of.
var (
	marketDays  = strings.Fields("Monday Tuesday Wednesday Thursday Friday Saturday Sunday Weekend Evening Morning Afternoon Holiday")
	marketStems = strings.Fields(`Ash Birch Brack Bram Brook Cal Carl Clay Cold Dray East Elm Fal Fen Fern Gar Glen Grim Hal Har Hazel Heath Holm Ing Kel
		Kirk Lan Lime Lin Long Mar Mel Mill Moor Nor North Oak Old Pen Pem Quar Rad Red Rook Row Sand Sed Shel Stan Sut Tam Thorn Til Under Up Wal War Well West Whit Wil Win Wood Yar`)
	marketEnds = strings.Fields("beck bridge brook burn bury combe cott dale den don field ford gate ham haven hill holme hurst ington ley low mere minster moor over port ridge shaw side stead stoke stone thorpe thwaite ton vale well wick wood worth")
	// MarketWords are words that offers of a bulk market use.
	MarketWords = strings.Fields(`adventure animals archery art baking ball balance bells bikes boats books bricks bubbles butterflies calm camp candles canoes cards castles
		ceramics chess choir cinema circus clay climbing cooking crafts cricket cycling dance den digging dinosaurs discos drama drawing drumming family farm
		films fishing flowers football forest friends games garden gentle gliding golf gym harbour hills hoist horses ice island jewellery juggling kayaks
		kites kitchen lakes lanterns laughter library lights listening magic maps masks meadow messy mosaic mountains movement mud museum music nature
		needlework night numbers ocean orchard orchestra outdoor owls painting parade park picnic planets play poetry pond pottery puppets puzzles quiet
		quilts radio rafts railway rainbow reading rhythm riding rivers robots rockpool rowing rugby sailing sand science seaside sensory sewing signing
		singing skating sketching skiing slides snooker soft songs space splash sports squash stars stories storytelling summer sunshine swings table tennis
		theatre toys trains trampoline treasure trees trips tunnels ukulele walking warm water weaving wheels whittling wildlife woodland woodwork yoga zoo`)
)

package demo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"shortbreaks"
	"shortbreaks/budgets"
	"shortbreaks/marketplace"
	"shortbreaks/marketplace/tariff"
	"shortbreaks/payments"
	"shortbreaks/people"
)

// BulkSize says how large a bulk world is.
type BulkSize struct {
	Authorities int
	Budgets     int // children, each with a parent, an account and a plan line
	Providers   int // each with one published club
	Sessions    int // of all clubs together
	Capacity    int // places in each session
}

// BulkBudget is what a child of a bulk world has, in pence. A session there
// costs £8.00 to £21.65.
const BulkBudget = 500_000

// bulkStream is where the money of a bulk world comes from.
const bulkStream = "social_care"

// The first session of each club of a bulk world is ten days ahead, and there
// is one a day; plans and periods last a year.
const (
	firstDay = 10
	mostDays = 340
)

// BulkWorld is a large world of equal families and clubs, for measuring and
// for load. Everything in it could have been made by the use cases, and the
// audit finds it clean.
type BulkWorld struct {
	size        BulkSize
	now         time.Time
	authorities []bulkAuthority
	children    []bulkChild
	clubs       []bulkClub
	sessions    []bulkSession
}

type bulkAuthority struct {
	people.Authority
	practitioner, approver people.Person
	period                 budgets.Period
	funding                uuid.UUID // the account money is allocated from
}

type bulkChild struct {
	budgets.Child
	authority                              *bulkAuthority
	parent                                 people.Person
	plan, line, account, allocated, posted uuid.UUID
}

type bulkClub struct {
	provider   marketplace.Provider
	staff      people.Person // its co-ordinator
	setting    marketplace.Setting
	offer      marketplace.Offer
	version    marketplace.Version
	components []tariff.Component
}

type bulkSession struct {
	marketplace.Session
	club *bulkClub
}

// Bulk fills an empty, migrated database with a world of the given size, in
// one transaction. The pool is the owner's: rows of every tenant are copied
// in, past row-level security, a table at a time.
func Bulk(ctx context.Context, owner *pgxpool.Pool, size BulkSize) (*BulkWorld, error) {
	if size.Authorities < 1 || size.Budgets < size.Authorities || size.Providers < 1 || size.Sessions < size.Providers || size.Capacity < 1 {
		return nil, errors.New("bulk: at least one of each, a budget for each authority and a session for each provider")
	}
	if size.Sessions > size.Providers*mostDays {
		return nil, fmt.Errorf("bulk: at most %d sessions for each provider", mostDays)
	}
	w := &BulkWorld{size: size}
	var tables []*table
	err := pgx.BeginFunc(ctx, owner, func(tx pgx.Tx) error {
		if err := tx.QueryRow(ctx, `SELECT now()`).Scan(&w.now); err != nil {
			return err
		}
		w.now = w.now.UTC()
		w.addAuthorities()
		w.addChildren()
		w.addClubs()
		w.addSessions()
		tables = w.tables()
		for _, t := range tables {
			if err := t.copyIn(ctx, tx); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("bulk: %w", err)
	}
	if err := analyse(ctx, owner, tables); err != nil {
		return nil, fmt.Errorf("bulk: %w", err)
	}
	return w, nil
}

// analyse tells PostgreSQL how much there is now, or its first plans, which it
// keeps, are made for less. Tables that are empty still are left alone: known
// to be empty, they would be read from end to end however they grew.
func analyse(ctx context.Context, owner *pgxpool.Pool, tables []*table) error {
	for _, t := range tables {
		if _, err := owner.Exec(ctx, `ANALYZE `+pgx.Identifier{t.name}.Sanitize()); err != nil {
			return err
		}
	}
	return nil
}

// today is the London date the world was made on.
func (w *BulkWorld) today() time.Time { return shortbreaks.Date(w.now) }

// lastDay is the last one plans and money count for.
func (w *BulkWorld) lastDay() time.Time { return w.today().AddDate(1, 0, -1) }

func (w *BulkWorld) person(format string, args ...any) people.Person {
	return people.Person{ID: shortbreaks.NewID(), DisplayName: fmt.Sprintf(format, args...), CreatedAt: w.now}
}

func (w *BulkWorld) addAuthorities() {
	for n := range w.size.Authorities {
		id := shortbreaks.NewID()
		w.authorities = append(w.authorities, bulkAuthority{
			Authority:    people.Authority{ID: id, Name: fmt.Sprintf("Council %d", n+1), Slug: fmt.Sprintf("council-%d", n+1), Area: fmt.Sprintf("Area %d", n+1)},
			practitioner: w.person("Practitioner %d", n+1), approver: w.person("Approver %d", n+1), funding: shortbreaks.NewID(),
			period: budgets.Period{AuthorityID: id, ID: shortbreaks.NewID(), Name: "A year from " + w.today().Format("2 January 2006"), StartsOn: w.today(), EndsOn: w.lastDay()},
		})
	}
}

func (w *BulkWorld) addChildren() {
	for n := range w.size.Budgets {
		a := &w.authorities[n%len(w.authorities)]
		w.children = append(w.children, bulkChild{
			authority: a, parent: w.person("Parent %d", n+1), plan: shortbreaks.NewID(), line: shortbreaks.NewID(),
			account: shortbreaks.NewID(), allocated: shortbreaks.NewID(), posted: shortbreaks.NewID(),
			Child: budgets.Child{
				AuthorityID: a.ID, ID: shortbreaks.NewID(), FamilyID: shortbreaks.NewID(), FirstName: fmt.Sprintf("Child %d", n+1), FamilyName: fmt.Sprintf("Family %d", n+1),
				DateOfBirth: w.today().AddDate(-8-n%6, 0, -40), // 8 to 14 on every date of every club
			},
		})
	}
}

func (w *BulkWorld) addClubs() {
	point, _ := marketplace.Locate("ZZ1 1AA") // of the table that ships with the demo
	for n := range w.size.Providers {
		pence := shortbreaks.Pence(800 + 35*(n%40))
		id, offer, version := shortbreaks.NewID(), shortbreaks.NewID(), shortbreaks.NewID()
		charge := tariff.Charge{Kind: "place", Basis: "per_child", Unit: tariff.UnitSession, When: "planned", AmountPence: pence, VAT: "exempt"}
		club := bulkClub{
			provider: marketplace.Provider{ID: id, Name: fmt.Sprintf("Provider %d", n+1), StaffCount: 8, CreatedAt: w.now},
			staff:    w.person("Co-ordinator %d", n+1),
			setting:  marketplace.Setting{ProviderID: id, ID: shortbreaks.NewID(), Name: "Hall", Postcode: point.Postcode, Area: point.Area, Latitude: point.Lat, Longitude: point.Lon},
			version: marketplace.Version{
				ProviderID: id, ID: version, OfferID: offer, N: 1, Terms: twoDays, PricePence: pence, PriceUnit: charge.Unit, CreatedAt: w.now, CreatedBy: w.authorities[0].practitioner.ID,
				Tariff: tariff.Tariff{Options: []tariff.Option{{
					Name: "Standard", WhoMayUse: tariff.Anyone, PaymentTiming: "arrears", BilledOn: "booked", Charges: []tariff.Charge{charge},
				}}},
			},
			components: costed(pence, 0, false),
		}
		club.offer = marketplace.Offer{
			ProviderID: id, ID: offer, SettingID: club.setting.ID, State: marketplace.Published, VersionID: version, Title: fmt.Sprintf("Club %d", n+1),
			Summary: "Three hours of games and company.", Category: "club", AccessRoute: "targeted", AgeFrom: 5, AgeTo: 17,
			RatioStaff: 1, RatioChildren: 3, Instant: true, CreatedAt: w.now, PublishedAt: &w.now,
		}
		w.clubs = append(w.clubs, club)
	}
}

func (w *BulkWorld) addSessions() {
	for n := range w.size.Sessions {
		club := &w.clubs[n%len(w.clubs)]
		on := w.today().AddDate(0, 0, firstDay+n/len(w.clubs))
		starts := shortbreaks.At(on, 10*60)
		w.sessions = append(w.sessions, bulkSession{club: club, Session: marketplace.Session{
			ProviderID: club.provider.ID, ID: shortbreaks.NewID(), OfferID: club.offer.ID, StartsAt: starts.UTC(), EndsAt: starts.Add(3 * time.Hour).UTC(),
			LocalStart: shortbreaks.Wall(starts), TimeZone: shortbreaks.ZoneName, State: "scheduled",
		}})
	}
}

// table is the rows of one table, laid out one column after the other.
type table struct {
	name, columns string
	rows          [][]any
}

func (t *table) add(values ...any) { t.rows = append(t.rows, values) }

// tables are all of the world, parents first. All ledger entries go in one
// COPY, as the trigger that sums them requires.
func (w *BulkWorld) tables() []*table {
	return slices.Concat(w.peopleTables(), w.supplyTables(), w.budgetTables())
}

func (t *table) copyIn(ctx context.Context, tx pgx.Tx) error {
	n, err := tx.CopyFrom(ctx, pgx.Identifier{t.name}, strings.Fields(t.columns), pgx.CopyFromRows(t.rows))
	if err != nil {
		return fmt.Errorf("copy into %s: %w", t.name, err)
	}
	if n != int64(len(t.rows)) {
		return fmt.Errorf("copy into %s: %d of %d rows", t.name, n, len(t.rows))
	}
	return nil
}

func (w *BulkWorld) peopleTables() []*table {
	authority := &table{name: "authority", columns: "id name slug area created_at"}
	person := &table{name: "person", columns: "id display_name created_at"}
	grant := &table{name: "role_grant", columns: "person_id id role authority_id child_id provider_id starts_on"}
	give := func(p people.Person, role shortbreaks.Role, authority, child, provider *uuid.UUID) {
		person.add(p.ID, p.DisplayName, p.CreatedAt)
		grant.add(p.ID, shortbreaks.NewID(), string(role), authority, child, provider, w.today())
	}
	for _, a := range w.authorities {
		authority.add(a.ID, a.Name, a.Slug, a.Area, w.now)
		give(a.practitioner, shortbreaks.Practitioner, &a.ID, nil, nil)
		give(a.approver, shortbreaks.Approver, &a.ID, nil, nil)
	}
	for _, c := range w.children {
		give(c.parent, shortbreaks.Family, &c.AuthorityID, &c.ID, nil)
	}
	for _, c := range w.clubs {
		give(c.staff, shortbreaks.Coordinator, nil, nil, &c.provider.ID)
	}
	return []*table{authority, person, grant}
}

func (w *BulkWorld) supplyTables() []*table {
	provider := &table{name: "provider", columns: "id name staff_count created_at"}
	setting := &table{name: "setting", columns: "provider_id id name postcode area latitude longitude"}
	offer := &table{name: "offer", columns: `provider_id id setting_id state version_id title summary category access_route age_from age_to
		ratio_staff ratio_children instant created_at published_at`}
	version := &table{name: "offer_version", columns: "provider_id id offer_id n tariff terms price_pence price_unit created_at created_by"}
	component := &table{name: "price_component", columns: "provider_id version_id n option_n charge_n kind amount_pence note"}
	session := &table{name: "session", columns: "provider_id id offer_id starts_at ends_at local_start time_zone state"}
	places := &table{name: "session_places", columns: "provider_id session_id capacity"}
	for _, c := range w.clubs {
		p, s, o, v := c.provider, c.setting, c.offer, c.version
		provider.add(p.ID, p.Name, p.StaffCount, p.CreatedAt)
		setting.add(s.ProviderID, s.ID, s.Name, s.Postcode, s.Area, s.Latitude, s.Longitude)
		offer.add(o.ProviderID, o.ID, o.SettingID, string(o.State), o.VersionID, o.Title, o.Summary, o.Category, o.AccessRoute, o.AgeFrom, o.AgeTo,
			o.RatioStaff, o.RatioChildren, o.Instant, o.CreatedAt, o.PublishedAt)
		version.add(v.ProviderID, v.ID, v.OfferID, v.N, v.Tariff, v.Terms, int64(v.PricePence), v.PriceUnit, v.CreatedAt, v.CreatedBy)
		for i, part := range c.components {
			component.add(v.ProviderID, v.ID, i+1, 1, 1, part.Kind, int64(part.AmountPence), part.Note)
		}
	}
	for _, s := range w.sessions {
		session.add(s.ProviderID, s.ID, s.OfferID, s.StartsAt, s.EndsAt, s.LocalStart, s.TimeZone, s.State)
		places.add(s.ProviderID, s.ID, w.size.Capacity)
	}
	return append([]*table{provider, setting, offer, version, component, session, places}, w.fileTables()...)
}

// fileTables are the credentials each club needs to be booked.
func (w *BulkWorld) fileTables() []*table {
	worker := &table{name: "worker", columns: "provider_id id display_name"}
	credential := &table{name: "credential", columns: "provider_id id worker_id kind issued_on dbs_level dbs_workforce added_at added_by"}
	cover := &table{name: "credential_cover", columns: "provider_id kind starts_on holders"}
	for _, c := range w.clubs {
		id, by := c.provider.ID, c.version.CreatedBy
		jo := shortbreaks.NewID()
		worker.add(id, jo, "Jo")
		for _, kind := range []string{"ofsted", "insurance_public_liability", "first_aid", "safeguarding_training"} {
			var holder *uuid.UUID
			if kind == "first_aid" || kind == "safeguarding_training" {
				holder = &jo
			}
			credential.add(id, shortbreaks.NewID(), holder, kind, w.today(), nil, nil, w.now, by)
			cover.add(id, kind, w.today(), 1)
		}
		credential.add(id, shortbreaks.NewID(), &jo, "dbs_enhanced", w.today(), "enhanced_with_barred_list", "child", w.now, by)
		cover.add(id, "dbs_enhanced", w.today(), 1)
	}
	return []*table{worker, credential, cover}
}

func (w *BulkWorld) budgetTables() []*table {
	family := &table{name: "family", columns: "authority_id id"}
	child := &table{name: "child", columns: "authority_id id family_id first_name family_name date_of_birth"}
	member := &table{name: "family_member", columns: "authority_id family_id person_id"}
	period := &table{name: "period", columns: "authority_id id name starts_on ends_on"}
	plan := &table{name: "plan", columns: "authority_id id child_id plan_type created_at"}
	line := &table{name: "plan_line", columns: `authority_id id plan_id child_id description categories pays_kinds management_option unit shares
		limit_amount state starts_on ends_on proposed_by proposed_at approved_by approved_at`}
	account := &table{name: "account", columns: "authority_id id kind unit child_id stream period_id has_floor balance"}
	allocation := &table{name: "allocation", columns: "authority_id id child_id account_id amount created_by created_at"}
	posting := &table{name: "ledger_transaction", columns: "authority_id id kind source_id actor_id at on_date"}
	entry := &table{name: "ledger_entry", columns: "authority_id transaction_id n account_id unit amount"}
	for _, a := range w.authorities {
		period.add(a.ID, a.period.ID, a.period.Name, a.period.StartsOn, a.period.EndsOn)
		account.add(a.ID, a.funding, string(payments.AuthorityFunding), string(payments.InPence), nil, bulkStream, nil, false, 0)
	}
	for _, c := range w.children {
		a, id, l := c.authority, c.AuthorityID, w.lineOf(&c)
		family.add(id, c.FamilyID)
		child.add(id, c.ID, c.FamilyID, c.FirstName, c.FamilyName, c.DateOfBirth)
		member.add(id, c.FamilyID, c.parent.ID)
		plan.add(id, c.plan, c.ID, "ehc", w.now)
		line.add(id, c.line, c.plan, c.ID, l.Description, l.Categories, []string{}, budgets.Notional, string(payments.InPence), l.Shares,
			int64(BulkBudget), budgets.Approved, l.StartsOn, l.EndsOn, a.practitioner.ID, w.now, a.approver.ID, w.now)
		account.add(id, c.account, string(payments.Budget), string(payments.InPence), c.ID, bulkStream, a.period.ID, true, int64(BulkBudget))
		allocation.add(id, c.allocated, c.ID, c.account, int64(BulkBudget), a.approver.ID, w.now)
		posting.add(id, c.posted, payments.KindAllocate, c.allocated, a.approver.ID, w.now, w.today())
		entry.add(id, c.posted, 1, a.funding, string(payments.InPence), int64(-BulkBudget))
		entry.add(id, c.posted, 2, c.account, string(payments.InPence), int64(BulkBudget))
	}
	return []*table{family, child, member, period, plan, line, account, allocation, posting, entry}
}

// lineOf is what each child's one plan line says.
func (w *BulkWorld) lineOf(c *bulkChild) budgets.PlanLine {
	return budgets.PlanLine{
		ID: c.line, Description: "Clubs", Categories: []string{"club"}, Shares: []budgets.Share{{Stream: bulkStream, Weight: 1}},
		StartsOn: w.today(), EndsOn: w.lastDay(),
	}
}

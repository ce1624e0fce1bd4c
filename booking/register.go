package booking

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// What a register shows of children, and when: first names from two days
// before until two days after, when it should have been filed; who may collect
// them only until they must have gone.
const (
	seenBefore   = 48 * time.Hour
	namedAfter   = 48 * time.Hour
	collectAfter = 3 * time.Hour
)

// Register is one session or visit as the people who run it need it on a
// phone: who is expected and no more than that about them.
type Register struct {
	ProviderID    uuid.UUID
	ID            uuid.UUID // the session, or the item of a visit
	Kind          string    // session or visit
	OfferID       uuid.UUID
	Title         string
	StartsAt      time.Time
	EndsAt        time.Time
	LocalStart    string
	RatioStaff    int
	RatioChildren int
	WorkerID      *uuid.UUID // whose visit it is

	StaffNeeded int
	Staff       []StaffHere
	StaffNoted  bool
	Warning     string // fewer staff than needed; "" if not
	Children    []Expected
}

// StaffHere is one of the provider's workers.
type StaffHere struct {
	WorkerID uuid.UUID
	Name     string
	Present  bool
}

// Expected is one child of a register.
type Expected struct {
	Item        *Item
	Reference   string
	FirstName   string      // "" outside of the days it may be seen
	Collectors  []Collector // until the child must have gone
	HasPassword bool        // somebody else may collect with it
	Noted       Steps
	Filed       *Delivery
}

// occasion is the id of the register an item is in.
func (it *Item) occasion() uuid.UUID {
	if it.SessionID != nil {
		return *it.SessionID
	}
	return it.ID
}

// ReadRegister reads one register, of a session or of a visit's item. Errors:
// forbidden, not-found.
func ReadRegister(ctx context.Context, d *db.DB, who shortbreaks.Actor, occasion uuid.UUID) (reg *Register, err error) {
	if !who.Is(shortbreaks.Coordinator, shortbreaks.Worker) {
		return nil, shortbreaks.ErrForbidden
	}
	err = d.Read(ctx, db.For(who), func(tx *db.Tx) error {
		reg, err = registerOf(ctx, tx, who, occasion)
		return err
	})
	return reg, err
}

// ListRegisters chooses the registers of a London day.
type ListRegisters struct {
	Day      time.Time
	WorkerID *uuid.UUID // only the visits of this worker
	After    time.Time  // start of the last of the page before
	AfterID  uuid.UUID
	Limit    int
}

// Registers are a provider's registers of a day by their start, and whether
// there are more. Errors: forbidden.
func Registers(ctx context.Context, d *db.DB, who shortbreaks.Actor, l ListRegisters) (page []*Register, more bool, err error) {
	if !who.Is(shortbreaks.Coordinator, shortbreaks.Worker) {
		return nil, false, shortbreaks.ErrForbidden
	}
	err = d.Read(ctx, db.For(who), func(tx *db.Tx) error {
		page, err = collectRegisters(ctx, tx, `SELECT `+sessionHead+` WHERE s.provider_id = ANY ($1) AND s.state = 'scheduled' AND s.starts_at >= $2 AND s.starts_at < $3
				AND $4::uuid IS NULL AND (s.starts_at, s.id) > ($5, $6)
			UNION ALL SELECT `+visitHead+` WHERE i.provider_id = ANY ($1) AND i.session_id IS NULL AND i.lane_id IS NOT NULL AND i.starts_at >= $2 AND i.starts_at < $3
				AND i.state IN `+expectedStates+` AND ($4::uuid IS NULL OR l.worker_id = $4) AND (i.starts_at, i.id) > ($5, $6)
			ORDER BY starts_at, id LIMIT $7`,
			who.Providers, shortbreaks.At(l.Day, 0), shortbreaks.At(l.Day, 24*60), l.WorkerID, l.After, l.AfterID, l.Limit+1)
		if err != nil {
			return err
		}
		if more = len(page) > l.Limit; more {
			page = page[:l.Limit]
		}
		return fillRegisters(ctx, tx, page)
	})
	return page, more, err
}

// expectedStates are those of children who come, came or should have come.
const expectedStates = `('confirmed', 'delivered', 'partly_delivered', 'no_show', 'disputed', 'settled')`

const (
	sessionHead = `s.provider_id, s.id, 'session' AS kind, s.offer_id, o.title, s.starts_at, s.ends_at, s.local_start, o.ratio_staff, o.ratio_children,
		NULL::uuid AS worker_id FROM session s JOIN offer o ON o.provider_id = s.provider_id AND o.id = s.offer_id`
	visitHead = `i.provider_id, i.id, 'visit' AS kind, b.offer_id, o.title, i.starts_at, i.ends_at, i.local_start, o.ratio_staff, o.ratio_children,
		l.worker_id FROM booking_item i JOIN booking b ON b.authority_id = i.authority_id AND b.id = i.booking_id
		JOIN offer o ON o.provider_id = b.provider_id AND o.id = b.offer_id LEFT JOIN lane l ON l.provider_id = i.provider_id AND l.id = i.lane_id`
)

func registerOf(ctx context.Context, tx *db.Tx, who shortbreaks.Actor, occasion uuid.UUID) (*Register, error) {
	found, err := collectRegisters(ctx, tx, `SELECT `+sessionHead+` WHERE s.provider_id = ANY ($1) AND s.id = $2 AND s.state = 'scheduled'
		UNION ALL SELECT `+visitHead+` WHERE i.provider_id = ANY ($1) AND i.id = $2 AND i.session_id IS NULL AND i.lane_id IS NOT NULL
			AND i.state IN `+expectedStates, who.Providers, occasion)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, shortbreaks.ErrNotFound.With("There is no such session or visit within your reach.")
	}
	return found[0], fillRegisters(ctx, tx, found)
}

func collectRegisters(ctx context.Context, tx *db.Tx, sql string, args ...any) ([]*Register, error) {
	rows, err := tx.PGX.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("read registers: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToAddrOfStructByNameLax[Register])
	if err != nil {
		return nil, fmt.Errorf("read registers: %w", err)
	}
	return found, nil
}

// fillRegisters reads who is expected in registers of the scope's providers,
// and who of the staff was there.
func fillRegisters(ctx context.Context, tx *db.Tx, list []*Register) error {
	if len(list) == 0 {
		return nil
	}
	at := map[uuid.UUID]*Register{}
	var providers, ids []uuid.UUID
	for _, r := range list {
		at[r.ID], providers, ids = r, append(providers, r.ProviderID), append(ids, r.ID)
	}
	items, err := selectItems(ctx, tx, `(provider_id = ANY ($1) AND session_id = ANY ($2) OR provider_id = ANY ($1) AND session_id IS NULL AND id = ANY ($2))
		AND state IN `+expectedStates+` ORDER BY starts_at, id`, providers, ids)
	if err != nil {
		return err
	}
	for _, it := range items {
		at[it.occasion()].Children = append(at[it.occasion()].Children, Expected{Item: it})
	}
	if len(items) > 0 {
		if err := fillExpected(ctx, tx, list, items); err != nil {
			return err
		}
	}
	for _, r := range list {
		r.StaffNeeded = r.staffNeeded()
	}
	return fillStaff(ctx, tx, list, providers, ids)
}

func fillExpected(ctx context.Context, tx *db.Tx, list []*Register, items []*Item) error {
	noted, err := readSteps(ctx, tx, items)
	if err != nil {
		return err
	}
	filed, err := deliveriesOf(ctx, tx, items)
	if err != nil {
		return err
	}
	references, err := referencesOf(ctx, tx, items)
	if err != nil {
		return err
	}
	children, err := seenOf(ctx, tx, items)
	if err != nil {
		return err
	}
	for _, r := range list {
		for i := range r.Children {
			e := &r.Children[i]
			e.Reference, e.Filed = references[e.Item.BookingID], filed[e.Item.ID]
			if s := noted[e.Item.ID]; s != nil {
				e.Noted = *s
			}
			if e.Item.ChildID == nil {
				continue
			}
			c, now := children[*e.Item.ChildID], tx.Now
			if named(e.Item, now) {
				e.FirstName = c.first
			}
			if named(e.Item, now) && now.Before(e.Item.EndsAt.Add(collectAfter)) && e.Noted.LeftAt == nil {
				e.Collectors, e.HasPassword = c.people, c.password
			}
		}
	}
	return nil
}

// named reports whether staff may read the child's first name now.
func named(it *Item, now time.Time) bool {
	return !now.Before(it.StartsAt.Add(-seenBefore)) && now.Before(it.EndsAt.Add(namedAfter))
}

type seenChild struct {
	first    string
	people   []Collector
	password bool
}

// seenOf reads what a register shows of the children whose time has come.
func seenOf(ctx context.Context, tx *db.Tx, items []*Item) (map[uuid.UUID]seenChild, error) {
	var due []*Item
	var authorities, children []uuid.UUID
	for _, it := range items {
		if it.ChildID != nil && named(it, tx.Now) {
			due, authorities, children = append(due, it), append(authorities, it.AuthorityID), append(children, *it.ChildID)
		}
	}
	seen := map[uuid.UUID]seenChild{}
	if len(due) == 0 {
		return seen, nil
	}
	if err := enterFor(ctx, tx, due...); err != nil {
		return nil, err
	}
	rows, err := tx.PGX.Query(ctx, `SELECT c.id, c.first_name, l.people, l.password_hash IS NOT NULL FROM child c
		JOIN (SELECT DISTINCT * FROM unnest($1::uuid[], $2::uuid[])) k (authority_id, id) ON c.authority_id = k.authority_id AND c.id = k.id
		LEFT JOIN collection_list l ON l.authority_id = c.authority_id AND l.child_id = c.id`, authorities, children)
	if err != nil {
		return nil, fmt.Errorf("read children of registers: %w", err)
	}
	var id uuid.UUID
	var c seenChild
	_, err = pgx.ForEachRow(rows, []any{&id, &c.first, &c.people, &c.password}, func() error { seen[id], c = c, seenChild{}; return nil })
	if err != nil {
		return nil, fmt.Errorf("read children of registers: %w", err)
	}
	return seen, nil
}

// enterFor widens the scope of a provider's transaction to the authorities of
// items, which its caller has found to be the provider's own.
func enterFor(ctx context.Context, tx *db.Tx, items ...*Item) error {
	if len(items) == 0 {
		return nil
	}
	return tx.EnterAuthority(ctx, authoritiesOf(items)...)
}

func deliveriesOf(ctx context.Context, tx *db.Tx, items []*Item) (map[uuid.UUID]*Delivery, error) {
	var batch pgx.Batch
	by := queueDeliveriesOf(&batch, items)
	if err := tx.PGX.SendBatch(ctx, &batch).Close(); err != nil {
		return nil, fmt.Errorf("read register: %w", err)
	}
	return by, nil
}

func queueDeliveriesOf(batch *pgx.Batch, items []*Item) map[uuid.UUID]*Delivery {
	by := map[uuid.UUID]*Delivery{}
	batch.Queue(`SELECT authority_id, item_id, provider_id, outcome, cause, arrived_at, left_at, attended_minutes, note, on_time,
		recorded_by, recorded_at, collected_by, collected_how, agree_because FROM `+ofItems(`delivery`), idsOf(items), authoritiesOf(items)).Query(func(rows pgx.Rows) error {
		list, err := pgx.CollectRows(rows, pgx.RowToAddrOfStructByName[Delivery])
		for _, d := range list {
			by[d.ItemID] = d
		}
		return err
	})
	return by
}

func referencesOf(ctx context.Context, tx *db.Tx, items []*Item) (map[uuid.UUID]string, error) {
	bookings := make([]uuid.UUID, len(items))
	for i, it := range items {
		bookings[i] = it.BookingID
	}
	rows, err := tx.PGX.Query(ctx, `SELECT id, reference FROM booking WHERE (authority_id, id) IN (SELECT * FROM unnest($1::uuid[], $2::uuid[]))`, authoritiesOf(items), bookings)
	if err != nil {
		return nil, fmt.Errorf("read references: %w", err)
	}
	by := map[uuid.UUID]string{}
	var id uuid.UUID
	var reference string
	if _, err = pgx.ForEachRow(rows, []any{&id, &reference}, func() error { by[id] = reference; return nil }); err != nil {
		return nil, fmt.Errorf("read references: %w", err)
	}
	return by, nil
}

package booking

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/budgets"
	"shortbreaks/internal/db"
	"shortbreaks/payments"
)

// The decisions on an emergency booking.
const (
	StaysOnContingency = "contingency"
	GoesToBudget       = "recharge"
)

// Emergency is a booking of a place kept for emergencies, and what was decided
// on who bears it.
type Emergency struct {
	AuthorityID    uuid.UUID
	BookingID      uuid.UUID
	ItemID         uuid.UUID
	ChildID        uuid.UUID
	CapacityID     uuid.UUID
	Stream         string
	Reason         string
	BookedBy       uuid.UUID
	BookedAt       time.Time
	DecideBy       time.Time // the next working day, a date
	Decision       string    // StaysOnContingency, GoesToBudget or "": none yet
	LineID         *uuid.UUID
	Words          string // with the decision, or why a re-charge could not be
	DecidedBy      *uuid.UUID
	DecidedAt      *time.Time
	RechargedPence *shortbreaks.Pence // nil: not yet, or not

	Reference, ChildFirstName, ProviderName, OfferTitle, LocalStart string
	StartsAt                                                        time.Time
	State                                                           State
	PricePence                                                      shortbreaks.Pence
}

const emergencySQL = `SELECT e.authority_id, e.booking_id, e.item_id, e.child_id, e.capacity_id, e.stream, e.reason, e.booked_by, e.booked_at, e.decide_by,
		coalesce(e.decision, '') AS decision, e.line_id, e.words, e.decided_by, e.decided_at, e.recharged_pence,
		b.reference, c.first_name AS child_first_name, v.name AS provider_name, o.title AS offer_title, i.local_start, i.starts_at, i.state, i.price_pence
	FROM emergency_booking e
	JOIN booking b ON b.authority_id = e.authority_id AND b.id = e.booking_id
	JOIN booking_item i ON i.authority_id = e.authority_id AND i.id = e.item_id
	JOIN child c ON c.authority_id = e.authority_id AND c.id = e.child_id
	JOIN provider v ON v.id = b.provider_id
	JOIN offer o ON o.provider_id = b.provider_id AND o.id = b.offer_id
	WHERE e.authority_id = ANY ($1) AND `

// Emergencies lists emergency bookings of the actor's authorities, the newest
// first, and whether more follow; with undecided, those nobody has decided on.
// Errors: forbidden.
func Emergencies(ctx context.Context, d *db.DB, who shortbreaks.Actor, undecided bool, after uuid.UUID, limit int) (page []*Emergency, more bool, err error) {
	if !who.Is(shortbreaks.Practitioner, shortbreaks.Approver, shortbreaks.Auditor) {
		return nil, false, shortbreaks.ErrForbidden
	}
	err = d.Read(ctx, db.For(who), func(tx *db.Tx) error {
		page, err = selectEmergencies(ctx, tx, `(NOT $2 OR e.decision IS NULL)
			AND ($3 = '00000000-0000-0000-0000-000000000000'::uuid OR e.booking_id < $3) ORDER BY e.booking_id DESC LIMIT $4`,
			who.Authorities, undecided, after, limit+1)
		return err
	})
	more = len(page) > limit
	return slices.Clip(page[:min(len(page), limit)]), more, err
}

func emergencyByID(ctx context.Context, tx *db.Tx, who shortbreaks.Actor, booking uuid.UUID) (*Emergency, error) {
	list, err := selectEmergencies(ctx, tx, `e.booking_id = $2`, who.Authorities, booking)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, shortbreaks.ErrNotFound
	}
	return list[0], nil
}

func selectEmergencies(ctx context.Context, tx *db.Tx, where string, args ...any) ([]*Emergency, error) {
	rows, err := tx.PGX.Query(ctx, emergencySQL+where, args...)
	if err != nil {
		return nil, fmt.Errorf("read emergency bookings: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToAddrOfStructByName[Emergency])
	if err != nil {
		return nil, fmt.Errorf("read emergency bookings: %w", err)
	}
	return list, nil
}

// DecideEmergency says who bears an emergency booking.
type DecideEmergency struct {
	BookingID uuid.UUID
	Decision  string     // StaysOnContingency or GoesToBudget
	LineID    *uuid.UUID // of the child's plan, for GoesToBudget alone
	Words     string
}

// Decide leaves an emergency booking on the contingency, or has a line of the
// child's plan pay it back: at once if it is settled or closed, else when it
// is (PostRecharges). An approver does, never who booked it. The line and the
// child's accounts must have it free, now and when it is posted: never an
// overdraft. Until money has moved it can be decided anew. Errors: forbidden,
// not-found, invalid, approver-is-proposer, wrong-state, not-allowed-by-plan,
// budget-too-low.
func (c DecideEmergency) Decide(ctx context.Context, d *db.DB, who shortbreaks.Actor) (e *Emergency, err error) {
	if !who.Is(shortbreaks.Approver) {
		return nil, shortbreaks.ErrForbidden
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	err = d.Do(ctx, db.For(who), func(tx *db.Tx) error {
		if e, err = lockEmergency(ctx, tx, who, c.BookingID); err != nil {
			return err
		}
		switch {
		case e.BookedBy == who.Person:
			return budgets.ErrApproverIsProposer.With("You booked it. Nothing was decided; ask another approver.")
		case e.RechargedPence != nil:
			return ErrWrongState.With("The child's budget has paid it already. Nothing was changed.")
		}
		e.Decision, e.LineID, e.Words, e.DecidedBy, e.DecidedAt = c.Decision, c.LineID, c.Words, &who.Person, &tx.Now
		if c.Decision == GoesToBudget {
			if err := e.recharge(ctx, tx, who); err != nil {
				return err
			}
		}
		if err := e.save(ctx, tx); err != nil {
			return err
		}
		e, err = emergencyByID(ctx, tx, who, c.BookingID)
		return err
	})
	if err != nil {
		return nil, err
	}
	return e, nil
}

func (c DecideEmergency) check() error {
	var f shortbreaks.Faults
	f.OneOf("/decision", c.Decision, []string{StaysOnContingency, GoesToBudget})
	f.Unless((c.Decision == GoesToBudget) == (c.LineID != nil), "/plan_line_id", "Name the line that is to pay, for a re-charge and for nothing else.")
	f.Unless(len([]rune(c.Words)) <= 500, "/words", "Write at most 500 characters.")
	return f.As(shortbreaks.ErrInvalid)
}

// lockEmergency locks an emergency booking, then its item, as everybody who
// needs both does; what settles items needs the item alone.
func lockEmergency(ctx context.Context, tx *db.Tx, who shortbreaks.Actor, booking uuid.UUID) (*Emergency, error) {
	var item uuid.UUID
	err := tx.PGX.QueryRow(ctx, `SELECT item_id FROM emergency_booking WHERE authority_id = ANY ($1) AND booking_id = $2 FOR UPDATE`, who.Authorities, booking).Scan(&item)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, shortbreaks.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("lock emergency booking: %w", err)
	}
	if _, err := selectItems(ctx, tx, `authority_id = ANY ($1) AND id = $2 FOR UPDATE`, who.Authorities, item); err != nil {
		return nil, err
	}
	return emergencyByID(ctx, tx, who, booking)
}

func (e *Emergency) save(ctx context.Context, tx *db.Tx) error {
	var decision *string
	if e.Decision != "" {
		decision = &e.Decision
	}
	tag, err := tx.PGX.Exec(ctx, `UPDATE emergency_booking SET decision = $3, line_id = $4, words = $5, decided_by = $6, decided_at = $7, recharged_pence = $8
		WHERE authority_id = $1 AND booking_id = $2 AND recharged_pence IS NULL`,
		e.AuthorityID, e.BookingID, decision, e.LineID, e.Words, e.DecidedBy, e.DecidedAt, e.RechargedPence)
	if err == nil && tag.RowsAffected() != 1 {
		err = errors.New("it is out of scope, or paid back already")
	}
	if err != nil {
		return fmt.Errorf("save emergency booking %s: %w", e.BookingID, err)
	}
	return nil
}

// recharge posts what the contingency bears of a locked emergency booking to
// the line decided on, and to its budgets by its shares, if nothing more can
// change: no hold is pending. Before that it only holds the wish against the
// line and the money there is. What is too little or not allowed is refused
// before any effect.
func (e *Emergency) recharge(ctx context.Context, tx *db.Tx, who shortbreaks.Actor) error {
	borne, err := payments.BorneByContingency(ctx, tx, e.AuthorityID, e.ItemID)
	if err != nil {
		return err
	}
	due := borne.Pending + borne.Spent
	resolved := borne.PendingHoldings == 0
	if resolved {
		none := shortbreaks.Pence(0)
		e.RechargedPence = &none
	}
	parts, err := e.payable(ctx, tx, due)
	if err != nil || !resolved || due == 0 {
		return err
	}
	move := payments.LineMove{Authority: e.AuthorityID, Line: *e.LineID, Spent: due}
	if err := budgets.MoveLines(ctx, tx, []payments.LineMove{move}); err != nil {
		return err
	}
	if err := payments.Recharge(ctx, tx, e.AuthorityID, e.ItemID, *e.LineID, borne.Account, who.Person, parts); err != nil {
		return err
	}
	paid := shortbreaks.Pence(due)
	e.RechargedPence = &paid
	return nil
}

// payable shares what is due over the accounts of the line, with line and
// accounts locked in the one order, or says why they cannot pay it.
func (e *Emergency) payable(ctx context.Context, tx *db.Tx, due int64) ([]payments.Recharged, error) {
	lines, err := budgets.LockLines(ctx, tx, []budgets.LineRef{{Authority: e.AuthorityID, ID: *e.LineID}})
	if err != nil {
		return nil, err
	}
	line := lines[*e.LineID]
	if line == nil || line.ChildID != e.ChildID {
		return nil, shortbreaks.ErrInvalid.With("Nothing was decided.").At("/plan_line_id", "This is not a line of this child's plan.")
	}
	if by, _ := line.PayableBy(); by != payments.PayableByAuthority {
		return nil, ErrNotAllowed.With("The money of this line is in the family's hands. Nothing was decided; choose a line the council pays.")
	}
	shares, err := e.fund(ctx, tx, due)
	if err != nil {
		return nil, err
	}
	if line.Free() < due {
		return nil, ErrBudgetTooLow.With(fmt.Sprintf("The plan line %q has %s left and %s is to be paid. It stays on the contingency.",
			line.Description, shortbreaks.Pence(line.Free()), shortbreaks.Pence(due)))
	}
	var refs []payments.AccountRef
	var parts []payments.Recharged
	for _, s := range shares {
		if s.Amount == 0 {
			continue
		}
		if s.Account == uuid.Nil {
			return nil, ErrBudgetTooLow.With("The child has no " + streamWords(s.Stream) + " for " + e.LocalStart[:10] + ". It stays on the contingency.")
		}
		refs = append(refs, payments.AccountRef{Authority: e.AuthorityID, ID: s.Account})
		parts = append(parts, payments.Recharged{Account: s.Account, Amount: s.Amount})
	}
	accounts, err := payments.LockAccounts(ctx, tx, refs)
	if err != nil {
		return nil, err
	}
	for _, p := range parts {
		if a := accounts[p.Account]; a.Free() < p.Amount {
			return nil, ErrBudgetTooLow.With(fmt.Sprintf("There is %s of %s free and %s is to be paid. It stays on the contingency.",
				shortbreaks.Pence(a.Free()), streamWords(a.Stream), shortbreaks.Pence(p.Amount)))
		}
	}
	return parts, nil
}

// fund asks the plan whether the line may pay for every kind of charge of the
// booking, and how it shares the sum over its streams.
func (e *Emergency) fund(ctx context.Context, tx *db.Tx, due int64) ([]budgets.FundShare, error) {
	rows, err := tx.PGX.Query(ctx, `SELECT DISTINCT g.kind, o.category FROM item_charge g
		JOIN booking b ON b.authority_id = g.authority_id AND b.id = $3
		JOIN offer o ON o.provider_id = b.provider_id AND o.id = b.offer_id
		WHERE g.authority_id = $1 AND g.item_id = $2 ORDER BY 1`, e.AuthorityID, e.ItemID, e.BookingID)
	if err != nil {
		return nil, fmt.Errorf("read charges of the emergency: %w", err)
	}
	var asks []budgets.FundAsk
	ask := budgets.FundAsk{Date: shortbreaks.Date(e.StartsAt), Pence: shortbreaks.Pence(due)}
	if _, err := pgx.ForEachRow(rows, []any{&ask.Kind, &ask.Category}, func() error { asks = append(asks, ask); return nil }); err != nil {
		return nil, fmt.Errorf("read charges of the emergency: %w", err)
	}
	if len(asks) == 0 || due == 0 {
		return nil, nil
	}
	fundings, err := budgets.Fund(ctx, tx, &budgets.Child{AuthorityID: e.AuthorityID, ID: e.ChildID}, e.LineID, asks)
	if err != nil {
		return nil, err
	}
	for _, f := range fundings {
		if !f.Allowed {
			return nil, ErrNotAllowed.With(f.Because + ". It stays on the contingency.")
		}
	}
	return fundings[0].Shares, nil
}

// PostRecharges posts what was decided to be re-charged and could not be yet,
// once nothing more can change of the booking. Where the child's money or line
// no longer has it, the booking stays on the contingency, undecided again and
// with the reason, for people to look at. It returns how many it looked after.
func PostRecharges(ctx context.Context, d *db.DB) (done int, err error) {
	scope, err := d.System(ctx)
	if err != nil {
		return 0, err
	}
	var due []*Emergency
	system := shortbreaks.Actor{Authorities: scope.Authorities}
	err = d.Read(ctx, scope, func(tx *db.Tx) error {
		due, err = selectEmergencies(ctx, tx, `e.decision = 'recharge' AND e.recharged_pence IS NULL AND NOT EXISTS (SELECT FROM hold h
			WHERE h.authority_id = e.authority_id AND h.item_id = e.item_id AND h.state = 'pending') ORDER BY e.authority_id, e.booking_id LIMIT 200`, scope.Authorities)
		return err
	})
	if err != nil {
		return 0, err
	}
	for _, one := range due {
		err := d.Do(ctx, scope, func(tx *db.Tx) error { return postRecharge(ctx, tx, system, one.BookingID) })
		if err != nil {
			return done, err
		}
		done++
	}
	return done, nil
}

func postRecharge(ctx context.Context, tx *db.Tx, system shortbreaks.Actor, booking uuid.UUID) error {
	e, err := lockEmergency(ctx, tx, system, booking)
	if err != nil {
		return err
	}
	if e.Decision != GoesToBudget || e.RechargedPence != nil {
		return nil // decided anew, or posted, meanwhile
	}
	decider := shortbreaks.Actor{Person: *e.DecidedBy, Role: shortbreaks.Approver, Authorities: []uuid.UUID{e.AuthorityID}}
	err = e.recharge(ctx, tx, decider)
	var refusal *shortbreaks.Error
	if errors.As(err, &refusal) && refusal.Kind != shortbreaks.Internal {
		e.Decision, e.LineID, e.DecidedBy, e.DecidedAt, e.RechargedPence = "", nil, nil, nil, nil
		e.Words = "It could not be re-charged: " + refusal.Detail
	} else if err != nil {
		return err
	}
	return e.save(ctx, tx)
}

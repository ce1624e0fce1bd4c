package budgets

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/payments"
)

// FundAsk is one charge that somebody has to pay for. What it takes of an
// allowance is given for each unit, since the line found decides which counts.
type FundAsk struct {
	Category string    // of the offer
	Kind     string    // of the charge
	Date     time.Time // London date of the session
	Pence    shortbreaks.Pence
	Minutes  int64
	Sessions int64
	Nights   int64
}

// in is what the charge takes in a unit.
func (a FundAsk) in(unit payments.Unit) int64 {
	switch unit {
	case payments.InMinutes:
		return a.Minutes
	case payments.InSessions:
		return a.Sessions
	case payments.InNights:
		return a.Nights
	default:
		return int64(a.Pence)
	}
}

// FundShare is the part of a charge one stream bears.
type FundShare struct {
	Stream         string
	Period         uuid.UUID // Nil, as is Account, if the child has no account of the stream for that date
	Account        uuid.UUID
	Weight, Amount int64 // Amount is in the line's unit
}

// Funding is who pays for a charge: a line of the plan and the accounts its
// shares name, or nobody and why.
type Funding struct {
	Allowed  bool
	Because  string // if not Allowed: the rule, in words for a parent
	Line     *uuid.UUID
	Unit     payments.Unit
	Quantity int64 // in Unit; the shares sum to it exactly
	Shares   []FundShare
	Reason   // why, to be kept with what is decided by it
}

// Fund finds for each charge the line of the child's plan that pays for it, or
// says why none does: the most specific line that covers category, kind and
// date, then the oldest. With a line given, only that one may pay. It looks at
// no balance and holds nothing: whether there is enough is decided when the
// booking is made, under lock.
func Fund(ctx context.Context, tx *db.Tx, child *Child, line *uuid.UUID, asks []FundAsk) ([]Funding, error) {
	if len(asks) == 0 {
		return nil, nil
	}
	f, err := readFunds(ctx, tx, child, line, asks)
	if err != nil {
		return nil, err
	}
	fundings := make([]Funding, len(asks))
	for i, ask := range asks {
		fundings[i] = f.decide(ask)
	}
	return fundings, nil
}

// funds are what a child's charges may be paid from.
type funds struct {
	chosen   bool // by hand: one line or none
	lines    []PlanLine
	accounts []datedAccount
	rules    []FundingRule // of the authority, by code and version
}

// datedAccount is a budget account with the days its period counts.
type datedAccount struct {
	ID               uuid.UUID
	Stream           string
	Unit             payments.Unit
	PeriodID         uuid.UUID
	StartsOn, EndsOn time.Time
}

const fundLinesSQL = `SELECT ` + lineColumns + linesFrom + `
	WHERE l.authority_id = $1 AND l.child_id = $2 AND l.state = 'approved' AND ($3::uuid IS NULL OR l.id = $3)`

// fundAccountsSQL puts money that runs out first before money that lasts.
const fundAccountsSQL = `SELECT a.id, a.stream, a.unit, a.period_id, p.starts_on, p.ends_on
	FROM account a JOIN period p ON p.authority_id = a.authority_id AND p.id = a.period_id
	WHERE a.authority_id = $1 AND a.child_id = $2 AND a.kind = 'budget' AND p.starts_on <= $4 AND p.ends_on >= $3
	ORDER BY p.ends_on, p.starts_on, a.id`

// readFunds reads the lines and accounts for all asks in one round trip.
func readFunds(ctx context.Context, tx *db.Tx, child *Child, line *uuid.UUID, asks []FundAsk) (*funds, error) {
	first, last := asks[0].Date, asks[0].Date
	for _, a := range asks {
		if a.Date.Before(first) {
			first = a.Date
		}
		if a.Date.After(last) {
			last = a.Date
		}
	}
	f := &funds{chosen: line != nil}
	batch := new(pgx.Batch)
	batch.Queue(fundLinesSQL, child.AuthorityID, child.ID, line).Query(func(rows pgx.Rows) (err error) {
		f.lines, err = pgx.CollectRows(rows, pgx.RowToStructByName[PlanLine])
		return err
	})
	batch.Queue(fundAccountsSQL, child.AuthorityID, child.ID, shortbreaks.Date(first), shortbreaks.Date(last)).Query(func(rows pgx.Rows) (err error) {
		f.accounts, err = pgx.CollectRows(rows, pgx.RowToStructByName[datedAccount])
		return err
	})
	queueRules(batch, child.AuthorityID, &f.rules)
	if err := tx.PGX.SendBatch(ctx, batch).Close(); err != nil {
		return nil, fmt.Errorf("read plan lines and accounts: %w", err)
	}
	slices.SortFunc(f.lines, moreSpecific)
	return f, nil
}

// fund decides one charge.
func (f *funds) fund(ask FundAsk) Funding {
	best, nearest := notApproved, -1
	for i, l := range f.lines {
		fits := l.fit(ask.Category, ask.Kind, ask.Date)
		if fits == pays && ask.Pence > 0 && ask.in(l.Unit) == 0 {
			fits = otherUnit // or the allowance would pay for it without being used
		}
		if fits == pays {
			return f.by(l, ask)
		}
		if fits > best {
			best, nearest = fits, i
		}
	}
	if nearest < 0 {
		return Funding{Because: f.noLine()}
	}
	return Funding{Because: f.miss(best, f.lines[nearest], ask)}
}

// by shares a charge over the streams of the line that pays for it (T20).
func (f *funds) by(l PlanLine, ask FundAsk) Funding {
	quantity := ask.in(l.Unit)
	weights := make([]int64, len(l.Shares))
	for i, s := range l.Shares {
		weights[i] = s.Weight
	}
	shares := make([]FundShare, len(l.Shares))
	for i, amount := range shortbreaks.Split(quantity, weights) {
		shares[i] = FundShare{Stream: l.Shares[i].Stream, Weight: weights[i], Amount: amount}
		shares[i].Period, shares[i].Account = f.account(shares[i].Stream, l.Unit, shortbreaks.Date(ask.Date))
	}
	return Funding{Allowed: true, Line: &l.ID, Unit: l.Unit, Quantity: quantity, Shares: shares}
}

// account is the one that pays for a stream and unit on a date, and its
// period; Nil if the child has none.
func (f *funds) account(stream string, unit payments.Unit, on time.Time) (period, account uuid.UUID) {
	for _, a := range f.accounts {
		if a.Stream == stream && a.Unit == unit && !on.Before(a.StartsOn) && !on.After(a.EndsOn) {
			return a.PeriodID, a.ID
		}
	}
	return uuid.Nil, uuid.Nil
}

func (f *funds) noLine() string {
	if f.chosen {
		return "The line that was chosen is not an approved line of this child's plan"
	}
	return "No line of the plan is approved yet"
}

// miss names the rule that the nearest line breaks.
func (f *funds) miss(best fit, l PlanLine, ask FundAsk) string {
	category, kind := say(categories, ask.Category), say(chargeKinds, ask.Kind)
	switch best {
	case otherKind:
		return "Your plan pays for " + sayAll(chargeKinds, l.PaysKinds) + ", not for " + kind
	case otherDates:
		return fmt.Sprintf("The line of your plan that covers %s runs from %s to %s", category, sayDate(l.StartsOn), sayDate(l.EndsOn))
	case otherUnit:
		return "Your plan gives " + say(units, string(l.Unit)) + ", and " + kind + " cannot be counted in them"
	}
	if f.chosen {
		return "The line that was chosen covers " + sayAll(categories, l.Categories) + ", not " + category
	}
	return "No approved line of the plan covers " + category
}

func sayDate(d time.Time) string { return d.Format("2 January 2006") }

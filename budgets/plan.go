package budgets

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"shortbreaks"
	"shortbreaks/marketplace"
	"shortbreaks/payments"
)

// The states of a plan line. A draft pays for nothing.
const (
	Draft    = "draft"
	Approved = "approved"
	Closed   = "closed"
)

// Plan is why a child has support: one of each type at most.
type Plan struct {
	AuthorityID uuid.UUID `gorm:"primaryKey"`
	ID          uuid.UUID `gorm:"primaryKey"`
	ChildID     uuid.UUID
	PlanType    string
	CreatedAt   time.Time
}

// TableName is for GORM.
func (Plan) TableName() string { return "plan" }

// Share is the part of a line one stream bears, by weight.
type Share struct {
	Stream string `json:"stream"`
	Weight int64  `json:"weight"`
}

// PlanLine is what may be bought, up to a limit. It is read and written with
// pgx, since GORM cannot pass its arrays.
type PlanLine struct {
	AuthorityID      uuid.UUID
	ID               uuid.UUID
	PlanID           uuid.UUID
	ChildID          uuid.UUID
	Description      string
	Outcome          string
	Categories       []string // none: any
	PaysKinds        []string // kinds of charge; none: any
	ManagementOption string
	HolderID         *uuid.UUID // who hands the money over, unless the authority does
	Unit             payments.Unit
	Shares           []Share
	LimitAmount      int64 // in Unit, as are Held and Spent
	Held             int64
	Spent            int64
	State            string
	StartsOn         time.Time
	EndsOn           time.Time // included
	ProposedBy       uuid.UUID
	ProposedAt       time.Time
	ApprovedBy       *uuid.UUID
	ApprovedAt       *time.Time
	PlanType         string // of its plan
}

// lineColumns are a PlanLine's, from plan_line l. The plan is looked up by key,
// whatever PostgreSQL believes about the size of either table.
const lineColumns = `l.authority_id, l.id, l.plan_id, l.child_id, l.description, l.outcome, l.categories, l.pays_kinds, l.management_option,
	l.holder_id, l.unit, l.shares, l.limit_amount, l.held, l.spent, l.state, l.starts_on, l.ends_on, l.proposed_by, l.proposed_at,
	l.approved_by, l.approved_at, 
	(SELECT p.plan_type FROM plan p WHERE p.authority_id = l.authority_id AND p.id = l.plan_id) AS plan_type`

const linesFrom = ` FROM plan_line l `

// Free is what may still be held under the line's own limit, in its unit.
func (l PlanLine) Free() int64 { return l.LimitAmount - l.Held - l.Spent }

// Pays reports whether the line pays for a kind of charge of a category on a
// London date.
func (l PlanLine) Pays(category, kind string, on time.Time) bool {
	return l.fit(category, kind, on) == pays
}

// PayableBy is who hands the line's money over to a provider, and which holder
// that is: in ledger words the payer of provider_payable.
func (l PlanLine) PayableBy() (payer string, holder *uuid.UUID) {
	switch l.ManagementOption {
	case DirectPayment:
		return payments.PayableByRecipient, l.HolderID
	case ThirdParty:
		return payments.PayableByManager, l.HolderID
	default:
		return payments.PayableByAuthority, nil
	}
}

// fit is how near a line comes to paying for something; a later one is nearer,
// so the nearest miss explains best.
type fit int

const (
	notApproved   fit = iota
	otherCategory     // not for this category
	otherKind         // for the category, but not this kind of charge
	otherDates        // for both, but not on this date
	otherUnit         // for all three, but the charge has nothing in the line's unit
	pays
)

// fit is the one rule of what a line pays for.
func (l PlanLine) fit(category, kind string, on time.Time) fit {
	on = shortbreaks.Date(on)
	switch {
	case l.State != Approved:
		return notApproved
	case len(l.Categories) > 0 && !marketplace.Covers(l.Categories, category):
		return otherCategory
	case len(l.PaysKinds) > 0 && !slices.Contains(l.PaysKinds, kind):
		return otherKind
	case on.Before(l.StartsOn) || on.After(l.EndsOn):
		return otherDates
	}
	return pays
}

// moreSpecific orders lines: one that names fewer categories goes before one
// that names more, which goes before one for any; then likewise by kind of
// charge; then the older.
func moreSpecific(a, b PlanLine) int {
	breadth := func(named []string) int {
		if len(named) == 0 {
			return len(categories) + len(chargeKinds) // wider than any list
		}
		wide := 0
		for _, value := range named {
			wide += max(1, len(marketplace.Descendants(value))) // an upper category names all below it
		}
		return wide
	}
	if d := breadth(a.Categories) - breadth(b.Categories); d != 0 {
		return d
	}
	if d := breadth(a.PaysKinds) - breadth(b.PaysKinds); d != 0 {
		return d
	}
	if d := a.ProposedAt.Compare(b.ProposedAt); d != 0 {
		return d
	}
	return slices.Compare(a.ID[:], b.ID[:])
}

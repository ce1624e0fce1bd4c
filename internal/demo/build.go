package demo

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"shortbreaks"
	"shortbreaks/booking"
	"shortbreaks/budgets"
	"shortbreaks/internal/db"
	"shortbreaks/marketplace"
	"shortbreaks/payments"
	"shortbreaks/people"
)

// Builder makes the parts of a world through the domain's own use cases.
type Builder struct{ D *db.DB }

// Council is an authority with one person in each of its roles.
type Council struct {
	ID           uuid.UUID
	Practitioner shortbreaks.Actor
	Approver     shortbreaks.Actor
	Finance      shortbreaks.Actor
	Commissioner shortbreaks.Actor
	Auditor      shortbreaks.Actor
}

// House is a provider with one person in each of its roles.
type House struct {
	ID          uuid.UUID
	Owner       shortbreaks.Actor
	Coordinator shortbreaks.Actor
	Worker      shortbreaks.Actor
}

// Home is a family: its children and the adults who act for them.
type Home struct {
	ID       uuid.UUID
	Children []budgets.Child
	Parents  []shortbreaks.Actor
}

// NewPerson adds a person who may sign in to the demo as subject.
func (b Builder) NewPerson(ctx context.Context, name, subject string) (uuid.UUID, error) {
	id := shortbreaks.NewID()
	err := b.D.Do(ctx, db.Scope{Person: id}, func(tx *db.Tx) error {
		if _, err := people.CreatePerson(ctx, tx, people.Person{ID: id, DisplayName: name}); err != nil {
			return err
		}
		_, err := people.AddSignIn(ctx, tx, people.SignIn{PersonID: id, Kind: "demo", Subject: subject})
		return err
	})
	return id, err
}

// grant gives a person a role and loads what it reaches.
func (b Builder) grant(ctx context.Context, g people.Grant) (shortbreaks.Actor, error) {
	err := b.D.Do(ctx, db.Scope{Person: g.PersonID}, func(tx *db.Tx) error {
		_, err := people.GrantRole(ctx, tx, g)
		return err
	})
	if err != nil {
		return shortbreaks.Actor{}, err
	}
	return people.Load(ctx, b.D, g.PersonID, g.Role)
}

// NewCouncil adds an authority and its staff, who sign in as "practitioner.<slug>"
// and so on.
func (b Builder) NewCouncil(ctx context.Context, name, slug, area string) (*Council, error) {
	c := &Council{ID: shortbreaks.NewID()}
	err := b.D.Do(ctx, db.Scope{Authorities: []uuid.UUID{c.ID}}, func(tx *db.Tx) error {
		_, err := people.CreateAuthority(ctx, tx, people.Authority{ID: c.ID, Name: name, Slug: slug, Area: area})
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, s := range []struct {
		into *shortbreaks.Actor
		role shortbreaks.Role
		name string
	}{
		{&c.Practitioner, shortbreaks.Practitioner, "Priya Shah"},
		{&c.Approver, shortbreaks.Approver, "Alan Moss"},
		{&c.Finance, shortbreaks.Finance, "Fiona Clarke"},
		{&c.Commissioner, shortbreaks.Commissioner, "Colin Reed"},
		{&c.Auditor, shortbreaks.Auditor, "Audrey Bell"},
	} {
		person, err := b.NewPerson(ctx, s.name, string(s.role)+"."+slug)
		if err != nil {
			return nil, err
		}
		if *s.into, err = b.grant(ctx, people.Grant{PersonID: person, Role: s.role, AuthorityID: &c.ID}); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// NewHouse adds a provider and its staff, who sign in as "provider_owner.<slug>"
// and so on, with a full file of credentials (see File).
func (b Builder) NewHouse(ctx context.Context, name, slug string, staff int) (*House, error) {
	return b.newHouse(ctx, name, slug, staff, Filing{})
}

func (b Builder) newHouse(ctx context.Context, name, slug string, staff int, f Filing) (*House, error) {
	h := &House{ID: shortbreaks.NewID()}
	err := b.D.Do(ctx, db.Scope{Providers: []uuid.UUID{h.ID}}, func(tx *db.Tx) error {
		_, err := marketplace.CreateProvider(ctx, tx, marketplace.Provider{ID: h.ID, Name: name, StaffCount: staff})
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, s := range []struct {
		into *shortbreaks.Actor
		role shortbreaks.Role
	}{{&h.Owner, shortbreaks.ProviderOwner}, {&h.Coordinator, shortbreaks.Coordinator}, {&h.Worker, shortbreaks.Worker}} {
		if *s.into, err = b.employ(ctx, h.ID, name+" "+string(s.role), string(s.role)+"."+slug, s.role); err != nil {
			return nil, err
		}
	}
	return h, b.File(ctx, h.Owner, h.ID, f)
}

// employ adds a person with a role at a provider.
func (b Builder) employ(ctx context.Context, provider uuid.UUID, name, subject string, role shortbreaks.Role) (shortbreaks.Actor, error) {
	person, err := b.NewPerson(ctx, name, subject)
	if err != nil {
		return shortbreaks.Actor{}, err
	}
	err = b.D.Do(ctx, db.Scope{Person: person, Providers: []uuid.UUID{provider}}, func(tx *db.Tx) error {
		_, err := people.Employ(ctx, tx, provider, person, role, name)
		return err
	})
	if err != nil {
		return shortbreaks.Actor{}, err
	}
	return people.Load(ctx, b.D, person, role)
}

// NewHome adds a family with its children and one parent for each subject,
// each with a grant on every child.
func (b Builder) NewHome(ctx context.Context, authority uuid.UUID, children []budgets.Child, subjects ...string) (*Home, error) {
	h := &Home{ID: shortbreaks.NewID()}
	err := b.D.Do(ctx, db.Scope{Authorities: []uuid.UUID{authority}}, func(tx *db.Tx) error {
		if _, err := budgets.CreateFamily(ctx, tx, budgets.Family{AuthorityID: authority, ID: h.ID}); err != nil {
			return err
		}
		for _, c := range children {
			c.AuthorityID, c.FamilyID = authority, h.ID
			made, err := budgets.CreateChild(ctx, tx, c)
			if err != nil {
				return err
			}
			h.Children = append(h.Children, *made)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, subject := range subjects {
		parent, err := b.NewParent(ctx, h, subject)
		if err != nil {
			return nil, err
		}
		h.Parents = append(h.Parents, parent)
	}
	return h, nil
}

// NewParent adds an adult to a family, with a grant on each of its children.
func (b Builder) NewParent(ctx context.Context, h *Home, subject string) (shortbreaks.Actor, error) {
	first := h.Children[0]
	person, err := b.NewPerson(ctx, "Parent "+first.FamilyName, subject)
	if err != nil {
		return shortbreaks.Actor{}, err
	}
	err = b.D.Do(ctx, db.Scope{Authorities: []uuid.UUID{first.AuthorityID}}, func(tx *db.Tx) error {
		return budgets.AddMember(ctx, tx, budgets.Member{AuthorityID: first.AuthorityID, FamilyID: h.ID, PersonID: person})
	})
	if err != nil {
		return shortbreaks.Actor{}, err
	}
	var actor shortbreaks.Actor
	for _, c := range h.Children {
		actor, err = b.grant(ctx, people.Grant{PersonID: person, Role: shortbreaks.Family, AuthorityID: &c.AuthorityID, ChildID: &c.ID})
		if err != nil {
			return actor, err
		}
	}
	return actor, nil
}

// PublishOffer makes an offer and publishes it.
func (b Builder) PublishOffer(ctx context.Context, h *House, draft marketplace.OfferDraft) (*marketplace.OfferDetail, error) {
	made, err := marketplace.CreateOffer(ctx, b.D, h.Owner, draft)
	if err != nil {
		return nil, fmt.Errorf("offer %q: %w", draft.Title, err)
	}
	return marketplace.PublishOffer(ctx, b.D, h.Owner, made.Offer.ID)
}

// Allocate gives a child money, or minutes, for the financial year a date is in.
func (b Builder) Allocate(ctx context.Context, c *Council, child uuid.UUID, stream string, unit payments.Unit, amount int64, on time.Time) error {
	from, to := FinancialYear(on)
	_, err := budgets.CreateAllocation(ctx, b.D, c.Approver, budgets.NewAllocation{
		ChildID: child, Stream: stream, Unit: unit, Amount: amount,
		Period: &budgets.NewPeriod{Name: fmt.Sprintf("April %d to March %d", from.Year(), to.Year()), StartsOn: from, EndsOn: to},
	})
	return err
}

// FinancialYear is 1 April to 31 March around a date.
func FinancialYear(on time.Time) (from, to time.Time) {
	year := on.Year()
	if on.Month() < time.April {
		year--
	}
	return time.Date(year, time.April, 1, 0, 0, 0, 0, time.UTC), time.Date(year+1, time.March, 31, 0, 0, 0, 0, time.UTC)
}

// ApprovePlanLine drafts a plan line as practitioner and approves it as approver.
func (b Builder) ApprovePlanLine(ctx context.Context, c *Council, draft budgets.NewPlanLine) (*budgets.PlanLine, error) {
	line, err := budgets.CreatePlanLine(ctx, b.D, c.Practitioner, draft)
	if err != nil {
		return nil, fmt.Errorf("plan line %q: %w", draft.Description, err)
	}
	return budgets.ApprovePlanLine(ctx, b.D, c.Approver, line.ID)
}

// Book quotes and books in one go, as the actor.
func (b Builder) Book(ctx context.Context, who shortbreaks.Actor, wanted ...booking.CreateQuote) (*booking.Basket, error) {
	var c booking.CreateBooking
	for _, w := range wanted {
		q, err := booking.MakeQuote(ctx, b.D, who, w)
		if err != nil {
			return nil, err
		}
		c.Quotes = append(c.Quotes, booking.QuoteToBook{QuoteID: q.ID, ExpectedTotalPence: q.TotalPence})
	}
	basket, _, err := booking.Create(ctx, b.D, who, c)
	return basket, err
}

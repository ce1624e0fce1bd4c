package booking

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/budgets"
	"shortbreaks/internal/db"
	"shortbreaks/marketplace/tariff"
)

// IntroductionState is how far a child and a provider have got to know each
// other.
type IntroductionState string

// An introduction is asked for by the family, arranged by the provider, and
// after the visit accepted with a ratio, or declined. Either side ends it.
const (
	IntroductionAsked     IntroductionState = "asked"
	IntroductionArranged  IntroductionState = "arranged"
	IntroductionAccepted  IntroductionState = "accepted"
	IntroductionDeclined  IntroductionState = "declined"
	IntroductionWithdrawn IntroductionState = "withdrawn"
)

// The refusals of introductions. The last two are those of a booking.
var (
	ErrIntroduced         = shortbreaks.NewError(shortbreaks.Conflict, "introduction-exists", "This child is known to this provider, or about to be")
	ErrNotVisited         = shortbreaks.NewError(shortbreaks.Conflict, "visit-to-come", "The visit has not taken place")
	ErrIntroductionNeeded = shortbreaks.NewError(shortbreaks.Conflict, "introduction-needed", "The provider meets a child before the first booking")
	ErrRatioDecided       = shortbreaks.NewError(shortbreaks.Conflict, "ratio-decided", "Another ratio was decided for this child")
)

// Introduction is a child and a provider getting to know each other: a visit,
// a decision on the ratio of support, and a yes or no (R119). The provider is
// told of the child what stands in it, from the family's consent until it
// ends, and nothing else.
type Introduction struct {
	AuthorityID   uuid.UUID
	ID            uuid.UUID
	ChildID       uuid.UUID // never shown to the provider
	ProviderID    uuid.UUID
	State         IntroductionState
	ToldName      string // the child's first name as the provider was told; "" once it ended
	ToldAge       *int   // in years on the day it was asked for
	ToldWords     string // by the family
	AskedBy       uuid.UUID
	AskedAs       shortbreaks.Role
	AskedAt       time.Time
	VisitAt       *time.Time
	VisitWords    string
	RatioStaff    *int
	RatioChildren *int
	AnswerWords   string // with the decision, or why it ended
	DecidedBy     *uuid.UUID
	DecidedAt     *time.Time
	EndedAt       *time.Time

	ProviderName string
	Tasks        []string // that somebody has to be signed off for; none once it ended
}

const introductionColumns = `i.authority_id, i.id, i.child_id, i.provider_id, i.state, i.told_name, i.told_age, i.told_words, i.asked_by, i.asked_as, i.asked_at,
	i.visit_at, i.visit_words, i.ratio_staff, i.ratio_children, i.answer_words, i.decided_by, i.decided_at, i.ended_at,
	(SELECT p.name FROM provider p WHERE p.id = i.provider_id) AS provider_name,
	CASE WHEN i.ended_at IS NULL THEN ARRAY(SELECT DISTINCT n.task FROM child_need n WHERE n.authority_id = i.authority_id AND n.child_id = i.child_id
		AND n.ends_on IS NULL ORDER BY n.task) ELSE '{}' END AS tasks`

// AskIntroduction asks a provider to meet a child. Consent says that the
// family agrees to the provider being told the child's first name, age and
// these words.
type AskIntroduction struct {
	ChildID    uuid.UUID
	ProviderID uuid.UUID
	Consent    bool
	Words      string
}

// Introduce asks for an introduction, once at a time for each child and
// provider. A practitioner asks for a family that agreed. Errors: forbidden,
// not-found, invalid, introduction-exists.
func Introduce(ctx context.Context, d *db.DB, who shortbreaks.Actor, a AskIntroduction) (*Introduction, error) {
	if !who.Is(shortbreaks.Family, shortbreaks.Practitioner) {
		return nil, shortbreaks.ErrForbidden
	}
	var made *Introduction
	err := d.Do(ctx, db.For(who), func(tx *db.Tx) error {
		child, err := budgets.LoadChild(ctx, tx, who, a.ChildID)
		if err != nil {
			return err
		}
		var f shortbreaks.Faults
		f.Unless(a.Consent, "/consent", "The provider is told the child's first name and age and what you write. Say that the family agrees to it.")
		f.Unless(len([]rune(a.Words)) <= 1000, "/words", "Write at most 1000 characters.")
		if err := f.As(shortbreaks.ErrInvalid); err != nil {
			return err
		}
		i := Introduction{
			AuthorityID: child.AuthorityID, ID: shortbreaks.NewID(), ChildID: child.ID, ProviderID: a.ProviderID,
			ToldName: child.FirstName, ToldWords: strings.TrimSpace(a.Words), AskedBy: who.Person, AskedAs: who.Role, AskedAt: tx.Now,
		}
		age := shortbreaks.AgeOn(child.DateOfBirth, shortbreaks.Date(tx.Now))
		i.ToldAge = &age
		if err := i.insert(ctx, tx); err != nil {
			return err
		}
		made, err = introductionOf(ctx, tx, who, i.ID, "")
		return err
	})
	return made, err
}

// insert writes a new introduction. Of two that are asked for at once the index
// lets one through.
func (i *Introduction) insert(ctx context.Context, tx *db.Tx) error {
	var known bool
	if err := tx.PGX.QueryRow(ctx, `SELECT EXISTS (SELECT FROM provider WHERE id = $1)`, i.ProviderID).Scan(&known); err != nil {
		return fmt.Errorf("look for provider: %w", err)
	}
	if !known {
		return shortbreaks.ErrNotFound.With("There is no such provider.")
	}
	tag, err := tx.PGX.Exec(ctx, `INSERT INTO introduction (authority_id, id, child_id, provider_id, state, told_name, told_age, told_words, asked_by, asked_as, asked_at)
		VALUES ($1, $2, $3, $4, 'asked', $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING`,
		i.AuthorityID, i.ID, i.ChildID, i.ProviderID, i.ToldName, i.ToldAge, i.ToldWords, i.AskedBy, string(i.AskedAs), i.AskedAt)
	if err != nil {
		return fmt.Errorf("ask for an introduction: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return ErrIntroduced.With("Look at the introductions of this child. One that ended can be asked for again.")
	}
	return nil
}

// introductionReaders may see introductions within their reach.
var introductionReaders = []shortbreaks.Role{
	shortbreaks.Family, shortbreaks.Practitioner, shortbreaks.Approver, shortbreaks.ProviderOwner, shortbreaks.Coordinator, shortbreaks.Auditor,
}

// ReadIntroduction is one introduction. Errors: forbidden, not-found.
func ReadIntroduction(ctx context.Context, d *db.DB, who shortbreaks.Actor, id uuid.UUID) (i *Introduction, err error) {
	if !who.Is(introductionReaders...) {
		return nil, shortbreaks.ErrForbidden
	}
	err = d.Read(ctx, db.For(who), func(tx *db.Tx) error {
		i, err = introductionOf(ctx, tx, who, id, "")
		return err
	})
	return i, err
}

// ListIntroductions chooses introductions; every field narrows.
type ListIntroductions struct {
	ChildID    *uuid.UUID // not for a provider, which knows none
	ProviderID *uuid.UUID
	State      IntroductionState
	After      uuid.UUID
	Limit      int
}

// Introductions is one page of those within reach, the newest first, and
// whether more follow. Errors: forbidden.
func Introductions(ctx context.Context, d *db.DB, who shortbreaks.Actor, l ListIntroductions) (page []*Introduction, more bool, err error) {
	if !who.Is(introductionReaders...) {
		return nil, false, shortbreaks.ErrForbidden
	}
	if l.ChildID != nil && providerSide(who) {
		return nil, false, nil
	}
	err = d.Read(ctx, db.For(who), func(tx *db.Tx) error {
		page, err = selectIntroductions(ctx, tx, who, `($2::uuid IS NULL OR i.child_id = $2) AND ($3::uuid IS NULL OR i.provider_id = $3)
			AND ($4 = '' OR i.state = $4) AND ($5 = '00000000-0000-0000-0000-000000000000'::uuid OR i.id < $5) ORDER BY i.id DESC LIMIT $6`,
			l.ChildID, l.ProviderID, string(l.State), l.After, l.Limit+1)
		return err
	})
	if more = len(page) > l.Limit; more {
		page = page[:l.Limit]
	}
	return page, more, err
}

// selectIntroductions reads introductions within the actor's reach, which is
// the first argument of the condition.
func selectIntroductions(ctx context.Context, tx *db.Tx, who shortbreaks.Actor, where string, args ...any) ([]*Introduction, error) {
	reach, column := who.Authorities, "i.authority_id"
	switch {
	case who.Is(shortbreaks.Family):
		reach, column = who.Children, "i.child_id"
	case providerSide(who):
		reach, column = who.Providers, "i.provider_id"
	}
	rows, err := tx.PGX.Query(ctx, `SELECT `+introductionColumns+` FROM introduction i WHERE `+column+` = ANY ($1) AND `+where, append([]any{reach}, args...)...)
	if err != nil {
		return nil, fmt.Errorf("read introductions: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToAddrOfStructByName[Introduction])
	if err != nil {
		return nil, fmt.Errorf("read introductions: %w", err)
	}
	return found, nil
}

// introductionOf reads one; lock is "FOR UPDATE" to change it.
func introductionOf(ctx context.Context, tx *db.Tx, who shortbreaks.Actor, id uuid.UUID, lock string) (*Introduction, error) {
	found, err := selectIntroductions(ctx, tx, who, `i.id = $2 `+lock, id)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, shortbreaks.ErrNotFound
	}
	return found[0], nil
}

// changeIntroduction locks one, lets f change it and writes it back.
func changeIntroduction(ctx context.Context, d *db.DB, who shortbreaks.Actor, id uuid.UUID, f func(i *Introduction, now time.Time) error) (i *Introduction, err error) {
	err = d.Do(ctx, db.For(who), func(tx *db.Tx) error {
		if i, err = introductionOf(ctx, tx, who, id, "FOR UPDATE OF i"); err != nil {
			return err
		}
		if i.EndedAt != nil {
			return ErrWrongState.With("It ended as " + string(i.State) + ". The family can ask for another.")
		}
		if err := f(i, tx.Now); err != nil {
			return err
		}
		tag, err := tx.PGX.Exec(ctx, `UPDATE introduction SET state = $3, told_name = $4, told_age = $5, told_words = $6, visit_at = $7, visit_words = $8,
				ratio_staff = $9, ratio_children = $10, answer_words = $11, decided_by = $12, decided_at = $13, ended_at = $14
			WHERE authority_id = $1 AND id = $2`, i.AuthorityID, i.ID, string(i.State), i.ToldName, i.ToldAge, i.ToldWords, i.VisitAt, i.VisitWords,
			i.RatioStaff, i.RatioChildren, i.AnswerWords, i.DecidedBy, i.DecidedAt, i.EndedAt)
		if err != nil {
			return fmt.Errorf("change introduction %s: %w", id, err)
		}
		if tag.RowsAffected() != 1 {
			return ErrStateChanged
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return i, nil
}

// ArrangeVisit sets when the provider meets the child, or when it did.
type ArrangeVisit struct {
	IntroductionID uuid.UUID
	LocalStart     string // London's wall time
	Words          string // where, and who will be there
}

// Arrange sets the date of the visit, and changes it until it has been
// accepted. Errors: forbidden, not-found, invalid, wrong-state.
func Arrange(ctx context.Context, d *db.DB, who shortbreaks.Actor, a ArrangeVisit) (*Introduction, error) {
	if !who.Is(shortbreaks.ProviderOwner, shortbreaks.Coordinator) {
		return nil, shortbreaks.ErrForbidden
	}
	return changeIntroduction(ctx, d, who, a.IntroductionID, func(i *Introduction, now time.Time) error {
		if i.State == IntroductionAccepted {
			return ErrWrongState.With("The child has been accepted already.")
		}
		at, err := time.ParseInLocation(shortbreaks.WallLayout, a.LocalStart, shortbreaks.London)
		var f shortbreaks.Faults
		f.Unless(err == nil, "/local_start", "Give a date and time such as 2027-01-09T10:00.")
		f.Unless(err != nil || at.After(now.AddDate(-1, 0, 0)) && at.Before(now.AddDate(1, 0, 0)), "/local_start", "Give a time of the last twelve months or the next.")
		f.Unless(len([]rune(a.Words)) <= 500, "/words", "Write at most 500 characters.")
		if err := f.As(shortbreaks.ErrInvalid); err != nil {
			return err
		}
		i.State, i.VisitAt, i.VisitWords = IntroductionArranged, &at, strings.TrimSpace(a.Words)
		return nil
	})
}

// DecideIntroduction is the provider's answer after the visit.
type DecideIntroduction struct {
	IntroductionID uuid.UUID
	Accept         bool
	Ratio          tariff.Ratio // of support this child needs there; with a yes
	Words          string       // needed with a no
}

// Decide accepts a child after the visit, with the ratio of support that was
// decided, or declines it. What was accepted may be decided anew with another
// ratio; quotes of the ratio before are then booked no more. Errors:
// forbidden, not-found, invalid, wrong-state, visit-to-come.
func Decide(ctx context.Context, d *db.DB, who shortbreaks.Actor, c DecideIntroduction) (*Introduction, error) {
	if !who.Is(shortbreaks.ProviderOwner, shortbreaks.Coordinator) {
		return nil, shortbreaks.ErrForbidden
	}
	return changeIntroduction(ctx, d, who, c.IntroductionID, func(i *Introduction, now time.Time) error {
		if err := c.check(i, now); err != nil {
			return err
		}
		i.AnswerWords, i.DecidedBy, i.DecidedAt = strings.TrimSpace(c.Words), &who.Person, &now
		if !c.Accept {
			i.end(IntroductionDeclined, now)
			return nil
		}
		i.State, i.RatioStaff, i.RatioChildren = IntroductionAccepted, &c.Ratio.Staff, &c.Ratio.Children
		return nil
	})
}

func (c DecideIntroduction) check(i *Introduction, now time.Time) error {
	var f shortbreaks.Faults
	if c.Accept {
		f.Within("/ratio/staff", c.Ratio.Staff, 1, 10)
		f.Within("/ratio/children", c.Ratio.Children, 1, 30)
		f.Unless(len([]rune(c.Words)) <= 500, "/words", "Write at most 500 characters.")
	} else {
		f.Unless(c.Ratio == tariff.Ratio{}, "/ratio", "A ratio goes with a yes.")
		f.Text("/words", c.Words, 3, 500)
	}
	switch err := f.As(shortbreaks.ErrInvalid); {
	case err != nil:
		return err
	case !c.Accept && i.State == IntroductionAccepted:
		return ErrWrongState.With("The child has been accepted. If support ends, withdraw the introduction.")
	case c.Accept && (i.VisitAt == nil || i.VisitAt.After(now)):
		return ErrNotVisited.With("Arrange a visit and accept the child once you have met; a visit that took place already can be given its date.")
	}
	return nil
}

// WithdrawIntroduction ends an introduction, from either side: the family's
// consent, or the support, has come to its end. What is booked stays booked
// until somebody cancels it; no more is booked. Errors: forbidden, not-found,
// invalid, wrong-state.
func WithdrawIntroduction(ctx context.Context, d *db.DB, who shortbreaks.Actor, id uuid.UUID, reason string) (*Introduction, error) {
	if !who.Is(shortbreaks.Family, shortbreaks.Practitioner, shortbreaks.ProviderOwner, shortbreaks.Coordinator) {
		return nil, shortbreaks.ErrForbidden
	}
	return changeIntroduction(ctx, d, who, id, func(i *Introduction, now time.Time) error {
		var f shortbreaks.Faults
		f.Text("/reason", reason, 3, 500)
		if err := f.As(shortbreaks.ErrInvalid); err != nil {
			return err
		}
		i.AnswerWords = strings.TrimSpace(reason)
		i.end(IntroductionWithdrawn, now)
		return nil
	})
}

// end leaves nothing of what the provider was told.
func (i *Introduction) end(as IntroductionState, now time.Time) {
	i.State, i.EndedAt, i.ToldName, i.ToldAge, i.ToldWords = as, &now, "", nil, ""
}

// Ratio is the one decided; zero before.
func (i *Introduction) Ratio() tariff.Ratio {
	if i.RatioStaff == nil {
		return tariff.Ratio{}
	}
	return tariff.Ratio{Staff: *i.RatioStaff, Children: *i.RatioChildren}
}

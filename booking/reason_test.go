package booking_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/booking"
	"shortbreaks/budgets"
	"shortbreaks/internal/db"
	"shortbreaks/payments"
)

// rule writes a rule, or its next version, from a January day on.
func (w *world) rule(code string, after int, verdict string, from int, kinds ...string) *budgets.FundingRule {
	w.t.Helper()
	r, err := budgets.WriteRule(w.ctx, w.d, w.council.Approver, budgets.NewRule{
		Code: code, After: after, Stream: "social_care", Verdict: verdict, Kinds: kinds, Words: "Social care pays for " + verdict + " things.",
		StartsOn: time.Date(2027, 1, from, 0, 0, 0, 0, time.UTC),
	})
	require.NoError(w.t, err)
	return r
}

// R091, L18: each line says by which rule it is paid, and the booking still
// says so when the rule has changed.
func TestR091_ABookingKeepsTheRuleItWasAllowedBy(t *testing.T) {
	w := newWorld(t)
	club := w.publish(saturdays(tariffOf(charge("place", "session", 800), charge("meal", "session", 300))))
	w.rule("places", 0, budgets.RuleAllows, 1, "place")
	w.rule("meals", 0, budgets.RuleForbids, 1, "meal")
	c := ask(w.child, club, 1)
	q := w.quote(w.parent, c)
	place, meal := q.Document.Items[0].Charges[0], q.Document.Items[0].Charges[1]
	require.Equal(t, payments.PayerBudget, place.Payer)
	require.Equal(t, payments.PayerFamilyDirect, meal.Payer, "what may not be paid falls to the family")
	require.Equal(t, booking.VerdictNotAllowed, meal.VerdictOf())
	require.Equal(t, "Social care pays for not_allowed things.", meal.Because)
	b := w.book(c)
	w.rule("places", 1, budgets.RuleForbids, 4, "place")
	w.rule("meals", 1, budgets.RuleAllows, 4, "meal")
	now, err := booking.Load(w.ctx, w.d, w.parent, b.ID)
	require.NoError(t, err)
	why := now.Items[0].Charges[0].Reason
	require.Equal(t, []any{"places", 1, booking.VerdictAllowed, "Social care pays for allowed things."}, []any{why.Rule, why.Version, why.Verdict, why.Because})
	require.Contains(t, why.Facts, budgets.Fact{Name: "date", Value: "2027-01-09"})
	require.Contains(t, why.Facts, budgets.Fact{Name: "plan_line", Value: "Short breaks"})
	require.Contains(t, why.Facts, budgets.Fact{Name: "stream", Value: "social_care"})
	require.Equal(t, "meals", now.Items[0].Charges[1].Reason.Rule)
	require.Equal(t, booking.VerdictNotAllowed, now.Items[0].Charges[1].Reason.Verdict)
	anew := w.quote(w.parent, nth(w.child, club, 1)).Document.Items[0].Charges
	require.Equal(t, []any{2, booking.VerdictNotAllowed, 2, booking.VerdictAllowed}, []any{anew[0].Reason.Version, anew[0].VerdictOf(), anew[1].Reason.Version, anew[1].VerdictOf()})
	theirs, err := booking.Load(w.ctx, w.d, w.house.Owner, b.ID)
	require.NoError(t, err)
	require.Nil(t, theirs.Items[0].Charges[0].Reason, "the plan is not the provider's to know")
	err = w.d.Do(w.ctx, db.For(w.council.Approver), func(tx *db.Tx) error {
		_, err := tx.PGX.Exec(w.ctx, `UPDATE funding_rule SET words = 'Something else altogether'`)
		return err
	})
	require.Error(t, err, "a version never changes")
}

func TestR091_TheRuleOfTheDayCountsAndTheStrictestOfSeveral(t *testing.T) {
	w := newWorld(t)
	club := w.publish(saturdays(tariffOf(charge("place", "session", 800))))
	of := func(n int) booking.QuotedCharge {
		return w.quote(w.parent, nth(w.child, club, n)).Document.Items[0].Charges[0]
	}
	plain := of(0)
	require.Equal(t, "plan-line-pays", plain.Reason.Rule)
	require.Equal(t, booking.VerdictAllowed, plain.VerdictOf())
	w.rule("all", 0, budgets.RuleAllows, 1)
	w.rule("no-places", 0, budgets.RuleForbids, 16, "place")
	require.Equal(t, "all", of(0).Reason.Rule, "the 9th is before it")
	require.Equal(t, "no-places", of(1).Reason.Rule, "on the 16th it has begun")
	_, err := budgets.WriteRule(w.ctx, w.d, w.council.Approver, budgets.NewRule{
		Code: "no-places", After: 1, Stream: "social_care", Verdict: budgets.RuleForbids, Words: "There is no such rule.", Retired: true, StartsOn: time.Date(2027, 1, 23, 0, 0, 0, 0, time.UTC),
	})
	require.NoError(t, err)
	require.Equal(t, "no-places", of(1).Reason.Rule)
	require.Equal(t, "all", of(2).Reason.Rule, "retired from the 23rd on")
	// Where one line may not pay, another may.
	w.line(w.child, budgets.NewPlanLine{PlanType: "other", Shares: []budgets.Share{{Stream: "grant", Weight: 1}}})
	w.allocate(w.child, "grant", payments.InPence, 10_000)
	require.Equal(t, "grant", of(1).Funding[0].Stream)
	require.Equal(t, booking.VerdictAllowed, of(1).VerdictOf())
}

func TestR091_WhatHasToBeAskedIsBookedOnAPractitionersQuote(t *testing.T) {
	w := newWorld(t)
	club := w.publish(saturdays(tariffOf(charge("place", "session", 800))))
	w.rule("ask", 0, budgets.RuleAsks, 1)
	q := w.quote(w.parent, ask(w.child, club, 1))
	require.Equal(t, booking.VerdictAsk, q.Verdict())
	require.Equal(t, "ask-first", q.NextSteps()[0].Code)
	require.ErrorIs(t, w.create(q), booking.ErrAskFirst)
	agreed := w.quote(w.council.Practitioner, ask(w.child, club, 1))
	require.Equal(t, booking.VerdictAllowed, agreed.Verdict())
	require.NoError(t, w.create(agreed), "the family books what its practitioner quoted")
	full := saturdays(tariffOf(charge("place", "session", 800)))
	full.Sessions.Capacity, full.Title = 1, "Full"
	_, err := booking.JoinWaitlist(w.ctx, w.d, w.parent, ask(w.child, w.publish(full), 1))
	require.ErrorIs(t, err, booking.ErrAskFirst)
}

func TestR091_RulesAreWrittenOneVersionAfterAnother(t *testing.T) {
	w := newWorld(t)
	w.rule("one", 0, budgets.RuleAllows, 4)
	n := budgets.NewRule{Code: "one", After: 1, Stream: "social_care", Verdict: budgets.RuleAsks, Words: "Ask us about this first.", StartsOn: shortbreaks.Date(monday)}
	errs := together(5, func(int) error {
		_, err := budgets.WriteRule(w.ctx, w.d, w.council.Approver, n)
		return err
	})
	oneOf(t, errs, 1, budgets.ErrRuleChanged)
	n.After, n.StartsOn = 2, n.StartsOn.AddDate(0, 0, -1)
	_, err := budgets.WriteRule(w.ctx, w.d, w.council.Approver, n)
	require.ErrorIs(t, err, shortbreaks.ErrInvalid, "before the version it follows")
	_, err = budgets.WriteRule(w.ctx, w.d, w.council.Practitioner, n)
	require.ErrorIs(t, err, shortbreaks.ErrForbidden)
	bracken, err := w.build.NewCouncil(w.ctx, "Brackenvale Council", "bracken", "Brackenvale")
	require.NoError(t, err)
	for who, want := range map[*shortbreaks.Actor]int{&w.parent: 2, &w.council.Commissioner: 2, &bracken.Approver: 0} {
		list, _, err := budgets.Rules(w.ctx, w.d, *who, budgets.RuleAt{}, 10)
		require.NoError(t, err)
		require.Len(t, list, want)
	}
	first, more, err := budgets.Rules(w.ctx, w.d, w.parent, budgets.RuleAt{}, 1)
	require.NoError(t, err)
	require.True(t, more)
	rest, more, err := budgets.Rules(w.ctx, w.d, w.parent, budgets.RuleAt{Authority: w.council.ID, Code: "one", Version: first[0].Version}, 1)
	require.NoError(t, err)
	require.False(t, more)
	require.Equal(t, 2, rest[0].Version)
	_, _, err = budgets.Rules(w.ctx, w.d, w.house.Owner, budgets.RuleAt{}, 1)
	require.ErrorIs(t, err, shortbreaks.ErrForbidden)
}

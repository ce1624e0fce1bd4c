package budgets_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/budgets"
	"shortbreaks/internal/db"
	"shortbreaks/payments"
)

// booked writes a booking of one item, as the desk would have, and gives the
// item.
func (w *world) booked(child *budgets.Child, reference string) (item uuid.UUID) {
	w.Helper()
	provider, setting, offer, version, session := uuid.New(), uuid.New(), uuid.New(), uuid.New(), uuid.New()
	quote, booking, item := uuid.New(), uuid.New(), uuid.New()
	w.exec(`INSERT INTO provider (id, name, staff_count) VALUES ($1, 'Oak Hill', 5)`, provider)
	w.exec(`INSERT INTO setting (provider_id, id, name, postcode, area, latitude, longitude) VALUES ($1, $2, 'Hall', 'AB1 2CD', 'North', 52, -1)`, provider, setting)
	w.exec(`INSERT INTO offer (provider_id, id, setting_id, state, version_id, title, summary, category, access_route, age_from, age_to, ratio_staff,
		ratio_children, instant, created_at) VALUES ($1, $2, $3, 'published', $4, 'Club', '', 'club', 'targeted', 0, 25, 1, 3, true, now())`, provider, offer, setting, version)
	w.exec(`INSERT INTO offer_version (provider_id, id, offer_id, n, tariff, terms, price_pence, price_unit, created_at, created_by)
		VALUES ($1, $2, $3, 1, '{}', '{}', 2500, 'session', now(), $1)`, provider, version, offer)
	w.exec(`INSERT INTO session (provider_id, id, offer_id, starts_at, ends_at, local_start, state)
		VALUES ($1, $2, $3, '2027-01-09 10:00Z', '2027-01-09 12:00Z', '2027-01-09T10:00', 'scheduled')`, provider, session, offer)
	w.exec(`INSERT INTO quote (authority_id, id, child_id, provider_id, offer_id, version_id, total_pence, document, created_by, created_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, 2500, '{}', $3, now(), now() + interval '1 hour')`, child.AuthorityID, quote, child.ID, provider, offer, version)
	w.exec(`INSERT INTO booking (authority_id, id, basket_id, quote_id, reference, child_id, provider_id, offer_id, version_id, total_pence, terms,
		billed_on, created_by, on_behalf, created_at) VALUES ($1, $2, $2, $3, $4, $5, $6, $7, $8, 2500, '{}', 'booked', $5, false, now())`,
		child.AuthorityID, booking, quote, reference, child.ID, provider, offer, version)
	w.exec(`INSERT INTO booking_item (authority_id, id, booking_id, n, provider_id, child_id, attendee_kind, session_id, starts_at, ends_at, local_start,
		time_zone, version_id, state, price_pence) VALUES ($1, $2, $3, 1, $4, $5, 'child', $6, '2027-01-09 10:00Z', '2027-01-09 12:00Z',
		'2027-01-09T10:00', 'Europe/London', $7, 'settled', 2500)`, child.AuthorityID, item, booking, provider, child.ID, session, version)
	return item
}

// spend moves an amount of an account, against card clearing for want of a
// provider to owe.
func (w *world) spend(child *budgets.Child, account, item uuid.UUID, kind string, amount int64) {
	w.Helper()
	require.NoError(w, w.in(child.AuthorityID, func(tx *db.Tx) error {
		ids, err := payments.EnsureAccounts(w.ctx, tx, []payments.AccountKey{{Authority: child.AuthorityID, Kind: payments.CardClearing, Unit: payments.InPence}})
		require.NoError(w, err)
		_, err = payments.Post(w.ctx, tx, []payments.Posting{{
			Authority: child.AuthorityID, Kind: kind, Source: item,
			Entries: []payments.Entry{{Account: account, Unit: payments.InPence, Amount: amount}, {Account: ids[0], Unit: payments.InPence, Amount: -amount}},
		}})
		return err
	}))
}

func TestAStatementIsExact(t *testing.T) {
	w := setup(t)
	at := func(text string) time.Time {
		i, err := time.Parse(time.RFC3339, text)
		require.NoError(t, err)
		w.clock.Set(i)
		return i
	}
	at("2026-07-31T22:59:00Z") // 23:59 on 31 July in London
	care := w.allocated(w.ada, w.year, "social_care", payments.InPence, 1_000)
	first := at("2026-07-31T23:00:00Z") // midnight
	w.allocated(w.ada, w.year, "social_care", payments.InPence, 50_000)
	second := at("2027-01-09T12:00:00Z")
	item := w.booked(w.ada, "SB-7K3Q-9F2M")
	w.spend(w.ada, care, item, payments.KindCapture, -2_501)
	third := at("2027-01-10T12:00:00Z")
	w.allocated(w.ada, w.year, "social_care", payments.InPence, 7)
	w.allocated(w.cal, w.year, "social_care", payments.InPence, 99)

	s, err := budgets.GetStatement(w.ctx, w.d, w.parent, w.ada.ID, day("2026-08-01"), day("2027-01-09"))
	require.NoError(t, err)
	require.Equal(t, &budgets.Statement{
		Child: *w.ada, From: day("2026-08-01"), To: day("2027-01-09"),
		Accounts: []budgets.StatementAccount{{
			ID: care, Kind: payments.Budget, Stream: "social_care", Period: w.year, Unit: payments.InPence, Opening: 1_000, Closing: 48_499,
			Entries: []budgets.StatementEntry{
				{At: first, OnDate: day("2026-08-01"), Kind: "allocate", Description: "Added to the budget", Amount: 50_000, BalanceAfter: 51_000},
				{At: second, OnDate: day("2027-01-09"), Kind: "capture", Description: "Paid for a booking", BookingReference: "SB-7K3Q-9F2M", Amount: -2_501, BalanceAfter: 48_499},
			},
			Amounts: budgets.Amounts{Allocated: 51_007, Spent: 2_501, Free: 48_506},
		}},
	}, s)

	// Two statements that meet tell the same as one.
	before, err := budgets.GetStatement(w.ctx, w.d, w.approver, w.ada.ID, day("2020-01-01"), day("2026-07-31"))
	require.NoError(t, err)
	require.Equal(t, int64(0), before.Accounts[0].Opening)
	require.Equal(t, s.Accounts[0].Opening, before.Accounts[0].Closing)
	after, err := budgets.GetStatement(w.ctx, w.d, w.approver, w.ada.ID, day("2027-01-10"), time.Time{})
	require.NoError(t, err)
	require.Equal(t, day("2027-01-10"), after.To)
	require.Equal(t, s.Accounts[0].Closing, after.Accounts[0].Opening)
	require.Equal(t, third, after.Accounts[0].Entries[0].At)
	require.Equal(t, int64(48_506), after.Accounts[0].Closing)
}

func TestAStatementCoversTheCurrentPeriodUnlessAsked(t *testing.T) {
	w := setup(t)
	days := func(child *budgets.Child, from, to time.Time) (time.Time, time.Time) {
		s, err := budgets.GetStatement(w.ctx, w.d, w.approver, child.ID, from, to)
		require.NoError(t, err)
		return s.From, s.To
	}
	from, to := days(w.ada, time.Time{}, time.Time{})
	require.Equal(t, day("2026-04-01"), from, "no account yet: the financial year")
	require.Equal(t, day("2027-01-04"), to)
	own := w.period(w.north, "2026-09-01", "2027-08-31")
	w.allocated(w.ada, own, "health", payments.InPence, 1)
	from, _ = days(w.ada, time.Time{}, time.Time{})
	require.Equal(t, day("2026-09-01"), from)
	from, to = days(w.ada, time.Time{}, day("2026-05-01"))
	require.Equal(t, day("2026-05-01"), from)
	require.Equal(t, day("2026-05-01"), to)
	w.clock.Set(time.Date(2027, 3, 31, 23, 30, 0, 0, time.UTC)) // half past midnight on 1 April
	from, to = days(w.ben, time.Time{}, time.Time{})
	require.Equal(t, day("2027-04-01"), from)
	require.Equal(t, day("2027-04-01"), to)
	_, err := budgets.GetStatement(w.ctx, w.d, w.approver, w.ada.ID, day("2027-01-02"), day("2027-01-01"))
	require.ErrorIs(t, err, shortbreaks.ErrInvalid)
}

// The family's own money is shown apart and last, and is never budget.
func TestTopUpMoneyIsShownApart(t *testing.T) {
	w := setup(t)
	care := w.allocated(w.ada, w.year, "social_care", payments.InPence, 1_000)
	var topUp uuid.UUID
	require.NoError(t, w.in(w.north, func(tx *db.Tx) error {
		ids, err := payments.EnsureAccounts(w.ctx, tx, []payments.AccountKey{{Authority: w.north, Kind: payments.TopUpMoney, Unit: payments.InPence, Child: &w.ada.ID}})
		topUp = ids[0]
		return err
	}))
	w.spend(w.ada, topUp, uuid.New(), payments.KindTopUp, 2_000)
	b, err := budgets.Get(w.ctx, w.d, w.parent, w.ada.ID)
	require.NoError(t, err)
	require.Len(t, b.Accounts, 1)
	require.Equal(t, &budgets.TopUp{ID: topUp, Amounts: budgets.Amounts{Allocated: 2_000, Free: 2_000}}, b.TopUp)
	s, err := budgets.GetStatement(w.ctx, w.d, w.parent, w.ada.ID, time.Time{}, time.Time{})
	require.NoError(t, err)
	require.Equal(t, []uuid.UUID{care, topUp}, []uuid.UUID{s.Accounts[0].ID, s.Accounts[1].ID})
	require.Nil(t, s.Accounts[1].Period)
	require.Equal(t, "Paid in by card", s.Accounts[1].Entries[0].Description)
}

func TestAStatementThatDoesNotAgreeWithTheBalanceIsNotShown(t *testing.T) {
	w := setup(t)
	care := w.allocated(w.ada, w.year, "social_care", payments.InPence, 1_000)
	w.exec(`UPDATE account SET balance = balance + 1 WHERE id = $1`, care)
	_, err := budgets.GetStatement(w.ctx, w.d, w.parent, w.ada.ID, day("2020-01-01"), day("2020-01-31"))
	require.ErrorContains(t, err, "do not agree")
}

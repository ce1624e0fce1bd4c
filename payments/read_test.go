package payments_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/payments"
)

// books is a world in which two authorities and two children have spent.
type books struct {
	*world
	one, two       child
	elsewhere      uuid.UUID
	item           uuid.UUID
	care           uuid.UUID
	otherAuthority int64
}

func newBooks(t *testing.T) *books {
	b := &books{world: newWorld(t)}
	b.one, b.two = b.child(), b.child()
	b.care = b.allocate(b.one, "social_care", payments.InPence, 10_000)
	b.allocate(b.two, "social_care", payments.InPence, 5000)
	b.allocate(b.two, "social_care", payments.InMinutes, 600)
	line := b.line(b.one, payments.InPence, 20_000, nil)
	b.item = b.settled(b.one, line, map[uuid.UUID]int64{b.care: 2500}, b.care)
	held := b.item2(line)
	b.hold(held, 1, &line, payments.InPence, map[uuid.UUID]int64{b.care: 700}, b.care)

	rival := shortbreaks.NewID()
	b.exec(`INSERT INTO provider (id, name, staff_count) VALUES ($1, 'Elm Dale', 5)`, rival)
	owed := b.open(payments.AccountKey{Authority: b.authority, Kind: payments.ProviderPayable, Unit: payments.InPence, Provider: &rival, Payer: payments.PayableByAuthority})
	bank := b.open(payments.AccountKey{Authority: b.authority, Kind: "bank", Unit: payments.InPence})
	b.must(func(tx *db.Tx) error {
		_, err := payments.Post(ctx, tx, []payments.Posting{{Authority: b.authority, Kind: "grant", Source: rival, Entries: []payments.Entry{
			{Account: owed, Unit: payments.InPence, Amount: 50}, {Account: bank, Unit: payments.InPence, Amount: -50},
		}}})
		return err
	})

	here, period := b.authority, b.period
	b.elsewhere, b.period = b.newAuthority("Felpersham")
	b.authority = b.elsewhere
	c := b.childOf(b.elsewhere)
	care := b.allocate(c, "health", payments.InPence, 900)
	far := b.line(c, payments.InPence, 900, nil)
	b.settled(c, far, map[uuid.UUID]int64{care: 800}, care)
	b.authority, b.period, b.otherAuthority = here, period, 800
	return b
}

func (b *books) item2(line uuid.UUID) uuid.UUID {
	return b.world.item(b.one, "confirmed", charge{payer: "budget", pence: 700, line: &line})
}

func (b *books) actor(role shortbreaks.Role) shortbreaks.Actor {
	who := shortbreaks.Actor{Person: b.person, Role: role}
	switch role {
	case shortbreaks.Family:
		who.Authorities, who.Children = []uuid.UUID{b.authority}, []uuid.UUID{b.one.id}
	case shortbreaks.ProviderOwner, shortbreaks.Coordinator, shortbreaks.Worker:
		who.Providers = []uuid.UUID{b.provider}
	default:
		who.Authorities = []uuid.UUID{b.authority}
	}
	return who
}

func TestTrialBalanceShowsEachReaderItsOwn(t *testing.T) {
	t.Parallel()
	b := newBooks(t)
	for _, role := range []shortbreaks.Role{shortbreaks.Finance, shortbreaks.Auditor} {
		sheet, err := payments.TrialBalance(ctx, b.d, b.actor(role))
		require.NoError(t, err)
		require.Equal(t, []payments.UnitTotal{{Unit: payments.InPence}, {Unit: payments.InMinutes}}, sheet.Totals, "the whole books sum to zero")
		got := map[payments.AccountKind]int64{}
		for _, r := range sheet.Rows {
			require.Equal(t, b.authority, r.Authority)
			require.Equal(t, "Ambridge", r.AuthorityName)
			if r.Unit == payments.InPence {
				got[r.Kind] += r.Balance
			}
		}
		require.Equal(t, map[payments.AccountKind]int64{"budget": 12_500, "authority_funding": -15_000, "provider_payable": 2550, "bank": -50}, got)
		require.Equal(t, start, sheet.AsAt)
	}

	sheet, err := payments.TrialBalance(ctx, b.d, b.actor(shortbreaks.ProviderOwner))
	require.NoError(t, err)
	require.Len(t, sheet.Rows, 2, "one row for each authority that owes it, and nothing of any child")
	for _, r := range sheet.Rows {
		require.Equal(t, payments.ProviderPayable, r.Kind)
		require.Equal(t, &b.provider, r.Provider)
		require.Equal(t, "Oak Hill", r.ProviderName)
	}
	require.Equal(t, []payments.UnitTotal{{Unit: payments.InPence, Total: 2500 + b.otherAuthority}}, sheet.Totals)

	sheet, err = payments.TrialBalance(ctx, b.d, b.actor(shortbreaks.Family))
	require.NoError(t, err)
	require.Len(t, sheet.Rows, 1, "its own child's account and not the other family's")
	require.Equal(t, []int64{7500, 700}, []int64{sheet.Rows[0].Balance, sheet.Rows[0].Held})
	require.Equal(t, &b.one.id, sheet.Rows[0].Child)

	stranger := b.actor(shortbreaks.ProviderOwner)
	stranger.Providers = []uuid.UUID{shortbreaks.NewID()}
	sheet, err = payments.TrialBalance(ctx, b.d, stranger)
	require.NoError(t, err)
	require.Empty(t, sheet.Rows)
	childless := b.actor(shortbreaks.Family)
	childless.Children = nil
	sheet, err = payments.TrialBalance(ctx, b.d, childless)
	require.NoError(t, err)
	require.Empty(t, sheet.Rows)
	for _, role := range []shortbreaks.Role{shortbreaks.Practitioner, shortbreaks.Commissioner, shortbreaks.Coordinator, shortbreaks.Worker, ""} {
		_, err := payments.TrialBalance(ctx, b.d, b.actor(role))
		require.ErrorIs(t, err, shortbreaks.ErrForbidden, role)
		_, err = payments.Transactions(ctx, b.d, b.actor(role), payments.TransactionQuery{})
		require.ErrorIs(t, err, shortbreaks.ErrForbidden, role)
	}
}

func TestTransactionsAreListedInPagesNewestFirst(t *testing.T) {
	t.Parallel()
	b := newBooks(t)
	finance := b.actor(shortbreaks.Finance)
	var all []payments.Transaction
	q := payments.TransactionQuery{Limit: 3}
	for {
		page, err := payments.Transactions(ctx, b.d, finance, q)
		require.NoError(t, err)
		all = append(all, page.Items...)
		if q.Cursor = page.NextCursor; q.Cursor == "" {
			break
		}
		require.Len(t, page.Items, 3)
	}
	require.Len(t, all, 5)
	require.Equal(t, "grant", all[0].Kind)
	require.Empty(t, all[0].BookingReference)
	require.Equal(t, payments.KindCapture, all[1].Kind)
	require.Equal(t, b.item, all[1].Source)
	require.Regexp(t, `^SB-`, all[1].BookingReference)
	for i, x := range all {
		sums := map[payments.Unit]int64{}
		for _, e := range x.Entries {
			sums[e.Unit] += e.Amount
		}
		require.Equal(t, map[payments.Unit]int64{x.Entries[0].Unit: 0}, sums)
		require.True(t, i == 0 || x.ID.String() < all[i-1].ID.String())
	}
	page, err := payments.Transactions(ctx, b.d, finance, payments.TransactionQuery{Kind: payments.KindAllocate, From: start.AddDate(0, 0, -1), To: start})
	require.NoError(t, err)
	require.Len(t, page.Items, 3)
	for _, none := range []payments.TransactionQuery{{From: start.AddDate(0, 0, 1)}, {To: start.AddDate(0, 0, -1)}, {Kind: "refund"}} {
		page, err := payments.Transactions(ctx, b.d, finance, none)
		require.NoError(t, err)
		require.Empty(t, page.Items)
	}
	for _, bad := range []payments.TransactionQuery{{Limit: 101}, {Limit: -1}, {Cursor: "x"}} {
		_, err := payments.Transactions(ctx, b.d, finance, bad)
		require.ErrorIs(t, err, shortbreaks.ErrInvalid)
	}

	page, err = payments.Transactions(ctx, b.d, b.actor(shortbreaks.ProviderOwner), payments.TransactionQuery{})
	require.NoError(t, err)
	require.Len(t, page.Items, 2, "of both authorities, and nothing of another provider")
	for _, x := range page.Items {
		require.Len(t, x.Entries, 1, "what it is owed, not whose budget paid")
		require.Equal(t, payments.ProviderPayable, x.Entries[0].Kind)
		require.Nil(t, x.Entries[0].Child)
		require.Equal(t, &b.provider, x.Entries[0].Provider)
	}
	page, err = payments.Transactions(ctx, b.d, b.actor(shortbreaks.Family), payments.TransactionQuery{})
	require.NoError(t, err)
	require.Len(t, page.Items, 2)
	for _, x := range page.Items {
		require.Len(t, x.Entries, 1)
		require.Equal(t, &b.one.id, x.Entries[0].Child)
	}
}

func TestAStatementOpensMovesAndCloses(t *testing.T) {
	t.Parallel()
	b := newBooks(t)
	b.clock.Set(time.Date(2027, 3, 28, 23, 30, 0, 0, time.UTC)) // 00:30 on the 29th in London
	require.NoError(t, b.refund(b.item, 1, 500))
	last := time.Date(2027, 3, 29, 0, 0, 0, 0, time.UTC)
	accounts := []uuid.UUID{b.care}
	b.must(func(tx *db.Tx) error {
		all, err := payments.Entries(ctx, tx, b.authority, accounts, start, last)
		require.NoError(t, err)
		require.Len(t, all, 3)
		require.Equal(t, []int64{10_000, -2500, 500}, []int64{all[0].Amount, all[1].Amount, all[2].Amount})
		require.Equal(t, []string{"allocate", "capture", "refund"}, []string{all[0].Kind, all[1].Kind, all[2].Kind})
		require.Equal(t, last, all[2].OnDate)
		require.Empty(t, all[0].BookingReference)
		require.Equal(t, all[1].BookingReference, all[2].BookingReference)
		require.NotEmpty(t, all[2].BookingReference)

		before, err := payments.Entries(ctx, tx, b.authority, accounts, start, last.AddDate(0, 0, -1))
		require.NoError(t, err)
		require.Len(t, before, 2)
		opening, err := payments.Opening(ctx, tx, b.authority, accounts, last)
		require.NoError(t, err)
		require.Equal(t, map[uuid.UUID]int64{b.care: 7500}, opening)

		totals, err := payments.Totals(ctx, tx, b.authority, b.one.id)
		require.NoError(t, err)
		require.Len(t, totals, 1)
		require.Equal(t, []int64{10_000, 700, 2000, 7300}, []int64{totals[0].Allocated, totals[0].Reserved, totals[0].Spent, totals[0].Free})
		return nil
	})
	b.clean()
}

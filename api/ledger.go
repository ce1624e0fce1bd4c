package api

import (
	"context"

	"shortbreaks/api/gen"
	"shortbreaks/payments"
)

// GetTrialBalance sums the books as far as the caller may see them.
func (s *Server) GetTrialBalance(ctx context.Context, r gen.GetTrialBalanceRequestObject) (gen.GetTrialBalanceResponseObject, error) {
	sheet, err := payments.TrialBalance(ctx, s.DB, who(ctx))
	if err != nil {
		return nil, err
	}
	prepaid, err := payments.Prepayments(ctx, s.DB, who(ctx), dayOrZero(r.Params.PrepaidOn))
	if err != nil {
		return nil, err
	}
	return gen.GetTrialBalance200JSONResponse{
		AsAt: london(sheet.AsAt), Rows: mapped(sheet.Rows, balanceOut),
		Totals: mapped(sheet.Totals, func(t payments.UnitTotal) gen.UnitTotal {
			return gen.UnitTotal{Unit: gen.AccountUnit(t.Unit), Balance: t.Total}
		}),
		Prepaid: &gen.Prepayments{On: day(prepaid.On), Rows: mapped(prepaid.Rows, balanceOut)},
	}, nil
}

const transactionsList = "ledger-transactions"

// ListLedgerTransactions lists what moved money, newest first.
func (s *Server) ListLedgerTransactions(ctx context.Context, r gen.ListLedgerTransactionsRequestObject) (gen.ListLedgerTransactionsResponseObject, error) {
	after, err := unsealed(transactionsList, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	page, err := payments.Transactions(ctx, s.DB, who(ctx), payments.TransactionQuery{
		From: dayOrZero(r.Params.From), To: dayOrZero(r.Params.To), Kind: given(r.Params.Kind), Limit: limitOf(r.Params.Limit), Cursor: after,
	})
	if err != nil {
		return nil, err
	}
	cursor, link := nextPage(ctx, transactionsList, page.NextCursor)
	return gen.ListLedgerTransactions200JSONResponse{
		Body:    gen.LedgerTransactionList{Items: mapped(page.Items, transactionOut), NextCursor: cursor},
		Headers: gen.ListLedgerTransactions200ResponseHeaders{Link: link},
	}, nil
}

func balanceOut(r payments.TrialBalanceRow) gen.TrialBalanceRow {
	return gen.TrialBalanceRow{
		AccountKind: gen.AccountKind(r.Kind), Unit: gen.AccountUnit(r.Unit), AuthorityName: optional(r.AuthorityName),
		Stream: optional(gen.FundingStream(r.Stream)), Payer: optional(gen.PayableBy(r.Payer)), ProviderID: r.Provider,
		ProviderName: optional(r.ProviderName), ChildID: r.Child, Balance: r.Balance, Held: r.Held,
	}
}

func transactionOut(t payments.Transaction) gen.LedgerTransaction {
	return gen.LedgerTransaction{
		ID: t.ID, Kind: t.Kind, At: london(t.At), OnDate: day(t.OnDate), SourceID: t.Source, BookingReference: optional(t.BookingReference),
		Entries: mapped(t.Entries, func(e payments.TransactionEntry) gen.LedgerEntry {
			return gen.LedgerEntry{
				N: e.N, AccountKind: gen.AccountKind(e.Kind), Unit: gen.AccountUnit(e.Unit), Amount: e.Amount,
				Stream: optional(gen.FundingStream(e.Stream)), Payer: optional(gen.PayableBy(e.Payer)), ProviderID: e.Provider,
				ProviderName: optional(e.ProviderName), ChildID: e.Child,
			}
		}),
	}
}

package api

import (
	"context"
	"strings"
	"time"

	"github.com/google/uuid"

	"shortbreaks/api/gen"
	"shortbreaks/payments"
)

const openCreditsList = "open-credits"

// ListOpenCredits lists the credits of an authority that can still be used.
func (s *Server) ListOpenCredits(ctx context.Context, r gen.ListOpenCreditsRequestObject) (gen.ListOpenCreditsResponseObject, error) {
	after, err := creditEnd(r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	found, next, err := payments.ListOpen(ctx, s.DB, who(ctx), payments.OpenCredits{
		EndsBefore: dayOrNone(r.Params.EndsBefore), Limit: limitOf(r.Params.Limit), After: after,
	})
	if err != nil {
		return nil, err
	}
	last := ""
	if next != nil {
		last = next.LastOn.Format(time.DateOnly) + " " + next.ID.String()
	}
	cursor, link := nextPage(ctx, openCreditsList, last)
	return gen.ListOpenCredits200JSONResponse{
		Body:    gen.OpenCreditList{Items: mapped(found, openCreditOut), NextCursor: cursor},
		Headers: gen.ListOpenCredits200ResponseHeaders{Link: link},
	}, nil
}

// creditEnd is where the page before ended.
func creditEnd(cursor *string) (e payments.CreditEnd, err error) {
	where, err := unsealed(openCreditsList, cursor)
	if err != nil || where == "" {
		return e, err
	}
	on, id, _ := strings.Cut(where, " ")
	if e.LastOn, err = time.Parse(time.DateOnly, on); err != nil {
		return e, errCursor
	}
	if e.ID, err = uuid.Parse(id); err != nil {
		return e, errCursor
	}
	return e, nil
}

func openCreditOut(c *payments.Credit) gen.OpenCredit {
	return gen.OpenCredit{
		ID: c.ID, ChildID: c.ChildID, ProviderID: c.ProviderID, ProviderName: c.ProviderName, LeftPence: int64(c.LeftPence), LastOn: day(c.LastOn),
	}
}

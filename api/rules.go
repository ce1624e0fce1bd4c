package api

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"shortbreaks/api/gen"
	"shortbreaks/budgets"
)

const rulesList = "funding-rules"

// ListFundingRules lists what each stream pays for.
func (s *Server) ListFundingRules(ctx context.Context, r gen.ListFundingRulesRequestObject) (gen.ListFundingRulesResponseObject, error) {
	where, err := unsealed(rulesList, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	after, err := ruleAt(where)
	if err != nil {
		return nil, err
	}
	page, more, err := budgets.Rules(ctx, s.DB, who(ctx), after, limitOf(r.Params.Limit))
	if err != nil {
		return nil, err
	}
	last := ""
	if more {
		end := page[len(page)-1]
		last = fmt.Sprintf("%s %s %d", end.AuthorityID, end.Code, end.Version)
	}
	cursor, link := nextPage(ctx, rulesList, last)
	return gen.ListFundingRules200JSONResponse{
		Body:    gen.FundingRuleList{Items: mapped(page, ruleOut), NextCursor: cursor},
		Headers: gen.ListFundingRules200ResponseHeaders{Link: link},
	}, nil
}

// ruleAt reads where a page of rules ended.
func ruleAt(where string) (at budgets.RuleAt, err error) {
	if where == "" {
		return at, nil
	}
	id, rest, _ := strings.Cut(where, " ")
	if at.Authority, err = uuid.Parse(id); err != nil {
		return at, errCursor
	}
	if _, err := fmt.Sscan(rest, &at.Code, &at.Version); err != nil {
		return at, errCursor
	}
	return at, nil
}

// WriteFundingRule writes a rule, or its next version.
func (s *Server) WriteFundingRule(ctx context.Context, r gen.WriteFundingRuleRequestObject) (gen.WriteFundingRuleResponseObject, error) {
	b := r.Body
	rule, err := budgets.WriteRule(ctx, s.DB, who(ctx), budgets.NewRule{
		AuthorityID: b.AuthorityID, Code: b.Code, After: b.AfterVersion, Stream: string(b.Stream), Verdict: string(b.Verdict),
		Categories: words[string](b.Categories), Kinds: words[string](b.Kinds), Words: b.Words, StartsOn: b.StartsOn.Time, Retired: given(b.Retired),
	})
	if err != nil {
		return nil, err
	}
	at := "/v1/funding-rules"
	return gen.WriteFundingRule201JSONResponse{Body: ruleOut(*rule), Headers: gen.WriteFundingRule201ResponseHeaders{Location: &at}}, nil
}

func ruleOut(r budgets.FundingRule) gen.FundingRule {
	return gen.FundingRule{
		AuthorityID: r.AuthorityID, Code: r.Code, Version: r.Version, Stream: gen.FundingStream(r.Stream), Verdict: gen.Verdict(r.Verdict),
		Categories: words[gen.Category](r.Categories), Kinds: words[gen.ChargeKind](r.Kinds), Words: r.Words, StartsOn: day(r.StartsOn),
		Retired: r.Retired, MadeAt: london(r.MadeAt),
	}
}

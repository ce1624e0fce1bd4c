package api

import (
	"shortbreaks/api/gen"
	"shortbreaks/booking"
	"shortbreaks/marketplace"
)

func minimumOut(s marketplace.SessionDetail) *gen.SessionMinimum {
	m := s.Minimum
	if m == nil {
		return nil
	}
	return &gen.SessionMinimum{Places: m.Places, DecideAt: london(m.DecideAt), Decided: m.DecidedAt != nil, NeededMore: m.Needed(s.Taken)}
}

func quoteMinimumOut(m *booking.QuotedMinimum) *gen.QuoteMinimum {
	if m == nil {
		return nil
	}
	return &gen.QuoteMinimum{Places: m.Places, DecideAt: london(m.DecideAt)}
}

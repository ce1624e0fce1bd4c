package api

import (
	"context"

	"shortbreaks/api/gen"
	"shortbreaks/marketplace"
)

const contractsList = "contracts"

// ListContracts lists what authorities have agreed with providers, within
// reach.
func (s *Server) ListContracts(ctx context.Context, r gen.ListContractsRequestObject) (gen.ListContractsResponseObject, error) {
	after, err := lastID(contractsList, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	found, more, err := marketplace.Contracts(ctx, s.DB, who(ctx), after, limitOf(r.Params.Limit))
	if err != nil {
		return nil, err
	}
	last := ""
	if more {
		last = found[len(found)-1].ID.String()
	}
	cursor, link := nextPage(ctx, contractsList, last)
	return gen.ListContracts200JSONResponse{
		Body:    gen.ContractList{Items: mapped(found, contractOut), NextCursor: cursor},
		Headers: gen.ListContracts200ResponseHeaders{Link: link},
	}, nil
}

// CreateContract records one.
func (s *Server) CreateContract(ctx context.Context, r gen.CreateContractRequestObject) (gen.CreateContractResponseObject, error) {
	b := r.Body
	c, err := marketplace.CreateContract(ctx, s.DB, who(ctx), marketplace.NewContract{
		AuthorityID: b.AuthorityID, ProviderID: b.ProviderID, Kind: string(b.Kind), Reference: b.Reference, Name: b.Name,
		StartsOn: b.StartsOn.Time, EndsOn: b.EndsOn.Time,
	})
	if err != nil {
		return nil, err
	}
	return gen.CreateContract201JSONResponse(contractOut(*c)), nil
}

func contractOut(c marketplace.Contract) gen.Contract {
	return gen.Contract{
		ID: c.ID, AuthorityID: c.AuthorityID, ProviderID: c.ProviderID, Kind: gen.ContractKind(c.Kind), Reference: c.Reference, Name: c.Name,
		StartsOn: day(c.StartsOn), EndsOn: day(c.EndsOn), CreatedAt: london(c.CreatedAt),
	}
}

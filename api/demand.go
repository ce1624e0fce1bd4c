package api

import (
	"context"

	"shortbreaks/api/gen"
	"shortbreaks/commissioning"
)

// GetDemand counts bookings and searches by one grouping.
func (s *Server) GetDemand(ctx context.Context, r gen.GetDemandRequestObject) (gen.GetDemandResponseObject, error) {
	cells, err := commissioning.Demand(ctx, s.DB, who(ctx), commissioning.Grouping(r.Params.By))
	if err != nil {
		return nil, err
	}
	return gen.GetDemand200JSONResponse{
		By: r.Params.By, SmallestCount: commissioning.Smallest,
		Cells: mapped(cells, func(c commissioning.Cell) gen.DemandCell {
			return gen.DemandCell{
				Key: c.Key, Bookings: c.Bookings, Children: c.Children, Searches: c.Searches, SearchesWithNothing: c.SearchesWithNothing,
				Suppressed: c.Suppressed,
			}
		}),
	}, nil
}

package api

import (
	"context"

	"shortbreaks/api/gen"
	"shortbreaks/marketplace"
)

// ListCategories gives the kinds of support in plain words.
func (s *Server) ListCategories(context.Context, gen.ListCategoriesRequestObject) (gen.ListCategoriesResponseObject, error) {
	return gen.ListCategories200JSONResponse{Items: mapped(marketplace.CategoryTree, func(c marketplace.Category) gen.CategoryEntry {
		return gen.CategoryEntry{Value: gen.Category(c.Value), Parent: optional(c.Parent), Name: c.Name, About: c.About, ForOffers: !c.Group}
	})}, nil
}

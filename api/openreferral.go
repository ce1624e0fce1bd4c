package api

import (
	"context"
	"slices"
	"strings"

	"github.com/google/uuid"

	"shortbreaks/api/gen"
	"shortbreaks/marketplace"
)

const (
	defaultPerPage = 50
	directoryAbout = "https://docs.openreferraluk.org/"
)

// GetDirectoryAbout says which standard the directory follows.
func (s *Server) GetDirectoryAbout(context.Context, gen.GetDirectoryAboutRequestObject) (gen.GetDirectoryAboutResponseObject, error) {
	return gen.GetDirectoryAbout200JSONResponse{Version: gen.DirectoryAboutVersionHSDSUK30, Profile: directoryAbout, OpenapiURL: s.address("/openapi.yaml")}, nil
}

// directoryQuery reads what both lists of the directory can be asked for.
func directoryQuery(p gen.ListDirectoryServicesParams) marketplace.DirectoryQuery {
	q := marketplace.DirectoryQuery{
		Words: given(p.Search), TermID: p.TaxonomyTermID, TaxonomyID: p.TaxonomyID, MinimumAge: p.MinimumAge, MaximumAge: p.MaximumAge,
		From: given(p.StartTime), To: given(p.EndTime), ModifiedAfter: p.ModifiedAfter, ProviderID: p.OrganizationID,
	}
	q.Page, q.PerPage = paging(p.Page, p.PerPage)
	if p.Day != nil {
		q.Day = 1 + slices.Index([]string{"MO", "TU", "WE", "TH", "FR", "SA", "SU"}, strings.ToUpper(string(*p.Day)[:2]))
	}
	return q
}

// ListDirectoryServices lists what is published.
func (s *Server) ListDirectoryServices(ctx context.Context, r gen.ListDirectoryServicesRequestObject) (gen.ListDirectoryServicesResponseObject, error) {
	q := directoryQuery(r.Params)
	page, err := marketplace.Directory(ctx, s.DB, q)
	if err != nil {
		return nil, err
	}
	at := leafOf(q.Page, q.PerPage, page.Total)
	return gen.ListDirectoryServices200JSONResponse{
		TotalItems: at.total, TotalPages: at.pages, PageNumber: at.page, Size: at.size, FirstPage: at.first, LastPage: at.last, Empty: at.empty,
		Contents: mapped(page.Offers, s.listedServiceOut),
	}, nil
}

// ListDirectoryPlaces lists what is published with where it is.
func (s *Server) ListDirectoryPlaces(ctx context.Context, r gen.ListDirectoryPlacesRequestObject) (gen.ListDirectoryPlacesResponseObject, error) {
	p := r.Params
	q := directoryQuery(gen.ListDirectoryServicesParams{
		Search: p.Search, Page: p.Page, PerPage: p.PerPage, TaxonomyTermID: p.TaxonomyTermID, TaxonomyID: p.TaxonomyID, MinimumAge: p.MinimumAge,
		MaximumAge: p.MaximumAge, StartTime: p.StartTime, EndTime: p.EndTime, Day: (*gen.ListDirectoryServicesParamsDay)(p.Day),
		ModifiedAfter: p.ModifiedAfter, OrganizationID: p.OrganizationID,
	})
	q.Postcode, q.Metres = given(p.Postcode), given(p.Proximity)
	page, err := marketplace.Directory(ctx, s.DB, q)
	if err != nil {
		return nil, err
	}
	at := leafOf(q.Page, q.PerPage, page.Total)
	return gen.ListDirectoryPlaces200JSONResponse{
		TotalItems: at.total, TotalPages: at.pages, PageNumber: at.page, Size: at.size, FirstPage: at.first, LastPage: at.last, Empty: at.empty,
		Contents: mapped(page.Offers, s.listedPlaceOut),
	}, nil
}

// GetDirectoryService reads one service whole.
func (s *Server) GetDirectoryService(ctx context.Context, r gen.GetDirectoryServiceRequestObject) (gen.GetDirectoryServiceResponseObject, error) {
	o, err := marketplace.DirectoryEntry(ctx, s.DB, r.ServiceID)
	if err != nil {
		return nil, err
	}
	return gen.GetDirectoryService200JSONResponse(s.serviceOut(*o)), nil
}

// GetDirectoryPlace reads one service at its place.
func (s *Server) GetDirectoryPlace(ctx context.Context, r gen.GetDirectoryPlaceRequestObject) (gen.GetDirectoryPlaceResponseObject, error) {
	o, err := marketplace.DirectoryEntry(ctx, s.DB, r.ServiceID)
	if err != nil {
		return nil, err
	}
	return gen.GetDirectoryPlace200JSONResponse{
		ID: o.Offer.ID, Name: o.Offer.Title, Status: gen.DirectoryPlaceStatusActive, Location: locationOut(*o), Service: s.serviceOut(*o),
	}, nil
}

// ListDirectoryTaxonomies lists the taxonomies.
func (s *Server) ListDirectoryTaxonomies(_ context.Context, r gen.ListDirectoryTaxonomiesRequestObject) (gen.ListDirectoryTaxonomiesResponseObject, error) {
	page, per := paging(r.Params.Page, r.Params.PerPage)
	at := leafOf(page, per, len(marketplace.Taxonomies))
	return gen.ListDirectoryTaxonomies200JSONResponse{
		TotalItems: at.total, TotalPages: at.pages, PageNumber: at.page, Size: at.size, FirstPage: at.first, LastPage: at.last, Empty: at.empty,
		Contents: mapped(marketplace.Taxonomies[at.from:at.from+at.size], taxonomyOut),
	}, nil
}

// GetDirectoryTaxonomy reads one taxonomy.
func (s *Server) GetDirectoryTaxonomy(_ context.Context, r gen.GetDirectoryTaxonomyRequestObject) (gen.GetDirectoryTaxonomyResponseObject, error) {
	t, err := marketplace.FindTaxonomy(r.TaxonomyID)
	if err != nil {
		return nil, err
	}
	return gen.GetDirectoryTaxonomy200JSONResponse(taxonomyOut(t)), nil
}

// ListDirectoryTerms lists the terms of all taxonomies.
func (s *Server) ListDirectoryTerms(_ context.Context, r gen.ListDirectoryTermsRequestObject) (gen.ListDirectoryTermsResponseObject, error) {
	page, per := paging(r.Params.Page, r.Params.PerPage)
	at := leafOf(page, per, len(marketplace.OpenTerms))
	return gen.ListDirectoryTerms200JSONResponse{
		TotalItems: at.total, TotalPages: at.pages, PageNumber: at.page, Size: at.size, FirstPage: at.first, LastPage: at.last, Empty: at.empty,
		Contents: mapped(marketplace.OpenTerms[at.from:at.from+at.size], termOut),
	}, nil
}

// GetDirectoryTerm reads one term.
func (s *Server) GetDirectoryTerm(_ context.Context, r gen.GetDirectoryTermRequestObject) (gen.GetDirectoryTermResponseObject, error) {
	t, err := marketplace.FindTerm(r.TermID)
	if err != nil {
		return nil, err
	}
	return gen.GetDirectoryTerm200JSONResponse(termOut(*t)), nil
}

// paging is which page was asked for, and how many it has.
func paging(page, perPage *int) (number, size int) {
	number, size = given(page), given(perPage)
	if size == 0 {
		size = defaultPerPage
	}
	return max(1, number), size
}

// leaf is a page as the directory's standard tells where it is.
type leaf struct {
	total, pages, page, size, from int
	first, last, empty             bool
}

// leafOf is the page of a list of so many; one past the end is empty.
func leafOf(page, perPage, total int) leaf {
	l := leaf{total: total, pages: (total + perPage - 1) / perPage, page: page}
	l.from = min(total, (page-1)*perPage)
	l.size = min(perPage, total-l.from)
	l.first, l.last, l.empty = page == 1, page >= l.pages, l.size == 0
	return l
}

func taxonomyOut(t *marketplace.Taxonomy) gen.DirectoryTaxonomy {
	return gen.DirectoryTaxonomy{ID: t.ID, Name: t.Name, Description: t.About}
}

func termOut(t marketplace.OpenTerm) gen.DirectoryTerm {
	return gen.DirectoryTerm{
		ID: t.ID, Name: t.Name, Description: t.About, ParentID: t.Parent, Taxonomy: t.Taxonomy.Name, TaxonomyID: t.Taxonomy.ID, Term: t.Value,
	}
}

// part is the id of something that belongs to another and has none of its own.
func part(of uuid.UUID, what ...string) uuid.UUID {
	return marketplace.DerivedID(append([]string{of.String()}, what...)...)
}

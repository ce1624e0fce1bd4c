package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"shortbreaks/api/gen"
	"shortbreaks/marketplace"
)

// The addresses of the feeds, and how their standard (RPDE 1.0) names what it
// carries.
const (
	seriesFeed   = feedsBase + "/session-series"
	sessionsFeed = feedsBase + "/scheduled-sessions"
	rpdeMIME     = "application/vnd.openactive.rpde+json; version=1"
)

// GetSessionSeriesFeed is the next page of offers that changed.
func (s *Server) GetSessionSeriesFeed(ctx context.Context, r gen.GetSessionSeriesFeedRequestObject) (gen.GetSessionSeriesFeedResponseObject, error) {
	changes, err := marketplace.SeriesChanges(ctx, s.DB, given(r.Params.AfterChangeNumber))
	if err != nil {
		return nil, err
	}
	page := s.feedPage(seriesFeed, r.Params.AfterChangeNumber)
	for _, c := range changes {
		item := gen.FeedItem{State: gen.FeedItemStateDeleted, Kind: gen.FeedItemKindSessionSeries, ID: c.ID, Modified: c.Change}
		if c.Series != nil {
			if err := carry(&item, s.seriesOut(*c.Series)); err != nil {
				return nil, err
			}
		}
		page.add(item)
	}
	return page, nil
}

// GetScheduledSessionsFeed is the next page of sessions that changed.
func (s *Server) GetScheduledSessionsFeed(ctx context.Context, r gen.GetScheduledSessionsFeedRequestObject) (gen.GetScheduledSessionsFeedResponseObject, error) {
	changes, err := marketplace.SessionChanges(ctx, s.DB, given(r.Params.AfterChangeNumber))
	if err != nil {
		return nil, err
	}
	page := s.feedPage(sessionsFeed, r.Params.AfterChangeNumber)
	for _, c := range changes {
		item := gen.FeedItem{State: gen.FeedItemStateDeleted, Kind: gen.FeedItemKindScheduledSession, ID: c.ID, Modified: c.Change}
		if c.Session != nil {
			if err := carry(&item, s.sessionOut(c)); err != nil {
				return nil, err
			}
		}
		page.add(item)
	}
	return page, nil
}

// rpdePage is a page of a feed on its way out. It names what it is by more
// than the generated answers can, and by how full it is how long to keep it.
type rpdePage struct {
	gen.FeedPage
	base string
}

// feedPage is an empty page at an address: until something is added, the last.
func (s *Server) feedPage(path string, after *int64) *rpdePage {
	p := &rpdePage{FeedPage: gen.FeedPage{Items: []gen.FeedItem{}, License: licence}, base: s.address(path)}
	p.Next = p.base
	if after != nil {
		p.next(*after)
	}
	return p
}

func (p *rpdePage) next(after int64) {
	p.Next = p.base + "?afterChangeNumber=" + strconv.FormatInt(after, 10)
}

func (p *rpdePage) add(item gen.FeedItem) {
	p.Items = append(p.Items, item)
	p.next(item.Modified)
}

// carry puts what a thing is now into its item.
func carry(item *gen.FeedItem, data any) error {
	text, err := json.Marshal(data)
	if err != nil {
		return fmt.Errorf("writing item %s of a feed: %w", item.ID, err)
	}
	item.State, item.Data = gen.FeedItemStateUpdated, text
	return nil
}

// VisitGetSessionSeriesFeedResponse writes the page.
func (p *rpdePage) VisitGetSessionSeriesFeedResponse(w http.ResponseWriter) error { return p.write(w) }

// VisitGetScheduledSessionsFeedResponse writes the page.
func (p *rpdePage) VisitGetScheduledSessionsFeedResponse(w http.ResponseWriter) error {
	return p.write(w)
}

func (p *rpdePage) write(w http.ResponseWriter) error {
	how := keepLastPage
	if len(p.Items) > 0 {
		how = keepPage
	}
	keep(w, how)
	w.Header().Set("Content-Type", rpdeMIME)
	w.WriteHeader(http.StatusOK)
	return json.NewEncoder(w).Encode(p.FeedPage)
}

// GetOpenDataset describes the feeds to catalogues.
func (s *Server) GetOpenDataset(context.Context, gen.GetOpenDatasetRequestObject) (gen.GetOpenDatasetResponseObject, error) {
	out := gen.OpenDataset{
		Context: []string{"https://schema.org/", openActive}, ID: s.address(feedsBase), Type: gen.OpenDatasetTypeDataset, URL: s.address(feedsBase),
		Name:        "Short breaks and activities for disabled children",
		Description: "Sessions that families can join, with the places left. Offers without an activity of OpenActive's list are in the directory at " + s.address(directoryBase) + ".",
		License:     licence, Keywords: []string{"Short breaks", "Disabled children", "Sessions", "Activities", "England", "OpenActive"},
		Documentation: s.address("/docs"), DiscussionURL: s.address("/docs"), InLanguage: []string{"en-GB"},
		SchemaVersion: openActive + "modelling-opportunity-data/2.0/",
		Publisher:     gen.OpenDatasetPublisher{Type: gen.OpenDatasetPublisherTypeOrganization, Name: "Short Breaks", URL: s.PublicURL},
	}
	for _, kind := range []struct{ name, path string }{{"SessionSeries", seriesFeed}, {"ScheduledSession", sessionsFeed}} {
		out.Distribution = append(out.Distribution, gen.OpenDatasetDistribution{
			Type: gen.OpenDatasetDistributionTypeDataDownload, Name: kind.name, AdditionalType: openActive + kind.name, EncodingFormat: rpdeMIME, ContentURL: s.address(kind.path),
		})
	}
	return gen.GetOpenDataset200ApplicationLdPlusJSONResponse(out), nil
}

package api

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"shortbreaks/marketplace"
)

// Where open data lives. Its addresses are those the standards want.
const (
	directoryBase = "/oruk/v3"
	feedsBase     = "/openactive"

	// licence is what open data may be used under.
	licence = "https://creativecommons.org/licenses/by/4.0/"
)

// How long a copy may be kept, in seconds. A page of a feed that has items may
// be kept long, as what changes afterwards comes on a later one; the last one,
// without any, is asked for again and again.
const (
	keepDirectory = "public, max-age=300"
	keepPage      = "public, max-age=3600"
	keepLastPage  = "public, max-age=8"
)

func openData(path string) bool {
	return path == directoryBase || path == feedsBase || strings.HasPrefix(path, directoryBase+"/") || strings.HasPrefix(path, feedsBase+"/")
}

// oneAddress makes the directory's own address the same with and without the
// slash that its standard writes.
func oneAddress(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if u := c.Request().URL; u.Path == directoryBase+"/" {
			u.Path = directoryBase
		}
		return next(c)
	}
}

// openToAll lets pages of any site read open data, and caches keep what was
// answered to nobody in particular.
func openToAll(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if !openData(c.Request().URL.Path) {
			return next(c)
		}
		r := c.Response()
		r.Header().Set(echo.HeaderAccessControlAllowOrigin, "*")
		r.Header().Set("Cross-Origin-Resource-Policy", "cross-origin")
		r.Before(func() {
			if r.Status == http.StatusOK {
				keep(r, keepDirectory)
			}
		})
		return next(c)
	}
}

// keep says how long an answer may be kept, unless something has said so
// already: to somebody who signed in, not at all.
func keep(w http.ResponseWriter, how string) {
	if w.Header().Get(echo.HeaderCacheControl) == "" {
		w.Header().Set(echo.HeaderCacheControl, how)
	}
}

// address is where something of this service is, for those elsewhere.
func (s *Server) address(parts ...string) string { return s.PublicURL + strings.Join(parts, "") }

// offerAddress is where an offer is, providerAddress a provider.
func (s *Server) offerAddress(o marketplace.OpenOffer) string {
	return s.address("/v1/offers/", o.Offer.ID.String())
}

func (s *Server) providerAddress(p marketplace.Provider) string {
	return s.address("/v1/providers/", p.ID.String())
}

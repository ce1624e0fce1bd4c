package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"shortbreaks/api/gen"
	"shortbreaks/marketplace"
)

const offerImportsList = "offer-imports"

// ImportOffers keeps a file of offers for a job to import. The file is not
// read here.
func (s *Server) ImportOffers(ctx context.Context, r gen.ImportOffersRequestObject) (gen.ImportOffersResponseObject, error) {
	made, replayed, err := marketplace.StartImport(ctx, s.DB, who(ctx), marketplace.StartOfferImport{
		ProviderID: r.Params.ProviderID, DryRun: given(r.Params.DryRun), File: RawBody(ctx), Key: r.Params.IdempotencyKey,
	})
	if err != nil {
		return nil, err
	}
	return takenFile{offerImportOut(*made), replayed}, nil
}

// takenFile answers that a file was taken, the same bytes however often it is
// sent with its key.
type takenFile struct {
	made     gen.OfferImport
	replayed bool
}

// VisitImportOffersResponse writes the answer of importOffers.
func (t takenFile) VisitImportOffersResponse(w http.ResponseWriter) error {
	body, err := json.Marshal(t.made)
	if err != nil {
		return fmt.Errorf("writing import %s: %w", t.made.ID, err)
	}
	w.Header().Set(echo.HeaderContentType, echo.MIMEApplicationJSON)
	w.Header().Set(echo.HeaderLocation, "/v1/offer-imports/"+t.made.ID.String())
	if t.replayed {
		w.Header().Set("Idempotency-Replayed", "true")
	}
	w.WriteHeader(http.StatusAccepted)
	_, err = w.Write(body)
	return err
}

// GetOfferImport says how far an import is.
func (s *Server) GetOfferImport(ctx context.Context, r gen.GetOfferImportRequestObject) (gen.GetOfferImportResponseObject, error) {
	i, err := marketplace.ReadImport(ctx, s.DB, who(ctx), r.ImportID)
	if err != nil {
		return nil, err
	}
	return gen.GetOfferImport200JSONResponse(offerImportOut(*i)), nil
}

// ListOfferImports gives the imports of a provider.
func (s *Server) ListOfferImports(ctx context.Context, r gen.ListOfferImportsRequestObject) (gen.ListOfferImportsResponseObject, error) {
	after, err := lastID(offerImportsList, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	page, more, err := marketplace.Imports(ctx, s.DB, who(ctx), after, limitOf(r.Params.Limit))
	if err != nil {
		return nil, err
	}
	list, last := gen.OfferImportList{Items: mapped(page, offerImportOut)}, ""
	if more {
		last = page[len(page)-1].ID.String()
	}
	var link *string
	list.NextCursor, link = nextPage(ctx, offerImportsList, last)
	return gen.ListOfferImports200JSONResponse{Body: list, Headers: gen.ListOfferImports200ResponseHeaders{Link: link}}, nil
}

func offerImportOut(i marketplace.OfferImport) gen.OfferImport {
	return gen.OfferImport{
		ID: i.ID, ProviderID: i.ProviderID, State: gen.OfferImportState(i.State), DryRun: i.DryRun, CreatedAt: i.CreatedAt, EndedAt: i.EndedAt,
		Rows: i.RowsFound, RowsDone: i.RowsDone, Drafts: i.Drafts, Published: i.Published, Sessions: i.Sessions, ErrorCount: i.ErrorCount,
		Errors: mapped(i.Errors, func(e marketplace.ImportError) gen.OfferImportError {
			return gen.OfferImportError{Row: e.Row, Column: e.Column, Detail: e.Detail}
		}),
	}
}

// ExportOffers sends a provider's offers as a file.
func (s *Server) ExportOffers(ctx context.Context, r gen.ExportOffersRequestObject) (gen.ExportOffersResponseObject, error) {
	format := marketplace.SheetFormat(given(r.Params.Format))
	if format == "" && strings.Contains(callerOf(ctx).accept, marketplace.MediaXLSX) {
		format = marketplace.XLSX
	}
	sheet, err := marketplace.ExportOffers(ctx, s.DB, who(ctx), marketplace.OfferExport{
		ProviderID: r.Params.ProviderID, Format: format, OfferIDs: r.Params.OfferIds,
		States: mapped(r.Params.States, func(s gen.OfferState) marketplace.OfferState { return marketplace.OfferState(s) }),
	})
	if err != nil {
		return nil, err
	}
	return sentFile{sheet}, nil
}

// sentFile is a file to be saved.
type sentFile struct{ *marketplace.OfferSheet }

// VisitExportOffersResponse writes the answer of exportOffers.
func (f sentFile) VisitExportOffersResponse(w http.ResponseWriter) error {
	h := w.Header()
	h.Set(echo.HeaderContentType, f.MediaType)
	h.Set(echo.HeaderContentLength, strconv.Itoa(len(f.Body)))
	h.Set(echo.HeaderContentDisposition, `attachment; filename="`+f.Name+`"`)
	h.Set(echo.HeaderCacheControl, doNotKeep)
	h.Add(echo.HeaderVary, echo.HeaderAccept)
	w.WriteHeader(http.StatusOK)
	_, err := w.Write(f.Body)
	return err
}

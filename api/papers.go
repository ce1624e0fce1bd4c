package api

import (
	"bytes"
	"net/http"

	"github.com/labstack/echo/v4"

	"shortbreaks"
	"shortbreaks/api/gen"
)

// paperPolicy lets a page use the styles it carries and load nothing.
const paperPolicy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// paperResponse is a paper as a page or a PDF. It is about one child, so
// nobody on the way keeps it.
type paperResponse struct {
	drawn []byte
	pdf   bool
	file  string
}

// draw makes the paper in the form asked for.
func draw(p *shortbreaks.Paper, as gen.PaperForm) (paperResponse, error) {
	var drawn bytes.Buffer
	out := paperResponse{pdf: as == gen.PaperFormPdf, file: p.File}
	write := p.HTML
	if out.pdf {
		write = p.PDF
	}
	err := write(&drawn)
	out.drawn = drawn.Bytes()
	return out, err
}

func (p paperResponse) write(w http.ResponseWriter) error {
	h := w.Header()
	h.Set(echo.HeaderCacheControl, doNotKeep)
	if p.pdf {
		h.Set(echo.HeaderContentType, "application/pdf")
		h.Set(echo.HeaderContentDisposition, `inline; filename="`+p.file+`.pdf"`)
	} else {
		h.Set(echo.HeaderContentSecurityPolicy, paperPolicy)
		h.Set(echo.HeaderContentType, echo.MIMETextHTMLCharsetUTF8)
	}
	w.WriteHeader(http.StatusOK)
	_, err := w.Write(p.drawn)
	return err
}

// VisitCostPlanResponse writes the paper of a costing.
func (p paperResponse) VisitCostPlanResponse(w http.ResponseWriter) error { return p.write(w) }

// VisitGetQuoteResponse writes the paper of a quote.
func (p paperResponse) VisitGetQuoteResponse(w http.ResponseWriter) error { return p.write(w) }

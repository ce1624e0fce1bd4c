package stripedouble

import (
	_ "embed"
	"errors"
	"html/template"
	"io"
	"net/http"
	"time"
)

//go:embed page.html
var pageHTML string

//go:embed page.css
var pageCSS []byte

var pageTemplate = template.Must(template.New("page").Parse(pageHTML))

// payPage is what the payer sees. The title says the state in one sentence.
type payPage struct {
	ID, Title, Detail, Total string
	Open, CanCancel          bool
	Lines                    []payLine

	status int
}

type payLine struct {
	What, Amount string
	Quantity     int64
}

func (d *Double) pageRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /pay.css", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/css; charset=utf-8")
		_, _ = w.Write(pageCSS)
	})
	mux.HandleFunc("GET /pay/{session}", d.journaled(d.showPage))
	mux.HandleFunc("POST /pay/{session}/complete", d.journaled(d.completePage))
	mux.HandleFunc("POST /pay/{session}/cancel", d.journaled(d.cancelPage))
}

// journaled records a page request; each handler answers the status it gave.
func (d *Double) journaled(serve func(http.ResponseWriter, *http.Request) int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, bodyLimit))
		entry := d.record(r, body)
		status := http.StatusRequestEntityTooLarge
		if err != nil {
			http.Error(w, "The request is too long.", status)
		} else {
			status = serve(w, r)
		}
		d.mu.Lock()
		defer d.mu.Unlock()
		entry.Status = status
	}
}

func (d *Double) showPage(w http.ResponseWriter, r *http.Request) int {
	return d.writePage(w, r.PathValue("session"))
}

// completePage pays and sends the payer on. A second press of the button finds
// the session paid and goes the same way, without paying again.
func (d *Double) completePage(w http.ResponseWriter, r *http.Request) int {
	id := r.PathValue("session")
	next, err := d.pay(id)
	if errors.Is(err, errNotOpen) {
		next = d.alreadyPaid(id)
	}
	if next == "" {
		return d.writePage(w, id)
	}
	return sendOn(w, next)
}

// cancelPage sends the payer back. The session stays open, as at Stripe: who
// presses "back" twice can still pay.
func (d *Double) cancelPage(w http.ResponseWriter, r *http.Request) int {
	id := r.PathValue("session")
	d.mu.Lock()
	s, next := d.sessions[id], ""
	if s != nil && s.CancelURL != nil {
		next = *s.CancelURL
	}
	d.mu.Unlock()
	if next == "" {
		return d.writePage(w, id)
	}
	return sendOn(w, next)
}

// alreadyPaid is where the payer of a paid session goes; empty if it is not.
func (d *Double) alreadyPaid(id string) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if s := d.sessions[id]; s != nil && s.Status == statusComplete {
		return s.returnAddress()
	}
	return ""
}

// sendOn redirects to an address that was checked when the session was made.
func sendOn(w http.ResponseWriter, next string) int {
	pageHeaders(w)
	w.Header().Set("Location", next)
	w.WriteHeader(http.StatusSeeOther)
	return http.StatusSeeOther
}

func (d *Double) writePage(w http.ResponseWriter, id string) int {
	p := d.pageOf(id)
	pageHeaders(w)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(p.status)
	if err := pageTemplate.Execute(w, p); err != nil {
		d.log.Warn("payment page not sent", "error", err)
	}
	return p.status
}

// pageHeaders forbid scripts, framing and telling others the address.
// form-action is left out: browsers apply it to where a form redirects, which
// is the service's own address.
func pageHeaders(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
}

// pageOf reads a session for the payer.
func (d *Double) pageOf(id string) (p payPage) {
	made := d.change(func(now time.Time) {
		p = d.session(id, call{now: now}).page()
	})
	d.deliverSoon(made)
	return p
}

// page is a session as its payer sees it; nil is one nobody knows.
func (s *checkoutSession) page() payPage {
	if s == nil {
		return payPage{
			Title: "There is no such payment", Detail: "Go back to where you came from and start again.",
			status: http.StatusNotFound,
		}
	}
	p := payPage{ID: s.ID, Total: pounds(s.AmountTotal), CanCancel: s.CancelURL != nil, status: http.StatusOK}
	for _, l := range s.lines {
		p.Lines = append(p.Lines, payLine{What: l.Description, Amount: pounds(l.AmountTotal), Quantity: l.Quantity})
	}
	switch s.Status {
	case statusOpen:
		p.Open, p.Title = true, "Pay "+p.Total
	case statusComplete:
		p.Title, p.Detail = "This has been paid", "Nothing more is needed. You can close this page."
	default:
		p.Title, p.Detail = "This payment page has expired", "Nothing was paid. Go back to where you came from and start again."
	}
	return p
}

package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"

	"shortbreaks"
	"shortbreaks/api/gen"
	"shortbreaks/booking"
	"shortbreaks/internal/db"
	"shortbreaks/marketplace"
	"shortbreaks/payments"
	"shortbreaks/people"
)

// The limits of a connection. requestWithin is the least of
// those a request meets on its way, so a caller is told before it is cut off.
const (
	headerWithin  = 5 * time.Second
	readWithin    = 10 * time.Second
	writeWithin   = 30 * time.Second
	idleWithin    = 60 * time.Second
	maxHeader     = 16 << 10
	requestWithin = 10 * time.Second
)

// Config is what a server is made of.
type Config struct {
	DB       *db.DB
	Keys     *people.Keys
	Stripe   *payments.Stripe           // nil: there are no card payments here
	Searches *marketplace.SearchCounter // counts what is looked for, and nobody
	Demo     bool                       // people sign in by name alone
	Mail     bool                       // e-mail goes out from here
	Log      *slog.Logger               // one line for each request; nil: slog's default
	Now      func() time.Time           // the wall clock; ages tokens and times requests, decides nothing else

	PublicURL string // how people reach it, for open data that is read elsewhere; "" is http://127.0.0.1:8080
}

// Server answers the operations of the contract, and nothing it does not name
// but the pages about it and the two probes.
type Server struct {
	Config
	contract *Contract
	rights   *people.Rights
	desk     *booking.Desk
	moves    *booking.Moves
	echo     *echo.Echo
	metrics  *metrics
	draining atomic.Bool
}

// New makes a server and checks that its routes and the contract are the
// same; it fails if an operation has no handler or names no roles.
func New(cfg Config) (*Server, error) {
	if cfg.DB == nil || cfg.Keys == nil || cfg.Searches == nil || cfg.Now == nil {
		return nil, errors.New("make the API: DB, Keys, Searches and Now must be given")
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	if cfg.PublicURL = strings.TrimRight(cfg.PublicURL, "/"); cfg.PublicURL == "" {
		cfg.PublicURL = "http://127.0.0.1:8080"
	}
	contract, err := NewContract()
	if err != nil {
		return nil, err
	}
	s := &Server{
		Config: cfg, contract: contract, rights: people.NewRights(cfg.DB), desk: booking.NewDesk(cfg.DB), moves: booking.NewMoves(cfg.DB),
		echo: echo.New(), metrics: newMetrics(cfg.DB),
	}
	s.echo.HideBanner, s.echo.HidePort = true, true
	s.echo.HTTPErrorHandler = HandleError
	s.echo.IPExtractor = echo.ExtractIPDirect() // nothing here trusts what a proxy claims
	s.echo.Pre(oneAddress)
	s.echo.Use(s.observe, recovered, contract.Manners(), openToAll, deadline, contract.Middleware(), s.signIn)
	gen.RegisterHandlers(s.echo, gen.NewStrictHandler(s, nil))
	contract.RegisterDocs(s.echo)
	s.echo.GET("/livez", s.live)
	s.echo.GET("/readyz", s.ready)
	if err := s.sameAsContract(); err != nil {
		return nil, fmt.Errorf("make the API: %w", err)
	}
	s.metrics.routes = map[string]bool{}
	for _, r := range s.echo.Routes() {
		s.metrics.routes[r.Path] = true
	}
	return s, nil
}

// sameAsContract compares the routes under /v1 and of open data with the
// contract, both ways.
func (s *Server) sameAsContract() error {
	routed := map[string]bool{}
	for _, r := range s.echo.Routes() {
		if !strings.HasPrefix(r.Path, "/v1/") && !openData(r.Path) {
			continue
		}
		name := r.Method + " " + r.Path
		if s.contract.byRoute[name] == nil {
			return fmt.Errorf("%s is routed but not in the contract", name)
		}
		routed[name] = true
	}
	for name, o := range s.contract.byRoute {
		if !routed[name] {
			return fmt.Errorf("%s is in the contract but not routed", o.ID)
		}
	}
	return nil
}

// Handler serves the API.
func (s *Server) Handler() http.Handler { return s.echo }

// MetricsHandler serves figures for Prometheus. It is for a listener that only
// the operator reaches.
func (s *Server) MetricsHandler() http.Handler { return s.metrics.handler() }

// Drain makes readiness say no, so that no new requests are sent here.
func (s *Server) Drain() { s.draining.Store(true) }

// live says that the process runs; it never asks the database, or a database
// that is down would have every process restarted.
func (s *Server) live(c echo.Context) error {
	return c.JSON(http.StatusOK, map[string]string{"status": "live"})
}

// ready says whether requests should be sent here. Why not is for the log.
func (s *Server) ready(c echo.Context) error {
	if s.draining.Load() {
		return ErrUnavailable.With("This process is stopping.")
	}
	if err := s.DB.Ready(c.Request().Context()); err != nil {
		return fmt.Errorf("%w (not ready: %w)", ErrUnavailable, err)
	}
	return c.JSON(http.StatusOK, map[string]string{"status": "ready"})
}

// HTTPServer is a server with the time limits every listener here has.
func HTTPServer(addr string, h http.Handler) *http.Server {
	return &http.Server{
		Addr: addr, Handler: h, ReadHeaderTimeout: headerWithin, ReadTimeout: readWithin, WriteTimeout: writeWithin,
		IdleTimeout: idleWithin, MaxHeaderBytes: maxHeader, ErrorLog: slog.NewLogLogger(slog.Default().Handler(), slog.LevelWarn),
	}
}

// deadline ends a request's work, SQL included, while its caller still waits.
func deadline(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		ctx, cancel := context.WithTimeout(c.Request().Context(), requestWithin)
		defer cancel()
		c.SetRequest(c.Request().WithContext(ctx))
		return next(c)
	}
}

// unavailable turns a database that is overloaded, starting or out of reach
// into a refusal that asks to try again; any other error stays as it is.
func unavailable(err error) error {
	var refusal *shortbreaks.Error
	if err == nil || errors.As(err, &refusal) || !db.Unavailable(err) {
		return err
	}
	return fmt.Errorf("%w (%w)", ErrUnavailable, err)
}

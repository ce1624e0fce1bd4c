package api

import (
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"shortbreaks/internal/db"
)

// metrics are figures with bounded labels: route templates, never addresses,
// and no id of anyone.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec   // by route, method and class of status
	seconds  *prometheus.HistogramVec // by route
	routes   map[string]bool          // the templates that may be a label
}

// noRoute is the label of every address that is no route of ours, however
// many of them are tried.
const noRoute = "none"

func newMetrics(d *db.DB) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "shortbreaks_http_requests_total", Help: "Requests answered, by route template, method and class of status.",
		}, []string{"route", "method", "class"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "shortbreaks_http_request_seconds", Help: "Time to answer, by route template.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"route"}),
	}
	pool := func(name, help string, value func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "shortbreaks_db_" + name, Help: help}, value)
	}
	m.registry.MustRegister(m.requests, m.seconds, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		pool("connections", "Connections of the pool.", func() float64 { return float64(d.Pool.Stat().TotalConns()) }),
		pool("connections_in_use", "Connections in use.", func() float64 { return float64(d.Pool.Stat().AcquiredConns()) }))
	return m
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// route is the template a request matched.
func (m *metrics) route(c echo.Context) string {
	if m.routes[c.Path()] {
		return c.Path()
	}
	return noRoute
}

func (m *metrics) count(route, method string, status int, took time.Duration) {
	switch method {
	case http.MethodGet, http.MethodPost, http.MethodPut, http.MethodHead, http.MethodOptions, http.MethodPatch, http.MethodDelete:
	default:
		method = "other"
	}
	m.requests.WithLabelValues(route, method, strconv.Itoa(status/100)+"xx").Inc()
	m.seconds.WithLabelValues(route).Observe(took.Seconds())
}

// observe writes one line and counts one request, once its answer is given.
// The line names the route's template: an address, a query or a body may name
// a child.
func (s *Server) observe(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		began := s.Now()
		if err := unavailable(next(c)); err != nil {
			c.Error(err)
		}
		took, status, route := s.Now().Sub(began), c.Response().Status, s.metrics.route(c)
		s.metrics.count(route, c.Request().Method, status, took)
		level := slog.LevelInfo
		if route == "/livez" || route == "/readyz" {
			level = slog.LevelDebug // asked every few seconds
		}
		s.Log.LogAttrs(c.Request().Context(), level, "request", slog.String("request_id", RequestID(c)),
			slog.String("method", c.Request().Method), slog.String("route", route), slog.Int("status", status), slog.Duration("took", took))
		return nil
	}
}

// recovered turns a panic into an error, so that it is answered, logged and
// counted like any other. The stack is logged, the value is not: it may quote
// what somebody sent.
func recovered(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		defer func() {
			value := recover()
			if value == nil {
				return
			}
			if value == http.ErrAbortHandler { //nolint:errorlint // net/http compares it the same way
				panic(value)
			}
			slog.ErrorContext(c.Request().Context(), "panic", "request_id", RequestID(c), "route", c.Path(), "stack", string(debug.Stack()))
			err = fmt.Errorf("panic of type %T", value)
		}()
		return next(c)
	}
}

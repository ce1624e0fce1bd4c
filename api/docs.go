package api

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"shortbreaks"
)

//go:embed docs/index.html docs/reference.css docs/problem.html docs/problem.css docs/redoc.standalone.js
var pages embed.FS

var problemPage = template.Must(template.ParseFS(pages, "docs/problem.html"))

// Redoc styles itself from script and searches in a worker it makes from a
// blob; nothing comes from another host.
const (
	referencePolicy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
		"connect-src 'self'; worker-src blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	problemPolicy = "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

// redocLogo is the one thing Redoc would fetch from elsewhere; its credit line
// stays. The policy would stop it too, with an error on every visit.
const redocLogo = "https://cdn.redoc.ly/redoc/logo-mini.svg"

// RegisterDocs serves the contract, its reference page at /docs, and a page
// for each problem code.
func (k *Contract) RegisterDocs(e *echo.Echo) {
	e.GET("/openapi.yaml", func(c echo.Context) error {
		return c.Blob(http.StatusOK, "application/yaml; charset=utf-8", shortbreaks.OpenAPI)
	})
	e.GET("/docs", asset("docs/index.html", "text/html; charset=utf-8"))
	e.GET("/docs/reference.css", asset("docs/reference.css", "text/css; charset=utf-8"))
	e.GET("/docs/problem.css", asset("docs/problem.css", "text/css; charset=utf-8"))
	e.GET("/docs/redoc.standalone.js", asset("docs/redoc.standalone.js", "text/javascript; charset=utf-8"))
	e.GET("/problems", k.listProblems)
	e.GET("/problems/:code", k.explainProblem)
}

func asset(name, mime string) echo.HandlerFunc {
	body, err := pages.ReadFile(name)
	if err != nil {
		panic(err) // impossible: it is embedded
	}
	body = bytes.ReplaceAll(body, []byte(redocLogo), []byte("data:,"))
	return func(c echo.Context) error {
		c.Response().Header().Set(echo.HeaderContentSecurityPolicy, referencePolicy)
		return c.Blob(http.StatusOK, mime, body)
	}
}

func (k *Contract) listProblems(c echo.Context) error {
	if !wantsHTML(c) {
		return c.JSON(http.StatusOK, struct {
			Items []ProblemCode `json:"items"`
		}{k.Codes()})
	}
	return renderProblem(c, struct {
		One *ProblemCode
		All []ProblemCode
	}{nil, k.Codes()})
}

func (k *Contract) explainProblem(c echo.Context) error {
	code, known := k.codes[c.Param("code")]
	if !known {
		return shortbreaks.ErrNotFound.With("There is no such problem code.")
	}
	if !wantsHTML(c) {
		return c.JSON(http.StatusOK, code)
	}
	return renderProblem(c, struct {
		One *ProblemCode
		All []ProblemCode
	}{&code, nil})
}

// wantsHTML is true for browsers, which name it, and false for programs.
func wantsHTML(c echo.Context) bool {
	c.Response().Header().Add(echo.HeaderVary, echo.HeaderAccept)
	return strings.Contains(c.Request().Header.Get(echo.HeaderAccept), echo.MIMETextHTML)
}

func renderProblem(c echo.Context, about any) error {
	var out bytes.Buffer
	if err := problemPage.Execute(&out, about); err != nil {
		return err
	}
	c.Response().Header().Set(echo.HeaderContentSecurityPolicy, problemPolicy)
	return c.HTMLBlob(http.StatusOK, out.Bytes())
}

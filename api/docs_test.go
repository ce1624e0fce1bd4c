package api

import (
	"encoding/json"
	"html"
	"regexp"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"

	"shortbreaks"
)

func docs(t *testing.T) *echo.Echo {
	t.Helper()
	k := contract(t)
	e := echo.New()
	e.HTTPErrorHandler = HandleError
	e.Use(k.Manners(), k.Middleware())
	k.RegisterDocs(e)
	return e
}

var addresses = regexp.MustCompile(`(?:href|src|spec-url)="([^"]*)"`)

// The reference and the problem pages load nothing from another host, and all
// they load is there.
func TestDocs_LoadOnlyWhatIsServedHere(t *testing.T) {
	t.Parallel()
	e := docs(t)
	for _, path := range []string{"/docs", "/problems", "/problems/session-full"} {
		rec := ask(e, "GET", path, "", "Accept: text/html")
		require.Equal(t, 200, rec.Code, path)
		require.NotContains(t, rec.Body.String(), "//", path)
		require.NotContains(t, rec.Header().Get("Content-Security-Policy"), "http", path)
		found := addresses.FindAllStringSubmatch(rec.Body.String(), -1)
		require.NotEmpty(t, found, path)
		for _, one := range found {
			if !strings.HasPrefix(one[1], "data:") {
				require.Equal(t, 200, ask(e, "GET", one[1], "").Code, one[1])
			}
		}
	}
}

func TestDocs_TheScriptFetchesNothingFromElsewhere(t *testing.T) {
	t.Parallel()
	body := ask(docs(t), "GET", "/docs/redoc.standalone.js", "").Body.String()
	require.Greater(t, len(body), 500_000)
	require.NotContains(t, body, "cdn.")
}

func TestDocs_ServeTheContractItself(t *testing.T) {
	t.Parallel()
	rec := ask(docs(t), "GET", "/openapi.yaml", "")
	require.Equal(t, string(shortbreaks.OpenAPI), rec.Body.String())
	require.Contains(t, rec.Header().Get("Content-Type"), "application/yaml")
}

func TestDocs_EveryCodeHasItsPage(t *testing.T) {
	t.Parallel()
	e := docs(t)
	for _, c := range contract(t).Codes() {
		page := ask(e, "GET", "/problems/"+c.Code, "", "Accept: text/html,*/*;q=0.8")
		require.Equal(t, 200, page.Code, c.Code)
		require.Contains(t, page.Header().Get("Content-Type"), "text/html")
		text := html.UnescapeString(page.Body.String())
		require.Contains(t, text, c.Title)
		require.Contains(t, text, c.WhatToDo)

		var got ProblemCode
		require.NoError(t, json.Unmarshal(ask(e, "GET", "/problems/"+c.Code, "").Body.Bytes(), &got))
		require.Equal(t, c, got)
	}
	require.Equal(t, "not-found", problem(t, ask(e, "GET", "/problems/unheard-of", "")).Code)
}

package shortbreaks_test

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// mayImport is the import table of docs/ARCHITECTURE.md: a folder, and the folders of
// ours its code may import. A folder that is not here fails the test, so that
// a new package is a decision and not an accident.
var mayImport = map[string][]string{
	".":                     {},
	"api/gen":               {},
	"internal/stripedouble": {},
	"internal/db":           {"."},
	"internal/db/dbtest":    {".", "internal/db"},
	"people":                {".", "internal/db"},
	"marketplace/tariff":    {"."},
	"marketplace":           {".", "internal/db", "marketplace/tariff"},
	"payments":              {".", "internal/db"},
	"commissioning":         {".", "internal/db"},
	"budgets":               {".", "internal/db", "people", "marketplace", "marketplace/tariff", "payments"},
	"booking":               {".", "internal/db", "people", "marketplace", "marketplace/tariff", "payments", "budgets"},
	"internal/demo":         {".", "internal/db", "people", "marketplace", "marketplace/tariff", "payments", "budgets", "booking", "commissioning"},
	"web":                   {".", "internal/db", "people", "marketplace", "marketplace/tariff", "payments", "budgets", "booking", "commissioning"},
	"api":                   {".", "internal/db", "people", "marketplace", "marketplace/tariff", "payments", "budgets", "booking", "commissioning", "api/gen"},
	"cmd/shortbreaks": {
		".", "internal/db", "people", "marketplace", "marketplace/tariff", "payments", "budgets", "booking", "commissioning",
		"api", "web", "internal/demo", "internal/stripedouble",
	},
}

// testsMayImport is what any test may import besides; no other code may import
// dbtest.
var testsMayImport = []string{".", "internal/db", "internal/db/dbtest", "internal/stripedouble", "internal/demo"}

// librariesOf says where a library may be named, as path.Match patterns of
// files. Tests may use any library: they forge tokens and look into tables.
var librariesOf = []struct {
	library string
	in      []string // only here, if given
	never   []string // never here
}{
	{library: "github.com/labstack/echo", in: []string{"api/*", "api/gen/*", "web/*"}},
	{library: "github.com/stripe/stripe-go", in: []string{"payments/stripe*.go"}},
	{library: "github.com/golang-jwt/jwt", in: []string{"people/token*.go"}},
	{library: "github.com/wneessen/go-mail", in: []string{"people/mail.go"}},
	{library: "github.com/segmentio/encoding", in: []string{"booking/create.go"}},
	{library: "github.com/valyala/fasthttp", in: []string{"cmd/shortbreaks/bench_load.go"}},
	{library: "codeberg.org/go-pdf/fpdf", in: []string{"paperpdf.go"}},
	{library: "gorm.io", never: []string{"api/*", "api/gen/*", "web/*"}},
	{library: "github.com/jackc/pgx", never: []string{"api/*", "api/gen/*", "web/*"}},
}

// longestChain is how many packages of ours one may have to read through, from
// cmd to the root.
const longestChain = 7

const module = "shortbreaks"

func TestImportsFollowTheTable(t *testing.T) {
	t.Parallel()
	faults, err := importFaults(os.DirFS("."))
	require.NoError(t, err)
	require.Empty(t, faults, strings.Join(faults, "\n"))
}

// importFaults lists what in a tree breaks the table above.
func importFaults(tree fs.FS) ([]string, error) {
	sources, err := parseTree(tree)
	if err != nil {
		return nil, err
	}
	var faults []string
	graph := map[string][]string{}
	for _, s := range sources {
		allowed, known := mayImport[s.dir]
		if !known {
			faults = append(faults, s.path+": "+s.dir+" is not in the import table")
		}
		if s.test {
			allowed = append(slices.Clone(testsMayImport), append(allowed, s.dir)...)
		}
		for _, imported := range s.imports() {
			ours, isOurs := folderOf(imported)
			if !isOurs && !s.test {
				faults = append(faults, libraryFaults(s.path, imported)...)
			}
			if isOurs && !slices.Contains(allowed, ours) {
				faults = append(faults, fmt.Sprintf("%s: %s may not import %s", s.path, s.dir, ours))
			}
			if isOurs && !s.test && !slices.Contains(graph[s.dir], ours) {
				graph[s.dir] = append(graph[s.dir], ours)
			}
		}
	}
	for dir := range graph {
		if chain := longest(graph, dir); len(chain) > longestChain {
			faults = append(faults, fmt.Sprintf("a chain of %d packages: %s", len(chain), strings.Join(chain, " > ")))
		}
	}
	slices.Sort(faults)
	return faults, nil
}

// folderOf is the folder of an import path of ours.
func folderOf(imported string) (string, bool) {
	if imported == module {
		return ".", true
	}
	return strings.CutPrefix(imported, module+"/")
}

// libraryFaults says whether file may name a library.
func libraryFaults(file, imported string) []string {
	among := func(patterns []string) bool {
		return slices.ContainsFunc(patterns, func(p string) bool { ok, _ := path.Match(p, file); return ok })
	}
	for _, rule := range librariesOf {
		if imported != rule.library && !strings.HasPrefix(imported, rule.library+"/") {
			continue
		}
		if (rule.in != nil && !among(rule.in)) || among(rule.never) {
			return []string{fmt.Sprintf("%s: %s may not be imported here", file, rule.library)}
		}
	}
	return nil
}

// longest is the longest chain of imports from dir. Go allows no cycles, and a
// tree made up for a test must have none.
func longest(graph map[string][]string, dir string) []string {
	var best []string
	for _, next := range graph[dir] {
		if chain := longest(graph, next); len(chain) > len(best) {
			best = chain
		}
	}
	return append([]string{dir}, best...)
}

func TestImportTableCatches(t *testing.T) {
	t.Parallel()
	good := map[string]string{
		"id.go":                    `package shortbreaks; import "github.com/google/uuid"`,
		"api/server.go":            `package api; import ("shortbreaks"; "shortbreaks/api/gen"; "github.com/labstack/echo/v4")`,
		"api/server_test.go":       `package api_test; import ("shortbreaks/api"; "shortbreaks/internal/db/dbtest"; "github.com/jackc/pgx/v5")`,
		"api/gen/gen.go":           `package gen; import "github.com/labstack/echo/v4"`,
		"payments/stripe_topup.go": `package payments; import "github.com/stripe/stripe-go/v76/client"`,
		"people/token.go":          `package people; import "github.com/golang-jwt/jwt/v5"`,
	}
	require.Empty(t, treeFaults(t, importFaults, good, "", ""))
	for _, c := range []struct{ name, file, source, fault string }{
		{"a lower package importing a higher one", "payments/x.go", `package payments; import "shortbreaks/booking"`, "payments may not import booking"},
		{"the root importing one of ours", "x.go", `package shortbreaks; import "shortbreaks/people"`, ". may not import people"},
		{"commissioning reading another's code", "commissioning/x.go", `package commissioning; import "shortbreaks/booking"`, "commissioning may not import booking"},
		{"the web using the JSON types", "web/x.go", `package web; import "shortbreaks/api/gen"`, "web may not import api/gen"},
		{"code importing dbtest", "cmd/shortbreaks/x.go", `package main; import "shortbreaks/internal/db/dbtest"`, "may not import internal/db/dbtest"},
		{"a test reaching up", "payments/x_test.go", `package payments_test; import "shortbreaks/api"`, "payments may not import api"},
		{"a package nobody decided on", "utils/x.go", `package utils`, "utils is not in the import table"},
		{"echo in the domain", "booking/x.go", `package booking; import "github.com/labstack/echo/v4"`, "echo may not be imported here"},
		{"stripe-go in another file", "payments/x.go", `package payments; import "github.com/stripe/stripe-go/v76"`, "stripe-go may not be imported here"},
		{"stripe-go in another package", "cmd/shortbreaks/stripe.go", `package main; import "github.com/stripe/stripe-go/v76"`, "stripe-go may not be imported here"},
		{"jwt outside token files", "people/x.go", `package people; import "github.com/golang-jwt/jwt/v5"`, "jwt may not be imported here"},
		{"go-mail in another file", "booking/x.go", `package booking; import "github.com/wneessen/go-mail"`, "go-mail may not be imported here"},
		{"gorm in api", "api/x.go", `package api; import "gorm.io/gorm/clause"`, "gorm.io may not be imported here"},
		{"pgx in web", "web/x.go", `package web; import "github.com/jackc/pgx/v5/pgconn"`, "pgx may not be imported here"},
	} {
		require.Contains(t, treeFaults(t, importFaults, good, c.file, c.source), c.fault, c.name)
	}

	chain := map[string]string{"p8/x.go": "package p8"}
	for i := range 8 {
		chain[fmt.Sprintf("p%d/x.go", i)] = fmt.Sprintf(`package p%d; import "shortbreaks/p%d"`, i, i+1)
	}
	found := treeFaults(t, importFaults, chain, "", "")
	require.Contains(t, found, "a chain of 8 packages: p1 > p2")
	require.NotContains(t, found, "a chain of 7 packages")
}

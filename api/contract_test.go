package api

import (
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"

	"shortbreaks"
)

func contract(t *testing.T) *Contract {
	t.Helper()
	k, err := NewContract()
	require.NoError(t, err)
	return k
}

func TestContract_OperationIdsStayAsAgreed(t *testing.T) {
	t.Parallel()
	agreed := strings.Fields(`acceptBooking addToShortlist approvePlanLine cancelBooking compareOffers confirmAttendance createAllocation
		createBooking createOffer createPlanLine createQuote createTopUp declineBooking findOffersTogether getBooking getBudget getDemand
		getJWKS getOffer getOfferFacets getOfferMap getStatement getTrialBalance issueToken listBookings listBudgets listLedgerTransactions
		listShortlist publishOffer queryAttendance receiveStripeEvent recordAttendance removeFromShortlist searchOffers`)
	var ids []string
	for _, o := range contract(t).Operations() {
		ids = append(ids, o.ID)
	}
	require.Equal(t, agreed, ids)
}

func TestContract_FitsOpenAPIWithItsExamples(t *testing.T) {
	t.Parallel()
	require.NoError(t, contract(t).doc.Validate(context.Background()))
}

func TestContract_EachOperationDeclaresWhatItRefuses(t *testing.T) {
	t.Parallel()
	for _, o := range contract(t).Operations() {
		responses := o.route.Operation.Responses
		require.NotNil(t, responses.Default(), o.ID)
		require.NotNil(t, responses.Status(http.StatusBadRequest), o.ID)
		if !o.Public {
			require.NotEmpty(t, o.Roles, o.ID)
			require.NotNil(t, responses.Status(http.StatusUnauthorized), o.ID)
			require.NotNil(t, responses.Status(http.StatusForbidden), o.ID)
		}
		if strings.Contains(o.Path, "{") {
			require.NotNil(t, responses.Status(http.StatusNotFound), o.ID)
		}
		key := o.route.Operation.Parameters.GetByInAndName(openapi3.ParameterInHeader, idempotencyHeader)
		require.Equal(t, o.Idempotent, key != nil && key.Required, o.ID)
	}
}

func TestContract_WithoutRolesCannotBeLoaded(t *testing.T) {
	t.Parallel()
	text := string(shortbreaks.OpenAPI)
	for name, change := range map[string][2]string{
		"no roles":             {"      x-roles: [approver]\n", ""},
		"an unknown role":      {"x-roles: [approver]", "x-roles: [approvers]"},
		"public but secured":   {"x-roles: [approver]", "x-roles: [public]"},
		"open but not public":  {"x-roles: [public]", "x-roles: [family]"},
		"a code with no title": {"    title: There are no places left\n    what", "    what"},
	} {
		require.Contains(t, text, change[0], name)
		_, err := readContract([]byte(strings.Replace(text, change[0], change[1], 1)))
		require.Error(t, err, name)
	}
}

// Every value a request may carry is bounded, and no object takes fields the
// contract does not name. strictJSON relies on there being no fractions.
func TestContract_RequestsAreBoundedEverywhere(t *testing.T) {
	t.Parallel()
	for _, o := range contract(t).Operations() {
		parameters := append(append(openapi3.Parameters{}, o.route.PathItem.Parameters...), o.route.Operation.Parameters...)
		for _, p := range parameters {
			bounded(t, o.ID+" "+p.Value.Name, p.Value.Schema.Value)
		}
		if o.body != nil && !o.Raw {
			bounded(t, o.ID, o.body)
		}
	}
}

func bounded(t *testing.T, at string, s *openapi3.Schema) {
	t.Helper()
	switch {
	case s.Type.Is(openapi3.TypeObject):
		require.NotNil(t, s.AdditionalProperties.Has, at)
		require.False(t, *s.AdditionalProperties.Has, at)
		for name, p := range s.Properties {
			bounded(t, at+"/"+name, p.Value)
		}
	case s.Type.Is(openapi3.TypeArray):
		require.NotNil(t, s.MaxItems, at)
		bounded(t, at+"[]", s.Items.Value)
	case s.Type.Is(openapi3.TypeInteger):
		require.True(t, s.Min != nil && s.Max != nil, at)
	case s.Type.Is(openapi3.TypeString):
		require.True(t, s.MaxLength != nil || len(s.Enum) > 0 || s.Format == "uuid" || s.Format == "date", at)
	default:
		require.True(t, s.Type.Is(openapi3.TypeBoolean), at)
	}
}

// Each refusal the code can give is listed with the status its kind has and,
// said in one place at least, the title listed; and nothing is listed that
// cannot happen.
func TestProblems_EveryCodeInTheTreeIsListed(t *testing.T) {
	t.Parallel()
	codes := contract(t).codes
	titled := map[string]bool{}
	for _, r := range refusalsInTree(t) {
		listed, ok := codes[r.code]
		require.True(t, ok, "%s: add %q to x-problem-codes in openapi.yaml and to docs/problems.md", r.where, r.code)
		require.Equal(t, listed.Status, status(&shortbreaks.Error{Kind: r.kind, Code: r.code}), "%s: %s", r.where, r.code)
		titled[r.code] = titled[r.code] || r.title == listed.Title
	}
	for code := range codes {
		titleListed, given := titled[code]
		require.True(t, given, "%q is in x-problem-codes but nothing gives it", code)
		require.True(t, titleListed, "%q has another title in x-problem-codes than in the code", code)
	}
}

func TestProblems_EveryCodeIsDocumented(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/problems.md")
	require.NoError(t, err)
	rows := 0
	for _, line := range strings.Split(string(text), "\n") {
		if strings.HasPrefix(line, "| `") {
			rows++
		}
	}
	codes := contract(t).Codes()
	for _, c := range codes {
		row := "| `" + c.Code + "` | " + strconv.Itoa(c.Status) + " | " + c.Title + " | " + c.WhatToDo + " |"
		require.Contains(t, string(text), row)
	}
	require.Len(t, codes, rows, "docs/problems.md lists codes the contract does not")
}

type refusalInTree struct {
	where, code, title string
	kind               shortbreaks.Kind
}

var kindNames = map[string]shortbreaks.Kind{
	"Internal": shortbreaks.Internal, "Malformed": shortbreaks.Malformed, "Invalid": shortbreaks.Invalid,
	"NotFound": shortbreaks.NotFound, "Forbidden": shortbreaks.Forbidden, "Unauthorized": shortbreaks.Unauthorized,
	"Conflict": shortbreaks.Conflict, "Unavailable": shortbreaks.Unavailable,
}

// refusalsInTree finds every call of NewError in the module, outside tests.
func refusalsInTree(t *testing.T) []refusalInTree {
	t.Helper()
	var found []refusalInTree
	files := token.NewFileSet()
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && (entry.Name() == "node_modules" || strings.HasPrefix(entry.Name(), ".") && entry.Name() != "..") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(files, path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if ok && lastName(call.Fun) == "NewError" && len(call.Args) == 3 {
				where := files.Position(call.Pos()).String()
				kind, known := kindNames[lastName(call.Args[0])]
				require.True(t, known, "%s: the kind must be named here", where)
				found = append(found, refusalInTree{where, literal(t, where, call.Args[1]), literal(t, where, call.Args[2]), kind})
			}
			return true
		})
		return nil
	})
	require.NoError(t, err)
	return found
}

func lastName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	}
	return ""
}

func literal(t *testing.T, where string, e ast.Expr) string {
	t.Helper()
	lit, ok := e.(*ast.BasicLit)
	require.True(t, ok, "%s: code and title must be written out", where)
	text, err := strconv.Unquote(lit.Value)
	require.NoError(t, err)
	return text
}

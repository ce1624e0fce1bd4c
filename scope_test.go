package shortbreaks_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// widens is the reviewed list of functions that widen their transaction's
// scope by an authority, each after its own check of whose record it is: a
// provider's use case that moves a family's money, or reads the days of its
// register, and a provider reading what it is owed. A new one is a decision.
var widens = []string{
	"booking/accept.go answer",             // a declined request gives money back
	"booking/attend.go Record",             // the authority's days for the register
	"booking/calloff.go cancelForProvider", // so does what is called off with its bookings
	"booking/cancel.go Cancel",             // what a provider cancels gives money back
	"booking/offline.go EnterBooking",      // a family's code was read out to its provider: place and money are held
	"booking/recordmany.go fileAll",        // the days for the register, for many
	"booking/register.go enterFor",         // the minimum of a child of one's own booking, in its time; what is added to it
	"booking/reschedule.go releaseMoved",   // an agreed move gives the old date's money back
	"payments/read.go reachOf",             // a provider's own payables, over its authorities
}

func TestOnlyReviewedFunctionsWidenTheirScope(t *testing.T) {
	t.Parallel()
	var found []string
	tree := os.DirFS(".")
	err := fs.WalkDir(tree, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.HasPrefix(path, "internal/db/") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		for _, decl := range file.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && calls(f, "EnterAuthority") {
				found = append(found, path+" "+f.Name.Name)
			}
		}
		return nil
	})
	require.NoError(t, err)
	slices.Sort(found)
	require.Equal(t, widens, found)
}

func calls(f *ast.FuncDecl, method string) (found bool) {
	ast.Inspect(f, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok && s.Sel.Name == method {
			found = true
		}
		return !found
	})
	return found
}

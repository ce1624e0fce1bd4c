package shortbreaks_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

// The budget that keeps the tree readable (docs/ARCHITECTURE.md).
const (
	maxPackages = 16
	maxDepth    = 3
	maxLines    = 600
)

// source is one Go file, read.
type source struct {
	path, dir string
	test      bool // a _test.go file
	generated bool
	lines     int
	file      *ast.File
	set       *token.FileSet
}

// parseTree reads every Go file of a tree, except what tools keep there.
func parseTree(tree fs.FS) ([]source, error) {
	var all []source
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := path.Base(name)
		if d.IsDir() {
			hidden := name != "." && strings.HasPrefix(base, ".")
			if hidden || slices.Contains([]string{"node_modules", "bin", "testdata"}, base) {
				return fs.SkipDir
			}
			return nil
		}
		if path.Ext(name) != ".go" {
			return nil
		}
		text, err := fs.ReadFile(tree, name)
		if err != nil {
			return err
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, name, text, parser.ParseComments)
		if err != nil {
			return err
		}
		all = append(all, source{
			path: name, dir: path.Dir(name), test: strings.HasSuffix(name, "_test.go"),
			generated: ast.IsGenerated(file), lines: bytes.Count(text, []byte("\n")), file: file, set: set,
		})
		return nil
	})
	return all, err
}

// imports are the import paths of a file.
func (s source) imports() []string {
	var paths []string
	for _, i := range s.file.Imports {
		imported, _ := strconv.Unquote(i.Path.Value) // the parser has seen it
		paths = append(paths, imported)
	}
	return paths
}

// at says where a fault is.
func (s source) at(node ast.Node, format string, args ...any) string {
	return fmt.Sprintf("%s:%d: %s", s.path, s.set.Position(node.Pos()).Line, fmt.Sprintf(format, args...))
}

func TestHouseRules(t *testing.T) {
	t.Parallel()
	faults, err := houseFaults(os.DirFS("."))
	require.NoError(t, err)
	require.Empty(t, faults, strings.Join(faults, "\n"))
}

// houseFaults lists what in a tree breaks the house rules.
func houseFaults(tree fs.FS) ([]string, error) {
	sources, err := parseTree(tree)
	if err != nil {
		return nil, err
	}
	var faults []string
	documented, handwritten, packages := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, s := range sources {
		if strings.Count(s.path, "/") > maxDepth {
			faults = append(faults, s.path+": folders more than 3 deep")
		}
		if !s.generated && s.lines > maxLines {
			faults = append(faults, fmt.Sprintf("%s: %d lines; 600 is the most", s.path, s.lines))
		}
		if !s.test {
			packages[s.dir] = true
			handwritten[s.dir] = handwritten[s.dir] || !s.generated
			explains := path.Base(s.path) == "doc.go" || s.path == s.dir+"/"+path.Base(s.dir)+".go"
			documented[s.dir] = documented[s.dir] || (explains && s.file.Doc != nil)
		}
		faults = append(faults, floatFaults(s)...)
		faults = append(faults, callFaults(s)...)
		if !s.test && !s.generated {
			faults = append(faults, docFaults(s)...)
		}
	}
	for dir := range handwritten {
		if handwritten[dir] && !documented[dir] {
			faults = append(faults, dir+": no doc.go (or file of the package's own name) says what the package is")
		}
	}
	if len(packages) > maxPackages {
		faults = append(faults, fmt.Sprintf("%d packages; 16 is the most", len(packages)))
	}
	slices.Sort(faults)
	return faults, nil
}

// callFaults: a skipped test proves nothing, a test that sleeps waits too long
// or not long enough, and tx.Now is the only clock.
func callFaults(s source) (faults []string) {
	mayReadClock := s.test || s.generated || strings.HasPrefix(s.dir+"/", "internal/db/") || strings.HasPrefix(s.dir, "cmd/")
	clock := ""
	for _, i := range s.file.Imports {
		if i.Path.Value == `"time"` {
			clock = "time"
			if i.Name != nil {
				clock = i.Name.Name
			}
		}
	}
	ast.Inspect(s.file, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		of, ok := sel.X.(*ast.Ident)
		if !ok {
			return true
		}
		name := sel.Sel.Name
		switch {
		case slices.Contains([]string{"t", "b", "f", "tb"}, of.Name) && slices.Contains([]string{"Skip", "Skipf", "SkipNow"}, name),
			of.Name == "testing" && name == "Short":
			faults = append(faults, s.at(n, "no test may be skipped"))
		case of.Name != clock:
		case s.test && name == "Sleep":
			faults = append(faults, s.at(n, "a test waits for a condition, never for a time"))
		case !mayReadClock && slices.Contains([]string{"Now", "Since", "Until", "Sleep"}, name):
			faults = append(faults, s.at(n, "time.%s: tx.Now is the only clock", name))
		}
		return true
	})
	return faults
}

// floatFaults: no float beside money, neither in a field, variable, parameter
// or type named after pence, nor in a conversion from or to it.
func floatFaults(s source) (faults []string) {
	check := func(at ast.Node, typ ast.Expr, tag *ast.BasicLit, names ...*ast.Ident) {
		if !mentions(typ, isFloat) {
			return
		}
		money := tag != nil && strings.Contains(tag.Value, "_pence")
		for _, name := range names {
			money = money || isMoney(name.Name)
		}
		if money {
			faults = append(faults, s.at(at, "a float beside money"))
		}
	}
	ast.Inspect(s.file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Field:
			check(n, n.Type, n.Tag, n.Names...)
		case *ast.ValueSpec:
			check(n, n.Type, nil, n.Names...)
		case *ast.TypeSpec:
			if _, compound := n.Type.(*ast.Ident); compound {
				check(n, n.Type, nil, n.Name)
			}
		case *ast.CallExpr:
			into := mentions(n.Fun, isFloat)
			from := mentions(n.Fun, func(name string) bool { return name == "Pence" })
			for _, arg := range n.Args {
				if (into && mentions(arg, isMoney)) || (from && mentions(arg, isFloat)) {
					faults = append(faults, s.at(n, "a float beside money"))
				}
			}
		}
		return true
	})
	return faults
}

func isFloat(name string) bool { return name == "float64" || name == "float32" }

func isMoney(name string) bool {
	return strings.HasSuffix(name, "Pence") || strings.HasSuffix(name, "_pence") || name == "pence"
}

// mentions says whether a name in an expression satisfies is.
func mentions(expr ast.Expr, is func(string) bool) (found bool) {
	if expr == nil {
		return false
	}
	ast.Inspect(expr, func(n ast.Node) bool {
		id, ok := n.(*ast.Ident)
		found = found || (ok && is(id.Name))
		return !found
	})
	return found
}

// docFaults: what is exported is explained where it is declared. Constants and
// variables may share the comment of their group.
func docFaults(s source) (faults []string) {
	missing := func(name *ast.Ident, docs ...*ast.CommentGroup) {
		if name.IsExported() && !slices.ContainsFunc(docs, func(d *ast.CommentGroup) bool { return d != nil }) {
			faults = append(faults, s.at(name, "%s is exported and has no comment", name.Name))
		}
	}
	for _, decl := range s.file.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil || mentions(d.Recv.List[0].Type, ast.IsExported) {
				missing(d.Name, d.Doc)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch sp := spec.(type) {
				case *ast.TypeSpec:
					group := d.Doc
					if d.Lparen.IsValid() {
						group = nil // of a group of types, each is explained
					}
					missing(sp.Name, sp.Doc, group)
				case *ast.ValueSpec:
					for _, name := range sp.Names {
						missing(name, sp.Doc, sp.Comment, d.Doc)
					}
				}
			}
		}
	}
	return faults
}

// treeFaults runs a rule over a made-up tree with one file more.
func treeFaults(t *testing.T, rule func(fs.FS) ([]string, error), files map[string]string, name, text string) string {
	t.Helper()
	tree := fstest.MapFS{}
	for n, s := range files {
		tree[n] = &fstest.MapFile{Data: []byte(s)}
	}
	if name != "" {
		tree[name] = &fstest.MapFile{Data: []byte(text)}
	}
	faults, err := rule(tree)
	require.NoError(t, err)
	return strings.Join(faults, "\n")
}

func TestHouseRulesCatch(t *testing.T) {
	t.Parallel()
	const generated = "// Code generated by a tool. DO NOT EDIT.\n\n"
	good := map[string]string{
		"doc.go":                "// Package shortbreaks is shared.\npackage shortbreaks\n// Pence is money.\ntype Pence int64\n",
		"internal/db/doc.go":    "// Package db is the database.\npackage db\nimport \"time\"\nvar began = time.Now()\n",
		"api/gen/gen.go":        generated + "package gen\ntype X struct{ PricePence int64 `json:\"price_pence\"` }\n" + strings.Repeat("\n", maxLines),
		"internal/db/x/x.go":    "// Package x is named after its one file.\npackage x\nimport \"time\"\nvar began = time.Now()\n",
		"x_test.go":             "package shortbreaks_test\nimport \"time\"\nvar began = time.Now()\n",
		"node_modules/a/x.go":   "package a\nfunc Undocumented() {}\n",
		".tools/b/x.go":         "package b\nfunc Undocumented() {}\n",
		"testdata/a/b/c/d/x.go": "package b\nfunc Undocumented() {}\n",
	}
	require.Empty(t, treeFaults(t, houseFaults, good, "", ""))
	for _, c := range []struct{ name, file, source, fault string }{
		{"a long file", "long.go", "package shortbreaks\n" + strings.Repeat("//\n", maxLines), "long.go: 601 lines"},
		{"a deep folder", "a/b/c/d/doc.go", "// Package d is deep.\npackage d\n", "more than 3 deep"},
		{"a skipped test", "y_test.go", "package x\nfunc TestX(t *testing.T) { t.Skip(\"later\") }\n", "y_test.go:2: no test may be skipped"},
		{"a test left out of short runs", "y_test.go", "package x\nvar short = testing.Short()\n", "no test may be skipped"},
		{"a test that sleeps", "y_test.go", "package x\nimport \"time\"\nfunc f() { time.Sleep(1) }\n", "never for a time"},
		{"a sleep in a test of db", "internal/db/y_test.go", "package db\nimport zeit \"time\"\nfunc f() { zeit.Sleep(1) }\n", "never for a time"},
		{"the wall clock", "y.go", "package shortbreaks\nimport \"time\"\nvar at = time.Now()\n", "y.go:3: time.Now: tx.Now is the only clock"},
		{"the wall clock renamed and not called", "y.go", "package shortbreaks\nimport wall \"time\"\nvar at = wall.Since\n", "time.Since: tx.Now"},
		{"a float field of money", "y.go", "package shortbreaks\ntype x struct{ pricePence float64 }\n", "y.go:2: a float beside money"},
		{"a float in the contract's types", "api/gen/y.go", generated + "package gen\ntype y struct{ Rate *float32 `json:\"rate_pence\"` }\n", "a float beside money"},
		{"a float type of money", "y.go", "package shortbreaks\ntype halfPence float64\n", "a float beside money"},
		{"a float made from money", "y.go", "package shortbreaks\nfunc f(totalPence int64) any { return float64(totalPence) * 1.2 }\n", "a float beside money"},
		{"money made from a float", "y.go", "package x\nvar p = shortbreaks.Pence(float64(n) * 1.2)\n", "a float beside money"},
		{"an exported function without comment", "y.go", "package shortbreaks\nfunc Book() {}\n", "Book is exported"},
		{"an exported method without comment", "y.go", "package shortbreaks\nfunc (p *Pence) Add() {}\n", "Add is exported"},
		{"an exported type without comment", "y.go", "package shortbreaks\n// Two types.\ntype (\n A int\n)\n", "A is exported"},
		{"an exported variable without comment", "y.go", "package shortbreaks\nvar ErrFull = 1\n", "ErrFull is exported"},
		{"a package without doc.go", "people/y.go", "// Package people is explained elsewhere.\npackage people\n", "people: no doc.go"},
	} {
		require.Contains(t, treeFaults(t, houseFaults, good, c.file, c.source), c.fault, c.name)
	}

	for i := range maxPackages {
		good[fmt.Sprintf("p%d/doc.go", i)] = "// Package p is one of many.\npackage p\n"
	}
	require.Contains(t, treeFaults(t, houseFaults, good, "", ""), "20 packages; 16 is the most")
}

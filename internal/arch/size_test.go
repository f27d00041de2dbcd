package arch

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// How large files and interfaces are at most. The linter holds functions.
const (
	maxFileLines        = 400
	maxInterfaceMethods = 5
	maxMeanMethods      = 3.0
)

// TestFilesAndInterfacesAreSmall measures every file, and every interface that is not a test's.
func TestFilesAndInterfacesAreSmall(t *testing.T) {
	t.Parallel()
	interfaces, methods := 0, 0
	for _, s := range sources(t) {
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, filepath.Join("..", "..", filepath.FromSlash(s.path)), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		if lines := files.File(file.Pos()).LineCount() - 1; lines > maxFileLines {
			t.Errorf("%s has %d lines, want at most %d: it does more than one thing", s.path, lines, maxFileLines)
		}
		if strings.HasSuffix(s.path, "_test.go") {
			continue
		}
		ast.Inspect(file, func(node ast.Node) bool {
			spec, ok := node.(*ast.TypeSpec)
			if !ok {
				return true
			}
			if n := methodsOf(spec.Type); n > 0 {
				interfaces, methods = interfaces+1, methods+n
				if n > maxInterfaceMethods {
					t.Errorf("%s: interface %s has %d methods, want at most %d: it has more than one role", s.path, spec.Name.Name, n, maxInterfaceMethods)
				}
			}
			return true
		})
	}
	mean := float64(methods) / float64(max(1, interfaces))
	if interfaces < 50 || mean > maxMeanMethods {
		t.Errorf("%d interfaces have %.2f methods each, want at least 50 of them, and a mean of at most %g", interfaces, mean, maxMeanMethods)
	}
}

// methodsOf counts the methods and the interfaces that an interface lists; 0 for another type.
func methodsOf(of ast.Expr) (n int) {
	i, ok := of.(*ast.InterfaceType)
	if !ok {
		return 0
	}
	for _, field := range i.Methods.List {
		n += max(1, len(field.Names))
	}
	return n
}

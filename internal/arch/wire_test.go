package arch

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// What cmd/internal/wire may be at most. It opens, adapts and closes; what it decides belongs into
// a package of its own, where a table of cases can test it.
const (
	wireFolder  = "cmd/internal/wire"
	wireFiles   = 12
	wireLines   = 1200
	wireMethods = 25 // of one type
)

// notInWire are the packages of rules that wire hands parts to and never decides with.
var notInWire = []string{"internal/retry", "internal/canary"}

// notInCommands are the services that commands reach through wire.
var notInCommands = []string{"internal/fetch", "internal/ledger", "internal/pace", "internal/store/stores"}

// TestCommandsWireThroughWire checks that no command opens a service by itself.
func TestCommandsWireThroughWire(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		if s.test() || s.pkg() != "cmd/coordinator" && s.pkg() != "cmd/worker" {
			continue
		}
		for _, service := range notInCommands {
			if slices.Contains(s.imports, module+service) {
				t.Errorf("%s imports %s: commands open it through %s", s.path, service, wireFolder)
			}
		}
	}
}

// TestWireOnlyWires measures the package in which the others meet.
func TestWireOnlyWires(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob(filepath.Join("..", "..", filepath.FromSlash(wireFolder), "*.go"))
	if err != nil || len(names) == 0 {
		t.Fatalf("Glob(%s) = %d files, %v", wireFolder, len(names), err)
	}
	files, lines, methods := 0, 0, map[string]int{}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, text, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files++
		lines += strings.Count(string(text), "\n")
		for _, spec := range file.Imports {
			for _, rule := range notInWire {
				if path, err := strconv.Unquote(spec.Path.Value); err != nil || path == module+rule {
					t.Errorf("%s imports %s: wire decides nothing", filepath.Base(name), path)
				}
			}
		}
		for _, decl := range file.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Recv != nil {
				methods[receiver(f)]++
			}
		}
	}
	if files > wireFiles || lines > wireLines {
		t.Errorf("%s has %d files and %d lines, want at most %d and %d: what it decides belongs into a package of its own", wireFolder, files, lines, wireFiles, wireLines)
	}
	for name, n := range methods {
		if n > wireMethods {
			t.Errorf("%s.%s has %d methods, want at most %d", wireFolder, name, n, wireMethods)
		}
	}
	t.Logf("%s: %d files, %d lines, methods %v", wireFolder, files, lines, methods)
}

// receiver names the type of a method.
func receiver(f *ast.FuncDecl) string {
	expr := f.Recv.List[0].Type
	if star, ok := expr.(*ast.StarExpr); ok {
		expr = star.X
	}
	if name, ok := expr.(*ast.Ident); ok {
		return name.Name
	}
	return "?"
}

// Package arch keeps the shape of the module: which package may import which, and which package
// owns a library. In goes the source of the module; out come sentences about forbidden arrows. It
// holds only tests.
package arch

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "shoal/"

// arrows lists what each package may import of ours. Only commands and scripts, which wire, are
// free.
var arrows = map[string][]string{
	"docs":                 {},
	"internal/afd":         {"internal/harvest"},
	"internal/arch":        {},
	"internal/aside":       {},
	"internal/control":     {"internal/harvest"},
	"internal/coordinator": {"internal/harvest"},
	"internal/memory":      {},
	"internal/config":      {"internal/harvest", "internal/store/kinds", "internal/upstream"},
	"internal/corpus":      {"internal/harvest", "internal/text"},
	"internal/dashboard":   {"internal/harvest", "internal/dashboard/chart"},
	"internal/dataset":     {"internal/harvest"},
	"internal/exchange":    {"internal/harvest", "internal/retry"},
	"internal/fakeapi":     {},
	"internal/fetch":       {"internal/harvest", "internal/text"},
	"internal/harvest":     {},
	"internal/ledger":      {"internal/harvest"},
	"internal/pace":        {"internal/harvest"},
	"internal/e2e":         {},
	"internal/notify":      {"internal/harvest"},
	"internal/runs":        {"internal/harvest"},
	"internal/retry":       {"internal/harvest"},
	"internal/status":      {"internal/harvest"},
	"internal/store":       {"internal/harvest"},
	"internal/suspect":     {"internal/harvest"},
	"internal/telemetry":   {"internal/harvest"},
	// The two stores, and what they share.
	"internal/store/postgres": {"internal/harvest", "internal/store", "internal/store/internal/faults", "internal/store/internal/leasing",
		"internal/store/internal/opening", "internal/store/internal/schema", "internal/store/internal/sqltext", "internal/store/internal/tables"},
	"internal/store/sqlite": {"internal/harvest", "internal/store", "internal/store/internal/faults", "internal/store/internal/leasing",
		"internal/store/internal/opening", "internal/store/internal/schema", "internal/store/internal/sqltext", "internal/store/internal/tables"},
	// What a store without a query language need not write, and a third store, in a test.
	"internal/store/simple": {"internal/harvest", "internal/store", "internal/store/internal/faults", "internal/store/internal/tables"},
	"internal/store/toy": {"internal/harvest", "internal/store", "internal/store/internal/faults", "internal/store/internal/leasing",
		"internal/store/internal/opening", "internal/store/internal/schema", "internal/store/internal/tables", "internal/store/simple"},
	"internal/store/internal/faults":  {"internal/harvest", "internal/store", "internal/store/internal/leasing"},
	"internal/store/internal/leasing": {"internal/harvest", "internal/store"},
	"internal/store/internal/opening": {"internal/harvest"},
	"internal/store/internal/schema":  {"internal/store"},
	"internal/store/internal/sqltext": {"internal/harvest", "internal/store", "internal/store/internal/tables"},
	"internal/store/internal/tables":  {"internal/harvest", "internal/store"},
	// The words of the table of stores; only stores, which opens them, links their drivers.
	"internal/store/kinds":  {},
	"internal/store/stores": {"internal/harvest", "internal/store", "internal/store/kinds", "internal/store/postgres", "internal/store/sqlite"},
	// The contract that each store keeps.
	"internal/store/storetest": {"internal/harvest", "internal/store"},
	"internal/testenv":         {},
	"internal/text":            {"internal/harvest"},

	// Small charts as SVG.
	"internal/dashboard/chart": {},

	// What tests play the outside of an exchange with.
	"internal/exchange/exchangetest": {"internal/exchange", "internal/harvest"},

	// The form of a kind of upstream, the kinds, and the table of them, the only one that links
	// them.
	"internal/upstream":              {"internal/harvest"},
	"internal/upstream/all":          {"internal/upstream", "internal/upstream/mediawiki", "internal/upstream/plain"},
	"internal/upstream/mediawiki":    {"internal/afd", "internal/harvest", "internal/text", "internal/upstream"},
	"internal/upstream/upstreamtest": {"internal/harvest", "internal/upstream"},
	"internal/upstream/plain":        {"internal/harvest", "internal/text", "internal/upstream"},

	"internal/doctor":  {"internal/exchange", "internal/harvest", "internal/retry"},
	"internal/canary":  {"internal/exchange", "internal/harvest", "internal/retry"},
	"internal/listing": {"internal/canary", "internal/exchange", "internal/harvest", "internal/retry", "internal/suspect"},
	"internal/tryout":  {"internal/exchange", "internal/harvest", "internal/retry"},
	"internal/worker":  {"internal/canary", "internal/exchange", "internal/harvest", "internal/retry", "internal/suspect"},
}

// inTests is what every test may import besides: real servers and an upstream.
var inTests = []string{"internal/testenv", "internal/fakeapi", "internal/exchange/exchangetest"}

// alsoInTests is what the tests of one package may import besides: the table whose form the package
// knows.
var alsoInTests = map[string][]string{"internal/config": {"internal/upstream/all"}}

// owners lists which of our packages may import a library; a library that is not listed is free.
// Commands wire and so may build a client; tests may look at a server by themselves.
var owners = map[string][]string{
	"github.com/KimMachineGun":      {"internal/memory"},
	"github.com/cenkalti/backoff":   {"internal/retry"},
	"github.com/dunglas/httpsfv":    {"internal/retry"},
	"github.com/itchyny/gojq":       {"internal/upstream/plain"},
	"github.com/jackc/pgx":          {"internal/store/postgres", "internal/testenv"},
	"github.com/prometheus":         {"internal/status", "internal/telemetry"},
	"github.com/redis/go-redis":     {"internal/ledger", "internal/pace", "internal/testenv"},
	"github.com/rivo/uniseg":        {"internal/status"},
	"github.com/segmentio/encoding": {"internal/afd", "internal/upstream/mediawiki", "internal/upstream/plain"},
	"github.com/spf13":              {"internal/config"},
	"github.com/zeebo/xxh3":         {"internal/harvest"},
	"go.opentelemetry.io":           {"internal/telemetry", "internal/testenv"},
	"golang.org/x/net/html":         {"internal/text"},
	"golang.org/x/net/http2":        {"internal/fetch", "internal/fakeapi"},
	"golang.org/x/oauth2":           {"internal/fetch"},
	"golang.org/x/text/encoding":    {"internal/text"},
	"modernc.org/sqlite":            {"internal/store/sqlite"},
}

// viperOwner is stricter than owners: not even a command may read a setting past internal/config.
const (
	viper      = "github.com/spf13/viper"
	viperOwner = "internal/config"
)

// source is one file of the module.
type source struct {
	path    string
	imports []string
	inits   int
	sleeps  int
}

func (s source) pkg() string { return path.Dir(s.path) }

// test reports whether a file is only part of tests: by its name, or because it lies in x/xtest.
func (s source) test() bool {
	return strings.HasSuffix(s.path, "_test.go") || isContract(s.pkg())
}

// isContract reports whether a package is x/xtest: the tests that each package below x has to pass.
func isContract(pkg string) bool { return path.Base(pkg) == path.Base(path.Dir(pkg))+"test" }

func (s source) wires() bool {
	return strings.HasPrefix(s.path, "cmd/") || strings.HasPrefix(s.path, "scripts/")
}

// faults returns what is wrong with a file, a sentence each.
func faults(s source) []string {
	var found []string
	allowed, known := arrows[s.pkg()]
	if !known && !s.wires() {
		return []string{fmt.Sprintf("%s: package %s is not in the table of arrows: say there what it may import", s.path, s.pkg())}
	}
	for _, name := range s.imports {
		if name == viper && s.pkg() != viperOwner {
			found = append(found, fmt.Sprintf("%s imports viper: only %s reads settings", s.path, viperOwner))
			continue
		}
		if s.wires() {
			found = append(found, wiring(s, name)...)
			continue
		}
		if ours, ok := strings.CutPrefix(name, module); ok {
			own := ours == s.pkg() || strings.HasPrefix(ours, s.pkg()+"/") || isContract(ours) && strings.HasPrefix(s.pkg(), path.Dir(ours)+"/")
			free := s.test() && (own || slices.Contains(inTests, ours) || slices.Contains(alsoInTests[s.pkg()], ours))
			if !free && !slices.Contains(allowed, ours) {
				found = append(found, fmt.Sprintf("%s imports %s: %s may import %v of ours", s.path, ours, s.pkg(), allowed))
			}
			continue
		}
		if owner, who := ownersOf(name); owner && !s.test() && !slices.Contains(who, s.pkg()) {
			found = append(found, fmt.Sprintf("%s imports %s, which belongs to %v", s.path, name, who))
		}
	}
	if s.inits > 0 {
		found = append(found, s.path+" has an init function: what runs before main cannot be seen from main")
	}
	// Within a bubble of synctest a sleep is the way to let time pass; anywhere else it is too
	// short or too long.
	if s.test() && s.sleeps > 0 && !slices.Contains(s.imports, "testing/synctest") {
		found = append(found, s.path+" sleeps outside testing/synctest: wait for what it waits for")
	}
	return found
}

// wiring returns what a command must not do: use the test servers in a worker.
func wiring(s source, name string) []string {
	if s.test() || strings.HasPrefix(s.path, "scripts/") || name != module+"internal/testenv" {
		return nil
	}
	return []string{fmt.Sprintf("%s imports internal/testenv, which is for tests", s.path)}
}

func ownersOf(name string) (bool, []string) {
	for lib, who := range owners {
		if name == lib || strings.HasPrefix(name, lib+"/") {
			return true, who
		}
	}
	return false, nil
}

func TestArrows(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, s := range sources(t) {
		seen[s.pkg()] = true
		for _, f := range faults(s) {
			t.Error(f)
		}
	}
	for pkg := range arrows {
		if !seen[pkg] {
			t.Errorf("the table of arrows names %s, which is not there", pkg)
		}
	}
}

func TestFaultsFindsWhatItIsFor(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		path, imports string
		want          int
	}{
		{"internal/worker/worker.go", "shoal/internal/retry", 0},
		{"internal/worker/worker.go", "shoal/internal/store", 1},
		{"internal/harvest/item.go", "shoal/internal/config", 1},
		{"internal/harvest/item.go", "github.com/zeebo/xxh3", 0},
		{"internal/corpus/file.go", "github.com/zeebo/xxh3", 1},
		{"internal/store/store_test.go", "shoal/internal/testenv", 0},
		{"internal/store/store_test.go", "shoal/internal/store", 0},
		{"internal/store/store_test.go", "shoal/internal/pace", 1},
		{"internal/store/store.go", "shoal/internal/testenv", 1},
		{"internal/store/store_test.go", "shoal/internal/store/storetest", 0},
		{"internal/store/store.go", "shoal/internal/store/storetest", 1},
		{"internal/store/sqlite/sqlite_test.go", "shoal/internal/store/storetest", 0},
		{"internal/store/sqlite/sqlite.go", "shoal/internal/store/postgres", 1},
		{"internal/worker/worker_test.go", "shoal/internal/store/storetest", 1},
		{"internal/store/storetest/land.go", "shoal/internal/testenv", 0},
		{"internal/pace/pace.go", "github.com/jackc/pgx/v5", 1},
		{"internal/pace/pace_test.go", "github.com/jackc/pgx/v5", 0},
		{"cmd/worker/main.go", "shoal/internal/store", 0},
		{"cmd/worker/main.go", "github.com/redis/go-redis/v9", 0},
		{"cmd/worker/main.go", "github.com/spf13/viper", 1},
		{"cmd/worker/main.go", "shoal/internal/testenv", 1},
		{"internal/unheard/of.go", "fmt", 1},
	} {
		if got := faults(source{path: c.path, imports: []string{c.imports}}); len(got) != c.want {
			t.Errorf("faults(%s imports %s) = %q, want %d", c.path, c.imports, got, c.want)
		}
	}
	sleepy := source{path: "internal/pace/pace_test.go", sleeps: 1}
	if got := faults(sleepy); len(got) != 1 {
		t.Errorf("faults(a test that sleeps) = %q, want 1", got)
	}
	sleepy.imports = []string{"testing/synctest"}
	if got := faults(sleepy); len(got) != 0 {
		t.Errorf("faults(a test that sleeps in a bubble) = %q, want none", got)
	}
	if got := faults(source{path: "internal/pace/pace.go", inits: 1}); len(got) != 1 {
		t.Errorf("faults(a file with an init function) = %q, want 1", got)
	}
}

// sources reads the imports of every Go file of the module.
func sources(t *testing.T) []source {
	t.Helper()
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	var all []source
	err = filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && name != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata") {
			return fs.SkipDir
		}
		if _, err := os.Stat(filepath.Join(name, "go.mod")); d.IsDir() && name != root && err == nil {
			return fs.SkipDir // a module of its own
		}
		if d.IsDir() || filepath.Ext(name) != ".go" {
			return nil
		}
		s, err := read(root, name)
		all = append(all, s)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func read(root, name string) (source, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return source{}, err
	}
	file, err := parser.ParseFile(token.NewFileSet(), name, text, parser.SkipObjectResolution)
	if err != nil {
		return source{}, err
	}
	rel, err := filepath.Rel(root, name)
	if err != nil {
		return source{}, err
	}
	s := source{path: filepath.ToSlash(rel)}
	for _, spec := range file.Imports {
		name, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return source{}, err
		}
		s.imports = append(s.imports, name)
	}
	for _, decl := range file.Decls {
		if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
			s.inits++
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok && sel.Sel.Name == "Sleep" {
			if x, ok := sel.X.(*ast.Ident); ok && x.Name == "time" {
				s.sleeps++
			}
		}
		return true
	})
	return s, nil
}

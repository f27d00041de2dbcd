package deploy

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// built are the product's two programs, built once for this test binary.
var built = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "shoal-deploy-")
	if err != nil {
		return "", err
	}
	cmd := exec.Command("go", "build", "-o", dir+string(filepath.Separator), "./cmd/worker", "./cmd/coordinator")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return dir, fmt.Errorf("%s: %w\n%s", cmd, err, out)
	}
	return dir, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if dir, _ := built(); dir != "" {
		_ = os.RemoveAll(dir)
	}
	os.Exit(code)
}

// program is the path of worker or coordinator.
func program(t *testing.T, name string) string {
	t.Helper()
	dir, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, name)
}

var flagLine = regexp.MustCompile(`(?m)^\s+--([a-z][a-z-]*)`)

// asked remembers the output of a program, which does not change while it is tested.
var asked sync.Map

// flags are those that a program, or one of its commands, takes: from its own --help.
func flags(t *testing.T, command ...string) map[string]bool {
	t.Helper()
	key := strings.Join(command, " ")
	if known, ok := asked.Load(key); ok {
		return known.(map[string]bool)
	}
	have := askFlags(t, command)
	asked.Store(key, have)
	return have
}

func askFlags(t *testing.T, command []string) map[string]bool {
	t.Helper()
	have := map[string]bool{}
	out, err := exec.Command(program(t, command[0]), slices.Concat(command[1:], []string{"--help"})...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s --help: %v\n%s", strings.Join(command, " "), err, out)
	}
	for _, match := range flagLine.FindAllSubmatch(out, -1) {
		have[string(match[1])] = true
	}
	if len(have) == 0 {
		t.Fatalf("%s --help shows no flag:\n%s", strings.Join(command, " "), out)
	}
	return have
}

// exitCodes reads the table of exit codes from the source that uses it: name (without Exit) to
// code.
func exitCodes(t *testing.T) map[string]int32 {
	t.Helper()
	codes := map[string]int32{}
	for _, path := range []string{"cmd/internal/exits/exits.go", "cmd/internal/console/console.go"} {
		readExitCodes(t, filepath.Join(root, path), codes)
	}
	if len(codes) < 10 {
		t.Fatalf("%d exit codes were found, want all of the documented ones: %v", len(codes), codes)
	}
	return codes
}

// readExitCodes adds the constants Exit… of a file.
func readExitCodes(t *testing.T, path string, codes map[string]int32) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Names) != 1 || len(spec.Values) != 1 {
			return true
		}
		name, isExit := strings.CutPrefix(spec.Names[0].Name, "Exit")
		literal, isLiteral := spec.Values[0].(*ast.BasicLit)
		if isExit && isLiteral {
			code, err := strconv.Atoi(literal.Value)
			if err != nil {
				t.Fatalf("%s: Exit%s = %s: %v", path, name, literal.Value, err)
			}
			codes[name] = int32(code)
		}
		return true
	})
}

// TestProgramsOfAnImageHaveTheirVersion: a tracked file that the image's build is not given makes
// its version "+dirty", and the Go is named to the patch.
func TestProgramsOfAnImageHaveTheirVersion(t *testing.T) {
	git := exec.Command("git", "ls-files", "--cached", "--ignored", "--exclude-from=.dockerignore")
	git.Dir = root
	if out, err := git.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%s: %v, want no tracked file\n%s", git, err, out)
	}
	text, err := os.ReadFile(filepath.Join(root, "deploy/docker/Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`(?m)^ARG GO_VERSION=\d+\.\d+\.\d+(@sha256:[0-9a-f]{64})?$`).Match(text) {
		t.Error("deploy/docker/Dockerfile names no patch of Go")
	}
}

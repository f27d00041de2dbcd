package testenv

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// built holds what this process built already. It is process-wide, like the cluster, because no
// other place outlives one test.
var built = struct {
	sync.Mutex
	dir      string
	binaries map[string]func() (string, error)
}{binaries: map[string]func() (string, error){}}

// Build builds a command of this module ("./cmd/worker", from the module's root) once per test
// process and returns the path of the binary. flags are those of go build, for example "-race". The
// binary goes away with the process.
func Build(t testing.TB, pkg string, flags ...string) string {
	t.Helper()
	path, err := builder(pkg, flags)()
	if err != nil {
		t.Fatalf("testenv: %v", err)
	}
	return path
}

func builder(pkg string, flags []string) func() (string, error) {
	built.Lock()
	defer built.Unlock()
	key := strings.Join(append(flags, pkg), " ")
	if _, ok := built.binaries[key]; !ok {
		n := len(built.binaries)
		built.binaries[key] = sync.OnceValues(func() (string, error) { return build(n, pkg, flags) })
	}
	return built.binaries[key]
}

func build(n int, pkg string, flags []string) (string, error) {
	root, err := moduleRoot()
	if err != nil {
		return "", err
	}
	dir, err := builtDir()
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, strconv.Itoa(n), filepath.Base(pkg))
	args := append([]string{"build", "-o", path}, flags...)
	cmd := exec.Command("go", append(args, pkg)...)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build %s: %w\n%s", pkg, err, out)
	}
	return path, nil
}

// builtDir makes the folder for binaries once; a leash without a process removes it when this
// process has ended.
func builtDir() (string, error) {
	built.Lock()
	defer built.Unlock()
	if built.dir != "" {
		return built.dir, nil
	}
	dir, err := os.MkdirTemp("", "shoal-build-")
	if err != nil {
		return "", fmt.Errorf("make a folder for binaries: %w", err)
	}
	if _, err := tie(dir, 0); err != nil {
		return "", err
	}
	built.dir = dir
	return dir, nil
}

// moduleRoot returns the nearest folder above the working directory that holds a go.mod.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the module's root: %w", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("find the module's root: no go.mod above the working directory")
		}
		dir = parent
	}
}

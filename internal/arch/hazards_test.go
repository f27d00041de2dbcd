package arch

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	section  = regexp.MustCompile(`^## ([A-E][0-9]+)\. `)
	quoted   = regexp.MustCompile("`([^`]+)`")
	testName = regexp.MustCompile(`^([a-z0-9/]+)\.((?:Test|Fuzz)[A-Za-z0-9_]+)(?:/(.+))?$`)
)

// TestHazards checks docs/hazards.md against the code: each section has at least one row, the last
// column of each row names at least one test, and each test, subtest, story and script named there
// exists.
func TestHazards(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	text, err := os.ReadFile(filepath.Join(root, "docs", "hazards.md"))
	if err != nil {
		t.Fatal(err)
	}
	current, rows := "", map[string]int{}
	for n, line := range strings.Split(string(text), "\n") {
		if m := section.FindStringSubmatch(line); m != nil {
			current = m[1]
			rows[current] = 0
		}
		if current == "" || !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| case |") {
			continue
		}
		rows[current]++
		cells := strings.Split(strings.TrimSuffix(strings.TrimSpace(line), "|"), " | ")
		names := quoted.FindAllStringSubmatch(cells[len(cells)-1], -1)
		if len(names) == 0 {
			t.Errorf("docs/hazards.md:%d names no test in its last column", n+1)
		}
		for _, name := range names {
			if err := hazardTestExists(root, name[1]); err != "" {
				t.Errorf("docs/hazards.md:%d: %s: %s", n+1, name[1], err)
			}
		}
	}
	for name, count := range rows {
		if count == 0 {
			t.Errorf("docs/hazards.md: section %s has no row", name)
		}
	}
	if len(rows) == 0 {
		t.Error("docs/hazards.md has no section")
	}
}

// hazardTestExists returns what is wrong with the name of a test, "" if nothing. A name is
// folder.TestName, folder.TestName/subtest, or the path of a story or a script.
func hazardTestExists(root, name string) string {
	m := testName.FindStringSubmatch(name)
	if m == nil {
		if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(name))); err != nil {
			return "is neither folder.TestName nor a file"
		}
		return ""
	}
	files, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(m[1]), "*.go"))
	if err != nil || len(files) == 0 {
		return "no such package: " + path.Clean(m[1])
	}
	found := false
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			return err.Error()
		}
		found = found || strings.Contains(string(source), "func "+m[2]+"(")
	}
	if !found {
		return "no such test"
	}
	return hazardSubtestExists(files, m[3])
}

// hazardSubtestExists returns what is wrong with the name of a subtest: its words must be in some
// file of the package.
func hazardSubtestExists(files []string, subtest string) string {
	if subtest == "" {
		return ""
	}
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err == nil && strings.Contains(string(source), `"`+subtest+`"`) {
			return ""
		}
	}
	return "no such subtest"
}

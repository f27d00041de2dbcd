package arch

import (
	"bufio"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// maxComment is the widest line of a comment, in columns, with tabs of four.
const maxComment = 100

// TestCommentsFitOneWidth refuses comment lines that are wider than all others. Directives, rows of
// lists and lines that are one long word have no place to break.
func TestCommentsFitOneWidth(t *testing.T) {
	t.Parallel()
	const root = "../.."
	lines := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && strings.HasPrefix(d.Name(), ".") && path != root {
			return fs.SkipDir
		}
		if d.IsDir() || filepath.Ext(path) != ".go" {
			return nil
		}
		n, wide, err := comments(path)
		lines += n
		for _, line := range wide {
			t.Errorf("%s: wider than %d columns: %s", strings.TrimPrefix(path, root+"/"), maxComment, line)
		}
		return err
	})
	if err != nil || lines < 5000 {
		t.Errorf("%d lines of comments were read: %v", lines, err)
	}
}

// comments returns how many lines of the file are comments in prose, and those that are too wide.
func comments(path string) (n int, wide []string, err error) {
	file, err := os.Open(path)
	if err != nil {
		return 0, nil, err
	}
	defer file.Close()
	for scan := bufio.NewScanner(file); scan.Scan(); err = scan.Err() {
		line := scan.Text()
		text, ok := strings.CutPrefix(strings.TrimLeft(line, "\t"), "// ")
		if !ok || strings.HasPrefix(text, "- ") || strings.HasPrefix(text, "nolint") || !strings.Contains(text, " ") {
			continue
		}
		n++
		tabs := len(line) - len(strings.TrimLeft(line, "\t"))
		if 4*tabs+len([]rune(text))+len("// ") > maxComment {
			wide = append(wide, text)
		}
	}
	return n, wide, err
}

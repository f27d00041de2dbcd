package arch

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// phrase is a way to write that has to be read twice, and what to write in its place.
type phrase struct {
	pattern *regexp.Regexp
	except  *regexp.Regexp // matches of pattern within a match of this are fine; nil for none
	instead string
}

// phrases are refused in comments, in messages and in Markdown. A letter in brackets keeps each
// pattern from matching itself.
var phrases = []phrase{
	{regexp.MustCompile(`(?i)\b(tell|say)s? whe[t]her\b`), nil, "reports whether"},
	{regexp.MustCompile(`(?i)\b(is|are) n[o] [a-z]+`), regexp.MustCompile(`(?i)\bthere (is|are) n[o] [a-z]+|\b(is|are) n[o] (longer|more|less|later|larger|smaller|higher|lower|further|faster|evidence)\b`), "is not a …"},
	{regexp.MustCompile(`\bal[o]ne\b`), regexp.MustCompile(`(?i)\b(leav|left|let)[^.]{0,30} al[o]ne\b`), "only …, or … by itself"},
	{regexp.MustCompile(`(?i)\bm[e]nd(s|ed|ing)?\b`), nil, "fix, replace or sanitize"},
	{regexp.MustCompile(`(?i)\bw[a]nts\b`), nil, "needs or requires"},
	{regexp.MustCompile(`(?i)\bst(an|oo)ds? i[n]\b`), nil, "is in"},
	{regexp.MustCompile(`(?i)\bgo(es|ing)? o[n]\b`), nil, "continues"},
	{regexp.MustCompile(`(?i)\b(n[o]body|s[o]mebody|wh[o]ever|[a]nybody)\b`), nil, "the actor: the worker, the operator, the caller, no process"},
	{regexp.MustCompile(`(?i)\b(s[a]ys|t[e]lls|s[a]id|t[o]ld)\b`), nil, "what it does: reports, returns, describes, sends, sets, names"},
	{regexp.MustCompile(`(?i)\bwhat [a-z ]{1,30} is ref[u]sed\b`), nil, "the actor first: the server refused …"},
	{regexp.MustCompile(`(?i)\b(to|can|could) be h[a]d\b`), nil, "is available"},
	{regexp.MustCompile(`(?i)\bfor want o[f]\b`), nil, "because there is no …"},
	{regexp.MustCompile(`(?i)\b(but f[o]r|s[a]ve for)\b`), nil, "except"},
	{regexp.MustCompile(`(?i)\bin v[a]in\b`), nil, "without success"},
	{regexp.MustCompile(`(?i)\bby whom|of wh[o]m\b`), nil, "the actor first"},
}

// codeSpan is text between backquotes on one line of Markdown.
var codeSpan = regexp.MustCompile("`[^`\n]*`")

// messageExempt are folders whose string literals are data: afd reads the words of debates.
var messageExempt = map[string]bool{"internal/afd": true}

// refused returns a sentence for each phrase in a text, the first line of which is line of file.
func refused(file string, line int, text string) (found []string) {
	for _, p := range phrases {
		var fine [][]int
		if p.except != nil {
			fine = p.except.FindAllStringIndex(text, -1)
		}
	matches:
		for _, m := range p.pattern.FindAllStringIndex(text, -1) {
			for _, f := range fine {
				if f[0] <= m[0] && m[1] <= f[1] {
					continue matches
				}
			}
			at := line + strings.Count(text[:m[0]], "\n")
			found = append(found, fmt.Sprintf("%s:%d: %q: write %s", file, at, text[m[0]:m[1]], p.instead))
		}
	}
	return found
}

// refusedInGo checks the comments of a Go file and, unless it is a test, its messages: the string
// literals with a blank in them.
func refusedInGo(file, folder string) (found []string, err error) {
	set := token.NewFileSet()
	parsed, err := parser.ParseFile(set, file, nil, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	for _, group := range parsed.Comments {
		for _, c := range group.List {
			found = append(found, refused(file, set.Position(c.Pos()).Line, c.Text)...)
		}
	}
	if strings.HasSuffix(file, "_test.go") || messageExempt[folder] {
		return found, nil
	}
	ast.Inspect(parsed, func(n ast.Node) bool {
		lit, ok := n.(*ast.BasicLit)
		if !ok || lit.Kind != token.STRING || !strings.Contains(lit.Value, " ") {
			return true
		}
		if text, err := strconv.Unquote(lit.Value); err == nil {
			found = append(found, refused(file, set.Position(lit.Pos()).Line, text)...)
		}
		return true
	})
	return found, nil
}

// TestPlainEnglish refuses phrases that have to be read twice, in the whole tree.
func TestPlainEnglish(t *testing.T) {
	t.Parallel()
	const root = "../.."
	files := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); name == "testdata" || strings.HasPrefix(name, ".") && path != root && name != ".github" {
				return fs.SkipDir
			}
			return nil
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		var found []string
		folder := filepath.ToSlash(filepath.Dir(name))
		switch filepath.Ext(path) {
		case ".go":
			found, err = refusedInGo(path, folder)
		case ".md":
			var text []byte
			text, err = os.ReadFile(path)
			found = refused(path, 1, codeSpan.ReplaceAllStringFunc(string(text), func(span string) string {
				return strings.Repeat("x", len(span)) // names of tests and stored words are as they are
			}))
		default:
			return nil
		}
		files++
		for _, sentence := range found {
			t.Error(strings.TrimPrefix(sentence, root+"/"))
		}
		return err
	})
	if err != nil || files < 200 {
		t.Errorf("%d files were read: %v", files, err)
	}
}

func TestRefusedFindsWhatItIsFor(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text string
		want string // in the sentence; empty: nothing is refused
	}{
		{"It reports whether the lease is held.", ""},
		{"It t\u0065lls whether the lease is held.", "reports whether"},
		{"That is n\u006f item.", "is not a"},
		{"There is no item.", ""},
		{"It is no longer held.", ""},
		{"Only the store is asked.", ""},
		{"The store al\u006fne is asked.", "only"},
		{"The host is to be left alone.", ""},
		{"The run g\u006fes on.", "continues"},
		{"N\u006fbody holds it.", "the actor"},
		{"first line\nsecond, f\u006fr want of room", "because"},
	} {
		got := strings.Join(refused("page.md", 1, c.text), "\n")
		if c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("refused(%q) = %q, want %q in it", c.text, got, c.want)
		}
	}
	if got := refused("page.md", 7, "fine\nin v\u0061in"); len(got) != 1 || !strings.HasPrefix(got[0], "page.md:8: ") {
		t.Errorf("refused() = %q, want the line of the phrase", got)
	}
}

package config

import (
	"errors"
	"strings"
	"testing"

	"shoal/internal/upstream/all"
)

// FuzzParseFile expects an error or a configuration; the printed configuration must read back as
// the same.
func FuzzParseFile(f *testing.F) {
	for _, seed := range []string{
		"", "rate: 5/s\n", "keep-header: [A, B]\n", "extract: |\n  .a,\n  .b\n", "extract: '{\"a\": \\u0000}'\n", "run: ~\nbatch: 07\n",
		"headers: [{name: X-A, value: 'b: c'}]\nauth: {kind: bearer, secret-env: A}\n", "profiles: {mine: {rate: 5, headers: []}}\n",
		"a: &a [*a]\n", "? {a: b}\n: c\n", "extract: \"a\\x85b\\u2028\"\n", "corpus: 'a # b'\nurl: \" x \"\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		parsed, err := parseFile(fileName, []byte(text), credentials(all.Kinds()))
		if err != nil {
			if !errors.Is(err, ErrUsage) {
				t.Fatalf("parseFile(%q) = error %v, want one that matches ErrUsage", text, err)
			}
			return
		}
		printed := printFile(t, parsed)
		again, err := parseFile(fileName, []byte(printed), credentials(all.Kinds()))
		if err != nil {
			t.Fatalf("parseFile(printed) = error %v\nprinted:\n%s", err, printed)
		}
		if second := printFile(t, again); values(second) != values(printed) {
			t.Errorf("printed twice:\n%s\nwant\n%s", values(second), values(printed))
		}
	})
}

func printFile(t *testing.T, parsed *file) string {
	t.Helper()
	l := &layers{set: InWorker, environ: map[string]string{}, file: parsed}
	l.build()
	var b strings.Builder
	if err := l.print(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

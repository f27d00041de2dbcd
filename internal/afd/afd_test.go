package afd

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew, to be read before they are committed")

// golden is what a golden file holds: the discussion, with its records as their JSON.
type golden struct {
	Outcome  *Outcome          `json:"outcome"`
	Blanked  bool              `json:"blanked"`
	Articles []string          `json:"articles"`
	Records  []json.RawMessage `json:"records"`
}

func goldenOf(t *testing.T, d Discussion) []byte {
	t.Helper()
	g := golden{Outcome: d.Outcome, Blanked: d.Blanked, Articles: d.Articles, Records: []json.RawMessage{}}
	for _, r := range d.Rows() {
		g.Records = append(g.Records, r.Data)
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(g); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func pages(t testing.TB) []string {
	t.Helper()
	names, err := filepath.Glob("testdata/*.wiki")
	if err != nil || len(names) == 0 {
		t.Fatalf("Glob(testdata/*.wiki) = %q, %v, want the pages", names, err)
	}
	return names
}

func TestPages(t *testing.T) {
	for _, name := range pages(t) {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".wiki"), func(t *testing.T) {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			got := goldenOf(t, Parse(Page{Title: "Wikipedia:Articles for deletion/Page", PageID: 7, RevID: 11, Text: string(text)}))
			file := strings.TrimSuffix(name, ".wiki") + ".json"
			if *update {
				if err := os.WriteFile(file, got, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("Parse(%s) = %s, want %s", name, got, want)
			}
		})
	}
}

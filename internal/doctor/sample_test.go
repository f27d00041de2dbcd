package doctor

import (
	"context"
	"errors"
	"flag"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"shoal/internal/exchange"
	"shoal/internal/harvest"
)

// Write the sample again with: go test ./internal/doctor -run TestSample -update
var update = flag.Bool("update", false, "write the sample of docs/doctor.md")

const page = "../../docs/doctor.md"

// sampleGroups are a fleet with a Redis that drops keys, and an upstream whose certificate ends
// soon. Each answer takes a fixed time of the bubble.
func sampleGroups() []Group {
	here := machine{known: true, files: 1024, disk: Disk{Free: 212 << 30}}
	nothing := func(context.Context) error { return nil }
	return []Group{
		OfSettings(Settings{
			File: "shoal.yaml", Complete: true, Agent: "shoal/v0.2.0 (ada@uni.edu; bot) Go/1.26", Rate: "20/s", Expressions: nothing,
			Corpus: func(context.Context) (string, string, error) {
				return "ids.txt, whose first item is on api.museum.org", "", nil
			},
			Contact: func() error { return nil }, Site: func() error { return nil },
		}),
		OnMachine(40, ".", here),
		InPostgres("postgres://shoal@db:5432/shoal", Postgres{
			Connect: func(context.Context) error { time.Sleep(4 * time.Millisecond); return nil },
			Pooler:  nothing, Writes: nothing,
			Tables:   func(context.Context) (string, error) { return "schema version 10, and the role may use it", nil },
			Settings: func(context.Context) (map[string]string, error) { return nil, nil },
			Server: func(context.Context) (PostgresServer, error) {
				return PostgresServer{Version: "17.2", Role: "shoal", Database: "shoal", Bytes: 3 << 30, Connections: 91, Usable: 97, Clock: 800 * time.Microsecond}, nil
			},
		}, here),
		InRedis("redis://db:6379", Redis{
			Reach: func(context.Context) (bool, error) { return true, nil }, Role: nothing, Rights: nothing, Keys: nothing,
			Policy: func(context.Context) error {
				return errors.New("this Redis is not safe to pace with: its maxmemory-policy is allkeys-lru, so it may drop the budget at any time; set it to noeviction or a volatile-* policy")
			},
			Server: func(context.Context) (RedisServer, error) {
				return RedisServer{Version: "7.4.1", Policy: "allkeys-lru", Memory: 40 << 20, MaxMemory: 256 << 20, Clock: 90 * time.Second, Answer: 310 * time.Microsecond}, nil
			},
		}),
		OfUpstream(Upstream{
			Origin: "https://api.museum.org", Agent: "shoal/v0.2.0", Mask: func(s string) string { return s }, Rate: 20, Concurrency: 40,
			Lookup: func(context.Context, string) ([]string, error) { return []string{"203.0.113.7"}, nil },
			Peer: func(context.Context) (Peer, error) {
				return Peer{Address: "203.0.113.7:443", Protocol: "h2", TLS: "TLS 1.3", Issued: time.Now().AddDate(-1, 0, 0), Expires: time.Now().AddDate(0, 0, 9).Add(time.Hour), Took: 38 * time.Millisecond}, nil
			},
			Turn:    func(context.Context) string { return "" },
			Open:    func(context.Context) (*exchange.Client, error) { return nil, errors.New("not reached") },
			Request: &harvest.Request{Method: "GET", URL: "https://api.museum.org/v1/items/4711"},
		}),
	}
}

// TestSample compares the sample of the page with what is printed.
func TestSample(t *testing.T) {
	t.Parallel()
	var text string
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Date(2026, 12, 1, 8, 0, 0, 0, time.UTC)))
		r := Examine(t.Context(), sampleGroups(), func(error) int { return 2 })
		text = r.Text()
	})
	data, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, _ := strings.Cut(string(data), "```text\n")
	sample, after, ok := strings.Cut(rest, "```")
	if !ok {
		t.Fatalf("%s has no sample", page)
	}
	if *update {
		if err := os.WriteFile(page, []byte(before+"```text\n"+text+"```"+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if sample != text {
		t.Errorf("%s has the sample\n%s\nwant\n%s", page, sample, text)
	}
}

// TestPageNamesEachCheck checks that the page has a row for each check.
func TestPageNamesEachCheck(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	groups := append(sampleGroups(), InSQLite(SQLite{}, machine{}), Unusable("upstream", "", "", nil), Absent("upstream", "", ""))
	for _, group := range groups {
		for _, row := range group.Rows {
			if !strings.Contains(string(data), "`"+row.Name+"`") {
				t.Errorf("%s does not name %s", page, row.Name)
			}
		}
	}
}

package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"shoal/internal/harvest"
	"shoal/internal/store"
	"shoal/internal/store/postgres"
	"shoal/internal/store/storetest"
	"shoal/internal/testenv"
)

var whole = harvest.Shard{Index: 0, Of: 1}

func openRun(t testing.TB, url string) *store.Store {
	t.Helper()
	s := storetest.Open(t, open, url, store.Options{Version: "v1", Application: "shoal test"})
	if _, _, err := s.OpenRun(t.Context(), harvest.Run{Name: storetest.Name, Inputs: storetest.Inputs()}); err != nil {
		t.Fatal(err)
	}
	return s
}

func batchOf(n int) []harvest.Page {
	pages := make([]harvest.Page, n)
	for i := range pages {
		pages[i] = storetest.Page(i, `{"x": 1}`)
	}
	return pages
}

func connect(t testing.TB, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func queryOne[T any](t testing.TB, conn *pgx.Conn, sql string, args ...any) T {
	t.Helper()
	var v T
	if err := conn.QueryRow(t.Context(), sql, args...).Scan(&v); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return v
}

// eventually waits until the condition holds.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-ctx.Done():
			t.Fatalf("still not so after 30 s: %s", what)
		case <-tick.C:
		}
	}
}

// stopHalfWay makes COPY wait in the middle of a batch: another transaction has inserted, and not
// yet committed, one of its keys.
func stopHalfWay(t testing.TB, url string, pages []harvest.Page) {
	t.Helper()
	keys := make([]harvest.Key, len(pages))
	for i := range pages {
		keys[i] = pages[i].Key
	}
	slices.SortFunc(keys, harvest.Key.Compare)
	conn := connect(t, url)
	for _, sql := range []string{"BEGIN", fmt.Sprintf(`INSERT INTO shoal.pages (run, key, url, outcome, fetched_at)
		VALUES ('%s', '%s', 'x', 'landed', now())`, storetest.Name, keys[len(keys)/2])} {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
}

func TestPostgresKilledInTheMiddleOfCopyLosesAndKeepsNothing(t *testing.T) {
	t.Parallel()
	server := testenv.OwnPostgres(t)
	s := openRun(t, server.URL)
	pages := batchOf(1000)
	land := take(t, s, storetest.Name, whole)
	stopHalfWay(t, server.URL, pages)
	watcher := connect(t, server.URL)

	landed := make(chan error, 1)
	go func() {
		_, err := land(context.Background(), pages)
		landed <- err
	}()
	eventually(t, "COPY waits half-way", func() bool {
		return queryOne[bool](t, watcher, `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query ILIKE 'copy%')`)
	})
	server.Kill()
	if err := <-landed; !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("land(while the server dies) = %v, want ErrUnavailable", err)
	}
	if _, err := s.Totals(t.Context(), storetest.Name); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Totals(without a server) = %v, want ErrUnavailable", err)
	}
	if _, err := s.Known(t.Context(), storetest.Name, []harvest.Key{{}}); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Known(without a server) = %v, want ErrUnavailable", err)
	}
	for _, err := range s.Keys(t.Context(), storetest.Name) {
		if !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("Keys(without a server) yields %v, want ErrUnavailable", err)
		}
	}
	if _, err := postgres.Open(t.Context(), server.URL, store.Options{}); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Open(without a server) = %v, want ErrUnavailable", err)
	}

	server.Start()
	after := connect(t, server.URL)
	if n := queryOne[int](t, after, "SELECT count(*) FROM shoal.pages"); n != 0 {
		t.Errorf("after the kill there are %d pages of the batch, want 0", n)
	}
	if got, err := land(t.Context(), pages); err != nil || got.Landed != 1000 {
		t.Errorf("land(again) = %+v, %v, want 1,000 landed, nil", got, err)
	}
	eventually(t, "the pool has new connections", func() bool {
		counts, err := s.Totals(t.Context(), storetest.Name)
		return err == nil && counts.Landed == 1000
	})
}

func TestLandingUnknownToHaveCommittedIsRepeatedSafely(t *testing.T) {
	t.Parallel()
	server := testenv.OwnPostgres(t)
	s := openRun(t, server.URL)
	land := take(t, s, storetest.Name, whole)
	pages := batchOf(500)
	stopHalfWay(t, server.URL, pages[:1]) // keeps the landing open until the server is frozen
	watcher := connect(t, server.URL)

	ctx, cancel := context.WithCancel(t.Context())
	landed := make(chan error, 1)
	go func() {
		_, err := land(ctx, pages)
		landed <- err
	}()
	eventually(t, "COPY waits", func() bool {
		return queryOne[bool](t, watcher, `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query ILIKE 'copy%')`)
	})
	server.Freeze()
	limited, stop := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer stop()
	if _, err := s.Totals(limited, storetest.Name); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Totals(of a frozen server) = %v, want ErrUnavailable", err)
	}
	cancel()
	if err := <-landed; !errors.Is(err, context.Canceled) {
		t.Errorf("land(cancelled) = %v, want context.Canceled", err)
	}
	server.Thaw()
	execPostgres(t, server.URL, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = 'idle in transaction'")
	if _, err := land(t.Context(), pages); err != nil {
		t.Errorf("land(again) = %v, want nil", err)
	}
	after := connect(t, server.URL)
	if n := queryOne[int](t, after, "SELECT count(*) FROM shoal.pages"); n != 500 {
		t.Errorf("after both landings there are %d pages, want 500", n)
	}
	if n := queryOne[int](t, after, "SELECT landed FROM shoal.shards"); n != 500 {
		t.Errorf("after both landings the shard counts %d, want 500", n)
	}
}

func TestPostgresRefusesWhatOnlyJSONBRefuses(t *testing.T) {
	t.Parallel()
	s := openRun(t, testenv.Postgres(t).URL)
	poison := map[int]struct {
		change func(p *harvest.Page)
		reason string
	}{
		10: {func(p *harvest.Page) { p.Records[0].Data = []byte(`{"a": "\u0000"}`) }, "bad_text"},
		20: {func(p *harvest.Page) { p.Records[0].Data = []byte(`"\ud800"`) }, "bad_json"},
		30: {func(p *harvest.Page) { p.Records[0].Data = []byte(`1e200000`) }, "bad_number"},
		40: {func(p *harvest.Page) {
			p.Body = []byte(strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000))
		}, "too_complex"},
		50: {func(p *harvest.Page) { p.Outcome = "nonsense" }, "store_refused_23514"},
	}
	pages := batchOf(64)
	for i, bad := range poison {
		bad.change(&pages[i])
	}
	counts, err := take(t, s, storetest.Name, whole)(t.Context(), pages)
	if err != nil || counts.Landed != 59 || counts.Skipped != 5 {
		t.Fatalf("land(64 pages, 5 of them poison) = %+v, %v, want 59 landed, 5 skipped, nil", counts, err)
	}
	reasons := make(map[harvest.Key]string)
	query := store.Query{Run: storetest.Name, What: store.PageRows, Outcomes: []harvest.Outcome{harvest.Skipped}}
	if err := s.Export(t.Context(), query, func(r store.Row) error { reasons[r.Page.Key] = r.Page.Reason; return nil }); err != nil {
		t.Fatal(err)
	}
	for i, bad := range poison {
		if got := reasons[pages[i].Key]; got != bad.reason {
			t.Errorf("page %d is skipped for %q, want %q", i, got, bad.reason)
		}
	}
}

func TestLandingInADroppedRunSaysSo(t *testing.T) {
	t.Parallel()
	url := testenv.Postgres(t).URL
	s := openRun(t, url)
	land := take(t, s, storetest.Name, whole)
	execPostgres(t, url, fmt.Sprintf(`DROP TABLE shoal."pages_%s"`, storetest.Name))
	_, err := land(t.Context(), batchOf(3))
	if !errors.Is(err, store.ErrNoRun) || errors.Is(err, store.ErrUnavailable) {
		t.Errorf("land(in a dropped run) = %v, want ErrNoRun, not to be repeated", err)
	}
}

func TestRoleThatMayNotCreate(t *testing.T) {
	t.Parallel()
	server := testenv.OwnPostgres(t)
	execPostgres(t, server.URL, "CREATE ROLE lab LOGIN")
	asLab := strings.Replace(server.URL, "shoal@", "lab@", 1)

	_, err := postgres.Open(t.Context(), asLab, store.Options{Version: "v1"})
	if !errors.Is(err, store.ErrSchema) || !mentions(err, "lab", "coordinator schema", "GRANT") {
		t.Fatalf("Open(a role without CREATE, no schema) = %v, want ErrSchema that names the role and what to do", err)
	}
	owner := openRun(t, server.URL)
	execPostgres(t, server.URL, "GRANT USAGE ON SCHEMA shoal TO lab", "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA shoal TO lab")

	s := openRun(t, asLab)
	land := take(t, s, storetest.Name, whole)
	for _, want := range []int64{10, 0} { // the second time through the staging tables
		if got, err := land(t.Context(), batchOf(10)); err != nil || got.Landed != want {
			t.Errorf("land(as a role without CREATE) = %+v, %v, want %d landed, nil", got, err, want)
		}
	}
	mine, err := s.Fingerprint(t.Context(), storetest.Name)
	if owners, ownerErr := owner.Fingerprint(t.Context(), storetest.Name); err != nil || ownerErr != nil || mine != owners {
		t.Errorf("Fingerprint() = %s, %v as lab and %s, %v as the owner, want the same", mine, err, owners, ownerErr)
	}
	_, _, err = s.OpenRun(t.Context(), harvest.Run{Name: "2027q1", Inputs: storetest.Inputs()})
	if err == nil || errors.Is(err, store.ErrUnavailable) || !mentions(err, "lab", "owner", "2027q1") {
		t.Errorf("OpenRun(new, as a role without CREATE) = %v, want a sentence with the role and what to do", err)
	}
}

func mentions(err error, parts ...string) bool {
	return err != nil && !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(err.Error(), part) })
}

func TestBodiesArePackedWithLZ4EverywhereOnTheirWay(t *testing.T) {
	t.Parallel()
	url := testenv.Postgres(t).URL
	s := openRun(t, url)
	conn := connect(t, url)
	if !queryOne[bool](t, conn, "SELECT EXISTS (SELECT FROM pg_settings WHERE name = 'default_toast_compression' AND 'lz4' = ANY (enumvals))") {
		if !strings.Contains(strings.Join(s.Warnings, "\n"), "lz4") {
			t.Errorf("Warnings() = %q, want one about lz4", s.Warnings)
		}
		return
	}
	pages := []harvest.Page{storetest.Page(1), storetest.Page(2)}
	for i := range pages {
		pages[i].Body = []byte(`"` + strings.Repeat("all work and no play ", 1000) + `"`)
	}
	land := take(t, s, storetest.Name, whole)
	for _, batch := range [][]harvest.Page{pages[:1], pages} { // the second through the staging table
		if _, err := land(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
	}
	if n := queryOne[int](t, conn, "SELECT count(*) FROM shoal.pages WHERE pg_column_compression(body) = 'lz4'"); n != 2 {
		t.Errorf("%d of 2 bodies are packed with lz4", n)
	}
}

func TestExportOfALargeRunIsNotSorted(t *testing.T) {
	t.Parallel()
	url := testenv.Postgres(t).URL
	s := openRun(t, url)
	if _, err := take(t, s, storetest.Name, whole)(t.Context(), batchOf(2000)); err != nil {
		t.Fatal(err)
	}
	conn := connect(t, url)
	for _, what := range []store.What{store.PageRows, store.RecordRows} {
		plan := postgres.ExplainExport(t, conn, store.Query{Run: storetest.Name, What: what})
		if strings.Contains(plan, "Sort") || strings.Contains(plan, "Nested") || !strings.Contains(plan, "Index") {
			t.Errorf("Export(%s) sorts the whole run first:\n%s", what, plan)
		}
	}
}

func TestFingerprintOfAPartitionMadeAgain(t *testing.T) {
	t.Parallel()
	url := testenv.Postgres(t).URL
	s := openRun(t, url)
	before, err := s.Fingerprint(t.Context(), storetest.Name)
	if err != nil {
		t.Fatal(err)
	}
	execPostgres(t, url, `DROP TABLE shoal."pages_2026q4"`, `CREATE TABLE shoal."pages_2026q4" PARTITION OF shoal.pages FOR VALUES IN ('2026q4')`)
	after, err := s.Fingerprint(t.Context(), storetest.Name)
	if err != nil || after == before {
		t.Errorf("Fingerprint(after a restore from a dump) = %s, %v, want another than %s, nil", after, err, before)
	}
}

func TestSchemaByHandIsASchema(t *testing.T) {
	t.Parallel()
	server := testenv.OwnPostgres(t)
	execPostgres(t, server.URL, "CREATE ROLE lab LOGIN", postgres.Schema(), "GRANT USAGE ON SCHEMA shoal TO lab", "GRANT SELECT ON ALL TABLES IN SCHEMA shoal TO lab")
	s := storetest.Open(t, open, strings.Replace(server.URL, "shoal@", "lab@", 1), store.Options{Version: "v1"})
	if runs, err := s.ListRuns(t.Context()); err != nil || len(runs) != 0 {
		t.Errorf("ListRuns() = %v, %v, want none, nil", runs, err)
	}
}

func TestWarnings(t *testing.T) {
	t.Parallel()
	unsafe := openRun(t, testenv.OwnPostgres(t).URL) // which runs with fsync=off
	if got := strings.Join(unsafe.Warnings, "\n"); !strings.Contains(got, "fsync") {
		t.Errorf("Warnings(fsync=off) = %q, want one about fsync", got)
	}
	safe := openRun(t, testenv.OwnPostgres(t, "fsync=on").URL)
	if got := strings.Join(safe.Warnings, "\n"); strings.Contains(got, "fsync") || strings.Contains(got, "encrypted") {
		t.Errorf("Warnings(fsync=on, loopback) = %q, want none about fsync or encryption", got)
	}
}

func TestApplicationName(t *testing.T) {
	t.Parallel()
	url := testenv.Postgres(t).URL
	openRun(t, url)
	if n := queryOne[int](t, connect(t, url), "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'shoal test' AND datname = current_database()"); n == 0 {
		t.Error("no session is called by Options.Application")
	}
}

func TestMistypedSSLModeIsNamed(t *testing.T) {
	t.Parallel()
	_, err := postgres.Open(t.Context(), "postgres://127.0.0.1/db?sslmode=verify", store.Options{})
	if !mentions(err, "sslmode", "verify-full") {
		t.Errorf("Open(sslmode=verify) = %v, want an error that lists the modes", err)
	}
}

func TestErrorsHoldNoPassword(t *testing.T) {
	t.Parallel()
	const canary = "s3cr3t-canary"
	for _, url := range []string{
		"postgres://u:" + canary + "@127.0.0.1:1/db",
		"postgres://u:" + canary + "@127.0.0.1:port/db",
		"postgres://u:" + canary + "%zz@127.0.0.1/db",
		"postgres://u:" + canary + "/x@127.0.0.1/db",
		"postgres://u:p@" + canary + "@127.0.0.1:x/db",
		"postgres://127.0.0.1:1/db?password=" + canary + "&sslmode=nonsense",
		"postgres://127.0.0.1:1/db?password=" + canary,
		"postgresql://u:" + canary + "@[::1/db",
		"host=127.0.0.1 port=1 password=" + canary,
		"mysql://u:" + canary + "@127.0.0.1/db",
	} {
		_, err := postgres.Open(t.Context(), url, store.Options{})
		if err == nil || strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), canary) {
			t.Errorf("Open(a URL with a password) = %v, want an error without the password", err)
		}
	}
}

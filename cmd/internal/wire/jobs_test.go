package wire

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"shoal/internal/aside"
	"shoal/internal/harvest"
	"shoal/internal/upstream/plain"
)

func TestMain(m *testing.M) {
	if args := os.Args[1:]; aside.Called(args) {
		os.Exit(aside.Serve(args, os.Stdin, os.Stdout, new(plain.Jobs).Do))
	}
	os.Exit(m.Run())
}

// reader is a plain upstream whose expressions run in processes of their own.
func reader(t *testing.T, c plain.Config) *plain.Upstream {
	t.Helper()
	pool, err := aside.New(2, 96<<20)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := pool.Close(); err != nil {
			t.Error(err)
		}
	})
	c.Aside = pool
	u, err := plain.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func readText(u *plain.Upstream, body string) harvest.Reading {
	items := []harvest.Item{{Key: harvest.KeyOf("x"), URL: "https://api.example/x", ID: "1"}}
	return u.Read(&harvest.Request{Items: items}, harvest.NewAnswer(harvest.Answer{Status: 200, Body: []byte(body)}, nil))
}

// inShort is a reading in a line.
func inShort(r harvest.Reading) string {
	text := fmt.Sprintf("%d pages, fault %q, %q, %v", len(r.Pages), r.Fault, r.Reason, r.Cause)
	for _, page := range r.Pages {
		text += fmt.Sprintf("; %s %s, %.100s, %d records", page.Outcome, page.Reason, page.Detail, len(page.Records))
	}
	return text
}

// texts are answers on which one step of an expression takes hours, or all memory.
var (
	blanks   = `{"s":"` + strings.Repeat(" ", 1<<20) + `"}`
	digits   = `{"s":"` + strings.Repeat("7", 8<<20) + `"}`
	number   = `{"n":` + strings.Repeat("7", 100_000) + `}`
	long     = `{"n":` + strings.Repeat("7", 8<<20) + `}`
	lists    = `{"a":[` + strings.Repeat("1,", 300_000) + `1],"b":[` + strings.Repeat("2,", 300_000) + `2]}`
	millions = `{"n":1000000000000}`
)

// TestStuckExpressions: whatever an expression does on an answer, the item is skipped within the
// limit, and the next one is read.
func TestStuckExpressions(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ jq, body string }{
		"gsub on blanks":                   {`.s | gsub(" ";"")`, blanks},
		"gsub of nothing":                  {`.s | gsub("";"a")`, blanks},
		"scan of blanks":                   {`[.s | scan(" ")]`, blanks},
		"splits of blanks":                 {`[.s | splits(" ")]`, blanks},
		"test with nested repetition":      {`[range(100000) as $i | .s | test("(a{0,500}){0,2}b")]`, blanks},
		"tonumber of digits":               {`.s | tonumber`, digits},
		"fromjson of digits":               {`.s | fromjson + 1`, digits},
		"arithmetic on a long number":      {`.n + 1`, long},
		"comparison of a long number":      {`.n > 1`, long},
		"equality of a long number":        {`select(.n == 1e5)`, long},
		"list minus list":                  {`.a - .b`, lists},
		"indices of a list":                {`.a | indices(.[0:200000])`, lists},
		"a list as an index":               {`[.a[.a[0:100000] + .b[0:1]]]`, lists},
		"combinations":                     {`[.a, .a, .a] | combinations | length | select(. == 4)`, lists},
		"text times number":                {`(.n | tostring) * 250000000 * 250000000`, millions},
		"text that doubles":                {`reduce range(100) as $i ("a"; . + .)`, millions},
		"a list that doubles":              {`reduce range(100) as $i ([1]; . + .)`, millions},
		"numbers that square":              {`reduce range(60) as $i (7; . * . * 1000000007)`, number},
		"a range that is collected":        {`[range(.n)]`, millions},
		"a range that yields nothing":      {`range(.n) | select(. < 0)`, millions},
		"until without end":                {`until(false; .)`, millions},
		"while without end":                {`[while(true; .)]`, millions},
		"repeat without end":               {`[repeat(1)]`, millions},
		"limit of repeat":                  {`[limit(.n; repeat("x"))]`, millions},
		"recursion in its tail":            {`def f: f; f`, millions},
		"recursion that grows":             {`def f: [f]; f`, millions},
		"recursion that never ends a list": {`[recurse([.])]`, millions},
		"a tree too deep for native steps": {`reduce range(3000000) as $i (0; [.]) | tojson`, millions},
		"a deep tree flattened":            {`reduce range(3000000) as $i (0; [.]) | flatten`, millions},
		"a deep tree compared":             {`reduce range(3000000) as $i (0; [.]) | . == .`, millions},
		"setpath at the end of the world":  {`[] | .[500000000] = 1`, millions},
		"implode of a range":               {`[range(.n) | 65] | implode`, millions},
		"walk of all, again and again":     {`def f: walk(.), f; f | select(. == 1)`, lists},
		"a path of everything, squared":    {`[paths as $p | paths | . + $p] | length`, lists},
		"group_by all by all":              {`[.a[] as $x | .b[] | . + $x] | group_by(.)`, lists},
		"@json of what doubles":            {`reduce range(100) as $i (.; [.,.]) | @json`, millions},
		"ltrimstr, repeated":               {`def f: ltrimstr(" ") | f; .s | f`, blanks},
		"strptime":                         {`[range(.n) as $i | "2015-03-05T23:51:47Z" | fromdate]`, millions},
		"a list of lists transposed":       {`[[range(100000)]] | [.[0][] as $i | [range(100000)]] | transpose`, millions},
		"an error for ever":                {`def f: try error(".") catch f; f`, millions},
		"getpath for ever":                 {`def f: getpath(["a"]) | f; f`, millions},
		"ascii_downcase of what doubles":   {`reduce range(40) as $i ("A"; . + . | ascii_downcase)`, millions},
		"base64 of what doubles":           {`reduce range(99) as $i ("A"; @base64)`, millions},
		"split into bytes, joined":         {`def f: split("") | join("  ") | f; .s | f`, blanks},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := plain.Config{Extract: c.jq, Limit: 700 * time.Millisecond, MaxRecords: 1000}
			if c.body == long { // longer than what JSON in a store may hold
				config.Body = plain.BodyRaw
			}
			u := reader(t, config)
			began := time.Now()
			r := readText(u, c.body)
			took := time.Since(began)
			if r.Fault != harvest.FaultNone || len(r.Pages) != 1 || r.Pages[0].Reason != plain.ReasonExtractFailed || string(r.Pages[0].Body)+string(r.Pages[0].Raw) != c.body {
				t.Errorf("Read() = %s, want a page skipped as %s that keeps its body", inShort(r), plain.ReasonExtractFailed)
			}
			if took > 30*time.Second { // an unloaded machine takes a little more than the limit
				t.Errorf("Read() took %s", took)
			}
			if r := readText(u, `{"s":"1","n":1,"a":[1],"b":[2]}`); r.Fault != harvest.FaultNone || len(r.Pages) != 1 {
				t.Errorf("Read() of the next answer = %s, want a page", inShort(r))
			}
		})
	}
}

// TestStuckFlags: an expression of any flag that has to be ended costs its item, at the first try,
// and nothing else.
func TestStuckFlags(t *testing.T) {
	t.Parallel()
	const stuck = "[range(1000000000000)]"
	for flag, c := range map[string]plain.Config{
		"check":         {Check: stuck},
		"wait":          {Wait: stuck + " | 0"},
		"extract":       {Extract: stuck},
		"split":         {Template: "https://api.example/?ids={ids}", Split: stuck, ID: ".id"},
		"id":            {Template: "https://api.example/?ids={ids}", Split: ".", ID: stuck},
		"part":          {Template: "https://api.example/?ids={ids}", Split: ".", ID: `"1"`, Extract: stuck},
		"check of many": {Template: "https://api.example/?ids={ids}", Split: ".", ID: ".id", Check: stuck},
	} {
		t.Run(flag, func(t *testing.T) {
			t.Parallel()
			c.Limit = 500 * time.Millisecond
			r := readText(reader(t, c), `{"id":1}`)
			if r.Fault != harvest.FaultNone || len(r.Pages) != 1 || r.Pages[0].Outcome != harvest.Skipped || r.Pages[0].Reason != plain.ReasonExtractFailed {
				t.Errorf("Read() = %s, want the item skipped as %s", inShort(r), plain.ReasonExtractFailed)
			}
		})
	}
	for flag, c := range map[string]plain.Config{"next": {Next: stuck}, "items": {Items: stuck}, "check of items": {Items: ".[]", Check: stuck}, "wait of items": {Items: ".[]", Wait: stuck}} {
		t.Run("listing "+flag, func(t *testing.T) {
			t.Parallel()
			c.Limit = 500 * time.Millisecond
			u := reader(t, c)
			request, err := u.ListRequest("https://api.example/list", "")
			if err != nil {
				t.Fatal(err)
			}
			_, _, r := u.ReadList(request, "https://api.example/list", 1, harvest.NewAnswer(harvest.Answer{Status: 200, Body: []byte(`{"id":1}`)}, nil),
				func(string) (harvest.Item, error) { return harvest.Item{}, nil })
			if r.Fault != harvest.FaultFatal || r.Cause == nil {
				t.Errorf("ReadList() = %s, want an answer that is not asked for again, with the cause", inShort(r))
			}
		})
	}
}

// TestStuckStored: coordinator extract treats stored bodies in the same way.
func TestStuckStored(t *testing.T) {
	t.Parallel()
	u := reader(t, plain.Config{Extract: `.s | gsub(" ";"")`, Limit: time.Second})
	if records, err := u.Records([]byte(blanks)); err == nil {
		t.Errorf("Records() = %d records, want an error", len(records))
	}
	if records, err := u.Records([]byte(`{"s":"a b"}`)); err != nil || len(records) != 1 || string(records[0].Data) != `"ab"` {
		t.Errorf("Records() = %v, %v, want ab", records, err)
	}
}

// TestAsideIsTheSame: an expression yields the same wherever it runs.
func TestAsideIsTheSame(t *testing.T) {
	t.Parallel()
	const body = `{"a":[1,2.50,-0,12345678901234567890123,1e400,"x <>&","é😀",null,true,{"z":1,"a":[]}],"n":9007199254740993,"s":"A b"}`
	for _, jq := range []string{".", ".a[]", ".a[] | tojson", ".n + 1", "[.a[] | type]", ".s | ascii_downcase", "to_entries[]", "nan, infinite, -infinite",
		"[env, $ENV]", "empty", `error("no")`, "1, halt, 2", `.a.b`, "keys", ".. | numbers", "[limit(3; .a[])]", `.s / " "`, "input_filename", `@base64 "x\(.s)"`, "$__prog_args"} {
		here, err := plain.New(plain.Config{Extract: jq})
		if err != nil {
			continue // an error of the person's, wherever it would run
		}
		want, got := readText(here, body), readText(reader(t, plain.Config{Extract: jq}), body)
		if diff := cmp.Diff(essence(want), essence(got)); diff != "" {
			t.Errorf("Read() with %s (-here +aside):\n%s", jq, diff)
		}
	}
}

// essence is what matters of a reading.
func essence(r harvest.Reading) (all []string) {
	for _, page := range r.Pages {
		all = append(all, string(page.Outcome), page.Reason, page.Detail, string(page.Body))
		for _, record := range page.Records {
			all = append(all, string(record.Data))
		}
	}
	return all
}

// BenchmarkExtract reads an answer of 8 kB: with an expression that runs here, and with one that
// runs aside. The processor's time of both processes counts.
func BenchmarkExtract(b *testing.B) {
	body := []byte(`{"id":17,"title":"` + strings.Repeat("A title ", 4) + `","rest":[` + strings.TrimSuffix(strings.Repeat(`{"a":1,"b":"some text here","c":[1,2,3]},`, 200), ",") + `]}`)
	item := harvest.Item{Key: harvest.KeyOf("x"), URL: "https://api.example/x"}
	for name, c := range map[string]struct {
		extract string
		aside   bool
	}{"linear": {"{id,title}", true}, "other/here": {"{id,title:(.title|ascii_downcase)}", false}, "other/aside": {"{id,title:(.title|ascii_downcase)}", true}} {
		b.Run(name, func(b *testing.B) {
			before := spent()
			pool, err := aside.New(1, 128<<20)
			if err != nil {
				b.Fatal(err)
			}
			config := plain.Config{Extract: c.extract}
			if c.aside {
				config.Aside = pool
			}
			u, err := plain.New(config)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				r := u.Read(&harvest.Request{Items: []harvest.Item{item}}, harvest.NewAnswer(harvest.Answer{Status: 200, Body: body}, nil))
				if len(r.Pages) != 1 || len(r.Pages[0].Records) != 1 {
					b.Fatalf("Read() = %+v, want a page with a record", r)
				}
			}
			if err := pool.Close(); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64((spent()-before).Microseconds())/float64(b.N), "cpu-us/op")
		})
	}
}

// spent is the processor's time of this process and of those that have ended.
func spent() (cpu time.Duration) {
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var u syscall.Rusage
		_ = syscall.Getrusage(who, &u) // a benchmark shows 0 then
		cpu += time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	return cpu
}

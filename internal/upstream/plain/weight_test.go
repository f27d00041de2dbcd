package plain

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// TestWeight checks that what is counted for an answer before it is decoded is at least what it
// takes, and not many times as much. It does not run in parallel: other tests would be measured
// with it.
func TestWeight(t *testing.T) {
	many := func(one string) []byte { return []byte("[" + strings.Repeat(one+",", 200_000) + one + "]") }
	var members bytes.Buffer
	for i := range 200_000 {
		fmt.Fprintf(&members, `"k%d":%d,`, i, i)
	}
	for name, text := range map[string][]byte{
		"small objects":      many(`{"a":1}`),
		"empty objects":      many(`{}`),
		"empty lists":        many(`[]`),
		"objects in objects": many(`{"a":{"b":{"c":{}}}}`),
		"eight members":      many(`{"a":1,"b":2,"c":3,"d":4,"e":5,"f":6,"g":7,"h":8}`),
		"nine members":       many(`{"a":1,"b":2,"c":3,"d":4,"e":5,"f":6,"g":7,"h":8,"i":9}`),
		"twenty members":     many(`{"a":1,"b":2,"c":3,"d":4,"e":5,"f":6,"g":7,"h":8,"i":9,"j":1,"k":1,"l":1,"m":1,"n":1,"o":1,"p":1,"q":1,"r":1,"s":1,"t":1}`),
		"numbers":            many(`1`),
		"large numbers":      many(`1234567.5`),
		"texts":              many(`"abcdefghijklmnop"`),
		"lists of one":       many(`[1]`),
		"one large object":   append([]byte("{"), append(bytes.TrimSuffix(members.Bytes(), []byte(",")), '}')...),
		"prose":              document(4<<20, strings.Repeat("The quick brown fox. ", 200)),
	} {
		found, err := scan(text, 256)
		if err != nil {
			t.Fatal(err)
		}
		before := live()
		tree := decode(text)
		took := live() - before
		runtime.KeepAlive(tree)
		if weight := found.weight(text); weight < took || weight > 6*took+1<<20 {
			t.Errorf("weight(%s) = %d KiB, want between the %d KiB that it takes and six times that", name, weight>>10, took>>10)
		}
	}
}

// live returns how many bytes are in use after a garbage collection.
func live() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

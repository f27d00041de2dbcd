package harvest_test

import (
	"bufio"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"shoal/internal/harvest"
)

// A changed key loses a run: no store row of it would be found again.
func TestKeysAreWhatTheyAlwaysWere(t *testing.T) {
	t.Parallel()
	file, err := os.Open("testdata/keys.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	vectors := 0
	for lines := bufio.NewScanner(file); lines.Scan(); {
		want, canonical, ok := strings.Cut(lines.Text(), "\t")
		if !ok {
			continue
		}
		vectors++
		if got := harvest.KeyOf(canonical).String(); got != want {
			t.Errorf("KeyOf(%.80q) = %s, want %s", canonical, got, want)
		}
	}
	if vectors != 14 {
		t.Errorf("vectors in testdata/keys.txt = %d, want 14", vectors)
	}
}

func TestAKeyCountsMethodAndBodyWhenTheyAreNotThoseOfAGET(t *testing.T) {
	t.Parallel()
	const url = "https://api.example/search"
	body := []byte(`{"q":[1,2]}`)
	post, err := harvest.NewItem(url, "", "POST", body)
	if err != nil {
		t.Fatal(err)
	}
	// As in testdata/keys.txt, the digest of the body was computed by an independent program too.
	if got, want := post.Canonical(), "POST "+url+" 1d874bf44b18df60f21cdd6ecc27b3be"; got != want {
		t.Errorf("Canonical() = %q, want %q", got, want)
	}
	keys := map[harvest.Key]string{}
	for _, c := range []struct {
		name, method string
		body         []byte
	}{{"GET", "", nil}, {"HEAD", "HEAD", nil}, {"POST without body", "POST", nil}, {"POST", "POST", body}, {"POST of another", "POST", body[1:]}} {
		item, err := harvest.NewItem(url, "", c.method, c.body)
		if other, taken := keys[item.Key]; err != nil || taken {
			t.Errorf("NewItem(%s).Key = %v, %v: that of %s, want its own", c.name, item.Key, err, other)
		}
		keys[item.Key] = c.name
	}
	named, err := harvest.NewItem(url, "id", "GET", nil)
	if err != nil || keys[named.Key] != "GET" || named.Verb() != "GET" || named.Method != "" {
		t.Errorf("NewItem(GET, with an id) = %+v, %v, want the key of GET without one", named, err)
	}
}

func TestParseKeyReadsWhatStringWrites(t *testing.T) {
	t.Parallel()
	for i := range 100 {
		key := harvest.KeyOf(strings.Repeat("x", i))
		for _, text := range []string{key.String(), strings.ReplaceAll(key.String(), "-", ""), strings.ToUpper(key.String())} {
			if got, err := harvest.ParseKey(text); err != nil || got != key {
				t.Errorf("ParseKey(%s) = %v, %v, want %v", text, got, err, key)
			}
		}
	}
	good := harvest.KeyOf("").String()
	for _, text := range []string{"", good[1:], good + "0", "g" + good[1:], strings.Repeat("-", 40), "https://a.example/"} {
		if got, err := harvest.ParseKey(text); err == nil {
			t.Errorf("ParseKey(%q) = %v, nil, want an error", text, got)
		}
	}
}

func TestKeysCompareByTheirBytes(t *testing.T) {
	t.Parallel()
	for range 1000 {
		a, b := randomKey(), randomKey()
		if got, want := a.Compare(b), strings.Compare(a.String(), b.String()); (got < 0) != (want < 0) || (got > 0) != (want > 0) {
			t.Errorf("%v.Compare(%v) = %d, want %d", a, b, got, want)
		}
		if a.Compare(a) != 0 {
			t.Errorf("%v.Compare(itself) = %d, want 0", a, a.Compare(a))
		}
	}
}

func randomKey() (k harvest.Key) {
	for i := range k {
		k[i] = byte(rand.UintN(256))
	}
	return k
}

func digest(keys []harvest.Key) (d harvest.Digest) {
	for _, k := range keys {
		d.Add(k)
	}
	return d
}

func TestADigestKnowsTheKeysButNotTheirOrder(t *testing.T) {
	t.Parallel()
	keys := make([]harvest.Key, 1000)
	for i := range keys {
		keys[i] = randomKey()
	}
	want := digest(keys)
	rand.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
	if got := digest(keys); got != want {
		t.Errorf("digest of the same keys in another order = %d %s, want %d %s", got.Count, got.Sum(), want.Count, want.Sum())
	}
	for name, other := range map[string][]harvest.Key{
		"one less":          keys[1:],
		"one repeated":      append(keys[:len(keys):len(keys)], keys[0]),
		"one for another":   append(keys[1:len(keys):len(keys)], randomKey()),
		"none":              nil,
		"one for a repeat":  append(keys[1:len(keys):len(keys)], keys[1]),
		"two instead of it": append(keys[1:len(keys):len(keys)], randomKey(), randomKey()),
	} {
		if got := digest(other); got.Count == want.Count && got.Sum() == want.Sum() {
			t.Errorf("digest with %s = %s, want another", name, got.Sum())
		}
	}
}

func TestADigestCarriesFromTheLowHalf(t *testing.T) {
	t.Parallel()
	var low, one harvest.Key
	for i := 8; i < 16; i++ {
		low[i] = 0xff
	}
	one[15] = 1
	if got, want := digest([]harvest.Key{low, one}).Sum(), "00000000000000010000000000000000"; got != want {
		t.Errorf("Sum() = %s, want %s", got, want)
	}
	var all harvest.Key
	for i := range all {
		all[i] = 0xff
	}
	if got, want := digest([]harvest.Key{all, one}).Sum(), strings.Repeat("0", 32); got != want {
		t.Errorf("Sum() = %s, want %s: modulo 2^128", got, want)
	}
}

package ledger_test

import (
	"context"
	"errors"
	"iter"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/redis/go-redis/v9"

	"shoal/internal/harvest"
	"shoal/internal/ledger"
	"shoal/internal/testenv"
)

const gen = "0a1b2c3d"

func keysOf(seed uint64, n int) []harvest.Key {
	random := rand.New(rand.NewPCG(seed, 7))
	keys := make([]harvest.Key, n)
	for i := range keys {
		for j := range keys[i] {
			keys[i][j] = byte(random.UintN(256))
		}
	}
	return keys
}

func known(t *testing.T, l *ledger.Ledger, gen string, keys []harvest.Key) int {
	t.Helper()
	found, err := l.Known(t.Context(), gen, keys)
	if err != nil || len(found) != len(keys) {
		t.Fatalf("Known() = %d answers for %d keys, %v, want one each", len(found), len(keys), err)
	}
	n := 0
	for _, yes := range found {
		if yes {
			n++
		}
	}
	return n
}

func mark(t *testing.T, l *ledger.Ledger, gen string, keys []harvest.Key) {
	t.Helper()
	if err := l.Mark(t.Context(), gen, keys); err != nil {
		t.Fatalf("Mark() = %v, want nil", err)
	}
}

func TestTheLedgerKnowsWhatWasMarkedAndNothingElse(t *testing.T) {
	t.Parallel()
	client := testenv.Redis(t).Client(t)
	for _, bits := range []int{0, 10, 22} {
		l := ledger.New(client, "bits"+strconv.Itoa(bits), bits)
		keys := keysOf(uint64(bits), 10000)
		marked := keys[:5000]
		mark(t, l, gen, marked)
		mark(t, l, gen, marked[:1000])
		found, err := l.Known(t.Context(), gen, keys)
		if err != nil {
			t.Fatal(err)
		}
		for i, yes := range found {
			if yes != (i < 5000) {
				t.Fatalf("Known() with %d bits of key %d = %v, want %v", bits, i, yes, i < 5000)
			}
		}
		shuffled := slices.Clone(marked)
		rand.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		if n := known(t, l, gen, append(shuffled, shuffled...)); n != 10000 {
			t.Errorf("Known() of all keys twice with %d bits = %d, want 10000", bits, n)
		}
	}
	l := ledger.New(client, "empty", 0)
	mark(t, l, gen, nil)
	if n := known(t, l, gen, nil); n != 0 {
		t.Errorf("Known() of no key = %d, want 0", n)
	}
}

func TestRunsAndGenerationsDoNotSeeEachOther(t *testing.T) {
	t.Parallel()
	client := testenv.Redis(t).Client(t)
	keys := keysOf(1, 500)
	mark(t, ledger.New(client, "one", 0), gen, keys)
	if n := known(t, ledger.New(client, "two", 0), gen, keys); n != 0 {
		t.Errorf("Known() in another run = %d, want 0", n)
	}
	if n := known(t, ledger.New(client, "one", 0), "ffffffff", keys); n != 0 {
		t.Errorf("Known() in another generation = %d, want 0", n)
	}
}

func TestTheLayoutIsWhatOthersReadToo(t *testing.T) {
	t.Parallel()
	client := testenv.Redis(t).Client(t)
	var key harvest.Key
	copy(key[:], "\x80\x00\x80\x00\x00\x00\x00\x01\xff\xff\xff\xff\xff\xff\xff\xfe")
	mark(t, ledger.New(client, "2026q4", 17), gen, []harvest.Key{key})
	name := "shoal:{2026q4}:0a1b2c3d:done:65537"
	if got, err := client.SMembers(t.Context(), name).Result(); err != nil || !slices.Equal(got, []string{"-2"}) {
		t.Errorf("SMEMBERS %s = %v, %v, want [-2]", name, got, err)
	}
}

func TestSetsStayArraysOfIntegers(t *testing.T) {
	t.Parallel()
	client := testenv.Redis(t).Client(t)
	const items = 100_000
	bits := ledger.BucketBits(items)
	l := ledger.New(client, "r", bits)
	mark(t, l, gen, keysOf(2, items))
	for bucket := range 1 << bits {
		name := "shoal:{r}:" + gen + ":done:" + strconv.Itoa(bucket)
		if got, err := client.ObjectEncoding(t.Context(), name).Result(); got != "intset" {
			t.Fatalf("OBJECT ENCODING of bucket %d of %d = %q, %v, want intset", bucket, 1<<bits, got, err)
		}
	}
	if n, err := client.DBSize(t.Context()).Result(); err != nil || n != 1<<bits {
		t.Errorf("keys in Redis = %d, %v, want %d", n, err, 1<<bits)
	}
}

func TestBucketBits(t *testing.T) {
	t.Parallel()
	for items, want := range map[int64]int{
		0: 17, -1: 17, 1: 10, 256 << 10: 10, 256<<10 + 1: 11, 256 << 11: 11, 20_000_000: 17, 100_000_000: 19, 1_000_000_000: 22, 1 << 60: 22,
	} {
		if got := ledger.BucketBits(items); got != want {
			t.Errorf("BucketBits(%d) = %d, want %d", items, got, want)
		}
	}
}

// trips counts the round trips of a client.
type trips struct{ n atomic.Int64 }

func (c *trips) DialHook(next redis.DialHook) redis.DialHook          { return next }
func (c *trips) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }
func (c *trips) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, commands []redis.Cmder) error {
		c.n.Add(1)
		return next(ctx, commands)
	}
}

func TestAThousandKeysAreOneRoundTrip(t *testing.T) {
	t.Parallel()
	client := testenv.Redis(t).Client(t)
	count := &trips{}
	client.AddHook(count)
	l := ledger.New(client, "r", 0)
	keys := keysOf(3, 10000)
	for _, n := range []int{1, 1000, 4096} {
		count.n.Store(0)
		known(t, l, gen, keys[:n])
		mark(t, l, gen, keys[:n])
		if got := count.n.Load(); got != 2 {
			t.Errorf("round trips of Known and Mark with %d keys = %d, want 2", n, got)
		}
	}
	count.n.Store(0)
	if known(t, l, gen, keys); count.n.Load() != 3 {
		t.Errorf("round trips of Known with 10000 keys = %d, want 3", count.n.Load())
	}
}

func TestALostLedgerKnowsNothingAndInventsNothing(t *testing.T) {
	t.Parallel()
	server := testenv.Redis(t)
	client := server.Client(t)
	l := ledger.New(client, "r", 0)
	keys := keysOf(4, 1000)
	mark(t, l, gen, keys)
	if err := client.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	if n := known(t, l, gen, keys); n != 0 {
		t.Errorf("Known() after FLUSHALL = %d, want 0", n)
	}
	mark(t, l, gen, keys)
	server.Kill()
	if found, err := l.Known(t.Context(), gen, keys); found != nil || !errors.Is(err, ledger.ErrAway) || errors.Is(err, ledger.ErrUnsafe) {
		t.Errorf("Known() without Redis = %v, %v, want nil, ErrAway", found, err)
	}
	if err := l.Mark(t.Context(), gen, keys); !errors.Is(err, ledger.ErrAway) {
		t.Errorf("Mark() without Redis = %v, want ErrAway", err)
	}
	server.Start()
	if n := known(t, l, gen, keys); n != 0 {
		t.Errorf("Known() after a restart without a disk = %d, want 0", n)
	}
}

func TestAnInterruptedCallSaysSo(t *testing.T) {
	t.Parallel()
	server := testenv.Redis(t)
	l := ledger.New(server.Client(t), "r", 0)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, err := range map[string]error{"Mark": l.Mark(ctx, gen, keysOf(5, 1)), "Drop": l.Drop(ctx, gen), "Check": ledger.Check(ctx, server.Client(t))} {
		if !errors.Is(err, context.Canceled) || errors.Is(err, ledger.ErrAway) {
			t.Errorf("%s() = %v, want context.Canceled", name, err)
		}
	}
}

func TestDropForgetsOneGenerationOfOneRun(t *testing.T) {
	t.Parallel()
	client := testenv.Redis(t).Client(t)
	keys := keysOf(6, 5000)
	one, other := ledger.New(client, "r", 0), ledger.New(client, "r2", 0)
	mark(t, one, gen, keys)
	mark(t, one, "ffffffff", keys)
	mark(t, other, gen, keys)
	// Sets of another number of buckets belong to this generation too.
	mark(t, ledger.New(client, "r", 22), gen, keys)
	for range 2 {
		if err := one.Drop(t.Context(), gen); err != nil {
			t.Fatalf("Drop() = %v, want nil", err)
		}
	}
	if n := known(t, one, gen, keys); n != 0 {
		t.Errorf("Known() after Drop = %d, want 0", n)
	}
	if left, err := client.Keys(t.Context(), "shoal:{r}:"+gen+":*").Result(); err != nil || len(left) != 0 {
		t.Errorf("keys left by Drop = %d, %v, want none", len(left), err)
	}
	if a, b := known(t, one, "ffffffff", keys), known(t, other, gen, keys); a != 5000 || b != 5000 {
		t.Errorf("Known() in the other generation and run = %d, %d, want 5000, 5000", a, b)
	}
}

func sequence(keys []harvest.Key, last error) iter.Seq2[harvest.Key, error] {
	return func(yield func(harvest.Key, error) bool) {
		for _, key := range keys {
			if !yield(key, nil) {
				return
			}
		}
		if last != nil {
			yield(harvest.Key{}, last)
		}
	}
}

func TestRefill(t *testing.T) {
	t.Parallel()
	client := testenv.Redis(t).Client(t)
	l := ledger.New(client, "r", 0)
	keys := keysOf(7, 10001)
	if n, err := ledger.Refill(t.Context(), l, gen, sequence(keys, nil)); n != 10001 || err != nil {
		t.Errorf("Refill() = %d, %v, want 10001, nil", n, err)
	}
	if n := known(t, l, gen, keys); n != 10001 {
		t.Errorf("Known() after Refill = %d, want 10001", n)
	}
	failed := errors.New("the store went away")
	n, err := ledger.Refill(t.Context(), l, "ffffffff", sequence(keys, failed))
	if !errors.Is(err, failed) || n != int64(known(t, l, "ffffffff", keys)) {
		t.Errorf("Refill() from a failing store = %d, %v, want what is marked and its error", n, err)
	}
	if n, err := ledger.Refill(t.Context(), l, "00000000", sequence(nil, nil)); n != 0 || err != nil {
		t.Errorf("Refill() of nothing = %d, %v, want 0, nil", n, err)
	}
}

func TestAdviceNamesASettingThatWouldMakeSetsLarge(t *testing.T) {
	t.Parallel()
	client := testenv.Redis(t).Client(t)
	for _, c := range []struct {
		bits  int
		items int64
		want  string
	}{{17, 0, ""}, {17, 20_000_000, ""}, {17, 100_000_000, "set-max-intset-entries 929"}, {10, 1_000_000, "set-max-intset-entries 1165"}} {
		got := ledger.New(client, "r", c.bits).Advice(t.Context(), c.items)
		if !strings.Contains(got, c.want) || (got == "") != (c.want == "") {
			t.Errorf("Advice(%d) with %d bits = %q, want …%s…", c.items, c.bits, got, c.want)
		}
	}
	if err := client.Do(t.Context(), "ACL", "SETUSER", "default", "-config").Err(); err != nil {
		t.Fatal(err)
	}
	if got := ledger.New(client, "r", 17).Advice(t.Context(), 100_000_000); got != "" {
		t.Errorf("Advice() where CONFIG is forbidden = %q, want none", got)
	}
}

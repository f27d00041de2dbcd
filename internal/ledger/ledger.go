// Package ledger mirrors in Redis which keys of a run are committed, so that "is it done?" costs
// one round trip for a thousand keys and nine bytes a key.
//
// In go keys that the store has committed; out comes, for any keys, which of them were marked. The
// ledger may forget but never invents: for a key that it does not know the caller asks the store,
// and a key that it knows was marked after its commit. It never reads the store, decides nothing,
// and has no twin without Redis: there the caller asks only the store.
//
// Keys in Redis, all of one run on one cluster slot:
//
//	shoal:{RUN}:GEN:done:<bucket>   SET of signed decimals
//
// The bucket is the key's top bits, the member its low 64 bits. The sets are small and hold only
// integers, so that Redis keeps them as sorted arrays of eight bytes a member.
package ledger

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"math"
	"math/bits"
	"slices"
	"strconv"

	"github.com/redis/go-redis/v9"

	"shoal/internal/harvest"
)

const (
	// DefaultBucketBits holds 33 million keys at 256 in a set.
	DefaultBucketBits = 17
	minBucketBits     = 10
	maxBucketBits     = 22

	// membersPerBucket is the average that the number of buckets aims at: half of what Redis keeps
	// as an array by default, since hashes never spread evenly.
	membersPerBucket = 256

	// chunk bounds the keys in one round trip, so that a slow Redis is not blocked for long.
	chunk = 4096
)

// BucketBits returns how many bits of the key choose the set in a run of so many items; 0 items:
// unknown.
func BucketBits(items int64) int {
	if items <= 0 {
		return DefaultBucketBits
	}
	buckets := uint64((items + membersPerBucket - 1) / membersPerBucket)
	return min(max(bits.Len64(buckets-1), minBucketBits), maxBucketBits)
}

// Ledger is the mirror of one run. It is safe for concurrent use.
type Ledger struct {
	client redis.UniversalClient
	run    string
	bits   int
}

// New makes the ledger of a run. All processes that work on the run must pass the same bucketBits;
// 0 means [DefaultBucketBits]. New sends nothing.
func New(client redis.UniversalClient, run string, bucketBits int) *Ledger {
	if bucketBits == 0 {
		bucketBits = DefaultBucketBits
	}
	return &Ledger{client: client, run: run, bits: bucketBits}
}

func (l *Ledger) prefix(gen string) string { return "shoal:{" + l.run + "}:" + gen + ":done:" }

func (l *Ledger) bucket(k harvest.Key) uint64 { return k.Hi() >> (64 - l.bits) }

// Known returns for each key whether it was marked in this generation. An error wraps [ErrUnsafe]
// or [ErrAway], or is the context's; then nothing is known.
func (l *Ledger) Known(ctx context.Context, gen string, keys []harvest.Key) ([]bool, error) {
	known := make([]bool, len(keys))
	for first := 0; first < len(keys); first += chunk {
		last := min(first+chunk, len(keys))
		if err := l.known(ctx, gen, keys[first:last], known[first:last]); err != nil {
			return nil, fmt.Errorf("ask the ledger of run %s about %d keys: %w", l.run, len(keys), classify(ctx, err))
		}
	}
	return known, nil
}

func (l *Ledger) known(ctx context.Context, gen string, keys []harvest.Key, known []bool) error {
	type asked struct {
		group  group
		answer *redis.BoolSliceCmd
	}
	pipe := l.client.Pipeline()
	var all []asked
	for g := range l.groups(keys) {
		all = append(all, asked{g, pipe.SMIsMember(ctx, l.prefix(gen)+g.bucket, g.members...)})
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return err
	}
	for _, one := range all {
		for i, yes := range one.answer.Val() {
			known[one.group.at[i]] = yes
		}
	}
	return nil
}

// Mark marks keys that the store has committed. Repeating it changes nothing. An error wraps
// [ErrUnsafe] or [ErrAway], or is the context's; then any part of the keys may be marked.
func (l *Ledger) Mark(ctx context.Context, gen string, keys []harvest.Key) error {
	for part := range slices.Chunk(keys, chunk) {
		pipe := l.client.Pipeline()
		for g := range l.groups(part) {
			pipe.SAdd(ctx, l.prefix(gen)+g.bucket, g.members...)
		}
		if _, err := pipe.Exec(ctx); err != nil {
			return fmt.Errorf("mark %d keys in the ledger of run %s: %w", len(keys), l.run, classify(ctx, err))
		}
	}
	return nil
}

// group is the keys of one bucket.
type group struct {
	bucket  string
	members []any
	at      []int // their places among all keys
}

func (l *Ledger) groups(keys []harvest.Key) iter.Seq[group] {
	order := make([]int, len(keys))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(l.bucket(keys[a]), l.bucket(keys[b])) })
	return func(yield func(group) bool) {
		for first := 0; first < len(order); {
			bucket := l.bucket(keys[order[first]])
			last := first
			var members []any
			for ; last < len(order) && l.bucket(keys[order[last]]) == bucket; last++ {
				members = append(members, strconv.FormatInt(int64(keys[order[last]].Lo()), 10))
			}
			if !yield(group{strconv.FormatUint(bucket, 10), members, order[first:last]}) {
				return
			}
			first = last
		}
	}
}

// Refill marks all keys that the store yields, in batches, and returns how many it marked. It stops
// at the first error, of the keys or of Redis.
func Refill(ctx context.Context, l *Ledger, gen string, keys iter.Seq2[harvest.Key, error]) (n int64, err error) {
	batch := make([]harvest.Key, 0, chunk)
	flush := func() error {
		err := l.Mark(ctx, gen, batch)
		if err == nil {
			n += int64(len(batch))
			batch = batch[:0]
		}
		return err
	}
	for key, err := range keys {
		if err != nil {
			return n, fmt.Errorf("read the committed keys of run %s: %w", l.run, err)
		}
		if batch = append(batch, key); len(batch) == chunk {
			if err := flush(); err != nil {
				return n, err
			}
		}
	}
	return n, flush()
}

// Drop forgets one generation. It looks through the keys of Redis a thousand at a time and lets
// Redis free the memory in the background, so that other users of the same Redis hardly notice.
// What it has dropped before an error stays dropped.
func (l *Ledger) Drop(ctx context.Context, gen string) error {
	if err := l.drop(ctx, gen); err != nil {
		return fmt.Errorf("drop generation %s from the ledger of run %s: %w", gen, l.run, classify(ctx, err))
	}
	return nil
}

// DropRun forgets all generations of the run, as [Ledger.Drop] forgets one.
func (l *Ledger) DropRun(ctx context.Context) error {
	if err := l.unlink(ctx, "shoal:{"+l.run+"}:"); err != nil {
		return fmt.Errorf("drop the ledger of run %s: %w", l.run, classify(ctx, err))
	}
	return nil
}

func (l *Ledger) drop(ctx context.Context, gen string) error { return l.unlink(ctx, l.prefix(gen)) }

// unlink removes all keys with a prefix. A run's name holds nothing that a pattern would take for
// more.
func (l *Ledger) unlink(ctx context.Context, prefix string) error {
	var node redis.Cmdable = l.client
	if cluster, ok := l.client.(*redis.ClusterClient); ok {
		// The run's name is the hash tag: one node has it all.
		master, err := cluster.MasterForKey(ctx, prefix)
		if err != nil {
			return err
		}
		node = master
	}
	for cursor := uint64(0); ; {
		keys, next, err := node.Scan(ctx, cursor, prefix+"*", 1000).Result()
		if err != nil {
			return err
		}
		if len(keys) > 0 {
			if err := node.Unlink(ctx, keys...).Err(); err != nil {
				return err
			}
		}
		if cursor = next; cursor == 0 {
			return nil
		}
	}
}

// Advice returns a sentence about a setting that would make the sets of a run of that many items
// (0: unknown) take about ten times the memory, or "". It also returns "" if the server does not
// reveal its settings.
func (l *Ledger) Advice(ctx context.Context, items int64) string {
	const setting = "set-max-intset-entries"
	found, err := l.client.ConfigGet(ctx, setting).Result()
	have, unknown := strconv.Atoi(found[setting])
	if err != nil || unknown != nil {
		return ""
	}
	mean := float64(membersPerBucket)
	if items > 0 {
		mean = float64(items) / float64(uint64(1)<<l.bits)
	}
	// Six standard deviations above the mean: not one set in a hundred million is larger.
	need := int(math.Ceil(mean + 6*math.Sqrt(mean)))
	if have >= need {
		return ""
	}
	return fmt.Sprintf("Redis keeps sets of more than %d numbers in a form ten times as large; run: CONFIG SET %s %d", have, setting, need)
}

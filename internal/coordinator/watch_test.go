package coordinator

import (
	"slices"
	"testing"
	"time"

	"shoal/internal/harvest"
)

// TestThatNoWorkerIsThereIsSaidOnce checks that workers which come and go are not reported each
// time, and that one that is missed for long is.
func TestThatNoWorkerIsThereIsSaidOnce(t *testing.T) {
	t.Parallel()
	var said []time.Duration
	began := time.Now()
	at := time.Duration(0)
	w := watch{run: "r", began: began, say: func(string) { said = append(said, at) }}
	held := []harvest.ShardState{{Shard: harvest.Shard{Of: 1}, Held: true}}
	for at = 0; at < 3*time.Minute; at += time.Second {
		s := RunStatus{Run: harvest.Run{Name: "r", Shards: 1}, At: began.Add(at)}
		if at < 20*time.Second && at%(4*time.Second) > time.Second || at == 100*time.Second {
			s.Shards = held
		}
		w.take(s)
	}
	if want := []time.Duration{0, 101 * time.Second}; !slices.Equal(said, want) {
		t.Errorf("said at %v, want at %v", said, want)
	}
}

package faults

import (
	"errors"
	"strings"
	"testing"

	"shoal/internal/harvest"
	"shoal/internal/store"
)

func TestBusyNamesTheWorkerThatIsAlive(t *testing.T) {
	t.Parallel()
	half := harvest.Shard{Index: 1, Of: 2}
	for _, test := range []struct {
		name   string
		shards []harvest.ShardState
		says   string
	}{
		{"no shard", nil, ""},
		{"given back", []harvest.ShardState{{Owner: "lab"}}, ""},
		{"silent", []harvest.ShardState{{Owner: "lab", Held: true, Lapsed: true}}, ""},
		{"alive", []harvest.ShardState{{Owner: "gone"}, {Shard: half, Owner: "lab", Held: true}}, "lab holds shard 1/2"},
		{"without a name", []harvest.ShardState{{Shard: half, Held: true}}, "a worker holds shard 1/2"},
	} {
		err := Busy(test.shards)
		if test.says == "" && err != nil || test.says != "" && (!errors.Is(err, store.ErrBusy) || !strings.Contains(err.Error(), test.says)) {
			t.Errorf("%s: Busy() = %v, want %q", test.name, err, test.says)
		}
	}
}

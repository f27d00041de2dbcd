package harvest

import (
	"fmt"
	"strconv"
	"strings"
)

// Shard is the part Index of Of equal parts of a corpus, counted from 0.
type Shard struct{ Index, Of int }

// MaxShards bounds Of; beyond it a shard is too small to be worth a lease.
const MaxShards = 65536

// ParseShard reads "3/8".
func ParseShard(s string) (Shard, error) {
	left, right, ok := strings.Cut(s, "/")
	index, err1 := strconv.Atoi(left)
	of, err2 := strconv.Atoi(right)
	if !ok || err1 != nil || err2 != nil || of < 1 || index < 0 {
		return Shard{}, fmt.Errorf("shard %q: write it as i/N, such as 3/8", s)
	}
	if of > MaxShards {
		return Shard{}, fmt.Errorf("shard %q: a corpus is cut into at most %d shards", s, MaxShards)
	}
	if index >= of {
		return Shard{}, fmt.Errorf("shard %q: shards count from 0: 0/%d … %d/%d", s, of, of-1, of)
	}
	return Shard{Index: index, Of: of}, nil
}

// Owns reports whether the item with this key belongs to the shard.
func (s Shard) Owns(k Key) bool { return s.Of <= 1 || k.Hi()%uint64(s.Of) == uint64(s.Index) }

// String returns the form that [ParseShard] reads.
func (s Shard) String() string { return strconv.Itoa(s.Index) + "/" + strconv.Itoa(s.Of) }

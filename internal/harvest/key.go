package harvest

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/bits"

	"github.com/zeebo/xxh3"
)

// Key names an item for ever: the 128-bit XXH3 (seed 0) of its canonical form, big-endian, high
// half first. PostgreSQL stores it as a uuid, SQLite as a 16-byte blob.
type Key [16]byte

// KeyOf hashes the canonical form of an item, see [Item.Canonical].
func KeyOf(canonical string) Key {
	sum := xxh3.HashString128(canonical)
	return Key(sum.Bytes())
}

// StepKey returns the key of the page of one step of a listing; steps count from 1.
func StepKey(seed string, step int64) Key { return KeyOf(fmt.Sprintf("list:%s#%d", seed, step)) }

// Hi returns the high half of the key. It chooses the shard and the ledger's bucket.
func (k Key) Hi() uint64 { return binary.BigEndian.Uint64(k[:8]) }

// Lo returns the low half of the key. It is the member in the ledger's bucket.
func (k Key) Lo() uint64 { return binary.BigEndian.Uint64(k[8:]) }

// String returns the key as PostgreSQL prints it: 8-4-4-4-12 lower-case hex digits.
func (k Key) String() string {
	h := hex.EncodeToString(k[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// ParseKey reads what [Key.String] wrote; the dashes may be left out.
func ParseKey(s string) (Key, error) {
	var digits [32]byte
	n := 0
	for i := range len(s) {
		if s[i] == '-' {
			continue
		}
		if n == len(digits) {
			return Key{}, fmt.Errorf("key %q: want 32 hex digits", s)
		}
		digits[n] = s[i]
		n++
	}
	var k Key
	if _, err := hex.Decode(k[:], digits[:n]); err != nil || n != len(digits) {
		return Key{}, fmt.Errorf("key %q: want 32 hex digits", s)
	}
	return k, nil
}

// Compare orders keys as PostgreSQL orders uuids and SQLite orders blobs.
func (k Key) Compare(other Key) int {
	for i := range k {
		if k[i] != other[i] {
			return int(k[i]) - int(other[i])
		}
	}
	return 0
}

// Digest identifies a corpus in any order: how many valid keys it has, repeats included, and their
// sum modulo 2^128.
type Digest struct {
	Count  int64
	hi, lo uint64
}

// Add adds one more key to the digest.
func (d *Digest) Add(k Key) {
	var carry uint64
	d.lo, carry = bits.Add64(d.lo, k.Lo(), 0)
	d.hi, _ = bits.Add64(d.hi, k.Hi(), carry)
	d.Count++
}

// Sum returns the sum of the keys in 32 lower-case hex digits. The store keeps it together with
// Count.
func (d Digest) Sum() string { return fmt.Sprintf("%016x%016x", d.hi, d.lo) }

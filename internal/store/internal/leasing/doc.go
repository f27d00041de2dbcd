// Package leasing is what a lease and a claim know, whatever the store: who holds a shard, which of
// several looks shows that an owner is dead, which shards are left, how a lease is kept alive. It
// never talks to a store.
package leasing

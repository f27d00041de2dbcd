package storetest

import (
	"context"
	"errors"
	"sync"
	"testing"

	"shoal/internal/harvest"
	"shoal/internal/store"
)

func anyOf(of int, owner string) store.Claim {
	return store.Claim{Run: Name, Shard: harvest.Shard{Of: of}, Owner: owner, NoWait: true}
}

func leaseEachShardIsGivenToOne(t *testing.T, f *fixture) {
	s := f.store
	const of = 6
	var mu sync.Mutex
	var all sync.WaitGroup
	got, refused := map[harvest.Shard]*store.Lease{}, 0
	for range of + 2 {
		all.Go(func() {
			lease, shard, err := s.ClaimAny(t.Context(), anyOf(of, "racer"))
			mu.Lock()
			defer mu.Unlock()
			switch {
			case errors.Is(err, store.ErrHeld):
				refused++
			case err != nil:
				t.Errorf("ClaimAny() = %v, want a lease or ErrHeld", err)
			case got[shard] != nil:
				t.Errorf("ClaimAny() = %s twice", shard)
			default:
				got[shard] = lease
			}
		})
	}
	all.Wait()
	if len(got) != of || refused != 2 {
		t.Fatalf("%d shards were given and %d claims refused, want %d and 2", len(got), refused, of)
	}
	for _, lease := range got {
		if err := lease.Release(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func leaseShardsThatWereBegunComeFirst(t *testing.T, f *fixture) {
	s := f.store
	lease, begun, err := s.ClaimAny(t.Context(), anyOf(8, "first"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lease.Land(t.Context(), []harvest.Page{{Key: harvest.KeyOf("https://api.example/1"), URL: "https://api.example/1", Outcome: harvest.Landed}}); err != nil {
		t.Fatal(err)
	}
	if err := lease.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	next, shard, err := s.ClaimAny(t.Context(), anyOf(8, "second"))
	if err != nil || shard != begun {
		t.Fatalf("ClaimAny() after %s was begun = %s, %v, want the same", begun, shard, err)
	}
	if _, err := next.Complete(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	if _, other, err := s.ClaimAny(t.Context(), anyOf(8, "third")); err != nil || other == begun {
		t.Fatalf("ClaimAny() after %s was drained = %s, %v, want another", begun, other, err)
	}
}

func leaseClaimAnyWaitsForWhatIsGivenBack(t *testing.T, f *fixture) {
	s := f.store
	held, shard, err := s.ClaimAny(t.Context(), anyOf(1, "first"))
	if err != nil {
		t.Fatal(err)
	}
	waits := make(chan string, 1)
	c := anyOf(1, "second")
	c.NoWait, c.Waiting = false, func(sentence string) { waits <- sentence }
	type result struct {
		shard harvest.Shard
		err   error
	}
	done := make(chan result, 1)
	go func() {
		lease, shard, err := s.ClaimAny(context.WithoutCancel(t.Context()), c)
		if err == nil {
			err = lease.Release(context.WithoutCancel(t.Context()))
		}
		done <- result{shard, err}
	}()
	if sentence := <-waits; sentence == "" {
		t.Error("Waiting was not called")
	}
	if err := held.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r := <-done; r.err != nil || r.shard != shard {
		t.Errorf("ClaimAny() = %s, %v, want %s", r.shard, r.err, shard)
	}
}

func leaseClaimAnyHasNothingLeft(t *testing.T, f *fixture) {
	s := f.store
	for range 2 {
		lease, _, err := s.ClaimAny(t.Context(), anyOf(2, "one"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := lease.Complete(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := s.ClaimAny(t.Context(), anyOf(2, "late")); !errors.Is(err, store.ErrNoShardLeft) {
		t.Errorf("ClaimAny() of a drained run = %v, want ErrNoShardLeft", err)
	}
}

func leaseOneLeads(t *testing.T, f *fixture) {
	s := f.store
	first, err := s.Lead(t.Context(), Name, "lab:1", nil)
	if err != nil {
		t.Fatal(err)
	}
	waits := make(chan string, 1)
	led := make(chan error, 1)
	go func() {
		second, err := s.Lead(context.WithoutCancel(t.Context()), Name, "lab:2", func(sentence string) { waits <- sentence })
		if err == nil {
			err = second.Keep(context.WithoutCancel(t.Context()))
			second.Close()
		}
		led <- err
	}()
	sentence := <-waits
	if want := "run " + Name + " is led by lab:1"; len(sentence) < len(want) || sentence[:len(want)] != want {
		t.Errorf("the second got %q, want %q at its start", sentence, want)
	}
	if err := first.Keep(t.Context()); err != nil {
		t.Errorf("Keep() = %v, want nil", err)
	}
	first.Close()
	if err := <-led; err != nil {
		t.Errorf("Lead() of the second = %v, want nil", err)
	}
}

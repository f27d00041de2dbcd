package pace

import (
	"testing"
	"time"

	"shoal/internal/testenv"
)

// A look reads what the server reports, and joins no budget.
func TestLook(t *testing.T) {
	t.Parallel()
	server := testenv.Redis(t, "--maxmemory", "64mb", "--maxmemory-policy", "volatile-lru")
	client := server.Client(t)
	s, err := Look(t.Context(), client)
	if err != nil || s.Version == "" || s.Policy != "volatile-lru" || s.MaxMemory != 64<<20 || s.Memory <= 0 || s.Answer <= 0 || s.Clock.Abs() > time.Second {
		t.Errorf("Look() = %+v, %v, want what was set", s, err)
	}
	if n, err := client.DBSize(t.Context()).Result(); n != 0 || err != nil {
		t.Errorf("Look() left %d keys, %v", n, err)
	}
	if answered, err := Reach(t.Context(), client); !answered || err != nil {
		t.Errorf("Reach() = %t, %v, want an answer", answered, err)
	}
	server.Kill()
	if answered, err := Reach(t.Context(), client); answered || err == nil {
		t.Errorf("Reach(a dead server) = %t, %v, want an error of the network", answered, err)
	}
}

// The rate that workers share is known to one that does not ask for less.
func TestRateInForce(t *testing.T) {
	t.Parallel()
	client := testenv.Redis(t).Client(t)
	if rate, err := RateInForce(t.Context(), client, "h"); rate != 0 || err != nil {
		t.Errorf("RateInForce(no worker) = %g, %v, want 0", rate, err)
	}
	p := New(Settings{Host: "h", Rate: 80, Worker: "w"}, NewRedis(client))
	if _, err := p.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if rate, err := RateInForce(t.Context(), client, "h"); rate != 80 || err != nil {
		t.Errorf("RateInForce() = %g, %v, want 80", rate, err)
	}
	if err := p.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if rate, err := RateInForce(t.Context(), client, "h"); rate != 0 || err != nil {
		t.Errorf("RateInForce(it has left) = %g, %v, want 0", rate, err)
	}
}

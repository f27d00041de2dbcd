package ledger_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"shoal/internal/ledger"
	"shoal/internal/testenv"
)

func TestCheckLetsAGoodRedisPassAndLeavesNothing(t *testing.T) {
	t.Parallel()
	for _, policy := range []string{"noeviction", "volatile-lru", "volatile-ttl"} {
		client := testenv.Redis(t, "--maxmemory", "100mb", "--maxmemory-policy", policy).Client(t)
		if err := ledger.Check(t.Context(), client); err != nil {
			t.Errorf("Check(%s) = %v, want nil", policy, err)
		}
		if n, err := client.DBSize(t.Context()).Result(); err != nil || n != 0 {
			t.Errorf("keys after Check = %d, %v, want none", n, err)
		}
	}
}

func TestCheckRefusesARedisThatEvicts(t *testing.T) {
	t.Parallel()
	// Unsafe even without maxmemory: the server may get one while we run.
	for _, policy := range []string{"allkeys-lru", "allkeys-lfu", "allkeys-random"} {
		client := testenv.Redis(t, "--maxmemory-policy", policy).Client(t)
		err := ledger.Check(t.Context(), client)
		if !errors.Is(err, ledger.ErrUnsafe) || !strings.Contains(err.Error(), policy) || !strings.Contains(err.Error(), "CONFIG SET maxmemory-policy noeviction") {
			t.Errorf("Check(%s) = %v, want ErrUnsafe with the setting to change", policy, err)
		}
	}
}

func TestCheckRefusesAReplica(t *testing.T) {
	t.Parallel()
	primary := testenv.Redis(t)
	host, port, _ := strings.Cut(primary.Addr, ":")
	replica := testenv.Redis(t, "--replicaof", host+" "+port)
	err := ledger.Check(t.Context(), replica.Client(t))
	if !errors.Is(err, ledger.ErrUnsafe) || !strings.Contains(err.Error(), primary.Addr) {
		t.Errorf("Check(replica) = %v, want ErrUnsafe with the primary's address", err)
	}
}

func TestCheckNamesWhatTheUserMayNotDo(t *testing.T) {
	t.Parallel()
	server := testenv.Redis(t)
	admin := server.Client(t)
	for name, c := range map[string]struct {
		rules []string
		want  string
	}{
		"no-info":     {[]string{"+@all", "-info", "~*"}, "info"},
		"no-sadd":     {[]string{"+@all", "-sadd", "~*"}, "sadd"},
		"no-scan":     {[]string{"+@all", "-scan", "~*"}, "scan"},
		"no-unlink":   {[]string{"+@all", "-unlink", "~*"}, "unlink"},
		"no-evalsha":  {[]string{"+@all", "-evalsha", "~*"}, "evalsha"},
		"other-names": {[]string{"+@all", "~theirs:*"}, "ACL SETUSER"},
		"as-we-say":   {[]string{"+@all", "-@dangerous", "+info", "~shoal:*", "&shoal:*"}, ""},
	} {
		if err := admin.ACLSetUser(t.Context(), name, append([]string{"on", ">pw", "resetkeys", "resetchannels"}, c.rules...)...).Err(); err != nil {
			t.Fatal(err)
		}
		options := *admin.Options()
		options.Username, options.Password = name, "pw"
		client := redis.NewClient(&options)
		t.Cleanup(func() { _ = client.Close() })
		err := ledger.Check(t.Context(), client)
		if c.want == "" {
			if err != nil {
				t.Errorf("Check(%s) = %v, want nil", name, err)
			}
			continue
		}
		if !errors.Is(err, ledger.ErrUnsafe) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "ACL SETUSER") {
			t.Errorf("Check(%s) = %v, want ErrUnsafe that names %s", name, err, c.want)
		}
	}
}

func TestCheckAsksForThePassword(t *testing.T) {
	t.Parallel()
	server := testenv.Redis(t)
	if err := server.Client(t).ConfigSet(t.Context(), "requirepass", "secret").Err(); err != nil {
		t.Fatal(err)
	}
	options := *server.Client(t).Options()
	for _, password := range []string{"", "wrong"} {
		options.Password = password
		client := redis.NewClient(&options)
		t.Cleanup(func() { _ = client.Close() })
		if err := ledger.Check(t.Context(), client); !errors.Is(err, ledger.ErrUnsafe) || !strings.Contains(err.Error(), "SHOAL_REDIS") {
			t.Errorf("Check() with password %q = %v, want ErrUnsafe that says where it goes", password, err)
		}
	}
}

func TestCheckSaysWhenRedisIsAway(t *testing.T) {
	t.Parallel()
	server := testenv.Redis(t)
	server.Kill()
	if err := ledger.Check(t.Context(), server.Client(t)); !errors.Is(err, ledger.ErrAway) || errors.Is(err, ledger.ErrUnsafe) {
		t.Errorf("Check() without a server = %v, want ErrAway", err)
	}
}

func TestAFullRedisIsWaitedFor(t *testing.T) {
	t.Parallel()
	client := testenv.Redis(t).Client(t)
	l := ledger.New(client, "r", 0)
	keys := keysOf(8, 1000)
	mark(t, l, gen, keys[:500])
	if err := client.ConfigSet(t.Context(), "maxmemory", "1").Err(); err != nil {
		t.Fatal(err)
	}
	if err := l.Mark(t.Context(), gen, keys); !errors.Is(err, ledger.ErrAway) || !errors.Is(err, ledger.ErrFull) || errors.Is(err, ledger.ErrUnsafe) {
		t.Errorf("Mark() on a full Redis = %v, want ErrAway and ErrFull", err)
	}
	if n := known(t, l, gen, keys[:500]); n != 500 {
		t.Errorf("Known() on a full Redis = %d, want 500: it can still be read", n)
	}
	if err := client.ConfigSet(t.Context(), "maxmemory", "0").Err(); err != nil {
		t.Fatal(err)
	}
	mark(t, l, gen, keys)
	if n := known(t, l, gen, keys); n != 1000 {
		t.Errorf("Known() when there is room again = %d, want 1000", n)
	}
}

func TestAKeyOfSomebodyElseIsUnsafe(t *testing.T) {
	t.Parallel()
	client := testenv.Redis(t).Client(t)
	keys := keysOf(9, 100)
	l := ledger.New(client, "r", 0)
	mark(t, l, gen, keys)
	names, err := client.Keys(t.Context(), "shoal:*").Result()
	if err != nil || len(names) == 0 {
		t.Fatalf("KEYS = %d, %v, want the ledger's", len(names), err)
	}
	if err := client.Set(t.Context(), names[0], "theirs", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Known(t.Context(), gen, keys); !errors.Is(err, ledger.ErrUnsafe) || !strings.Contains(err.Error(), "another database") {
		t.Errorf("Known() with a string among the sets = %v, want ErrUnsafe", err)
	}
	if err := l.Mark(t.Context(), gen, keys); !errors.Is(err, ledger.ErrUnsafe) {
		t.Errorf("Mark() with a string among the sets = %v, want ErrUnsafe", err)
	}
}

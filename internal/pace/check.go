package pace

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"shoal/internal/harvest"
)

// ClientOptions parses a redis:// or rediss:// URL and sets what a pacer's client needs: contexts
// bound every call, calls end within seconds, a retry waits with jitter, and on connect the client
// sends nothing that an old server or a proxy does not know. The error does not show the URL, which
// may hold a password.
func ClientOptions(url string) (*redis.Options, error) {
	o, err := redis.ParseURL(url)
	if err != nil {
		return nil, errors.New("the Redis URL cannot be read: give redis://[user:password@]host:port/db, or rediss:// for TLS")
	}
	o.ContextTimeoutEnabled = true
	o.DialTimeout, o.ReadTimeout, o.WriteTimeout = 2*time.Second, 2*time.Second, 2*time.Second
	o.DialerRetries = 1
	o.MaxRetries, o.MinRetryBackoff, o.MaxRetryBackoff = 1, 20*time.Millisecond, 200*time.Millisecond
	o.DisableIdentity = true
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	return o, nil
}

// probe writes, reads the clock and publishes as the pace scripts do, under a key that it removes.
const probeLua = `redis.call('TIME')
if not string.match(redis.call('INFO', 'server'), 'run_id:') then return redis.error_reply('NOPERM no run_id in INFO') end
redis.call('HSET', KEYS[1], 'a', '1')
redis.call('DEL', KEYS[1])
redis.call('ZADD', KEYS[1], '1', 'a')
redis.call('DEL', KEYS[1])
redis.call('PUBLISH', KEYS[1], '')
return 1`

// CheckRedis returns an error that names what a person must change before this server may keep a
// budget; it wraps [ErrUnsafeRedis]. Any other error means that the server was not reached. It also
// checks the keys of the given hosts.
func CheckRedis(ctx context.Context, client redis.UniversalClient, hosts ...string) error {
	for _, check := range []func() error{
		func() error { return CheckPolicy(ctx, client) },
		func() error { return CheckRights(ctx, client) },
		func() error { return CheckKeys(ctx, client, hosts...) },
	} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

// CheckPolicy refuses a server that may drop the budget. Its errors are those of [CheckRedis].
func CheckPolicy(ctx context.Context, client redis.UniversalClient) error {
	info, err := client.Info(ctx, "memory").Result()
	if err != nil {
		return diagnose("INFO", err)
	}
	if policy := infoField(info, "maxmemory_policy"); harvest.EvictsAnyKey(policy) {
		return fmt.Errorf("%w: its maxmemory-policy is %s, so it may drop the budget at any time; set it to noeviction or a volatile-* policy", ErrUnsafeRedis, policy)
	}
	return nil
}

// CheckRights does once what the pace scripts do, under a key that it removes, and listens once as
// a pacer does. Its errors are those of [CheckRedis].
func CheckRights(ctx context.Context, client redis.UniversalClient) error {
	if err := redis.NewScript(probeLua).Run(ctx, client, []string{"shoal:{check}:probe"}).Err(); err != nil {
		return diagnose("EVALSHA", err)
	}
	if err := checkChannel(ctx, client); err != nil {
		return diagnose("SUBSCRIBE", err)
	}
	return nil
}

// CheckKeys refuses keys of these hosts that hold something else than the budget does. Its errors
// are those of [CheckRedis].
func CheckKeys(ctx context.Context, client redis.UniversalClient, hosts ...string) error {
	for _, host := range hosts {
		if err := checkTypes(ctx, client, host); err != nil {
			return err
		}
	}
	return nil
}

// checkChannel listens as a pacer does, which needs a permission of its own.
func checkChannel(ctx context.Context, client redis.UniversalClient) error {
	listening := client.Subscribe(ctx, "shoal:{check}:probe")
	defer func() { _ = listening.Close() }()
	_, err := listening.Receive(ctx)
	return err
}

func checkTypes(ctx context.Context, client redis.UniversalClient, host string) error {
	want := []string{"hash", "zset", "zset", "hash", "none", "string"}
	for i, key := range keys(host) {
		got, err := client.Type(ctx, key).Result()
		if err != nil {
			return diagnose("TYPE", err)
		}
		if got != "none" && got != want[i] {
			return fmt.Errorf("%w: its key %s holds a %s where a %s belongs; delete it (DEL) or use another database", ErrUnsafeRedis, key, got, want[i])
		}
	}
	return nil
}

func infoField(info, name string) string {
	for line := range strings.Lines(info) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// diagnose distinguishes settings, which a person must change, from a server that is unreachable.
func diagnose(command string, err error) error {
	for _, known := range []struct{ sign, advice string }{
		{"ACL failure", "its user may not use what the pace scripts use; allow +@pubsub &shoal:* +@hash +@sortedset +@string +del +info +time on ~shoal:*"},
		{"can't run this command", "its user may not use what the pace scripts use; allow +@pubsub &shoal:* +@hash +@sortedset +@string +del +info +time on ~shoal:*"},
		{"can't publish", "its user may not publish on our channels; allow +publish +subscribe &shoal:* (ACL SETUSER <user> resetchannels &shoal:* +@pubsub)"},
		{"NOPERM", "its user may not run the pace scripts; allow +eval +evalsha +info +time +type +@hash +@sortedset +@string +@pubsub +del on ~shoal:* and &shoal:*"},
		{"READONLY", "it is a read-only replica; give the URL of the primary"},
		{"NOAUTH", "it needs a password; put it into the URL's environment variable or file"},
		{"WRONGPASS", "it refuses the user or the password; correct them"},
		{"unknown command", "it does not know that command, or it was renamed; use Redis 7 or newer, or Valkey"},
		{"WRONGTYPE", "another program uses its shoal:* keys; use another database"},
	} {
		if strings.Contains(err.Error(), known.sign) {
			return fmt.Errorf("%w: %s: %s (%w)", ErrUnsafeRedis, command, known.advice, err)
		}
	}
	if why := harvest.ExplainTLS(err, "--ca FILE"); why != "" {
		return fmt.Errorf("%w: TLS: %s", ErrUnsafeRedis, why)
	}
	if reply := redis.Error(nil); errors.As(err, &reply) && !passes(err) { // an unknown answer is not an outage
		return fmt.Errorf("%w: %s: it refuses a command that is needed; give it a user with the rights of docs/several-machines.md, on Redis 7 or newer, or Valkey (%w)", ErrUnsafeRedis, command, err)
	}
	if strings.Contains(err.Error(), "redis: can't parse") || strings.Contains(err.Error(), "redis: invalid reply") {
		return fmt.Errorf("%w: what answers at this address does not speak as Redis does: check host and port, and rediss:// where it needs TLS", ErrUnsafeRedis)
	}
	return fmt.Errorf("%w: %s: %w", ErrAway, command, err)
}

// passes reports whether an error that the server itself answers may go away by itself: it is
// loading, failing over, busy or full.
func passes(err error) bool {
	for _, prefix := range []string{"LOADING", "BUSY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "OOM", "MISCONF", "NOREPLICAS", "UNKILLABLE", "NOTREADY"} {
		if redis.HasErrorPrefix(err, prefix) {
			return true
		}
	}
	return strings.Contains(err.Error(), "max number of clients")
}

// TrustCA makes a rediss:// connection trust the authorities of a PEM file, besides those of the
// system.
func TrustCA(o *redis.Options, file string) error {
	if o.TLSConfig == nil || file == "" {
		return nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("--ca: %w", err)
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM(pem) {
		return fmt.Errorf("--ca %s: holds no PEM certificate", file)
	}
	o.TLSConfig.RootCAs = roots
	return nil
}

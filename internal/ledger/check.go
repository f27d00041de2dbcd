package ledger

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"

	"shoal/internal/harvest"
)

// What an error of this package is about. Any other error is that of the context.
var (
	// ErrUnsafe marks a Redis, or its settings, that a person must change first.
	ErrUnsafe = errors.New("this Redis is not safe to use")
	// ErrAway marks a Redis that does not accept the command now; it is worth another try.
	ErrAway = errors.New("no use of Redis for now")
	// ErrFull marks, besides [ErrAway], a Redis whose memory is full.
	ErrFull = errors.New("the memory of Redis is full")
)

// Check refuses a Redis that would lose what a fleet relies on, or on which this user may not do
// what the fleet does. It leaves nothing behind. An error wraps [ErrUnsafe], with what to change,
// or [ErrAway], or is the context's.
func Check(ctx context.Context, client redis.UniversalClient) error {
	for _, check := range []func(context.Context, redis.UniversalClient) error{checkPolicy, checkRole, checkRights} {
		if err := check(ctx, client); err != nil {
			return fmt.Errorf("check Redis: %w", classify(ctx, err))
		}
	}
	return nil
}

// CheckRole refuses a replica. Its errors are those of [Check].
func CheckRole(ctx context.Context, client redis.UniversalClient) error {
	return classify(ctx, checkRole(ctx, client))
}

// CheckRights refuses a user who may not do what the ledger does. Its errors are those of [Check].
func CheckRights(ctx context.Context, client redis.UniversalClient) error {
	return classify(ctx, checkRights(ctx, client))
}

func unsafe(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrUnsafe, fmt.Sprintf(format, args...))
}

// checkPolicy asks INFO, because managed servers forbid CONFIG.
func checkPolicy(ctx context.Context, client redis.UniversalClient) error {
	info, err := client.InfoMap(ctx, "memory").Result()
	if err != nil {
		return err
	}
	policy := info["Memory"]["maxmemory_policy"]
	if harvest.EvictsAnyKey(policy) {
		return unsafe("it may throw away any key when its memory is full (maxmemory-policy %s), pace and backoffs included; run: CONFIG SET maxmemory-policy noeviction, or give us a Redis of our own", policy)
	}
	return nil
}

func checkRole(ctx context.Context, client redis.UniversalClient) error {
	info, err := client.InfoMap(ctx, "replication").Result()
	if err != nil {
		return err
	}
	if facts := info["Replication"]; facts["role"] == "slave" {
		return unsafe("it is a replica and takes no writes; give the address of its primary, %s:%s", facts["master_host"], facts["master_port"])
	}
	return nil
}

// checkRights does once what the fleet will do, under a key that only it uses.
func checkRights(ctx context.Context, client redis.UniversalClient) error {
	key := "shoal:{check}:" + rand.Text()
	for _, command := range [][]any{
		{"SADD", key, 1},
		{"SMISMEMBER", key, 1},
		{"SCAN", 0, "MATCH", key, "COUNT", 1},
		{"EVAL", "return redis.call('TIME')", 1, key},
		{"EVALSHA", strings.Repeat("0", 40), 1, key},
		{"UNLINK", key},
	} {
		err := client.Do(ctx, command...).Err()
		if err != nil && !redis.HasErrorPrefix(err, "NOSCRIPT") {
			return err
		}
	}
	return nil
}

// classify decides whether another try can help. It assumes so for an unknown error.
func classify(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrUnsafe):
		return err
	case ctx.Err() != nil:
		return ctx.Err()
	case redis.IsPermissionError(err):
		return unsafe("its access rules forbid us something (%v); run: ACL SETUSER <user> +@all -@dangerous +info ~shoal:* &shoal:*", err)
	case redis.IsAuthError(err):
		return unsafe("it needs a user or a password, or others than those given (%v); put them into the address that SHOAL_REDIS or REDIS_URL holds", err)
	case redis.HasErrorPrefix(err, "WRONGTYPE"):
		return unsafe("a key of ours holds something else (%v); another program uses names that start with shoal: in this database; take another database number", err)
	case redis.HasErrorPrefix(err, "ERR unknown command"):
		return unsafe("it lacks a command (%v); Redis 6.2 or newer is needed", err)
	case redis.IsOOMError(err):
		return fmt.Errorf("%w: %w: its maxmemory is used up; nothing is lost, but nothing more is marked until there is room: %w", ErrAway, ErrFull, err)
	}
	if reply := redis.Error(nil); errors.As(err, &reply) && !passes(err) { // an unknown answer is not an outage
		return unsafe("it refuses a command that is needed (%v); give it a user with all rights on ~shoal:* and &shoal:*, on Redis 6.2 or newer", err)
	}
	return fmt.Errorf("%w: %w", ErrAway, err)
}

// passes reports whether an error that the server itself answers may go away by itself: it is
// loading, failing over or busy.
func passes(err error) bool {
	for _, prefix := range []string{"LOADING", "BUSY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "READONLY", "MISCONF", "NOREPLICAS", "NOSCRIPT", "EXECABORT"} {
		if redis.HasErrorPrefix(err, prefix) {
			return true
		}
	}
	return strings.Contains(err.Error(), "max number of clients")
}

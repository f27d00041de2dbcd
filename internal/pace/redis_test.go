package pace

import (
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"shoal/internal/testenv"
)

// server starts a private Redis and returns a client made as the documentation asks callers to.
func server(t *testing.T) (*testenv.RedisServer, *redis.Client) {
	t.Helper()
	s := testenv.Redis(t)
	return s, connect(t, s.URL)
}

func connect(t *testing.T, url string) *redis.Client {
	t.Helper()
	o, err := ClientOptions(url)
	if err != nil {
		t.Fatalf("ClientOptions(%q) = %v, want no error", url, err)
	}
	c := redis.NewClient(o)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// manual is a Redis backend whose scripts read the time and the run_id from two keys, so that a
// test can set both. The scripts are the product's own except for those two reads.
func manual(c *redis.Client) *Redis {
	common := commonLua
	for _, r := range []struct{ from, to string }{
		{"redis.call('TIME')", "{0, redis.call('GET', 'test:now')}"},
		{"string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')", "redis.call('GET', 'test:rid')"},
	} {
		if strings.Count(common, r.from) != 1 {
			panic("common.lua no longer has one " + r.from)
		}
		common = strings.Replace(common, r.from, r.to, 1)
	}
	return &Redis{client: c, scripts: scripts{
		acquire: redis.NewScript(common + acquireLua),
		backoff: redis.NewScript(common + backoffLua),
		release: redis.NewScript(common + releaseLua),
		rate:    redis.NewScript(common + rateLua),
		hold:    redis.NewScript(common + holdLua),
		repair:  redis.NewScript(common + repairLua),
	}}
}

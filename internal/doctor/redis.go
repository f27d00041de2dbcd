package doctor

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
)

// Redis asks the server that keeps the budget. The errors are those that a worker would meet.
type Redis struct {
	// Reach asks for a sign of life; answered reports that the server itself refused it.
	Reach func(ctx context.Context) (answered bool, err error)
	// Policy, Role, Rights and Keys are what a worker checks at its start.
	Policy, Role, Rights, Keys func(ctx context.Context) error
	Server                     func(ctx context.Context) (RedisServer, error)
}

// RedisServer is what a Redis reports about itself.
type RedisServer struct {
	Version   string
	Policy    string        // maxmemory-policy
	Memory    int64         // bytes in use
	MaxMemory int64         // bytes; 0: no bound
	Clock     time.Duration // of the server, ahead of ours
	Answer    time.Duration // of the quickest of several calls
}

// What is unusual of a Redis, and of any server.
const (
	slowRedis  = 20 * time.Millisecond // a permit's lateness is of this size
	fullRedis  = 0.9
	clockDrift = 5 * time.Second
)

// InRedis is the checks of Redis.
func InRedis(at string, port Redis) Group {
	var answered bool
	var server RedisServer
	connected, usable := []string{"redis.connection"}, []string{"redis.connection", "redis.login"}
	known := with(usable, "redis.version")
	return Group{Name: "redis", At: at, Rows: []Row{
		{Name: "redis.connection", About: "connection", Change: "start Redis, or correct host, port and redis:// or rediss:// in --redis", Look: func(ctx context.Context) Finding {
			var err error
			if answered, err = port.Reach(ctx); !answered && err != nil {
				return wrong(err)
			}
			return fine("it answers")
		}},
		{Name: "redis.login", About: "user and password", Needs: connected, Change: "put the right user and password into SHOAL_REDIS or REDIS_URL", Look: func(ctx context.Context) Finding {
			_, err := port.Reach(ctx)
			return orFine(err, "accepted")
		}},
		{Name: "redis.version", About: "version", Needs: usable, Look: func(ctx context.Context) Finding {
			var err error
			if server, err = port.Server(ctx); err != nil {
				return unknown("it does not answer INFO or TIME: %v", err)
			}
			return redisVersion(server.Version)
		}},
		{Name: "redis.policy", About: "memory policy", Needs: known, Change: "redis-cli CONFIG SET maxmemory-policy noeviction, and the same in redis.conf", Look: func(ctx context.Context) Finding {
			return orFine(port.Policy(ctx), "it drops no budget (maxmemory-policy %s)", server.Policy)
		}},
		{Name: "redis.role", About: "role", Needs: usable, Change: "give the address of the primary in --redis", Look: func(ctx context.Context) Finding {
			return orFine(port.Role(ctx), "it takes writes")
		}},
		{Name: "redis.rights", About: "commands and channels", Needs: with(usable, "redis.role"), Change: "give the user the rights that docs/several-machines.md lists", Look: func(ctx context.Context) Finding {
			return orFine(port.Rights(ctx), "the user may run what a worker runs")
		}},
		{Name: "redis.keys", About: "keys", Needs: with(usable, "redis.rights"), Change: "use another database number in --redis, such as redis://host:6379/1", Look: func(ctx context.Context) Finding {
			return orFine(port.Keys(ctx), "no other program uses those of Shoal")
		}},
		{Name: "redis.memory", About: "memory", Needs: known, Look: func(context.Context) Finding { return redisMemory(server) }},
		{Name: "redis.latency", About: "latency", Needs: known, Look: func(context.Context) Finding {
			if server.Answer > slowRedis {
				return warn("run the workers near Redis, or Redis near the workers", "a call takes %s: permits come late, and part of the budget is wasted", brief(server.Answer))
			}
			return fine("a call takes %s", brief(server.Answer))
		}},
		{Name: "redis.clock", About: "clock", Needs: known, Look: func(context.Context) Finding { return clock("Redis", server.Clock) }},
	}}
}

// oldestRedis has every command that a worker uses; testedRedis is the first that tests run with.
var oldestRedis, testedRedis = [2]int{6, 2}, [2]int{7, 0}

func redisVersion(text string) Finding {
	version, ok := parseVersion(text)
	switch {
	case !ok:
		return unknown("%s is not a version that can be compared", text)
	case older(version, oldestRedis):
		return warn("use Redis 7 or newer, or Valkey", "%s is older than 6.2 and lacks commands that a worker needs", text)
	case older(version, testedRedis):
		return warn("use Redis 7 or newer, or Valkey", "%s has what a worker needs; Shoal is tested with 7 and newer", text)
	}
	return fine("%s", text)
}

// parseVersion reads major and minor.
func parseVersion(text string) (version [2]int, ok bool) {
	parts := strings.SplitN(text, ".", 3)
	if len(parts) < 2 {
		return version, false
	}
	for i := range version {
		n, err := strconv.Atoi(parts[i])
		if err != nil || n < 0 {
			return version, false
		}
		version[i] = n
	}
	return version, true
}

func older(a, b [2]int) bool { return a[0] < b[0] || a[0] == b[0] && a[1] < b[1] }

func redisMemory(s RedisServer) Finding {
	used := humanize.IBytes(uint64(max(0, s.Memory)))
	switch {
	case s.MaxMemory <= 0:
		return fine("%s used, no maxmemory", used)
	case float64(s.Memory) >= fullRedis*float64(s.MaxMemory):
		return warn("raise maxmemory, or drop runs that are over: coordinator drop RUN --redis …", "%s of %s used: once it is full, no permit is granted", used, humanize.IBytes(uint64(s.MaxMemory)))
	}
	return fine("%s of %s used", used, humanize.IBytes(uint64(s.MaxMemory)))
}

// clock compares another clock with ours; ahead is how far it is before ours.
func clock(whose string, ahead time.Duration) Finding {
	if ahead.Abs() <= clockDrift {
		return fine("it agrees with this machine's within %s", brief(ahead.Abs()))
	}
	return warn("run NTP on both machines (timedatectl set-ntp true)", "the clock of %s is %s", whose, apart(ahead))
}

func apart(ahead time.Duration) string {
	way := "ahead of"
	if ahead < 0 {
		way = "behind"
	}
	return fmt.Sprintf("%s %s this machine's", brief(ahead.Abs()), way)
}

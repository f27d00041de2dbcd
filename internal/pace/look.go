package pace

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// Server is what a Redis reports about itself.
type Server struct {
	Version   string
	Policy    string        // maxmemory-policy
	Memory    int64         // bytes in use
	MaxMemory int64         // bytes; 0: no bound
	Clock     time.Duration // of the server, ahead of ours
	Answer    time.Duration // of the quickest of several calls
}

// looks is how often the clock is read: the quickest answer knows best.
const looks = 5

// Look reads what a server reports about itself. It changes nothing.
func Look(ctx context.Context, client redis.UniversalClient) (Server, error) {
	var s Server
	for _, section := range []string{"server", "memory"} { // Redis 6 takes one section a call
		info, err := client.Info(ctx, section).Result()
		if err != nil {
			return s, diagnose("INFO", err)
		}
		for name, field := range map[string]*string{"redis_version": &s.Version, "maxmemory_policy": &s.Policy} {
			if value := infoField(info, name); value != "" {
				*field = value
			}
		}
		for name, field := range map[string]*int64{"used_memory": &s.Memory, "maxmemory": &s.MaxMemory} {
			if n, err := strconv.ParseInt(infoField(info, name), 10, 64); err == nil {
				*field = n
			}
		}
	}
	for i := range looks {
		sent := time.Now()
		server, err := client.Time(ctx).Result()
		if err != nil {
			return s, diagnose("TIME", err)
		}
		if took := time.Since(sent); i == 0 || took < s.Answer {
			s.Answer, s.Clock = took, server.Sub(sent.Add(took/2))
		}
	}
	return s, nil
}

// Reach asks for a sign of life. answered reports that the server itself sent the error: for a user
// or a password that it does not take. One who may not even ask is let in all the same.
func Reach(ctx context.Context, client redis.UniversalClient) (answered bool, err error) {
	err = client.Ping(ctx).Err()
	if err == nil || redis.IsPermissionError(err) {
		return true, nil
	}
	reply := redis.Error(nil)
	return errors.As(err, &reply), diagnose("PING", err)
}

// RateInForce returns the budget in requests/s that workers of a host share now; 0 while none is at
// work.
func RateInForce(ctx context.Context, client redis.UniversalClient, host string) (float64, error) {
	k := keys(host)
	n, err := client.ZCard(ctx, k[2]).Result()
	if err != nil || n == 0 {
		return 0, err
	}
	rate, err := client.HGet(ctx, k[0], "rate").Float64()
	if errors.Is(err, redis.Nil) {
		return 0, nil
	}
	return rate, err
}

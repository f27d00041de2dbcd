package pace

import (
	"errors"
	"strings"
	"testing"

	"shoal/internal/testenv"
)

func TestCheckRedis(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, do string
		want     string // part of what a person reads, empty: fit
	}{
		{"a plain server", "", ""},
		{"volatile-lru", "CONFIG SET maxmemory-policy volatile-lru", ""},
		{"allkeys-lru", "CONFIG SET maxmemory-policy allkeys-lru", "allkeys-lru"},
		{"allkeys-random", "CONFIG SET maxmemory-policy allkeys-random", "noeviction"},
		{"a replica", "REPLICAOF 127.0.0.1 1", "primary"},
		{"a user without scripts", "ACL SETUSER default -evalsha -eval", "+evalsha"},
		{"a user without INFO", "ACL SETUSER default -info", "+info"},
		{"another type", "SET shoal:{" + host + "}:pace x", "shoal:{" + host + "}:pace holds a string"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			_, client := server(t)
			if row.do != "" {
				args := []any{}
				for _, word := range strings.Fields(row.do) {
					args = append(args, word)
				}
				if err := client.Do(t.Context(), args...).Err(); err != nil {
					t.Fatalf("%s = %v, want no error", row.do, err)
				}
			}
			err := CheckRedis(t.Context(), client, host)
			if row.want == "" {
				if err != nil {
					t.Errorf("CheckRedis() = %v, want nil", err)
				}
				return
			}
			if !errors.Is(err, ErrUnsafeRedis) || !strings.Contains(err.Error(), row.want) {
				t.Errorf("CheckRedis() = %v, want ErrUnsafeRedis with %q", err, row.want)
			}
		})
	}
}

func TestCheckRedisAway(t *testing.T) {
	t.Parallel()
	s := testenv.Redis(t)
	client := connect(t, s.URL)
	s.Kill()
	if err := CheckRedis(t.Context(), client); err == nil || errors.Is(err, ErrUnsafeRedis) {
		t.Errorf("CheckRedis() of a killed server = %v, want an error that is not ErrUnsafeRedis", err)
	}
}

func TestClientOptionsHideThePassword(t *testing.T) {
	t.Parallel()
	if _, err := ClientOptions("redis://u:s3cret@host:badport"); err == nil || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("ClientOptions() = %v, want an error without the password", err)
	}
}

func TestConnect(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ url, ca, says string }{
		"a server":                        {"redis://127.0.0.1:1", "", ""},
		"no certificates without TLS":     {"redis://127.0.0.1:1", "missing.pem", ""},
		"something else":                  {"http://127.0.0.1:1", "", "the Redis URL cannot be read"},
		"certificates that are not there": {"rediss://127.0.0.1:1", "missing.pem", "--ca: "},
	} {
		client, err := Connect(c.url, c.ca)
		if (err == nil) != (c.says == "") || err != nil && !strings.HasPrefix(err.Error(), c.says) || (client == nil) != (err != nil) {
			t.Errorf("%s: Connect(%s, %s) = %v, want %q", name, c.url, c.ca, err, c.says)
		}
		if client != nil {
			if err := client.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

package cmd_test

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"

	"shoal/internal/doctor"
	"shoal/internal/testenv"
)

// onRedis gives the set-up a Redis at an address.
func (p *patient) onRedis(url string) { p.env = append(p.env, "REDIS_URL="+url) }

// acl makes a user of a Redis by rules, and returns the server's address for that user.
func acl(p *patient, server *testenv.RedisServer, rules string) string {
	args := []any{"ACL", "SETUSER", "shoal", "on", ">" + secret}
	for rule := range strings.FieldsSeq(rules) {
		args = append(args, rule)
	}
	if err := server.Client(p.t).Do(p.t.Context(), args...).Err(); err != nil {
		p.t.Fatal(err)
	}
	return "redis://shoal:" + secret + "@" + server.Addr
}

func brokenRedis() []broken {
	return []broken{
		{name: "it drops any key", check: "redis.policy", verdict: doctor.Fault, code: 2, want: "allkeys-lru", spoil: func(p *patient) {
			p.onRedis(testenv.Redis(p.t, "--maxmemory-policy", "allkeys-lru").URL)
		}},
		{name: "it needs a password", check: "redis.login", verdict: doctor.Fault, code: 2, want: "password", spoil: func(p *patient) {
			server := testenv.Redis(p.t)
			if err := server.Client(p.t).ConfigSet(p.t.Context(), "requirepass", "another").Err(); err != nil {
				p.t.Fatal(err)
			}
			p.onRedis(server.URL)
		}},
		{name: "the password is wrong", check: "redis.login", verdict: doctor.Fault, code: 2, want: "WRONGPASS", spoil: func(p *patient) {
			server := testenv.Redis(p.t)
			acl(p, server, "resetpass >another +@all ~* &*")
			p.onRedis("redis://shoal:" + secret + "@" + server.Addr)
		}},
		{name: "its user may not run scripts", check: "redis.rights", verdict: doctor.Fault, code: 2, want: "+evalsha", spoil: func(p *patient) {
			p.onRedis(acl(p, testenv.Redis(p.t), "+@all -@scripting ~* &*"))
		}},
		{name: "its user may not listen", check: "redis.rights", verdict: doctor.Fault, code: 2, want: "&shoal:*", spoil: func(p *patient) {
			p.onRedis(acl(p, testenv.Redis(p.t), "+@all ~* resetchannels"))
		}},
		{name: "its user may not use the keys", check: "redis.rights", verdict: doctor.Fault, code: 2, want: "shoal:*", spoil: func(p *patient) {
			p.onRedis(acl(p, testenv.Redis(p.t), "+@all ~other:* &*"))
		}},
		{name: "it has no TLS", check: "redis.connection", verdict: doctor.Fault, code: 5, want: "redis:// or rediss://", spoil: func(p *patient) {
			p.onRedis("rediss://" + testenv.Redis(p.t).Addr)
		}},
		{name: "it is frozen", check: "redis.connection", verdict: doctor.Fault, code: 5, want: "timeout", spoil: func(p *patient) {
			server := testenv.Redis(p.t)
			server.Freeze()
			p.onRedis(server.URL)
		}},
		{name: "nothing is on its port", check: "redis.connection", verdict: doctor.Fault, code: 5, want: "refused", spoil: func(p *patient) {
			p.onRedis("redis://" + closedPort(p.t))
		}},
		{name: "a web server is on its port", check: "redis.connection", verdict: doctor.Fault, code: 2, want: "does not speak as Redis", spoil: func(p *patient) {
			p.onRedis(strings.Replace(httptestServer(p.t), "http://", "redis://", 1))
		}},
		{name: "it is a replica", check: "redis.role", verdict: doctor.Fault, code: 2, want: "primary", spoil: func(p *patient) {
			primary := testenv.Redis(p.t)
			host, port, _ := strings.Cut(primary.Addr, ":")
			p.onRedis(testenv.Redis(p.t, "--replicaof", host+" "+port).URL)
		}},
		{name: "another program uses its keys", check: "redis.keys", verdict: doctor.Fault, code: 2, want: "holds a list", spoil: func(p *patient) {
			server := testenv.Redis(p.t)
			if err := server.Client(p.t).RPush(p.t.Context(), "shoal:{"+p.api.Addr+"}:pace", "1").Err(); err != nil {
				p.t.Fatal(err)
			}
			p.onRedis(server.URL)
		}},
		{name: "its memory is nearly full", check: "redis.memory", verdict: doctor.Warning, want: "raise maxmemory", spoil: func(p *patient) {
			server := testenv.Redis(p.t)
			client := server.Client(p.t)
			const fill = "for i = 1, 20000 do redis.call('SET', 'other:' .. i, string.rep('x', 1000)) end"
			if err := client.Eval(p.t.Context(), fill, nil).Err(); err != nil && !errors.Is(err, redis.Nil) {
				p.t.Fatal(err)
			}
			used, err := client.InfoMap(p.t.Context(), "memory").Result()
			if err != nil {
				p.t.Fatal(err)
			}
			if err := client.ConfigSet(p.t.Context(), "maxmemory", fmt.Sprint(atoi(p.t, used["Memory"]["used_memory"])+1_000_000)).Err(); err != nil {
				p.t.Fatal(err)
			}
			p.onRedis(server.URL)
		}},
	}
}

// onPostgres gives the set-up a store on a server, for a role.
func (p *patient) onPostgres(address, role string) {
	u, err := url.Parse(address)
	if err != nil {
		p.t.Fatal(err)
	}
	if role != "" {
		u.User = url.UserPassword(role, secret)
	}
	p.args["store"] = ""
	p.env = append(p.env, "DATABASE_URL="+u.String())
}

// sql runs statements as the superuser.
func (p *patient) sql(address string, statements ...string) {
	p.t.Helper()
	conn, err := pgx.Connect(p.t.Context(), address)
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = conn.Close(p.t.Context()) }()
	for _, statement := range statements {
		if _, err := conn.Exec(p.t.Context(), statement); err != nil {
			p.t.Fatalf("%s: %v", statement, err)
		}
	}
}

func brokenPostgres() []broken {
	return []broken{
		{name: "the role may make no tables", check: "postgres.tables", verdict: doctor.Fault, code: 2, want: "GRANT CREATE", spoil: func(p *patient) {
			server := testenv.OwnPostgres(p.t)
			p.sql(server.URL, "CREATE ROLE reader LOGIN")
			p.onPostgres(server.URL, "reader")
		}},
		{name: "the role may not use the tables", check: "postgres.tables", verdict: doctor.Fault, code: 2, want: "", spoil: func(p *patient) {
			server := testenv.OwnPostgres(p.t)
			p.onPostgres(server.URL, "")
			if _, stderr, code := p.start(testenv.Build(p.t, "./cmd/worker")); code != 0 {
				p.t.Fatalf("worker = %d:\n%s", code, stderr)
			}
			p.sql(server.URL, "CREATE ROLE reader LOGIN", "GRANT USAGE ON SCHEMA shoal TO reader", "GRANT SELECT ON ALL TABLES IN SCHEMA shoal TO reader")
			p.onPostgres(server.URL, "reader")
		}},
		{name: "all connections are taken", check: "postgres.connection", verdict: doctor.Fault, code: 5, want: "too many clients", spoil: func(p *patient) {
			server := testenv.OwnPostgres(p.t, "max_connections=8", "superuser_reserved_connections=0")
			for range 8 {
				conn, err := pgx.Connect(p.t.Context(), server.URL)
				if err != nil {
					break
				}
				p.t.Cleanup(func() { _ = conn.Close(p.t.Context()) })
			}
			p.onPostgres(server.URL, "")
		}},
		{name: "few connections are left", check: "postgres.connections", verdict: doctor.Warning, want: "max_connections", spoil: func(p *patient) {
			p.onPostgres(testenv.OwnPostgres(p.t, "max_connections=8", "superuser_reserved_connections=2").URL, "")
		}},
		{name: "there is no such database", check: "postgres.connection", verdict: doctor.Fault, code: 2, want: "createdb", spoil: func(p *patient) {
			address := testenv.Postgres(p.t).URL
			p.onPostgres(address[:strings.LastIndex(address, "/")]+"/nowhere", "")
		}},
		{name: "there is no such role", check: "postgres.connection", verdict: doctor.Fault, code: 2, want: "user and password", spoil: func(p *patient) {
			p.onPostgres(testenv.Postgres(p.t).URL, "stranger")
		}},
		{name: "its transactions are read-only", check: "postgres.writes", verdict: doctor.Fault, code: 5, want: "default_transaction_read_only", spoil: func(p *patient) {
			server := testenv.OwnPostgres(p.t, "default_transaction_read_only=on")
			p.onPostgres(server.URL, "")
		}},
		{name: "it is frozen", check: "postgres.connection", verdict: doctor.Fault, code: 5, want: "", spoil: func(p *patient) {
			server := testenv.OwnPostgres(p.t)
			server.Freeze()
			p.onPostgres(server.URL, "")
		}},
		{name: "nothing is on its port", check: "postgres.connection", verdict: doctor.Fault, code: 5, want: "refused", spoil: func(p *patient) {
			p.onPostgres("postgres://shoal@"+closedPort(p.t)+"/shoal", "")
		}},
		{name: "its encoding loses texts", check: "postgres.version", verdict: doctor.Fault, code: 2, want: "UTF8", spoil: func(p *patient) {
			server := testenv.OwnPostgres(p.t)
			p.sql(server.URL, "CREATE DATABASE old ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
			p.onPostgres(server.URL[:strings.LastIndex(server.URL, "/")]+"/old", "")
		}},
		{name: "its tables are another program's", check: "postgres.tables", verdict: doctor.Fault, code: 2, want: "", spoil: func(p *patient) {
			server := testenv.Postgres(p.t)
			p.sql(server.URL, "CREATE SCHEMA shoal", "CREATE TABLE shoal.schema_version (something text)")
			p.onPostgres(server.URL, "")
		}},
	}
}

// brokenSQLite has the set-ups for which a disk is mounted only where that is possible.
func brokenSQLite(mounts bool) []broken {
	rows := []broken{
		{name: "its folder is not there", check: "sqlite.file", verdict: doctor.Fault, code: 2, want: "does not exist", spoil: func(p *patient) {
			p.args["store"] = "sqlite:" + filepath.Join(p.dir, "nowhere", "shoal.db")
		}},
		{name: "it is another file", check: "sqlite.tables", verdict: doctor.Fault, code: 2, want: "not a SQLite database", spoil: func(p *patient) {
			p.write("notes.db", strings.Repeat("these are notes\n", 100))
			p.args["store"] = "sqlite:" + filepath.Join(p.dir, "notes.db")
		}},
		{name: "it is a folder", check: "sqlite.file", verdict: doctor.Fault, code: 2, want: "folder", spoil: func(p *patient) {
			if err := os.Mkdir(filepath.Join(p.dir, "store"), 0o700); err != nil {
				p.t.Fatal(err)
			}
			p.args["store"] = "sqlite:" + filepath.Join(p.dir, "store")
		}},
		{name: "there is no such kind of store", check: "settings.values", verdict: doctor.Fault, code: 2, want: "sqlite:", spoil: func(p *patient) {
			p.args["store"] = "mysql://h/db"
		}},
	}
	if mounts || os.Geteuid() != 0 {
		rows = append(rows, broken{name: "its folder may not be written", check: "sqlite.folder", verdict: doctor.Fault, code: 2, want: "writable", spoil: func(p *patient) {
			p.args["store"] = "sqlite:" + filepath.Join(readOnly(p.t), "shoal.db")
		}})
	}
	if mounts {
		rows = append(rows, broken{name: "its disk is full", check: "sqlite.disk", verdict: doctor.Fault, code: 5, want: "free some space", spoil: func(p *patient) {
			p.args["store"] = "sqlite:" + filepath.Join(fullDisk(p.t), "shoal.db")
		}})
	}
	return rows
}

// TestDoctorNamesBrokenStores checks the set-ups whose store or Redis is not in order.
func TestDoctorNamesBrokenStores(t *testing.T) {
	t.Parallel()
	for of, rows := range map[string][]broken{"Redis": brokenRedis(), "PostgreSQL": brokenPostgres(), "SQLite": brokenSQLite(mayMount(t))} {
		for _, b := range rows {
			t.Run(of+": "+b.name, func(t *testing.T) {
				t.Parallel()
				b.examine(t)
			})
		}
	}
}

// httptestServer is a web server that is not Redis.
func httptestServer(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(nil)
	t.Cleanup(server.Close)
	return server.URL
}

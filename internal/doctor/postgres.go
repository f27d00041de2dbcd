package doctor

import (
	"context"
	"fmt"
	"time"

	"github.com/dustin/go-humanize"
)

// Postgres asks the server of a fleet's store. The errors are those that a worker would meet.
type Postgres struct {
	// Connect, Pooler, Writes and Tables are what a worker checks at its start, the last without
	// making any.
	Connect, Pooler, Writes func(ctx context.Context) error
	Tables                  func(ctx context.Context) (found string, err error)
	// Settings returns the warnings of the start, by what each is about: lz4, fsync, tls.
	Settings func(ctx context.Context) (map[string]string, error)
	Server   func(ctx context.Context) (PostgresServer, error)
}

// PostgresServer is what a PostgreSQL reports about itself.
type PostgresServer struct {
	Version     string
	Role        string
	Database    string
	Bytes       int64         // of the database
	Connections int           // in use, of all clients
	Usable      int           // that a role without privileges may make in all
	Clock       time.Duration // of the server, ahead of ours
	DataFolder  string        // if it is on this machine and may be known; else empty
}

// perWorker is how many connections a worker holds at most.
const perWorker = 4

// InPostgres is the checks of a PostgreSQL store.
func InPostgres(at string, port Postgres, here Machine) Group {
	var server PostgresServer
	var settings map[string]string
	connected, known, read := []string{"postgres.connection"}, []string{"postgres.connection", "postgres.server"}, []string{"postgres.connection", "postgres.version"}
	about := func(name, change, good string) func(context.Context) Finding {
		return func(context.Context) Finding {
			if sentence := settings[name]; sentence != "" {
				return warn(change, "%s", sentence)
			}
			return fine("%s", good)
		}
	}
	return Group{Name: "postgres", At: at, Rows: []Row{
		{Name: "postgres.connection", About: "connection", Change: "start PostgreSQL, or correct host, port, database and user in --store (try psql with the same address)", Look: func(ctx context.Context) Finding {
			began := time.Now()
			if err := port.Connect(ctx); err != nil {
				return wrong(err)
			}
			return fine("it accepts this role, within %s", brief(time.Since(began)))
		}},
		{Name: "postgres.version", About: "version and encoding", Needs: connected, Change: "use PostgreSQL 14 or newer, with a database in UTF8", Look: func(ctx context.Context) Finding {
			var err error
			settings, err = port.Settings(ctx)
			return orFine(err, "new enough, and texts arrive as they are")
		}},
		{Name: "postgres.server", About: "server", Needs: connected, Look: func(ctx context.Context) Finding {
			var err error
			if server, err = port.Server(ctx); err != nil {
				return unknown("it does not describe itself: %v", err)
			}
			return fine("PostgreSQL %s, database %s of %s, role %s", server.Version, server.Database, humanize.IBytes(uint64(max(0, server.Bytes))), server.Role)
		}},
		{Name: "postgres.pooler", About: "pooler", Needs: connected, Change: "give the server's own address in --store", Look: func(ctx context.Context) Finding {
			return orFine(port.Pooler(ctx), "none, or one that keeps sessions apart")
		}},
		{Name: "postgres.writes", About: "writes", Needs: connected, Change: "give the address of the primary; or ALTER ROLE … SET default_transaction_read_only = off, and the same for the database", Look: func(ctx context.Context) Finding {
			return orFine(port.Writes(ctx), "transactions may write")
		}},
		{Name: "postgres.tables", About: "tables and rights", Needs: with(connected, "postgres.writes"), Change: "GRANT CREATE ON DATABASE … TO the role, or USAGE on schema shoal and SELECT, INSERT, UPDATE, DELETE on its tables", Look: func(ctx context.Context) Finding {
			found, err := port.Tables(ctx)
			return orFine(err, "%s", found)
		}},
		{Name: "postgres.lz4", About: "compression", Needs: read, Look: about("lz4", "use a build of PostgreSQL with lz4, as those of Debian and of postgresql.org are", "lz4")},
		{Name: "postgres.fsync", About: "durability", Needs: read, Look: about("fsync", "ALTER SYSTEM SET fsync = on, and restart PostgreSQL", "fsync is on")},
		{Name: "postgres.tls", About: "encryption", Needs: read, Look: about("tls", "set sslmode=verify-full in the store URL", "as this way needs it")},
		{Name: "postgres.connections", About: "connections", Needs: known, Look: func(context.Context) Finding { return connections(server) }},
		{Name: "postgres.clock", About: "clock", Needs: known, Look: func(context.Context) Finding { return clock("PostgreSQL", server.Clock) }},
		{Name: "postgres.disk", About: "disk", Needs: known, Look: func(context.Context) Finding {
			if server.DataFolder == "" {
				return unknown("PostgreSQL does not report its free space: run df -h on its machine")
			}
			return free(here, server.DataFolder, nil)
		}},
	}}
}

func connections(s PostgresServer) Finding {
	left := s.Usable - s.Connections
	text := fmt.Sprintf("%d of %d in use; a worker takes up to %d", s.Connections, s.Usable, perWorker)
	if left < 2*perWorker {
		return warn("end sessions that are idle, or raise max_connections and restart PostgreSQL", "%s, so there is room for %d more", text, max(0, left)/perWorker)
	}
	return fine("%s", text)
}

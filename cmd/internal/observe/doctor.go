package observe

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"shoal/cmd/internal/console"
	"shoal/cmd/internal/exits"
	"shoal/internal/config"
	"shoal/internal/doctor"
	"shoal/internal/exchange"
	"shoal/internal/ledger"
	"shoal/internal/pace"
	"shoal/internal/store"
	"shoal/internal/store/stores"

	"github.com/redis/go-redis/v9"
)

// physician looks at the settings of one command.
type physician struct {
	config.Inspection

	log     *slog.Logger
	redis   redis.UniversalClient // nil without --redis
	closers []func()
}

// Doctor looks at everything that a worker with these settings would use. Its error is the one that
// such a worker would meet first.
func Doctor(ctx context.Context, log *slog.Logger, i config.Inspection) (doctor.Report, error) {
	p := &physician{Inspection: i, log: log}
	defer func() {
		for _, end := range slices.Backward(p.closers) {
			end()
		}
	}()
	report := doctor.Examine(ctx, p.groups(ctx), func(err error) int { return exits.Code(err, 0) })
	report.Version = console.Version()
	if ctx.Err() != nil {
		return report, context.Cause(ctx)
	}
	return report, report.Err()
}

// groups are in the order in which a worker meets what they are about.
func (p *physician) groups(ctx context.Context) []doctor.Group {
	set := p.Worker
	settings := doctor.Settings{File: p.File(), Invalid: p.Invalid, Complete: p.Complete}
	if !p.Complete {
		return []doctor.Group{doctor.OfSettings(settings)}
	}
	settings.Warnings = set.Warnings
	target := p.find(ctx)
	target.describe(&settings)
	groups := []doctor.Group{doctor.OfSettings(settings), doctor.OnMachine(target.set.Concurrency, ".", doctor.Here{})}
	groups = append(groups, p.storeGroup(ctx))
	if set.Redis != "" {
		groups = append(groups, p.redisGroup(target.host))
	}
	return append(groups, p.upstreamGroup(target))
}

func (p *physician) onClose(end func()) { p.closers = append(p.closers, end) }

// storeGroup looks at the store.
func (p *physician) storeGroup(ctx context.Context) doctor.Group {
	at := config.Redact(p.Worker.Store)
	e, err := stores.Examine(ctx, p.Worker.Store, store.Options{Application: "shoal doctor", Version: console.Version()})
	switch {
	case err != nil:
		return doctor.Unusable("store", at, "--store", err)
	case e.SQLite != nil:
		f := e.SQLite
		return doctor.InSQLite(doctor.SQLite{
			File: f.Path, Tables: f.Tables, Locked: f.Locked(), Full: f.Full(),
			Look: func(ctx context.Context) (doctor.SQLiteFile, error) {
				file, err := f.Look(ctx)
				return doctor.SQLiteFile(file), err
			},
		}, doctor.Here{})
	}
	server := e.Postgres
	p.onClose(server.Close)
	return doctor.InPostgres(at, doctor.Postgres{
		Connect: server.Connect, Pooler: server.Pooler, Writes: server.Writes, Tables: server.Tables, Settings: server.Settings,
		Server: func(ctx context.Context) (doctor.PostgresServer, error) {
			s, err := server.Server(ctx)
			return doctor.PostgresServer(s), err
		},
	}, doctor.Here{})
}

// redisGroup looks at Redis, and at the keys of a host if one is known.
func (p *physician) redisGroup(host string) doctor.Group {
	at := config.Redact(p.Worker.Redis)
	client, err := pace.Connect(p.Worker.Redis, p.Worker.CA)
	if err != nil {
		return doctor.Unusable("redis", at, "--redis", config.Usagef("%v", err))
	}
	p.redis = client
	p.onClose(func() { _ = client.Close() })
	var hosts []string
	if host != "" {
		hosts = append(hosts, host)
	}
	return doctor.InRedis(at, doctor.Redis{
		Reach: func(ctx context.Context) (bool, error) {
			answered, err := pace.Reach(ctx, client)
			if err != nil && !errors.Is(err, pace.ErrUnsafeRedis) {
				err = away{err}
			}
			return answered, err
		},
		Policy: func(ctx context.Context) error { return pace.CheckPolicy(ctx, client) },
		Role:   func(ctx context.Context) error { return ledger.CheckRole(ctx, client) },
		Rights: func(ctx context.Context) error {
			if err := pace.CheckRights(ctx, client); err != nil {
				return err
			}
			return ledger.CheckRights(ctx, client)
		},
		Keys: func(ctx context.Context) error { return pace.CheckKeys(ctx, client, hosts...) },
		Server: func(ctx context.Context) (doctor.RedisServer, error) {
			s, err := pace.Look(ctx, client)
			return doctor.RedisServer(s), err
		},
	})
}

// away is an error that a worker meets until its patience ends.
type away struct{ error }

// Unwrap implements [errors.Is].
func (a away) Unwrap() []error { return []error{a.error, exchange.ErrPatience} }

// firstRead is how long the corpus may take until its first item.
const firstRead = 3 * time.Second

package observe

import (
	"context"
	"time"

	"shoal/cmd/internal/console"
	"shoal/cmd/internal/wire"
	"shoal/internal/config"
	"shoal/internal/harvest"
	"shoal/internal/status"
	"shoal/internal/telemetry"
)

// lastExport is how long the end of a program may wait for its collector.
const lastExport = 4 * time.Second

// Export begins what --otlp asks for: it gives the program a tracer, and follows its metrics until
// stop. timings is nil for a coordinator, which sends no requests for items.
func Export(ctx context.Context, set config.Worker, env *wire.Env, last *console.Watched, timings *status.Timings) (stop func(), err error) {
	if set.OTLP == "" {
		return func() {}, nil
	}
	service := "shoal-worker"
	if timings == nil {
		service = "shoal-coordinator"
	}
	exporter, err := telemetry.Start(ctx, telemetry.Settings{
		URL: set.OTLP, Service: service, Version: env.Version, Log: env.Log,
		Metrics: status.Gatherer(func() harvest.Progress { return console.Last(last) }, timings),
	})
	if err != nil {
		return nil, config.Usagef("--otlp: %v", err)
	}
	if exporter == nil {
		return func() {}, nil
	}
	env.Tracer = exporter
	watch := env.Watch
	env.Watch = func(get func() harvest.Progress) {
		exporter.Run(get().Run)
		watch(get)
	}
	return func() { exporter.Close(lastExport) }, nil
}

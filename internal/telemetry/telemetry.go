package telemetry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	bridge "go.opentelemetry.io/contrib/bridges/prometheus"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"

	"github.com/prometheus/client_golang/prometheus"
)

// FromEnv is the address that leaves all of it to the environment.
const FromEnv = "env"

// Settings are what an [Exporter] is made of.
type Settings struct {
	URL     string              // of the collector, to which /v1/traces and /v1/metrics are added; or FromEnv
	Service string              // name of the service, unless the environment has another
	Version string              // of the program
	Metrics prometheus.Gatherer // of the process
	Log     *slog.Logger
}

// share is the part of the items that is followed, unless OTEL_TRACES_SAMPLER chooses.
const share = 0.01

// Exporter exports until [Exporter.Close]. It follows items; its methods are safe for concurrent
// use.
type Exporter struct {
	items    items
	provider *trace.TracerProvider
	meter    *metric.MeterProvider
	log      *slog.Logger
}

// Start begins to export. It returns nil if OTEL_SDK_DISABLED is true.
func Start(ctx context.Context, s Settings) (*Exporter, error) {
	if strings.EqualFold(os.Getenv("OTEL_SDK_DISABLED"), "true") {
		return nil, nil
	}
	origin, err := resource.New(ctx, resource.WithTelemetrySDK(), resource.WithProcessPID(), resource.WithHost(),
		resource.WithAttributes(attribute.String("service.name", s.Service), attribute.String("service.version", s.Version)),
		resource.WithFromEnv()) // last, so that it wins
	if err != nil {
		return nil, fmt.Errorf("describe this process to OpenTelemetry: %w", err)
	}
	var spanOptions []otlptracehttp.Option
	var metricOptions []otlpmetrichttp.Option
	if base := strings.TrimSuffix(s.URL, "/"); s.URL != FromEnv {
		if os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") == "" {
			spanOptions = append(spanOptions, otlptracehttp.WithEndpointURL(base+"/v1/traces"))
		}
		if os.Getenv("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT") == "" {
			metricOptions = append(metricOptions, otlpmetrichttp.WithEndpointURL(base+"/v1/metrics"))
		}
	}
	spans, err := otlptracehttp.New(ctx, spanOptions...)
	if err != nil {
		return nil, fmt.Errorf("export traces: %w", err)
	}
	values, err := otlpmetrichttp.New(ctx, metricOptions...)
	if err != nil {
		return nil, fmt.Errorf("export metrics: %w", err)
	}
	otel.SetErrorHandler(quietly(s.Log))
	options := []trace.TracerProviderOption{trace.WithBatcher(spans), trace.WithResource(origin), trace.WithIDGenerator(ids{})}
	if os.Getenv("OTEL_TRACES_SAMPLER") == "" {
		options = append(options, trace.WithSampler(trace.ParentBased(trace.TraceIDRatioBased(share))))
	}
	e := &Exporter{
		provider: trace.NewTracerProvider(options...), log: s.Log,
		meter: metric.NewMeterProvider(metric.WithResource(origin), metric.WithReader(metric.NewPeriodicReader(values, metric.WithProducer(bridge.NewMetricProducer(bridge.WithGatherer(s.Metrics)))))),
	}
	e.items.init(e.provider.Tracer("shoal", tracerVersion(s.Version)))
	return e, nil
}

// Close exports what is left, for at most that long.
func (e *Exporter) Close(limit time.Duration) {
	if e == nil {
		return
	}
	e.items.leave()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	var both sync.WaitGroup
	var traces, values error
	both.Go(func() { traces = e.provider.Shutdown(ctx) })
	both.Go(func() { values = e.meter.Shutdown(ctx) })
	both.Wait()
	if err := errors.Join(traces, values); err != nil {
		e.log.Warn("telemetry not delivered", "error", bare(err))
	}
}

// quietPeriod is how long further errors of the exporters are only counted.
const quietPeriod = time.Minute

// quietly logs errors of the exporters, at most one a minute.
func quietly(log *slog.Logger) otel.ErrorHandler {
	var mu sync.Mutex
	var last time.Time
	more := 0
	return otel.ErrorHandlerFunc(func(err error) {
		mu.Lock()
		defer mu.Unlock()
		if time.Since(last) < quietPeriod {
			more++
			return
		}
		log.Warn("telemetry not delivered", "error", bare(err), "more", more)
		last, more = time.Now(), 0
	})
}

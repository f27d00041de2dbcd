// Package telemetry exports traces and metrics by OpenTelemetry's protocol (OTLP) over HTTP.
//
// In go the attempts at items and the batches that landed, the metrics of the process, an address
// and the standard environment variables of OpenTelemetry's SDK; out come one trace for each
// sampled item, from the wait for its connection to its landing, and the metrics. What the
// collector does not take is dropped and counted in the log.
//
// It never waits for the collector on the way of an item, and no attribute holds a credential.
package telemetry

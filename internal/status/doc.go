// Package status shows a person, a script or Prometheus what a worker is doing.
//
// In go snapshots of harvest.Progress and log records; out come a progress bar,
// a line a minute, JSON lines, a final summary, structured logs and /metrics.
// Nothing here is on the way of an item: a terminal or pipe that blocks costs
// lines, which are counted, and never a request.
//
// The package decides nothing, asks nobody for numbers but the function that it
// is given, and shows no URL but the names of items that did not land, no text of an item
// and no credential.
package status

// Package status shows a person, a script or Prometheus what a worker is doing.
//
// In go snapshots of [harvest.Progress] and log records; out come a progress bar, a line a minute,
// [JSON] lines, a final summary, structured logs and /metrics. The package is not on the way of an
// item: a terminal or pipe that blocks costs lines, which are counted, and never a request.
//
// It never decides anything, takes numbers only from the function that it is given, and never shows
// a URL (except the names of items that did not land), the text of an item or a credential.
package status

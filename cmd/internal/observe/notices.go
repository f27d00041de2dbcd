package observe

import (
	"log/slog"

	"shoal/cmd/internal/console"
	"shoal/internal/config"
	"shoal/internal/harvest"
	"shoal/internal/notify"
	"shoal/internal/status"
)

// Notices begins to deliver what --notify and --heartbeat ask for; nil without them.
func Notices(set config.Worker, log *slog.Logger) (*notify.Reporter, error) {
	key, err := status.ReadToken(set.NotifyKey)
	if err != nil {
		return nil, config.Usagef("--notify-key-file: %v", err)
	}
	return notify.NewReporter(notify.Settings{
		URLs: set.Notify, Key: []byte(key), After: set.NotifyAfter, Heartbeat: set.Heartbeat, Every: set.HeartbeatGap, Version: console.Version(), Log: log,
	}), nil
}

// Ending is how a program ended: its last progress, which may be of no run yet, its exit code and
// its error.
func Ending(last harvest.Progress, finished bool, code int, err error) notify.Ending {
	e := notify.Ending{Last: last, Code: code, Finished: finished}
	if err != nil {
		e.Err = harvest.ErrorText(err)
	}
	return e
}

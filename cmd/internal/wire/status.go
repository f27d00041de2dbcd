package wire

import (
	"context"
	"time"

	"shoal/internal/config"
	"shoal/internal/harvest"
	"shoal/internal/status"
)

// ServeStatus opens --status-addr, if asked for, and says where it was bound. While ready says why not, /readyz does too.
func ServeStatus(addr string, get func() harvest.Progress, ready func() error) (address string, stop func(), err error) {
	if addr == "" {
		return "", func() {}, nil
	}
	server, err := status.Serve(addr, get, ready)
	if err != nil {
		return "", nil, config.Usagef("%v", err)
	}
	return "http://" + server.Addr() + "/metrics", func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = server.Close(ctx)
	}, nil
}

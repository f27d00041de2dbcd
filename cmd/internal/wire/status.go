package wire

import (
	"context"
	"time"

	"shoal/internal/config"
	"shoal/internal/harvest"
	"shoal/internal/status"
)

// ServeStatus opens --status-addr, if asked for, and says where it was bound.
func ServeStatus(addr string, get func() harvest.Progress) (address string, stop func(), err error) {
	if addr == "" {
		return "", func() {}, nil
	}
	server, err := status.Serve(addr, get, nil)
	if err != nil {
		return "", nil, config.Usagef("%v", err)
	}
	address = "http://" + server.Addr() + "/metrics"
	if token := server.Token(); token != "" {
		address += " (others reach this address, so /metrics wants the header Authorization: Bearer " + token + ")"
	}
	return address, func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = server.Close(ctx)
	}, nil
}

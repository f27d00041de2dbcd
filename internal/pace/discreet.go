package pace

import (
	"context"
	"net"

	"github.com/redis/go-redis/v9"

	"shoal/internal/harvest"
)

// NewClient makes a client whose errors never contain our password: a server, or something that
// poses as one, may quote what it was sent.
func NewClient(o *redis.Options) *redis.Client {
	client := redis.NewClient(o)
	client.AddHook(discreet{harvest.NewMask(1, o.Password)})
	return client
}

// Connect makes a client of [NewClient] for a redis:// or rediss:// URL, which trusts the
// authorities of the file ca too.
func Connect(url, ca string) (*redis.Client, error) {
	options, err := ClientOptions(url)
	if err != nil {
		return nil, err
	}
	if err := TrustCA(options, ca); err != nil {
		return nil, err
	}
	return NewClient(options), nil
}

type discreet struct{ mask *harvest.Mask }

// hiddenError is a reply of the server without our password.
type hiddenError string

func (e hiddenError) Error() string { return string(e) }

// RedisError marks it as a reply of the server.
func (e hiddenError) RedisError() {}

func (d discreet) clean(err error) error {
	if err == nil {
		return nil
	}
	if text := err.Error(); d.mask.Text(text) != text {
		return hiddenError(d.mask.Text(text))
	}
	return err
}

// DialHook implements [redis.Hook].
func (d discreet) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

// ProcessHook implements [redis.Hook].
func (d discreet) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := d.clean(next(ctx, cmd))
		if err != nil {
			cmd.SetErr(err)
		}
		return err
	}
}

// ProcessPipelineHook implements [redis.Hook].
func (d discreet) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		err := d.clean(next(ctx, cmds))
		for _, cmd := range cmds {
			if cmd.Err() != nil {
				cmd.SetErr(d.clean(cmd.Err()))
			}
		}
		return err
	}
}

package testenv

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// RedisServer is a redis-server for one test. Its methods belong to the goroutine of that test.
type RedisServer struct {
	// URL is redis://127.0.0.1:PORT/0.
	URL string
	// Addr is 127.0.0.1:PORT.
	Addr string

	t    testing.TB
	path string
	dir  string
	port int
	args []string
	proc *process
}

// Redis starts a redis-server for t on a free loopback port and stops it when t ends. It keeps
// nothing on disk unless args ask for it; args are those of redis-server, for example
// "--appendonly", "yes".
func Redis(t testing.TB, args ...string) *RedisServer {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		giveUp(t, fmt.Errorf("redis-server: %w", errNotInstalled))
	}
	dir, err := os.MkdirTemp("", "shoal-redis-")
	if err != nil {
		giveUp(t, fmt.Errorf("make a folder for Redis: %w", err))
	}
	s := &RedisServer{t: t, path: path, dir: dir, args: args}
	t.Cleanup(func() {
		if s.proc != nil {
			s.proc.kill()
		}
		_ = os.RemoveAll(dir)
	})
	for try := 1; ; try++ {
		if s.port, err = freePort(); err == nil {
			err = s.start()
		}
		if err == nil {
			break
		}
		if try == portTries {
			giveUp(t, err)
		}
	}
	s.Addr = net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port))
	s.URL = "redis://" + s.Addr + "/0"
	return s
}

func (s *RedisServer) start() error {
	args := append([]string{"--port", strconv.Itoa(s.port), "--bind", "127.0.0.1", "--dir", s.dir, "--save", ""}, s.args...)
	p, err := launch(command{path: s.path, args: args, dir: s.dir, log: filepath.Join(s.dir, "log"), last: syscall.SIGKILL})
	if err != nil {
		return err
	}
	c := redis.NewClient(clientOptions(net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port))))
	defer c.Close()
	// The pid is compared because another program may have taken the port and answer in its place.
	if err := await(p, func() error { return answersAs(c, p.cmd.Process.Pid) }); err != nil {
		p.kill()
		return err
	}
	s.proc = p
	return nil
}

func answersAs(c *redis.Client, pid int) error {
	info, err := c.InfoMap(context.Background(), "server").Result()
	if err != nil {
		return err
	}
	if got := info["Server"]["process_id"]; got != strconv.Itoa(pid) {
		return fmt.Errorf("another Redis (pid %s) listens on the port", got)
	}
	return c.Ping(context.Background()).Err() // fails while an append-only file is still being read
}

func clientOptions(addr string) *redis.Options {
	return &redis.Options{
		Addr: addr, DisableIdentity: true, ContextTimeoutEnabled: true, MaxRetries: -1,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
}

// Client returns a client of the server, closed when t ends. It never repeats a command by itself.
func (s *RedisServer) Client(t testing.TB) *redis.Client {
	t.Helper()
	c := redis.NewClient(clientOptions(s.Addr))
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// Kill ends the server with SIGKILL and returns when it is gone.
func (s *RedisServer) Kill() { s.proc.kill() }

// Stop ends the server with SIGTERM and returns when it is gone.
func (s *RedisServer) Stop() { s.proc.end(syscall.SIGTERM) }

// Start starts a killed or stopped server again on its port: empty, unless the args of [Redis] made
// it keep a file.
func (s *RedisServer) Start() {
	s.t.Helper()
	if s.proc.running() {
		s.t.Fatalf("testenv: start Redis on %s: it runs", s.Addr)
	}
	if err := s.start(); err != nil {
		s.t.Fatalf("testenv: start Redis again: %v", err)
	}
}

// Freeze stops the server with SIGSTOP: connections stay open, but get no answer.
func (s *RedisServer) Freeze() {
	s.t.Helper()
	if err := s.proc.freeze(); err != nil {
		s.t.Fatalf("testenv: freeze Redis: %v", err)
	}
}

// Thaw lets a frozen server continue.
func (s *RedisServer) Thaw() { s.proc.thaw() }

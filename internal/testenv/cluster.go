package testenv

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5"
)

// cluster is one PostgreSQL data folder and the postmaster on it.
type cluster struct {
	bin  string
	dir  string
	port int
	conf []string
	as   *syscall.Credential
	proc *process
}

// newCluster makes and starts a cluster with one superuser, shoal, who may connect from loopback
// without a password.
func newCluster(conf ...string) (*cluster, error) {
	bin, err := postgresBin()
	if err != nil {
		return nil, err
	}
	as, err := unprivileged()
	if err != nil {
		return nil, err
	}
	c := &cluster{bin: bin, conf: conf, as: as}
	if c.dir, err = os.MkdirTemp("", "shoal-pg-"); err != nil {
		return nil, fmt.Errorf("make a folder for PostgreSQL: %w", err)
	}
	hold, err := tie(c.dir, 0) // until the server's own leash takes over: initdb takes a second, and may be the last
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(c.dir))
	}
	defer hold.untie()
	if err := c.init(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(c.dir))
	}
	for range portTries {
		if c.port, err = freePort(); err == nil {
			err = c.start()
		}
		if err == nil {
			return c, nil
		}
	}
	return nil, errors.Join(err, os.RemoveAll(c.dir))
}

func (c *cluster) init() error {
	if c.as != nil {
		if err := os.Chown(c.dir, int(c.as.Uid), int(c.as.Gid)); err != nil {
			return fmt.Errorf("give the PostgreSQL folder away: %w", err)
		}
	}
	cmd := exec.Command(filepath.Join(c.bin, "initdb"), "-D", c.data(), "-U", "shoal", "--auth=trust", "--encoding=UTF8",
		"--locale=C", "--no-sync", "--no-instructions")
	cmd.Dir = c.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: c.as}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	return nil
}

func (c *cluster) data() string { return filepath.Join(c.dir, "data") }

func (c *cluster) url() string { return fmt.Sprintf("postgres://shoal@127.0.0.1:%d/postgres", c.port) }

func (c *cluster) start() error {
	args := []string{"-D", c.data(), "-p", strconv.Itoa(c.port)}
	settings := slices.Concat([]string{
		"listen_addresses=127.0.0.1",
		"unix_socket_directories=",
		"max_connections=200",
		"shared_buffers=64MB",
		"dynamic_shared_memory_type=mmap", // keeps the segments in the folder, where a killed server leaves them to be removed
		"timezone=UTC",
	}, c.conf)
	for _, s := range settings {
		args = append(args, "-c", s)
	}
	p, err := launch(command{
		path: filepath.Join(c.bin, "postgres"), args: args, dir: c.dir, log: filepath.Join(c.dir, "log"),
		as: c.as, last: syscall.SIGQUIT,
	})
	if err != nil {
		return err
	}
	if err := await(p, c.answers); err != nil {
		p.kill()
		return err
	}
	c.proc = p
	return nil
}

// answers asks for the data folder too, because another cluster may have taken the port and answer
// in our place.
func (c *cluster) answers() error {
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	conn, err := pgx.Connect(ctx, c.url())
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	var dir string
	if err := conn.QueryRow(ctx, "SHOW data_directory").Scan(&dir); err != nil {
		return err
	}
	if dir != c.data() {
		return fmt.Errorf("another PostgreSQL (%s) listens on port %d", dir, c.port)
	}
	return nil
}

// stop ends the cluster by a fast shutdown; a frozen one is woken first, else it could not receive
// the signal.
func (c *cluster) stop() {
	if c.proc.running() {
		c.proc.thaw()
	}
	c.proc.end(syscall.SIGINT)
}

func (c *cluster) remove() {
	c.proc.kill()
	_ = os.RemoveAll(c.dir)
}

// unprivileged returns the user to start PostgreSQL as: nil for ourselves, or another user if we
// are root, as whom it refuses to run.
func unprivileged() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	names := []string{"postgres", "nobody"}
	for _, name := range names {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.ParseUint(u.Uid, 10, 32)
		gid, gidErr := strconv.ParseUint(u.Gid, 10, 32)
		if err := errors.Join(uidErr, gidErr); err != nil {
			return nil, fmt.Errorf("read the ids of %s: %w", name, err)
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, fmt.Errorf("PostgreSQL refuses to run as root, and this machine has none of the users %q to run it as", names)
}

// postgresBin finds a folder that holds both initdb and postgres: on PATH, else where packages put
// them, newest first.
func postgresBin() (string, error) {
	var dirs []string
	if path, err := exec.LookPath("initdb"); err == nil {
		dirs = append(dirs, filepath.Dir(path))
	}
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin",
		"/opt/homebrew/opt/postgresql*/bin", "/usr/local/opt/postgresql*/bin", "/Applications/Postgres.app/Contents/Versions/*/bin",
	} {
		found, _ := filepath.Glob(pattern) // the patterns are constant and sound
		slices.SortFunc(found, func(a, b string) int { return version(b) - version(a) })
		dirs = append(dirs, found...)
	}
	for _, dir := range dirs {
		if executable(filepath.Join(dir, "initdb")) && executable(filepath.Join(dir, "postgres")) {
			return dir, nil
		}
	}
	return "", fmt.Errorf("PostgreSQL (initdb and postgres): %w", errNotInstalled)
}

// version returns the first number in a path, or 0.
func version(path string) int {
	digits := strings.FieldsFunc(path, func(r rune) bool { return r < '0' || r > '9' })
	if len(digits) == 0 {
		return 0
	}
	n, _ := strconv.Atoi(digits[0]) // a number too long for an int sorts last
	return n
}

func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

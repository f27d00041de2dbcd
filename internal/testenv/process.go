package testenv

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is one server program that we started, on a leash.
type process struct {
	name  string
	log   string
	dir   string
	last  syscall.Signal
	cmd   *exec.Cmd
	done  chan struct{}
	leash *leash
}

// command is how to start a server program.
type command struct {
	path string
	args []string
	dir  string
	log  string
	as   *syscall.Credential
	// last is the signal by which the leash ends the program when the test binary is gone.
	last syscall.Signal
}

// launch starts the program in a process group of its own, so that Ctrl-C on the terminal reaches
// only the test, which then ends the program in its own order.
func launch(c command) (*process, error) {
	log, err := os.OpenFile(c.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open the log of %s: %w", c.path, err)
	}
	defer log.Close()
	cmd := exec.Command(c.path, c.args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = c.dir, log, log
	cmd.Env = append(os.Environ(), "LC_ALL=C", "TZ=UTC")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: c.as}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", c.path, err)
	}
	p := &process{name: c.path, log: c.log, dir: c.dir, last: c.last, cmd: cmd, done: make(chan struct{})}
	go func() {
		defer close(p.done)
		_ = cmd.Wait() // its log shows how it ended
	}()
	if p.leash, err = tie(c.dir, c.last, cmd.Process.Pid); err != nil {
		p.end(syscall.SIGKILL)
		return nil, err
	}
	return p, nil
}

// running reports whether the program has not ended yet.
func (p *process) running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// tree returns the pid of the program and those of its children.
func (p *process) tree() []int {
	pid := p.cmd.Process.Pid
	return append([]int{pid}, children(pid)...)
}

// signal sends sig to every pid; a process that is gone already is not an error.
func signal(pids []int, sig syscall.Signal) {
	for _, pid := range pids {
		_ = syscall.Kill(pid, sig)
	}
}

// end sends sig to the program and waits until it is gone; after stopLimit it is killed with all
// its children.
func (p *process) end(sig syscall.Signal) {
	if p.running() {
		signal([]int{p.cmd.Process.Pid}, sig)
	}
	select {
	case <-p.done:
	case <-time.After(stopLimit):
		signal(p.tree(), syscall.SIGKILL)
		<-p.done
	}
	p.leash.untie()
}

// kill ends the program and all its children with SIGKILL, as a lost machine would, and returns
// when they are gone: a child that lingers would still hold the memory and the port that the next
// start needs.
func (p *process) kill() {
	if p.running() {
		signal([]int{p.cmd.Process.Pid}, syscall.SIGSTOP) // no child is born after the look
		pids := p.tree()
		signal(pids, syscall.SIGKILL)
		<-p.done
		p.outlive(pids[1:])
	}
	p.leash.untie()
}

// outlive waits until none of the pids runs, no longer than stopLimit.
func (p *process) outlive(pids []int) {
	limit := time.After(stopLimit)
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for slices.ContainsFunc(pids, runs) {
		select {
		case <-tick.C:
		case <-limit:
			return
		}
	}
}

// runs reports whether a process exists and is not a zombie: in a container the children of a dead
// parent often stay zombies.
func runs(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	_, state, ok := statOf(strconv.Itoa(pid))
	return !ok || state != "Z"
}

// freeze stops the program and its children with SIGSTOP. The parent is stopped first, so that no
// child is born between the look and the signal. The leash is tied anew: frozen children would
// outlive a dead parent.
func (p *process) freeze() error {
	signal([]int{p.cmd.Process.Pid}, syscall.SIGSTOP)
	pids := p.tree()
	signal(pids, syscall.SIGSTOP)
	next, err := tie(p.dir, p.last, pids...)
	if err != nil {
		return err
	}
	p.leash.untie()
	p.leash = next
	return nil
}

// thaw lets a frozen program continue.
func (p *process) thaw() { signal(p.tree(), syscall.SIGCONT) }

// tail returns the end of the program's log.
func (p *process) tail() string {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	const most = 2000
	if len(text) > most {
		text = text[len(text)-most:]
	}
	return "its log ends: " + string(bytes.TrimSpace(text))
}

// children lists the pids whose parent is pid. It reads /proc where there is one, else it asks ps.
func children(pid int) []int {
	if pids, err := childrenFromProc(pid); err == nil {
		return pids
	}
	out, err := exec.Command("ps", "-A", "-o", "pid=,ppid=").Output()
	if err != nil {
		return nil
	}
	var pids []int
	for line := range strings.Lines(string(out)) {
		var child, parent int
		if n, _ := fmt.Sscan(line, &child, &parent); n == 2 && parent == pid {
			pids = append(pids, child)
		}
	}
	return pids
}

func childrenFromProc(pid int) ([]int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		return nil, err
	}
	var pids []int
	for _, e := range entries {
		child, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if parent, _, ok := statOf(e.Name()); ok && parent == strconv.Itoa(pid) {
			pids = append(pids, child)
		}
	}
	return pids, nil
}

// statOf reads the parent and the state of a process from /proc.
func statOf(pid string) (parent, state string, ok bool) {
	stat, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return "", "", false
	}
	// pid (name) state ppid …: the name may hold blanks and brackets, so read from the last one.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 2 {
		return "", "", false
	}
	return fields[1], fields[0], true
}

// leash is a tiny shell that outlives the test binary by a moment. It reads a pipe that only the
// test binary holds: when the binary ends, in whatever way, the pipe closes, and the leash ends the
// server and removes its folder. The parent death signal of Linux does not replace it: that fires
// when the thread that forked ends, and Go ends threads at will.
type leash struct{ pipe io.WriteCloser }

const leashScript = `read -r _ && exit 0
dir=$1 sig=$2 first=$3; shift 2
if [ -n "$first" ]; then
	kill -s CONT "$@"; kill -s "$sig" "$first"
	n=0; while [ $n -lt 50 ] && kill -0 "$first"; do sleep 0.1; n=$((n+1)); done
	kill -s KILL "$@"
fi
[ -z "$dir" ] || rm -rf "$dir"`

// tie starts a leash for the pids, of which the first gets sig; dir may be empty.
func tie(dir string, sig syscall.Signal, pids ...int) (*leash, error) {
	name := "KILL"
	if sig == syscall.SIGQUIT {
		name = "QUIT"
	}
	args := []string{"-c", leashScript, "leash", dir, name}
	for _, pid := range pids {
		args = append(args, strconv.Itoa(pid))
	}
	cmd := exec.Command("/bin/sh", args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	pipe, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("tie a leash: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("tie a leash: %w", err)
	}
	go func() { _ = cmd.Wait() }()
	return &leash{pipe}, nil
}

// untie dismisses the leash without any action; a second call does nothing.
func (l *leash) untie() {
	if l == nil || l.pipe == nil {
		return
	}
	_, _ = io.WriteString(l.pipe, "\n") // the leash may be gone already
	_ = l.pipe.Close()
	l.pipe = nil
}

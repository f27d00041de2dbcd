package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// measure runs a program on one core and within the limit. Where a cgroup can be made the kernel enforces the limit; else
// GOMEMLIMIT is nine tenths of it. The peak is the sum of what the program's processes have resident.
func measure(dir string, args []string) (*measured, error) {
	ctx, cancel := context.WithTimeout(context.Background(), most)
	defer cancel()
	if taskset, err := exec.LookPath("taskset"); err == nil {
		args = append([]string{taskset, "-c", "0"}, args...)
	}
	group := newGroup()
	env := os.Environ()
	if group != nil {
		defer group.remove()
		args = append([]string{"sh", "-c", `echo $$ > "$0" && exec "$@"`, filepath.Join(group.dir, "cgroup.procs")}, args...)
	} else {
		env = append(env, "GOMEMLIMIT="+strconv.Itoa(limit/10*9))
	}
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	var output bytes.Buffer
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, slices.Concat(env, []string{"GOMAXPROCS=1"}), &output, &output
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	ended := make(chan struct{})
	peak := make(chan int64)
	go watch(cmd.Process.Pid, ended, peak)
	err := cmd.Wait()
	close(ended)
	m := &measured{peak: <-peak, took: time.Since(began), code: cmd.ProcessState.ExitCode(), output: tail(output.String())}
	if group != nil {
		if group.killed() {
			return m, fmt.Errorf("the kernel ended a process: %w", os.ErrDeadlineExceeded)
		}
	}
	if cmd.ProcessState.ExitCode() < 0 {
		return m, err
	}
	return m, nil
}

func tail(s string) string { return s[max(0, len(s)-2000):] }

// watch sums what a process and its children have resident.
func watch(pid int, ended <-chan struct{}, peak chan<- int64) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	most := int64(0)
	for {
		select {
		case <-ended:
			peak <- most
			return
		case <-tick.C:
			most = max(most, resident(pid))
		}
	}
}

func resident(pid int) (sum int64) {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid)) // it may have ended
	if fields := strings.Fields(string(text)); len(fields) > 1 {
		pages, _ := strconv.ParseInt(fields[1], 10, 64)
		sum = pages * int64(os.Getpagesize())
	}
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, task := range tasks {
		children, _ := os.ReadFile(task)
		for child := range strings.FieldsSeq(string(children)) {
			if n, err := strconv.Atoi(child); err == nil {
				sum += resident(n)
			}
		}
	}
	return sum
}

// group is a cgroup with the limit.
type group struct {
	dir string
	v2  bool
}

// newGroup makes one below our own; nil where that is not allowed.
func newGroup() *group {
	text, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return nil
	}
	for line := range strings.SplitSeq(string(text), "\n") {
		parts := strings.SplitN(line, ":", 3)
		if len(parts) != 3 || parts[1] != "" && parts[1] != "memory" {
			continue
		}
		g := &group{dir: filepath.Join("/sys/fs/cgroup", parts[1], parts[2], fmt.Sprintf("hostile-%d", os.Getpid())), v2: parts[1] == ""}
		name := "memory.limit_in_bytes"
		if g.v2 {
			name = "memory.max"
		}
		if os.Mkdir(g.dir, 0o755) != nil {
			continue
		}
		if _, err := os.Stat(filepath.Join(g.dir, name)); err == nil && os.WriteFile(filepath.Join(g.dir, name), []byte(strconv.Itoa(limit)), 0) == nil {
			return g
		}
		g.remove()
	}
	return nil
}

func (g *group) remove() { _ = os.Remove(g.dir) }

func (g *group) killed() bool {
	name := "memory.oom_control"
	if g.v2 {
		name = "memory.events"
	}
	text, _ := os.ReadFile(filepath.Join(g.dir, name))
	for line := range strings.SplitSeq(string(text), "\n") {
		if fields := strings.Fields(line); len(fields) == 2 && fields[0] == "oom_kill" && fields[1] != "0" {
			return true
		}
	}
	return false
}

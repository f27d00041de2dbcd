package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

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
		if g.bounded(name) {
			return g
		}
		g.remove()
	}
	return nil
}

// bounded sets the limit and reports whether it is in force and processes may be moved in.
func (g *group) bounded(name string) bool {
	if _, err := os.Stat(filepath.Join(g.dir, name)); err != nil {
		return false
	}
	procs, err := os.OpenFile(filepath.Join(g.dir, "cgroup.procs"), os.O_WRONLY, 0)
	if err != nil {
		return false
	}
	_ = procs.Close() // nothing was written
	return os.WriteFile(filepath.Join(g.dir, name), []byte(strconv.Itoa(limit)), 0) == nil
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

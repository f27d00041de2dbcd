package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// measured is what came of one run.
type measured struct {
	peak   int64
	took   time.Duration
	code   int
	landed int
	others string
	output string
}

// broken returns the bounds that did not hold.
func (m *measured) broken(a attack) error {
	var errs []error
	if m.peak > limit {
		errs = append(errs, fmt.Errorf("%d MiB are more than %d", m.peak>>20, limit>>20))
	}
	if m.took > a.bound() {
		errs = append(errs, fmt.Errorf("it took longer than %v", a.bound()))
	}
	if m.landed != a.wanted() {
		errs = append(errs, fmt.Errorf("%d neighbours landed, not %d", m.landed, a.wanted()))
	}
	if !a.right(m.code) {
		errs = append(errs, fmt.Errorf("exit %d is wrong", m.code))
	}
	if len(m.output) > maxOutput {
		errs = append(errs, fmt.Errorf("%d bytes were printed", len(m.output)))
	}
	if !strings.Contains(m.output, a.says) {
		errs = append(errs, fmt.Errorf("%q was not printed", a.says))
	}
	if !utf8.ValidString(m.output) {
		errs = append(errs, errors.New("what was printed is not UTF-8"))
	}
	for i, r := range m.output {
		if r != '\n' && r != '\t' && !unicode.IsPrint(r) {
			errs = append(errs, fmt.Errorf("%q was printed: …%q", r, m.output[max(0, i-60):i]))
			break
		}
	}
	return errors.Join(errs...)
}

// measure runs a program on one core and within the limit. Where a cgroup can be made the kernel
// enforces the limit; else GOMEMLIMIT is nine tenths of it. The peak is the sum of what the
// program's processes have resident.
func measure(ctx context.Context, dir string, args []string, within time.Duration) (*measured, error) {
	ctx, cancel := context.WithTimeout(ctx, within+10*time.Second)
	defer cancel()
	if taskset, err := exec.LookPath("taskset"); err == nil {
		args = append([]string{taskset, "-c", firstCore()}, args...)
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
	cmd.WaitDelay = time.Second
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	ended := make(chan struct{})
	peak := make(chan int64)
	go watch(cmd.Process.Pid, ended, peak)
	err := cmd.Wait()
	close(ended)
	m := &measured{peak: <-peak, took: time.Since(began), code: cmd.ProcessState.ExitCode(), output: output.String()}
	if group != nil && group.killed() {
		return m, errors.New("the kernel ended a process for its memory")
	}
	if m.code < 0 {
		return m, err
	}
	return m, nil
}

func tail(s string) string { return s[max(0, len(s)-3000):] }

// firstCore is the first core that this process may use.
func firstCore() string {
	text, _ := os.ReadFile("/proc/self/status") // elsewhere there is no taskset either
	for line := range strings.SplitSeq(string(text), "\n") {
		if list, ok := strings.CutPrefix(line, "Cpus_allowed_list:"); ok {
			return strings.TrimSpace(list[:strings.IndexAny(list+",", ",-")])
		}
	}
	return "0"
}

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

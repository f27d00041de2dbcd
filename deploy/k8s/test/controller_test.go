package deploy

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
)

// action is what a Job does with a pod that failed: the first rule that matches, Count if none
// does.
func action(policy *batchv1.PodFailurePolicy, code int32, conditions []corev1.PodConditionType) string {
	for _, rule := range policy.Rules {
		switch {
		case rule.OnExitCodes != nil && slices.Contains(rule.OnExitCodes.Values, code) == (rule.OnExitCodes.Operator == batchv1.PodFailurePolicyOnExitCodesOpIn):
			return string(rule.Action)
		case slices.ContainsFunc(rule.OnPodConditions, func(c batchv1.PodFailurePolicyOnPodConditionsPattern) bool {
			return slices.Contains(conditions, c.Type)
		}):
			return string(rule.Action)
		}
	}
	return string(batchv1.PodFailurePolicyActionCount)
}

// podTemplate makes processes of a CronJob's pod as a node would make containers: variables,
// references in arguments, volumes. Volumes are folders below dir; the rest of the root is that of
// this machine.
type podTemplate struct {
	r         *rendered
	name      string // of the Job
	spec      *corev1.PodSpec
	container corev1.Container
	dir       string
	secrets   func(name, key string) string // those that are not rendered
	extra     []string                      // arguments that win, because they come last
}

func newPod(t *testing.T, r *rendered, job *batchv1.CronJob, dir string) *podTemplate {
	t.Helper()
	// What a CronJob calls the Job of 2026-10-02 06:00 UTC: the minute is its suffix.
	minute := time.Date(2026, 10, 2, 6, 0, 0, 0, time.UTC).Unix() / 60
	p := &podTemplate{r: r, name: fmt.Sprintf("%s-%d", job.Name, minute), spec: podSpec(job), container: podSpec(job).Containers[0], dir: dir}
	for _, v := range p.spec.Volumes {
		if err := os.MkdirAll(p.folder(v.Name), 0o755); err != nil {
			t.Fatal(err)
		}
		if v.ConfigMap == nil {
			continue
		}
		for name, text := range r.configs[v.ConfigMap.Name].Data {
			if err := os.WriteFile(filepath.Join(p.folder(v.Name), name), []byte(p.here(text)), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	return p
}

// folder is where a volume lies on this machine.
func (p *podTemplate) folder(volume string) string { return filepath.Join(p.dir, volume) }

// here replaces the paths of volumes by those on this machine.
func (p *podTemplate) here(text string) string {
	var pairs []string
	for _, m := range p.container.VolumeMounts {
		pairs = append(pairs, m.MountPath+"/", p.folder(m.Name)+"/")
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

func (p *podTemplate) environment(index int) map[string]string {
	env := map[string]string{"JOB_COMPLETION_INDEX": strconv.Itoa(index), "HOME": "/nonexistent"}
	for _, v := range p.container.Env {
		switch {
		case v.ValueFrom == nil:
			env[v.Name] = p.here(v.Value)
		case v.ValueFrom.FieldRef != nil:
			env[v.Name] = p.name // the only one that we use
		case v.ValueFrom.SecretKeyRef != nil:
			env[v.Name] = p.secrets(v.ValueFrom.SecretKeyRef.Name, v.ValueFrom.SecretKeyRef.Key)
		}
	}
	return env
}

// command is the process of the pod with that index. All pods share this machine's network, so each
// takes a port of its own.
func (p *podTemplate) command(t *testing.T, index int) *exec.Cmd {
	t.Helper()
	env := p.environment(index)
	var args []string
	for _, arg := range p.container.Args {
		arg = reference.ReplaceAllStringFunc(arg, func(ref string) string { return env[ref[2:len(ref)-1]] })
		if strings.HasPrefix(arg, "--status-addr=") {
			arg = "--status-addr=127.0.0.1:0"
		}
		args = append(args, p.here(arg))
	}
	cmd := exec.Command(program(t, filepath.Base(p.container.Command[0])), append(args, p.extra...)...)
	cmd.Dir = p.dir
	for _, name := range slices.Sorted(maps.Keys(env)) {
		cmd.Env = append(cmd.Env, name+"="+env[name])
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd
}

// runningPod is one process of an index.
type runningPod struct {
	index      int
	try        int
	cmd        *exec.Cmd
	log        string
	conditions []corev1.PodConditionType
	asked      time.Time // SIGTERM
	ended      time.Time
}

// controller plays the Job controller: it starts a pod for each index, and when one ends it follows
// the Job's own podFailurePolicy, backoffLimitPerIndex and maxFailedIndexes.
type controller struct {
	t        *testing.T
	template *podTemplate
	spec     batchv1.JobSpec
	start    time.Time
	pods     map[int]*runningPod
	tries    map[int]int
	failures map[int]int32
	done     map[int]string // index to succeeded or failed
	failed   string         // the Job, and why
	ends     chan *runningPod
	graces   []time.Duration // from SIGTERM to the end
	rss      int64           // KiB, the largest
}

func newController(t *testing.T, template *podTemplate, job *batchv1.CronJob) *controller {
	c := &controller{
		t: t, template: template, spec: job.Spec.JobTemplate.Spec, start: time.Now(), pods: map[int]*runningPod{}, tries: map[int]int{},
		failures: map[int]int32{}, done: map[int]string{}, ends: make(chan *runningPod),
	}
	t.Cleanup(c.killAll)
	return c
}

func (c *controller) logf(format string, args ...any) {
	c.t.Helper()
	c.t.Logf("%6.2f s  %s", time.Since(c.start).Seconds(), fmt.Sprintf(format, args...))
}

// reconcile starts what is missing. podReplacementPolicy Failed: an index has a new pod when the
// old one has ended.
func (c *controller) reconcile() {
	c.t.Helper()
	for index := range int(*c.spec.Completions) {
		if c.failed == "" && c.pods[index] == nil && c.done[index] == "" {
			c.create(index)
		}
	}
}

func (c *controller) create(index int) {
	c.t.Helper()
	c.tries[index]++
	p := &runningPod{index: index, try: c.tries[index], cmd: c.template.command(c.t, index)}
	p.log = filepath.Join(c.template.dir, fmt.Sprintf("pod-%d-%d.log", index, p.try))
	log, err := os.Create(p.log)
	if err != nil {
		c.t.Fatal(err)
	}
	p.cmd.Stdout, p.cmd.Stderr = log, log
	if err := p.cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.pods[index] = p
	c.logf("index %d: pod %d starts", index, p.try)
	go func() {
		_ = p.cmd.Wait() // how it ended is looked at by ended
		_ = log.Close()
		p.ended = time.Now()
		c.ends <- p
	}()
}

// handle does with a pod that ended what the Job prescribes.
func (c *controller) handle(p *runningPod) {
	c.t.Helper()
	delete(c.pods, p.index)
	if usage, ok := p.cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		c.rss = max(c.rss, usage.Maxrss)
	}
	code := int32(p.cmd.ProcessState.ExitCode())
	if status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		code = 128 + int32(status.Signal())
	}
	took := ""
	if !p.asked.IsZero() {
		grace := p.ended.Sub(p.asked)
		c.graces = append(c.graces, grace)
		took = fmt.Sprintf(" %.2f s after SIGTERM", grace.Seconds())
	}
	if code == 0 {
		c.done[p.index] = "succeeded"
		c.logf("index %d: pod %d succeeded", p.index, p.try)
		return
	}
	act := action(c.spec.PodFailurePolicy, code, p.conditions)
	c.logf("index %d: pod %d ended with %d%s %v: %s", p.index, p.try, code, took, p.conditions, act)
	switch act {
	case "FailJob":
		c.failed = fmt.Sprintf("index %d ended with %d", p.index, code)
	case "FailIndex":
		c.done[p.index] = "failed"
	case "Count":
		c.failures[p.index]++
		if c.failures[p.index] > *c.spec.BackoffLimitPerIndex {
			c.done[p.index] = "failed"
		}
	}
	failed := int32(0)
	for _, state := range c.done {
		if state == "failed" {
			failed++
		}
	}
	if failed > *c.spec.MaxFailedIndexes {
		c.failed = fmt.Sprintf("%d indexes failed", failed)
	}
	if c.failed != "" {
		for _, p := range c.pods {
			c.terminate(p)
		}
	}
}

// run drives the Job to its end. It calls plan every 20 ms, which may kill pods.
func (c *controller) run(limit time.Duration, plan func()) {
	c.t.Helper()
	deadline := time.After(limit)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	c.reconcile()
	for len(c.pods) > 0 {
		select {
		case p := <-c.ends:
			c.handle(p)
			c.reconcile()
		case <-tick.C:
			plan()
		case <-deadline:
			for _, p := range c.pods {
				c.t.Logf("index %d still runs: %s", p.index, tail(p.log))
			}
			c.t.Fatalf("the Job is not over after %s: %v", limit, c.done)
		}
	}
}

// kill is a crash, or the kernel when memory runs out.
func (c *controller) kill(index int, why string) {
	if p := c.pods[index]; p != nil {
		c.logf("index %d: kill -9 (%s)", index, why)
		_ = p.cmd.Process.Kill()
	}
}

// evict is a drained node, a preemption, a spot node's end: SIGTERM, and a condition on the pod.
func (c *controller) evict(index int, why string) {
	if p := c.pods[index]; p != nil {
		c.logf("index %d: evicted (%s)", index, why)
		p.conditions = append(p.conditions, corev1.DisruptionTarget)
		c.terminate(p)
	}
}

// remove is a pod that a person deleted: SIGTERM without a condition.
func (c *controller) remove(index int) {
	if p := c.pods[index]; p != nil {
		c.logf("index %d: deleted", index)
		c.terminate(p)
	}
}

// terminate gives the pod its grace period; what is left after it is killed.
func (c *controller) terminate(p *runningPod) {
	if !p.asked.IsZero() {
		return
	}
	p.asked = time.Now()
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	time.AfterFunc(time.Duration(*c.template.spec.TerminationGracePeriodSeconds)*time.Second, func() { _ = p.cmd.Process.Kill() })
}

func (c *controller) killAll() {
	for _, p := range c.pods {
		_ = p.cmd.Process.Kill()
	}
	for range c.pods {
		<-c.ends
	}
}

func tail(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-1500):])
}

package deploy

import (
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
)

// value is what a pointer points to; the zero value for none.
func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// workersLimit is how long a worker may take from SIGTERM to its end, by its own documentation.
const workersLimit = 30

// TestFailurePolicyKnowsEveryExitCode: each code of the product has one action, and no other code
// has any.
func TestFailurePolicyKnowsEveryExitCode(t *testing.T) {
	codes := exitCodes(t)
	// "Counted" means that no rule matches: a further try may help, up to the limit.
	want := map[string]map[string]string{
		"shoal-worker": {
			"Unexpected": "Count", "Usage": "FailJob", "Refused": "FailJob", "OverLimit": "FailIndex", "Incomplete": "FailIndex",
			"Patience": "Ignore", "Fenced": "Ignore", "SIGINT": "Ignore", "SIGTERM": "Ignore",
		},
		// It has no index to fail, and another try does not change its proof of a finished run.
		"shoal-coordinator": {
			"Unexpected": "Count", "Usage": "FailJob", "Refused": "FailJob", "OverLimit": "FailJob", "Incomplete": "FailJob",
			"Patience": "Ignore", "Fenced": "Ignore", "SIGINT": "Ignore", "SIGTERM": "Ignore",
		},
	}
	eachOverlay(t, func(t *testing.T, r *rendered) {
		for name, job := range r.jobs {
			policy := job.Spec.JobTemplate.Spec.PodFailurePolicy
			known := map[int32]bool{}
			for exit, code := range codes {
				known[code] = true
				if exit == "Drained" {
					continue
				}
				want, ok := want[name][exit]
				if !ok {
					t.Errorf("exit code %d (%s) is new: say what %s does with it", code, exit, name)
				}
				if got := action(policy, code, nil); got != want {
					t.Errorf("%s: exit code %d (%s) leads to %s, want %s", name, code, exit, got, want)
				}
			}
			if got := action(policy, 137, []corev1.PodConditionType{corev1.DisruptionTarget}); got != "Ignore" {
				t.Errorf("%s: a pod killed by an eviction leads to %s, want Ignore", name, got)
			}
			if got := action(policy, 137, nil); got != "Count" {
				t.Errorf("%s: a pod killed for its memory leads to %s, want Count", name, got)
			}
			checkRules(t, name, policy, known)
		}
	})
}

// checkRules checks for what the API server would refuse, and for codes that no program uses.
func checkRules(t *testing.T, name string, policy *batchv1.PodFailurePolicy, known map[int32]bool) {
	t.Helper()
	for _, rule := range policy.Rules {
		if rule.OnExitCodes == nil {
			continue
		}
		values := rule.OnExitCodes.Values
		if !slices.IsSorted(values) || len(slices.Compact(slices.Clone(values))) != len(values) {
			t.Errorf("%s: exit codes %v are not in order", name, values)
		}
		for _, code := range values {
			if !known[code] || code == 0 {
				t.Errorf("%s: exit code %d is none of the product's", name, code)
			}
		}
		if rule.OnExitCodes.ContainerName == nil || "shoal-"+*rule.OnExitCodes.ContainerName != name {
			t.Errorf("%s: a rule is about container %q", name, value(rule.OnExitCodes.ContainerName))
		}
	}
}

// TestJobsAreQuarterly checks what makes a quarter one run: the same minute for both, one at a
// time, late rather than never.
func TestJobsAreQuarterly(t *testing.T) {
	const day = 24 * 3600
	eachOverlay(t, func(t *testing.T, r *rendered) {
		w, c := r.worker().Spec, r.coordinator().Spec
		if w.Schedule != c.Schedule || *w.TimeZone != *c.TimeZone {
			t.Errorf("schedules %q and %q differ: the workers wait for the coordinator", w.Schedule, c.Schedule)
		}
		// Days 2 to 28: no time zone moves them into another quarter of UTC.
		if !regexp.MustCompile(`^\d+ \d+ ([2-9]|1\d|2[0-8]) 1,4,7,10 \*$`).MatchString(w.Schedule) {
			t.Errorf("schedule %q is not once a quarter, inside of a quarter in every time zone", w.Schedule)
		}
		for name, job := range r.jobs {
			s := job.Spec
			if s.ConcurrencyPolicy != batchv1.ForbidConcurrent || s.StartingDeadlineSeconds == nil || *s.StartingDeadlineSeconds < day {
				t.Errorf("%s: concurrencyPolicy %s, startingDeadlineSeconds %v: want Forbid and at least a day", name, s.ConcurrencyPolicy, value(s.StartingDeadlineSeconds))
			}
			j := s.JobTemplate.Spec
			if j.ActiveDeadlineSeconds == nil || *j.ActiveDeadlineSeconds > 89*day {
				t.Errorf("%s may run into the next quarter, which Forbid would then leave out", name)
			}
			if j.TTLSecondsAfterFinished == nil || j.PodReplacementPolicy == nil || *j.PodReplacementPolicy != batchv1.Failed {
				t.Errorf("%s: ttlSecondsAfterFinished %d, podReplacementPolicy %s: want one, and Failed", name, value(j.TTLSecondsAfterFinished), value(j.PodReplacementPolicy))
			}
			if podSpec(job).RestartPolicy != corev1.RestartPolicyNever {
				t.Errorf("%s restarts in its pod, past the failure policy", name)
			}
			if grace := podSpec(job).TerminationGracePeriodSeconds; grace == nil || *grace < workersLimit+5 {
				t.Errorf("%s has %d s of grace, want more than the %d s that a worker may take", name, value(grace), workersLimit)
			}
		}
		j := r.worker().Spec.JobTemplate.Spec
		if *j.CompletionMode != batchv1.IndexedCompletion || *j.Completions != *j.Parallelism || *j.MaxFailedIndexes > *j.Completions || j.BackoffLimitPerIndex == nil {
			t.Errorf("the workers' Job is %s with %d completions, %d at a time, at most %d failed", *j.CompletionMode, *j.Completions, *j.Parallelism, *j.MaxFailedIndexes)
		}
	})
}

var reference = regexp.MustCompile(`\$\(([A-Za-z_]+)\)`)

// TestFlagsAndVariablesExist asks the programs.
func TestFlagsAndVariablesExist(t *testing.T) {
	eachOverlay(t, func(t *testing.T, r *rendered) {
		for name, job := range r.jobs {
			c := podSpec(job).Containers[0]
			command := append([]string{filepath.Base(c.Command[0])}, c.Args...)
			checkCommand(t, name, command)
			for _, v := range c.Env {
				checkVariable(t, name, command, v.Name)
			}
			for _, arg := range c.Args {
				for _, match := range reference.FindAllStringSubmatch(arg, -1) {
					if variable(c, match[1]).Name == "" && match[1] != "JOB_COMPLETION_INDEX" {
						t.Errorf("%s: %s needs the variable %s, which is not set", name, arg, match[1])
					}
				}
			}
		}
	})
}

// checkCommand asks a program whether it takes each flag of a command line: program, perhaps a
// command, flags.
func checkCommand(t *testing.T, where string, command []string) {
	t.Helper()
	have := flags(t, programAndCommand(command)...)
	for _, arg := range command[1:] {
		name, isFlag := strings.CutPrefix(arg, "--")
		name, _, _ = strings.Cut(name, "=")
		if isFlag && !have[name] {
			t.Errorf("%s: %s takes no --%s", where, strings.Join(programAndCommand(command), " "), name)
		}
	}
}

func programAndCommand(command []string) []string {
	if len(command) > 1 && !strings.HasPrefix(command[1], "-") {
		return command[:2]
	}
	return command[:1]
}

// checkVariable requires a flag for each variable of ours.
func checkVariable(t *testing.T, where string, command []string, name string) {
	t.Helper()
	twin, ours := strings.CutPrefix(name, "SHOAL_")
	if !ours {
		if !slices.Contains([]string{"GOMEMLIMIT", "TMPDIR", "JOB_NAME", "SHARDS", "DATABASE_URL", "REDIS_URL"}, name) {
			t.Errorf("%s: nobody reads the variable %s", where, name)
		}
		return
	}
	flag := strings.ToLower(strings.ReplaceAll(twin, "_", "-"))
	if !flags(t, programAndCommand(command)...)[flag] {
		t.Errorf("%s: %s is set, but %s takes no --%s", where, name, strings.Join(programAndCommand(command), " "), flag)
	}
}

// TestSettingsAreTaken lets the worker itself read what its pod would get.
func TestSettingsAreTaken(t *testing.T) {
	eachOverlay(t, func(t *testing.T, r *rendered) {
		for name, job := range r.jobs {
			p := newPod(t, r, job, t.TempDir())
			if err := os.WriteFile(filepath.Join(p.folder("files"), "upstream-token"), []byte("a-token-of-the-upstream"), 0o600); err != nil {
				t.Fatal(err)
			}
			p.secrets = func(_, key string) string {
				return map[string]string{"store": "postgres://shoal@127.0.0.1/shoal", "redis": "redis://127.0.0.1:6379/0", "uri": "https://corpus.example.org/x?signature=y"}[key]
			}
			cmd := p.command(t, 0)
			cmd.Args = append(cmd.Args, "--print-config")
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s %s: %v\n%s", name, strings.Join(cmd.Args[1:], " "), err, out)
			}
		}
	})
}

// TestPortsAgree compares the port that the program listens on, the port of the probes, and the
// port open to Prometheus.
func TestPortsAgree(t *testing.T) {
	address := regexp.MustCompile(`^--status-addr=0\.0\.0\.0:(\d+)$`)
	eachOverlay(t, func(t *testing.T, r *rendered) {
		for name, job := range r.jobs {
			c := podSpec(job).Containers[0]
			at := slices.IndexFunc(c.Args, address.MatchString)
			if at < 0 {
				t.Fatalf("%s has no --status-addr that the node's probes reach: %v", name, c.Args)
			}
			port, _ := strconv.Atoi(address.FindStringSubmatch(c.Args[at])[1])
			if len(c.Ports) != 1 || int(c.Ports[0].ContainerPort) != port || c.Ports[0].Name != "status" {
				t.Errorf("%s listens on %d, its ports are %v", name, port, c.Ports)
			}
			for path, probe := range map[string]*corev1.Probe{"/healthz": c.LivenessProbe, "/readyz": c.ReadinessProbe} {
				if probe.HTTPGet == nil || probe.HTTPGet.Path != path || probe.HTTPGet.Port.StrVal != "status" {
					t.Errorf("%s: probe %+v, want %s on port status", name, probe.ProbeHandler, path)
				}
			}
			if p := r.policies["shoal-metrics"]; p != nil && int(p.Spec.Ingress[0].Ports[0].Port.IntVal) != port {
				t.Errorf("%s listens on %d, Prometheus is let in to %v", name, port, p.Spec.Ingress[0].Ports)
			}
		}
		if (len(r.monitors) > 0) != (r.policies["shoal-metrics"] != nil) {
			t.Errorf("PodMonitor and NetworkPolicy shoal-metrics come together or not at all")
		}
	})
}

// TestServicesAreWhereTheSecretSays, in an overlay that brings them along.
func TestServicesAreWhereTheSecretSays(t *testing.T) {
	r := render(t, tree(t), "dev")
	secret := r.secrets[variable(podSpec(r.worker()).Containers[0], "SHOAL_STORE").ValueFrom.SecretKeyRef.Name]
	for _, key := range []string{"store", "redis"} {
		address, err := url.Parse(string(secret.Data[key]))
		if err != nil {
			t.Fatal(err)
		}
		service := r.services[address.Hostname()]
		if service == nil || strconv.Itoa(int(service.Spec.Ports[0].Port)) != address.Port() {
			t.Errorf("%s is said to be at %s, which is no Service's name and port", key, address.Host)
		}
		if password, _ := address.User.Password(); password != string(secret.Data["password"]) {
			t.Errorf("%s has another password than the server is given", key)
		}
	}
	for _, s := range r.secrets {
		if conf, ok := s.Data["redis.conf"]; ok && !strings.Contains(string(conf), "requirepass "+string(secret.Data["password"])+"\n") {
			t.Error("redis.conf has another password than the workers are given")
		}
	}
}

// TestMemoryLimitOfGo is nine tenths of the container's.
func TestMemoryLimitOfGo(t *testing.T) {
	eachOverlay(t, func(t *testing.T, r *rendered) {
		for name, job := range r.jobs {
			c := podSpec(job).Containers[0]
			mib, ok := strings.CutSuffix(variable(c, "GOMEMLIMIT").Value, "MiB")
			n, err := strconv.ParseInt(mib, 10, 64)
			if !ok || err != nil {
				t.Fatalf("%s: GOMEMLIMIT = %q, want MiB", name, variable(c, "GOMEMLIMIT").Value)
			}
			if part := float64(n<<20) / float64(c.Resources.Limits.Memory().Value()); part < 0.85 || part > 0.92 {
				t.Errorf("%s: GOMEMLIMIT is %.0f %% of the container's memory, want 90", name, 100*part)
			}
		}
	})
}

// TestMemoryAndDiskOfTheProof checks the runbook's figures: the proof keeps 24 bytes of each item
// of the corpus and 16 of each that has ended in /tmp, and the runbook names the number of items
// for which the base, and components/large, suffice.
func TestMemoryAndDiskOfTheProof(t *testing.T) {
	const each = 24 + 16
	text, err := os.ReadFile(filepath.Join(root, "docs/operations.md"))
	if err != nil {
		t.Fatal(err)
	}
	said := regexp.MustCompile(`The base is for (\d+) million items, .components/large. for (\d+) million`).FindSubmatch(text)
	if said == nil {
		t.Fatal("docs/operations.md does not say for how many items the base and components/large are")
	}
	eachOverlay(t, func(t *testing.T, r *rendered) {
		spec := podSpec(r.coordinator())
		at := slices.IndexFunc(spec.Volumes, func(v corev1.Volume) bool { return v.Name == "tmp" })
		millions, room := said[1], int64(0)
		switch tmp := spec.Volumes[at]; {
		case tmp.Ephemeral != nil:
			millions, room = said[2], tmp.Ephemeral.VolumeClaimTemplate.Spec.Resources.Requests.Storage().Value()
		case tmp.EmptyDir != nil && tmp.EmptyDir.Medium == corev1.StorageMediumDefault:
			room = tmp.EmptyDir.SizeLimit.Value()
			if asked := spec.Containers[0].Resources.Requests.StorageEphemeral(); asked.Value() < room {
				t.Errorf("the coordinator asks its node for %s of disk, and may use %s", asked, tmp.EmptyDir.SizeLimit)
			}
		}
		n, err := strconv.ParseInt(string(millions), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		if want := n * 1_000_000 * each; room < want {
			t.Errorf("the coordinator has %d bytes in /tmp, want %d for %d million items", room, want, n)
		}
	})
}

// TestRunbookNamesWhatIsThere keeps docs/operations.md to names that exist here.
func TestRunbookNamesWhatIsThere(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "docs/operations.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, match := range regexp.MustCompile(`deploy/[A-Za-z0-9/._@-]*[A-Za-z0-9]`).FindAllString(string(text), -1) {
		if _, err := os.Stat(filepath.Join(root, match)); err != nil {
			t.Errorf("docs/operations.md speaks of %s: %v", match, err)
		}
	}
}

package deploy

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// units reads deploy/systemd: the name of a unit to its text.
func units(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, pattern := range []string{"*.service", "*.timer"} {
		paths, err := filepath.Glob(filepath.Join(root, "deploy/systemd", pattern))
		if err != nil || len(paths) == 0 {
			t.Fatalf("deploy/systemd/%s: %v, %v", pattern, paths, err)
		}
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			all[filepath.Base(path)] = string(text)
		}
	}
	return all
}

// TestUnitsAreVerified asks systemd itself, with the programs where they were built, and 3-8 as the
// instance.
func TestUnitsAreVerified(t *testing.T) {
	verify, err := exec.LookPath("systemd-analyze")
	if err != nil {
		if os.Getenv("CI")+os.Getenv("SHOAL_TEST_STRICT") != "" {
			t.Fatal("systemd-analyze is not installed")
		}
		t.Skip("skipped: systemd-analyze is not installed")
	}
	dir, bin := t.TempDir(), filepath.Dir(program(t, "worker"))
	args := []string{"verify", "--man=no"}
	for name, text := range units(t) {
		path := filepath.Join(dir, strings.ReplaceAll(name, "@.", "@3-8."))
		if err := os.WriteFile(path, []byte(strings.ReplaceAll(text, "/usr/local/bin", bin)), 0o644); err != nil {
			t.Fatal(err)
		}
		args = append(args, path)
	}
	out, err := exec.Command(verify, args...).CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("systemd-analyze %s: %v, want no complaint\n%s", strings.Join(args, " "), err, out)
	}
}

// TestUnitsFitThePrograms: flags, variables, exit codes, grace.
func TestUnitsFitThePrograms(t *testing.T) {
	all, codes := units(t), exitCodes(t)
	value := func(unit, key string) string {
		match := regexp.MustCompile(`(?m)^` + key + `=(.*)$`).FindStringSubmatch(all[unit])
		if match == nil {
			t.Fatalf("%s has no %s=", unit, key)
		}
		return match[1]
	}
	for _, unit := range []string{"worker@.service", "coordinator.service"} {
		command := strings.Fields(value(unit, "ExecStart"))
		command[0] = filepath.Base(command[0])
		checkCommand(t, unit, command)
		for _, match := range regexp.MustCompile(`(?m)^Environment=(\w+)=`).FindAllStringSubmatch(all[unit], -1) {
			checkVariable(t, unit, command, match[1])
		}
		stays := strings.Fields(value(unit, "RestartPreventExitStatus"))
		for name, code := range codes {
			if name == "Drained" || code > 128 {
				continue
			}
			wantStays := name == "Usage" || name == "OverLimit" || name == "Refused" || name == "Incomplete"
			if got := slices.Contains(stays, strconv.Itoa(int(code))); got != wantStays {
				t.Errorf("%s: after exit code %d (%s) it stays down: %t, want %t", unit, code, name, got, wantStays)
			}
		}
		if got := value(unit, "TimeoutStopSec"); got != "45" {
			t.Errorf("%s: TimeoutStopSec=%s, want 45, more than the %d s that a worker may take", unit, got, workersLimit)
		}
	}
	if a, b := value("worker@.timer", "OnCalendar"), value("coordinator.timer", "OnCalendar"); a != b {
		t.Errorf("timers: %s and %s differ: the workers wait for the coordinator", a, b)
	}
	text, err := os.ReadFile(filepath.Join(root, "deploy/systemd/shoal.env.example"))
	if err != nil {
		t.Fatal(err)
	}
	for _, match := range regexp.MustCompile(`(?m)^(SHOAL_\w+)=`).FindAllStringSubmatch(string(text), -1) {
		checkVariable(t, "shoal.env.example", []string{"coordinator", "run"}, match[1])
	}
}

// needs are the services that another one needs: a list, or a map with conditions.
type needs []string

// UnmarshalYAML implements [yaml.Unmarshaler].
func (n *needs) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind == yaml.SequenceNode {
		return node.Decode((*[]string)(n))
	}
	var conditions map[string]any
	err := node.Decode(&conditions)
	*n = slices.Sorted(maps.Keys(conditions))
	return err
}

// TestComposeFitsThePrograms reads compose.yaml as what it is for us: commands, variables, images,
// limits.
func TestComposeFitsThePrograms(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "deploy/compose.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Services map[string]struct {
			Image       string
			Entrypoint  []string
			Command     []string
			Environment map[string]string
			ReadOnly    bool     `yaml:"read_only"`
			CapDrop     []string `yaml:"cap_drop"`
			MemLimit    string   `yaml:"mem_limit"`
			Grace       string   `yaml:"stop_grace_period"`
			DependsOn   needs    `yaml:"depends_on"`
		}
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"coordinator", "worker", "redis", "postgres", "prometheus", "grafana"} {
		s, ok := file.Services[name]
		if !ok {
			t.Fatalf("compose.yaml has no service %s", name)
		}
		if !s.ReadOnly || len(s.CapDrop) != 1 || s.CapDrop[0] != "ALL" || s.MemLimit == "" || strings.HasSuffix(s.Image, ":latest") || !strings.Contains(s.Image, ":") {
			t.Errorf("compose.yaml: %s is not restricted: %+v", name, s)
		}
		for _, needed := range s.DependsOn {
			if _, ok := file.Services[needed]; !ok {
				t.Errorf("compose.yaml: %s needs %s, which is not there", name, needed)
			}
		}
		if len(s.Entrypoint) == 0 {
			continue
		}
		command := append([]string{filepath.Base(s.Entrypoint[0])}, s.Command...)
		checkCommand(t, "compose.yaml", command)
		for variable := range s.Environment {
			checkVariable(t, "compose.yaml", command, variable)
		}
		if s.Grace != "45s" {
			t.Errorf("compose.yaml: %s has %s of grace, want 45s", name, s.Grace)
		}
	}
	if !strings.Contains(strings.Join(file.Services["redis"].Command, " "), "--appendonly yes") {
		t.Error("compose.yaml: Redis keeps no log")
	}
}

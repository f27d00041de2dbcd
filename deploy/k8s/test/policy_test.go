package deploy

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

// pod is a pod template and where it comes from.
type pod struct {
	owner string
	meta  *metav1.ObjectMeta
	spec  *corev1.PodSpec
}

func (r *rendered) pods() []pod {
	var all []pod
	for name, job := range r.jobs {
		template := &job.Spec.JobTemplate.Spec.Template
		all = append(all, pod{"CronJob " + name, &template.ObjectMeta, &template.Spec})
	}
	for _, set := range r.sets {
		all = append(all, pod{"StatefulSet " + set.Name, &set.Spec.Template.ObjectMeta, &set.Spec.Template.Spec})
	}
	return all
}

// TestPodsAreRestricted asks the evaluator that the API server itself uses.
func TestPodsAreRestricted(t *testing.T) {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	level := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	eachOverlay(t, func(t *testing.T, r *rendered) {
		for _, p := range r.pods() {
			result := policy.AggregateCheckResults(evaluator.EvaluatePod(level, p.meta, p.spec))
			if !result.Allowed {
				t.Errorf("%s is not restricted: %s", p.owner, result.ForbiddenDetail())
			}
		}
		for name, ns := range r.namespaces {
			if got := ns.Labels["pod-security.kubernetes.io/enforce"]; got != "restricted" {
				t.Errorf("namespace %s enforces %q, want restricted", name, got)
			}
		}
		if len(r.namespaces) != 1 {
			t.Errorf("%d namespaces, want 1", len(r.namespaces))
		}
	})
}

// TestPodsKeepOurOwnRules checks what the restricted standard leaves open.
func TestPodsKeepOurOwnRules(t *testing.T) {
	eachOverlay(t, func(t *testing.T, r *rendered) {
		for _, p := range r.pods() {
			if p.spec.AutomountServiceAccountToken == nil || *p.spec.AutomountServiceAccountToken {
				t.Errorf("%s mounts a token for the API server", p.owner)
			}
			if p.spec.EnableServiceLinks == nil || *p.spec.EnableServiceLinks {
				t.Errorf("%s gets variables named after Services, some of which would begin with SHOAL_", p.owner)
			}
			if p.spec.HostNetwork || p.spec.HostPID || p.spec.HostIPC {
				t.Errorf("%s shares a namespace with its node", p.owner)
			}
			for _, c := range slices.Concat(p.spec.InitContainers, p.spec.Containers) {
				for _, complaint := range complaints(c) {
					t.Errorf("%s, container %s: %s", p.owner, c.Name, complaint)
				}
			}
		}
		for name, account := range r.accounts {
			if account.AutomountServiceAccountToken == nil || *account.AutomountServiceAccountToken {
				t.Errorf("ServiceAccount %s gives out its token", name)
			}
		}
		for name, job := range r.jobs {
			if account := podSpec(job).ServiceAccountName; r.accounts[account] == nil {
				t.Errorf("CronJob %s: ServiceAccount %q is not rendered", name, account)
			}
		}
	})
}

func complaints(c corev1.Container) (all []string) {
	say := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	_, tag, tagged := strings.Cut(c.Image, ":")
	if !tagged || tag == "latest" || tag == "" {
		say("image %s has no tag that stays", c.Image)
	}
	// The trial's monitoring is published under these two names only, and neither names a registry.
	if name, _, _ := strings.Cut(c.Image, ":"); strings.Contains(name, "/") && name != "prom/prometheus" && name != "grafana/grafana" {
		say("image %s names a registry: that is the overlay's of whoever installs it", c.Image)
	}
	if c.SecurityContext == nil || c.SecurityContext.ReadOnlyRootFilesystem == nil || !*c.SecurityContext.ReadOnlyRootFilesystem {
		say("its root can be written to")
	}
	for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
		request, limit := c.Resources.Requests[name], c.Resources.Limits[name]
		if request.IsZero() || limit.IsZero() || request.Cmp(limit) > 0 {
			say("%s: request %s, limit %s", name, request.String(), limit.String())
		}
	}
	if c.LivenessProbe == nil || c.ReadinessProbe == nil {
		say("no liveness or readiness probe")
	}
	if strings.HasPrefix(c.Image, "shoal:") && c.StartupProbe == nil {
		say("no startup probe")
	}
	return all
}

func TestNothingPassesTheNetworkButWhatIsNamed(t *testing.T) {
	eachOverlay(t, func(t *testing.T, r *rendered) {
		deny := r.policies["shoal-deny"]
		if deny == nil || len(deny.Spec.PodSelector.MatchLabels)+len(deny.Spec.PodSelector.MatchExpressions) != 0 ||
			len(deny.Spec.PolicyTypes) != 2 || len(deny.Spec.Ingress)+len(deny.Spec.Egress) != 0 {
			t.Fatalf("NetworkPolicy shoal-deny = %+v, want one that denies all pods both ways", deny)
		}
		ports := map[int32]bool{}
		for name, p := range r.policies {
			for _, rule := range p.Spec.Egress {
				if len(rule.To) == 0 || len(rule.Ports) == 0 {
					t.Errorf("NetworkPolicy %s lets anything out", name)
				}
				for _, port := range rule.Ports {
					ports[port.Port.IntVal] = true
				}
			}
			for _, rule := range p.Spec.Ingress {
				if len(rule.From) == 0 || len(rule.Ports) == 0 {
					t.Errorf("NetworkPolicy %s lets anybody in", name)
				}
			}
		}
		if r.policies["shoal-prometheus"] != nil { // within the trial: from Grafana to Prometheus, from there to the programs
			if !ports[9090] {
				t.Errorf("ports that pods may reach = %v, want Prometheus' 9090 too", ports)
			}
			delete(ports, 9090)
		}
		if len(ports) != 4 || !ports[53] || !ports[443] || !ports[5432] || !ports[6379] {
			t.Errorf("ports that pods may reach = %v, want DNS, the upstream, PostgreSQL and Redis: 53, 443, 5432, 6379", ports)
		}
		metadata := "169.254.0.0/16"
		for _, rule := range r.policies["shoal-upstream"].Spec.Egress {
			for _, peer := range rule.To {
				if peer.IPBlock.CIDR == "0.0.0.0/0" && !slices.Contains(peer.IPBlock.Except, metadata) {
					t.Errorf("the upstream's policy reaches the cloud's metadata service, %s", metadata)
				}
			}
		}
	})
}

// TestNetworkPoliciesSelectPodsThatExist: a selector that matches nothing protects nothing, and
// gives no warning.
func TestNetworkPoliciesSelectPodsThatExist(t *testing.T) {
	eachOverlay(t, func(t *testing.T, r *rendered) {
		for name, p := range r.policies {
			selector, err := metav1.LabelSelectorAsSelector(&p.Spec.PodSelector)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.ContainsFunc(r.pods(), func(p pod) bool { return selector.Matches(labelsOf(p)) }) {
				t.Errorf("NetworkPolicy %s selects no pod: %s", name, selector)
			}
		}
		for name, service := range r.services {
			found := slices.ContainsFunc(r.pods(), func(p pod) bool { return matches(service.Spec.Selector, p.meta.Labels) })
			if !found {
				t.Errorf("Service %s selects no pod", name)
			}
		}
	})
}

type labelSet map[string]string

func (l labelSet) Has(key string) bool              { _, ok := l[key]; return ok }
func (l labelSet) Get(key string) string            { return l[key] }
func (l labelSet) Lookup(key string) (string, bool) { v, ok := l[key]; return v, ok }

func labelsOf(p pod) labelSet { return p.meta.Labels }

func matches(selector, labels map[string]string) bool {
	for key, value := range selector {
		if labels[key] != value {
			return false
		}
	}
	return len(selector) > 0
}

// byHandVolume is what a person with the corpus on a volume applies: the claim, and the pod that
// fills it.
func byHandVolume(t *testing.T) (*corev1.PersistentVolumeClaim, *corev1.Pod) {
	t.Helper()
	text, err := os.ReadFile("../components/corpus-volume/volume.yaml")
	if err != nil {
		t.Fatal(err)
	}
	first, second, _ := strings.Cut(string(text), "\n---\n")
	var objects [2]runtime.Object
	for i, part := range []string{first, second} {
		if objects[i], _, err = strictCodec(t).Decode([]byte(part), nil, nil); err != nil {
			t.Fatalf("components/corpus-volume/volume.yaml: %v", err)
		}
	}
	claim, isClaim := objects[0].(*corev1.PersistentVolumeClaim)
	pod, isPod := objects[1].(*corev1.Pod)
	if !isClaim || !isPod || claim.Namespace != "shoal" || pod.Namespace != "shoal" {
		t.Fatalf("components/corpus-volume/volume.yaml holds a %T and a %T, want a claim and a pod of the namespace shoal", objects[0], objects[1])
	}
	return claim, pod
}

// TestThePodThatFillsTheVolumeIsRestricted, and mounts it as its later readers may.
func TestThePodThatFillsTheVolumeIsRestricted(t *testing.T) {
	claim, pod := byHandVolume(t)
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	level := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	if result := policy.AggregateCheckResults(evaluator.EvaluatePod(level, &pod.ObjectMeta, &pod.Spec)); !result.Allowed {
		t.Errorf("it is not restricted: %s", result.ForbiddenDetail())
	}
	if got := pod.Spec.Volumes[0].PersistentVolumeClaim.ClaimName; got != claim.Name {
		t.Errorf("it fills %s, want %s", got, claim.Name)
	}
}

// TestVolumesAndSecretsAreThere: what is mounted or referred to is rendered, or is one of those
// that a person makes.
func TestVolumesAndSecretsAreThere(t *testing.T) {
	byHand := []string{"shoal-services", "shoal-files", "shoal-corpus"}
	claim, _ := byHandVolume(t)
	eachOverlay(t, func(t *testing.T, r *rendered) {
		for _, p := range r.pods() {
			for _, v := range p.spec.Volumes {
				if v.ConfigMap != nil && r.configs[v.ConfigMap.Name] == nil {
					t.Errorf("%s mounts ConfigMap %s, which is not rendered", p.owner, v.ConfigMap.Name)
				}
				if v.Secret != nil && r.secrets[v.Secret.SecretName] == nil && !slices.Contains(byHand, v.Secret.SecretName) {
					t.Errorf("%s mounts Secret %s, which nobody makes", p.owner, v.Secret.SecretName)
				}
				if v.PersistentVolumeClaim != nil && v.PersistentVolumeClaim.ClaimName != claim.Name {
					t.Errorf("%s mounts PersistentVolumeClaim %s, which nobody makes", p.owner, v.PersistentVolumeClaim.ClaimName)
				}
			}
			for _, c := range p.spec.Containers {
				for _, v := range c.Env {
					if v.ValueFrom == nil || v.ValueFrom.SecretKeyRef == nil {
						continue
					}
					ref := v.ValueFrom.SecretKeyRef
					if s := r.secrets[ref.Name]; s != nil && s.Data[ref.Key] == nil || s == nil && !slices.Contains(byHand, ref.Name) {
						t.Errorf("%s: %s comes from Secret %s, key %s, which nobody makes", p.owner, v.Name, ref.Name, ref.Key)
					}
				}
			}
		}
	})
}

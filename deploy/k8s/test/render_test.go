package deploy

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// root is the product's folder.
const root = "../../.."

// overlays are rendered as they are. The others are made here, so that each component is rendered
// with some base.
var overlays = []string{"dev", "prod", "spot", "https", "volume", "store", "monitored", "alerted", "large"}

const madeHere = `
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: shoal
resources: [../../base, ../prod/shards.yaml]
components: [../../components/shards, ../../components/COMPONENT]
images: [{name: shoal, newTag: 0.1.0}]
`

// tree is deploy/k8s in memory, so that a test may change a file and write nothing.
func tree(t *testing.T) filesys.FileSystem {
	t.Helper()
	mem := filesys.MakeFsInMemory()
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(path, "../test/") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return mem.WriteFile(filepath.Join("/k8s", strings.TrimPrefix(path, "../")), text)
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{"grafana", "prometheus"} { // beside k8s, for compose.yaml reads them too
		if err := mem.MkdirAll("/" + folder); err != nil {
			t.Fatal(err)
		}
		err := filepath.WalkDir(filepath.Join("../..", folder), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			return mem.WriteFile(strings.TrimPrefix(path, "../.."), text)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	made := map[string]string{"https": "corpus-https", "volume": "corpus-volume", "store": "corpus-store", "monitored": "podmonitor", "alerted": "alerts", "large": "large"}
	for name, component := range made {
		// kustomize keeps files of other roots out, except for those of a base: hence the copy.
		text := strings.ReplaceAll(madeHere, "COMPONENT", component)
		text = strings.ReplaceAll(text, "../prod/shards.yaml", "shards.yaml")
		shards, err := mem.ReadFile("/k8s/overlays/prod/shards.yaml")
		if err != nil {
			t.Fatal(err)
		}
		write(t, mem, "/k8s/overlays/"+name+"/kustomization.yaml", text)
		write(t, mem, "/k8s/overlays/"+name+"/shards.yaml", string(shards))
	}
	return mem
}

func write(t *testing.T, mem filesys.FileSystem, path, text string) {
	t.Helper()
	if err := mem.WriteFile(path, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

// rendered is what an overlay would apply.
type rendered struct {
	objects    []runtime.Object
	jobs       map[string]*batchv1.CronJob
	sets       []*appsv1.StatefulSet
	configs    map[string]*corev1.ConfigMap
	secrets    map[string]*corev1.Secret
	services   map[string]*corev1.Service
	accounts   map[string]*corev1.ServiceAccount
	namespaces map[string]*corev1.Namespace
	policies   map[string]*networkingv1.NetworkPolicy
	monitors   []*monitoringv1.PodMonitor
	rules      []*monitoringv1.PrometheusRule
}

// render builds an overlay and decodes it strictly: an unknown field, or a repeated one, is an
// error.
func render(t *testing.T, mem filesys.FileSystem, overlay string) *rendered {
	t.Helper()
	resources, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(mem, "/k8s/overlays/"+overlay)
	if err != nil {
		t.Fatalf("kustomize build overlays/%s: %v", overlay, err)
	}
	r := &rendered{
		jobs: map[string]*batchv1.CronJob{}, configs: map[string]*corev1.ConfigMap{}, secrets: map[string]*corev1.Secret{},
		services: map[string]*corev1.Service{}, accounts: map[string]*corev1.ServiceAccount{},
		namespaces: map[string]*corev1.Namespace{}, policies: map[string]*networkingv1.NetworkPolicy{},
	}
	codec := strictCodec(t)
	for _, resource := range resources.Resources() {
		text, err := resource.AsYAML()
		if err != nil {
			t.Fatal(err)
		}
		object, _, err := codec.Decode(text, nil, nil)
		if err != nil {
			t.Errorf("overlays/%s, %s %s: %v", overlay, resource.GetKind(), resource.GetName(), err)
			continue
		}
		r.add(t, object)
		if ns := resource.GetNamespace(); ns != "shoal" && resource.GetKind() != "Namespace" {
			t.Errorf("overlays/%s: %s %s is in namespace %q, want shoal", overlay, resource.GetKind(), resource.GetName(), ns)
		}
	}
	return r
}

func strictCodec(t *testing.T) runtime.Decoder {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{corev1.AddToScheme, batchv1.AddToScheme, networkingv1.AddToScheme, appsv1.AddToScheme, monitoringv1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	return serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer()
}

func (r *rendered) add(t *testing.T, object runtime.Object) {
	t.Helper()
	r.objects = append(r.objects, object)
	switch o := object.(type) {
	case *batchv1.CronJob:
		r.jobs[o.Name] = o
	case *appsv1.StatefulSet:
		r.sets = append(r.sets, o)
	case *corev1.ConfigMap:
		r.configs[o.Name] = o
	case *corev1.Secret:
		r.secrets[o.Name] = o
	case *corev1.Service:
		r.services[o.Name] = o
	case *corev1.ServiceAccount:
		r.accounts[o.Name] = o
	case *corev1.Namespace:
		r.namespaces[o.Name] = o
	case *networkingv1.NetworkPolicy:
		r.policies[o.Name] = o
	case *monitoringv1.PodMonitor:
		r.monitors = append(r.monitors, o)
	case *monitoringv1.PrometheusRule:
		r.rules = append(r.rules, o)
	default:
		t.Errorf("a %T is rendered, which no test looks at", object)
	}
}

func (r *rendered) worker() *batchv1.CronJob      { return r.jobs["shoal-worker"] }
func (r *rendered) coordinator() *batchv1.CronJob { return r.jobs["shoal-coordinator"] }

// podSpec is the one of a CronJob.
func podSpec(job *batchv1.CronJob) *corev1.PodSpec { return &job.Spec.JobTemplate.Spec.Template.Spec }

// eachOverlay runs a test on every overlay.
func eachOverlay(t *testing.T, test func(t *testing.T, r *rendered)) {
	t.Helper()
	mem := tree(t)
	for _, overlay := range overlays {
		t.Run(overlay, func(t *testing.T) { test(t, render(t, mem, overlay)) })
	}
}

func TestOverlaysDecodeStrictly(t *testing.T) {
	eachOverlay(t, func(t *testing.T, r *rendered) {
		if r.worker() == nil || r.coordinator() == nil {
			t.Fatal("rendered without the CronJobs shoal-worker and shoal-coordinator")
		}
		if len(r.jobs) != 2 {
			t.Errorf("rendered %d CronJobs, want 2", len(r.jobs))
		}
		for name := range r.configs {
			if name == "shards" {
				t.Error("ConfigMap shards reaches the cluster; it is for kustomize alone")
			}
		}
	})
}

func TestAnUnknownFieldIsRefused(t *testing.T) {
	_, _, err := strictCodec(t).Decode([]byte("apiVersion: batch/v1\nkind: Job\nmetadata: {name: x}\nspec: {backoffLimitPerIndexx: 1}\n"), nil, nil)
	if err == nil || !strings.Contains(err.Error(), "backoffLimitPerIndexx") {
		t.Errorf("Decode of a misspelt field = %v, want an error that names it", err)
	}
}

func TestTheNumberOfShardsIsSetInOnePlace(t *testing.T) {
	mem := tree(t)
	for _, overlay := range []string{"dev", "prod"} {
		path := "/k8s/overlays/" + overlay + "/shards.yaml"
		text, err := mem.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		write(t, mem, path, strings.ReplaceAll(string(text), `shards: "2"`, `shards: "7"`))
		r := render(t, mem, overlay)
		spec := r.worker().Spec.JobTemplate.Spec
		if *spec.Completions != 7 || *spec.Parallelism != 7 || *spec.MaxFailedIndexes != 7 {
			t.Errorf("%s with 7 shards: completions, parallelism, maxFailedIndexes = %d, %d, %d, want 7 each",
				overlay, *spec.Completions, *spec.Parallelism, *spec.MaxFailedIndexes)
		}
		for name, job := range r.jobs {
			if got := variable(podSpec(job).Containers[0], "SHARDS").Value; got != "7" {
				t.Errorf("%s with 7 shards: SHARDS of %s = %q, want 7", overlay, name, got)
			}
		}
	}
}

// variable is a variable of a container's environment; empty if there is none.
func variable(c corev1.Container, name string) corev1.EnvVar {
	for _, v := range c.Env {
		if v.Name == name {
			return v
		}
	}
	return corev1.EnvVar{}
}

module shoal/deploy/k8s/test

go 1.26.0

require shoal v0.0.0

require (
	github.com/blang/semver/v4 v4.0.0 // indirect
	k8s.io/api v0.37.2 // indirect
	k8s.io/apimachinery v0.37.2 // indirect
	k8s.io/pod-security-admission v0.37.2 // indirect
	sigs.k8s.io/kustomize/api v0.20.1 // indirect
	sigs.k8s.io/kustomize/kyaml v0.20.1 // indirect
)

replace shoal => ../../..

// Package deploy holds the tests of deploy/: every overlay is rendered by kustomize, decoded
// strictly into the types of Kubernetes, held against the restricted Pod Security standard and
// against the programs themselves, and the workers' Job is played by a small Job controller on
// loopback, with real worker processes, killed and evicted.
//
// It is a module of its own, so that the product's go.mod stays free of Kubernetes. It holds only
// tests.
package deploy

//go:build !unix

package sqlite

// fileIdentity is the path where the system gives files no number that Go shows.
func fileIdentity(path string) (string, error) { return path, nil }

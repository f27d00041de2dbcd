//go:build !unix

package sqlite

// fileIdentity returns the path, because on this system Go does not show a file's number.
func fileIdentity(path string) (string, error) { return path, nil }

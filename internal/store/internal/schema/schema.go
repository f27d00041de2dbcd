package schema

import (
	"fmt"
	"io/fs"
	"strings"

	"shoal/internal/store"
)

// Script returns the DDL of a store: all migrations in order, each followed by the row that records
// that it was applied, so that a store made by hand is up to date. applied is the statement of that
// row, with a verb for the number of the migration.
func Script(all []string, applied string) string {
	var b strings.Builder
	b.WriteString("BEGIN;\n")
	for i, migration := range all {
		b.WriteString(migration + "\n")
		fmt.Fprintf(&b, applied+";\n", i+1)
	}
	b.WriteString("COMMIT;\n")
	return b.String()
}

// Migrations lists the files of the folder schema in order; the n-th, counted from 1, leads to
// version n. Applied ones never change.
func Migrations(files fs.FS) []string {
	names, _ := fs.Glob(files, "schema/*.sql") // the pattern is sound, and sorted is what Glob returns
	var texts []string
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			panic(err) // cannot be: the file is part of the binary
		}
		texts = append(texts, string(text))
	}
	return texts
}

// State is what a store records about its schema.
type State struct {
	Version int // 0 without our tables
	By      string
}

// Check compares the store's schema with the newest that this binary knows. migrate reports that
// the store has to be brought up to date first.
func (s State) Check(known int, options store.Options) (migrate bool, err error) {
	switch {
	case s.Version > known:
		return false, fmt.Errorf("%w: its schema is version %d (made by Shoal %s), this binary (Shoal %s) knows versions up to %d: use Shoal %s or newer",
			store.ErrSchema, s.Version, s.By, orUnnamed(options.Version), known, s.By)
	case s.Version == known:
		return false, nil
	case s.Version == 0 && (options.ReadOnly || options.Existing):
		return false, store.ErrNoTables
	case !options.ReadOnly:
		return true, nil
	default:
		return false, fmt.Errorf("%w: its schema is version %d, this binary (Shoal %s) needs version %d: start a worker of this version once, it brings the tables up to date",
			store.ErrSchema, s.Version, orUnnamed(options.Version), known)
	}
}

func orUnnamed(version string) string {
	if version == "" {
		return "of an unnamed version"
	}
	return version
}

package store

import (
	"embed"
	"fmt"
	"io/fs"
	"strings"
)

//go:embed schema
var schemaFiles embed.FS

// Kinds of store as Schema names them.
const (
	KindPostgres = "postgres"
	KindSQLite   = "sqlite"
)

// Schema is the DDL of a kind of store, KindPostgres or KindSQLite: all migrations in order, each followed by the row that
// says that it was applied, so that a store made by hand is up to date. Empty for another kind.
func Schema(kind string) string {
	applied := "INSERT INTO schema_version (version, applied_by, applied_at) VALUES (%d, 'hand', strftime('%%Y-%%m-%%dT%%H:%%M:%%fZ', 'now'));\n"
	if kind == KindPostgres {
		applied = "INSERT INTO shoal.schema_version (version, applied_by) VALUES (%d, 'hand');\n"
	}
	all := migrations(kind)
	if len(all) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("BEGIN;\n")
	for i, migration := range all {
		b.WriteString(migration + "\n")
		fmt.Fprintf(&b, applied, i+1)
	}
	b.WriteString("COMMIT;\n")
	return b.String()
}

// migrations lists the migrations of a kind; the n-th, counted from 1, leads to version n. Applied ones never change.
func migrations(kind string) []string {
	names, _ := fs.Glob(schemaFiles, "schema/"+kind+"/*.sql") // the pattern is sound, and sorted is what Glob returns
	var texts []string
	for _, name := range names {
		text, err := schemaFiles.ReadFile(name)
		if err != nil {
			panic(err) // cannot be: the file is part of the binary
		}
		texts = append(texts, string(text))
	}
	return texts
}

// schemaState is what a store says about its schema.
type schemaState struct {
	version int // 0 without our tables
	by      string
}

// check compares the store's schema with the newest that this binary knows. migrate says that the store is to be brought
// up to date first.
func (s schemaState) check(known int, options Options) (migrate bool, err error) {
	switch {
	case s.version > known:
		return false, fmt.Errorf("%w: its schema is version %d (made by Shoal %s), this binary (Shoal %s) knows versions up to %d: use Shoal %s or newer",
			ErrSchema, s.version, s.by, orUnnamed(options.Version), known, s.by)
	case s.version == known:
		return false, nil
	case s.version == 0 && (options.ReadOnly || options.Existing):
		return false, ErrNoTables
	case !options.ReadOnly:
		return true, nil
	default:
		return false, fmt.Errorf("%w: its schema is version %d, this binary (Shoal %s) needs version %d: start a worker of this version once, it brings the tables up to date",
			ErrSchema, s.version, orUnnamed(options.Version), known)
	}
}

func orUnnamed(version string) string {
	if version == "" {
		return "of an unnamed version"
	}
	return version
}

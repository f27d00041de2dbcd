// Package kinds is the table of the stores that a user may name: how an address begins, whether
// processes on several machines share it, and which shell command looks into it.
//
// In goes an address, out comes its row. It opens nothing and links no driver: package stores does.
package kinds

import (
	"fmt"
	"strings"
)

// Kind is one row of the table.
type Kind struct {
	Name    string   // as it is called in tests and in [Kind.Look]'s tables
	Schemes []string // with which an address begins, before the colon; the usual one first
	Form    string   // an address as a user writes it
	File    bool     // one file of this machine; else a server that machines share

	tables string // prefix of a table's name
	shell  string // the command: address, statement
}

// The rows. A store that is added here needs a driver in package stores.
var (
	SQLite   = Kind{Name: "sqlite", Schemes: []string{"sqlite"}, Form: "sqlite:FILE", File: true, shell: "sqlite3 %s %q"}
	Postgres = Kind{Name: "postgres", Schemes: []string{"postgres", "postgresql"}, Form: "postgres://user@host:5432/database", tables: "shoal.", shell: "psql %s -c %q"}
)

// All returns the rows, the one for a single machine first.
func All() []Kind { return []Kind{SQLite, Postgres} }

// Of returns the row of an address, by its scheme.
func Of(address string) (kind Kind, known bool) {
	scheme, _, _ := strings.Cut(address, ":")
	for _, kind := range All() {
		for _, s := range kind.Schemes {
			if s == scheme {
				return kind, true
			}
		}
	}
	return Kind{}, false
}

// Path returns the file that an address names, where its store is one; empty where it is not, since
// what follows the scheme may then hold a password.
func Path(address string) (file string, isFile bool) {
	_, file, cut := strings.Cut(address, ":")
	if kind, known := Of(address); !cut || !known || !kind.File {
		return "", false
	}
	return file, true
}

// Prefix is what an address begins with.
func (k Kind) Prefix() string {
	if k.File {
		return k.Schemes[0] + ":"
	}
	return k.Schemes[0] + "://"
}

// Names reports whether the kind opens an address.
func (k Kind) Names(address string) bool {
	kind, known := Of(address)
	return known && kind.Name == k.Name && (k.File || strings.Contains(address, "://"))
}

// Look is the shell command that selects from a table of the store. The address is one word of the
// shell already, for a file only its path; statement has a %s for the table.
func (k Kind) Look(address, statement, table string) string {
	return fmt.Sprintf(k.shell, address, fmt.Sprintf(statement, k.tables+table))
}

// Forms are the addresses of all kinds as a user writes them.
func Forms() string {
	var forms []string
	for _, kind := range All() {
		forms = append(forms, kind.Form)
	}
	return strings.Join(forms, " or ")
}

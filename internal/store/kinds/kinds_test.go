package kinds

import "testing"

func TestOf(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"sqlite:shoal.db": "sqlite", "sqlite:": "sqlite", "postgres://h/db": "postgres", "postgresql://h/db": "postgres", "postgres": "postgres",
		"mysql://h/db": "", "shoal.db": "", "": "", "C:shoal.db": "",
	} {
		if kind, known := Of(address); kind.Name != want || known != (want != "") {
			t.Errorf("Of(%q) = %q, %t, want %q", address, kind.Name, known, want)
		}
	}
}

func TestPath(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{"sqlite:a b.db": "a b.db", "sqlite:/x/y:z.db": "/x/y:z.db", "postgres://h/db": "", "sqlite": ""} {
		if file, isFile := Path(address); isFile != (want != "") || file != want {
			t.Errorf("Path(%q) = %q, %t, want %q", address, file, isFile, want)
		}
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{"postgres://h/db": true, "postgresql://h/db": true, "postgres": false, "sqlite:x": false} {
		if got := Postgres.Names(address); got != want {
			t.Errorf("Postgres.Names(%q) = %t, want %t", address, got, want)
		}
	}
	if !SQLite.Names("sqlite:x") {
		t.Error("SQLite.Names(sqlite:x) = false, want true")
	}
}

func TestLook(t *testing.T) {
	t.Parallel()
	for got, want := range map[string]string{
		SQLite.Look("shoal.db", "select count(*) from %s", "pages"): `sqlite3 shoal.db "select count(*) from pages"`,
		Postgres.Look(`"$DB"`, "select count(*) from %s", "pages"):  `psql "$DB" -c "select count(*) from shoal.pages"`,
		SQLite.Prefix() + " " + Postgres.Prefix():                   "sqlite: postgres://",
		Forms(): "sqlite:FILE or postgres://user@host:5432/database",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

package sqltext

import (
	"fmt"
	"strings"
)

// MoveChain returns the statement that moves a chain to its next step, if that is what follows. A
// chain that started again and has come to its end earlier than before has ended, too. name are the
// columns of the chain's name, which are unique. Parameters: run, seed, step, next, done, trail.
func (d Dialect) MoveChain() string {
	now := strings.Replace(d.Now(7), "?", "$", 1) // every parameter of this text is written $n, which each store takes
	return fmt.Sprintf(`INSERT INTO %[1]schains AS c (run, seed, step, next, done_at, trail)
		SELECT CAST($1 AS text), CAST($2 AS text), CAST($3 AS bigint), nullif(CAST($4 AS text), ''), CASE WHEN CAST($5 AS boolean) THEN %[3]s END, nullif(CAST($6 AS text), '')
		WHERE CAST($3 AS bigint) = 1 OR EXISTS (SELECT 1 FROM %[1]schains b WHERE %[4]s)
		ON CONFLICT (%[2]s) DO UPDATE SET step = CASE WHEN c.step > excluded.step THEN c.step ELSE excluded.step END,
			next = excluded.next, done_at = excluded.done_at, trail = excluded.trail
		WHERE c.done_at IS NULL AND (c.step = excluded.step - 1 OR excluded.done_at IS NOT NULL AND c.step >= excluded.step)`,
		d.Schema, d.ChainName, now, d.ChainNamed())
}

// The columns that name a chain. A seed may be longer than what PostgreSQL's indexes take, so there
// it goes by its hash.
const (
	ChainName       = "run, seed"
	ChainNameHashed = "run, seed_hash"
)

// ChainNamed returns the condition for the chain of run $1 and seed $2.
func (d Dialect) ChainNamed() string {
	condition := "run = CAST($1 AS text) AND seed = CAST($2 AS text)"
	if d.ChainName == ChainNameHashed {
		condition += ` AND seed_hash = sha256(replace(CAST($2 AS text), '\', '\\')::bytea)`
	}
	return condition
}

// RewindChain returns the statement for one of them: it is walked again from its seed, and the
// existing rows are known by their place. Parameters: run, seed.
func (d Dialect) RewindChain() string {
	return fmt.Sprintf("UPDATE %schains SET next = NULL, done_at = NULL, trail = NULL WHERE %s", d.Schema, d.ChainNamed())
}

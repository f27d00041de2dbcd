package sqltext

// CrashStatements returns what a take of a shard does first, while the rows of shards still show
// which owners did not give a lease back: the lease of the shard itself, and those of another N,
// which the take ends too. Parameters: run, shard, of.
func (d Dialect) CrashStatements() []string {
	schema, parameter := d.Schema, d.Parameter
	run, shard, of := parameter(1), parameter(2), parameter(3)
	left := "s.run = " + run + " AND s.expires_at IS NOT NULL AND (s.shard = " + shard + ` AND s."of" = ` + of + ` OR s."of" <> ` + of + ")"
	return []string{
		"UPDATE " + schema + "suspects SET crashes = crashes + 1, token = 0 WHERE run = " + run + " AND token IN (SELECT s.token FROM " + schema +
			`shards s WHERE s.shard = suspects.shard AND s."of" = suspects."of" AND ` + left + ")",
		"UPDATE " + schema + "shards SET crashes = crashes + 1 WHERE run = " + run + " AND shard = " + shard + ` AND "of" = ` + of +
			" AND EXISTS (SELECT 1 FROM " + schema + "shards s WHERE " + left + ")",
	}
}

// SuspectsLeft returns the query for whether the owner of a shard is to suspect its items.
// Parameters: run, shard, of.
func (d Dialect) SuspectsLeft() string {
	schema, parameter := d.Schema, d.Parameter
	run, shard, of := parameter(1), parameter(2), parameter(3)
	return "SELECT EXISTS (SELECT 1 FROM " + schema + "shards WHERE run = " + run + " AND shard = " + shard + ` AND "of" = ` + of + " AND crashes > 0)" +
		" OR EXISTS (SELECT 1 FROM " + schema + "suspects WHERE run = " + run + " AND (shard = " + shard + ` AND "of" = ` + of + ` OR "of" <> ` + of + "))"
}

// LoadSuspects is the query for the suspects that the owner of a shard must know. Parameters: run,
// shard, of.
func (d Dialect) LoadSuspects() string {
	schema, parameter := d.Schema, d.Parameter
	return "SELECT key, crashes FROM " + schema + "suspects WHERE run = " + parameter(1) + " AND crashes > 0" +
		" AND (shard = " + parameter(2) + ` OR "of" <> ` + parameter(3) + ")"
}

// ReleaseSuspects are the statements of a lease that is given back before its shard is drained:
// nothing of it is in flight. Parameters: run, shard, of, token.
func (d Dialect) ReleaseSuspects() []string {
	schema, parameter := d.Schema, d.Parameter
	ours := " WHERE run = " + parameter(1) + " AND shard = " + parameter(2) + ` AND "of" = ` + parameter(3) + " AND token = " + parameter(4)
	return []string{
		"DELETE FROM " + schema + "suspects" + ours + " AND crashes = 0",
		"UPDATE " + schema + "suspects SET token = 0" + ours,
	}
}

// DrainSuspects are the statements of a lease whose shard is drained: all its items have ended.
// Parameters: run, shard, of.
func (d Dialect) DrainSuspects() []string {
	schema, parameter := d.Schema, d.Parameter
	shard := " WHERE run = " + parameter(1) + " AND shard = " + parameter(2) + ` AND "of" = ` + parameter(3)
	return []string{"DELETE FROM " + schema + "suspects" + shard, "UPDATE " + schema + "shards SET crashes = 0" + shard}
}

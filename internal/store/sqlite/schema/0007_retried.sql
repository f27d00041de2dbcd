-- Items that an operator put back: their old row stays until the new outcome lands, and does not count as done.
CREATE TABLE retried (
	run TEXT NOT NULL,
	key BLOB NOT NULL CHECK (length(key) = 16),
	PRIMARY KEY (run, key)
) WITHOUT ROWID;

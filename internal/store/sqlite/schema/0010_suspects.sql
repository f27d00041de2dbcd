-- Crashes of a shard's owners since the last calm, and the items that were in flight in them. A row is written while a crash
-- is suspected and goes when its item lands. token is that of the lease under which the item is in flight, 0 when it is not.
ALTER TABLE shards ADD COLUMN crashes INTEGER NOT NULL DEFAULT 0;
CREATE TABLE suspects (
	run     TEXT NOT NULL,
	key     BLOB NOT NULL CHECK (length(key) = 16),
	shard   INTEGER NOT NULL,
	"of"    INTEGER NOT NULL,
	token   INTEGER NOT NULL,
	crashes INTEGER NOT NULL DEFAULT 0,
	PRIMARY KEY (run, key)
) WITHOUT ROWID;

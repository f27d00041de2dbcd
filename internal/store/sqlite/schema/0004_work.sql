-- What each process did for a run, as it says itself every few seconds: what status and report show.
CREATE TABLE work (
	run        TEXT NOT NULL,
	worker     TEXT NOT NULL,
	shard      TEXT,
	started_at TEXT NOT NULL,
	seen_at    TEXT NOT NULL,
	ended_at   TEXT,
	stats      TEXT NOT NULL,
	PRIMARY KEY (run, worker)
) WITHOUT ROWID;

-- How many requests each process sent in each second of a minute (since 1970, UTC).
CREATE TABLE sent (
	run     TEXT NOT NULL,
	worker  TEXT NOT NULL,
	minute  INTEGER NOT NULL,
	seconds TEXT NOT NULL,
	PRIMARY KEY (run, worker, minute)
) WITHOUT ROWID;

-- When each process was to be silent, or could not send, and why: what the page marks.
CREATE TABLE silences (
	run      TEXT NOT NULL,
	worker   TEXT NOT NULL,
	from_at  TEXT NOT NULL,
	kind     TEXT NOT NULL,
	until_at TEXT NOT NULL,
	cause    TEXT NOT NULL,
	PRIMARY KEY (run, worker, from_at, kind)
) WITHOUT ROWID;
CREATE INDEX silences_latest ON silences (run, from_at);

-- The latest minutes, without those of a long run before them.
CREATE INDEX sent_latest ON sent (run, minute);

-- The items that did not land, newest first. Those that land, almost all, are not in it.
CREATE INDEX pages_not_landed ON pages (run, fetched_at, key, outcome, reason, status) WHERE outcome <> 'landed';

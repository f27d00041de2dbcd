-- When each process was to be silent, or could not send, and why: what the page marks.
CREATE TABLE shoal.silences (
	run      text NOT NULL,
	worker   text NOT NULL,
	from_at  timestamptz NOT NULL,
	kind     text NOT NULL,
	until_at timestamptz NOT NULL,
	cause    text NOT NULL,
	PRIMARY KEY (run, worker, from_at, kind)
);
CREATE INDEX silences_latest ON shoal.silences (run, from_at);

-- The latest minutes, without those of a long run before them.
CREATE INDEX sent_latest ON shoal.sent (run, minute);

-- The items that did not land, newest first. Those that land, almost all, are not in it.
CREATE INDEX pages_not_landed ON shoal.pages (run, fetched_at, key, outcome, reason, status) WHERE outcome <> 'landed';

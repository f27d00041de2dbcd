-- Keys are 16-byte blobs, JSON is text, instants are text in UTC such as 2026-10-01T12:00:00.000000Z.

-- One row for each migration that was applied, and by which version of Shoal.
CREATE TABLE schema_version (
	version    INTEGER PRIMARY KEY,
	applied_by TEXT NOT NULL,
	applied_at TEXT NOT NULL
);

-- One row for each named refresh: what it was opened with and how far it is.
CREATE TABLE runs (
	run           TEXT PRIMARY KEY,
	upstream      TEXT NOT NULL,
	api           TEXT NOT NULL,
	host          TEXT NOT NULL,
	extract       TEXT NOT NULL,
	body          TEXT NOT NULL,
	rate          TEXT NOT NULL,
	corpus        TEXT NOT NULL,
	corpus_items  INTEGER,
	corpus_digest TEXT,
	shards        INTEGER,
	base_run      TEXT,
	generation    TEXT NOT NULL,
	bucket_bits   INTEGER NOT NULL DEFAULT 17,
	version       TEXT NOT NULL,
	opened_at     TEXT NOT NULL,
	drain_at      TEXT,
	drain_by      TEXT,
	finished_at   TEXT
);

-- Who owns which part of a run, under which fencing token, and how many items ended there.
CREATE TABLE shards (
	run        TEXT NOT NULL,
	shard      INTEGER NOT NULL,
	"of"       INTEGER NOT NULL,
	token      INTEGER NOT NULL DEFAULT 0,
	owner      TEXT,
	expires_at TEXT,
	renewed_at TEXT,
	landed     INTEGER NOT NULL DEFAULT 0,
	missing    INTEGER NOT NULL DEFAULT 0,
	skipped    INTEGER NOT NULL DEFAULT 0,
	dead       INTEGER NOT NULL DEFAULT 0,
	rejected   INTEGER NOT NULL DEFAULT 0,
	bytes      INTEGER NOT NULL DEFAULT 0,
	drained_at TEXT,
	PRIMARY KEY (run, shard, "of")
);

-- What an operator said about a host.
CREATE TABLE control (
	host       TEXT PRIMARY KEY,
	rate       TEXT,
	hold_until TEXT,
	"by"       TEXT,
	at         TEXT NOT NULL
);

-- The items of corpora that had to be enumerated once.
CREATE TABLE corpus (
	run  TEXT NOT NULL,
	seq  INTEGER NOT NULL,
	key  BLOB NOT NULL,
	url  TEXT NOT NULL,
	id   TEXT,
	hint TEXT,
	PRIMARY KEY (run, seq)
);

-- Where each enumeration or listing goes on.
CREATE TABLE chains (
	run     TEXT NOT NULL,
	seed    TEXT NOT NULL,
	step    INTEGER NOT NULL DEFAULT 0,
	next    TEXT,
	done_at TEXT,
	PRIMARY KEY (run, seed)
);

-- One row for each item that has ended, whatever its outcome. Not WITHOUT ROWID: bodies are long and keys random, so a
-- table that only grows at its end, beside a small index, is the faster one.
CREATE TABLE pages (
	run        TEXT NOT NULL,
	key        BLOB NOT NULL CHECK (length(key) = 16),
	url        TEXT NOT NULL,
	id         TEXT,
	outcome    TEXT NOT NULL CHECK (outcome IN ('landed', 'missing', 'skipped', 'dead')),
	status     INTEGER,
	reason     TEXT,
	detail     TEXT,
	attempts   INTEGER NOT NULL DEFAULT 0,
	revision   TEXT,
	media_type TEXT,
	headers    TEXT,
	fetched_at TEXT NOT NULL,
	body       TEXT,
	raw        BLOB,
	PRIMARY KEY (run, key)
);

-- The rows extracted from pages.
CREATE TABLE records (
	run     TEXT NOT NULL,
	key     BLOB NOT NULL CHECK (length(key) = 16),
	ordinal INTEGER NOT NULL,
	kind    TEXT,
	data    TEXT NOT NULL,
	PRIMARY KEY (run, key, ordinal)
);

-- Records that are being made again from stored bodies: how far that is, and what there is so far.
CREATE TABLE extracts (
	run        TEXT PRIMARY KEY,
	spec       TEXT NOT NULL,
	cursor     BLOB NOT NULL,
	landed     INTEGER NOT NULL,
	started_at TEXT NOT NULL
);
CREATE TABLE extracted (
	run     TEXT NOT NULL,
	key     BLOB NOT NULL CHECK (length(key) = 16),
	ordinal INTEGER NOT NULL,
	kind    TEXT,
	data    TEXT NOT NULL,
	PRIMARY KEY (run, key, ordinal)
);

CREATE VIEW dead_letters AS
	SELECT run, key, url, id, status, reason, detail, attempts, fetched_at FROM pages WHERE outcome = 'dead';

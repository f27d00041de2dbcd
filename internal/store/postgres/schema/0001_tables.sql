-- Whoever made the schema for us need not let us create one.
DO $$ BEGIN
	IF to_regnamespace('shoal') IS NULL THEN CREATE SCHEMA shoal; END IF;
END $$;

-- One row for each migration that was applied, and by which version of Shoal.
CREATE TABLE shoal.schema_version (
	version    integer PRIMARY KEY,
	applied_by text NOT NULL,
	applied_at timestamptz NOT NULL DEFAULT now()
);

-- One row for each named refresh: what it was opened with and how far it is.
CREATE TABLE shoal.runs (
	run           text PRIMARY KEY,
	upstream      text NOT NULL,
	api           text NOT NULL,
	host          text NOT NULL,
	extract       text NOT NULL,
	body          text NOT NULL,
	rate          text NOT NULL,
	corpus        text NOT NULL,
	corpus_items  bigint,
	corpus_digest text,
	shards        integer,
	base_run      text,
	generation    uuid NOT NULL DEFAULT gen_random_uuid(),
	bucket_bits   integer NOT NULL DEFAULT 17,
	version       text NOT NULL,
	opened_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
	drain_at      timestamptz,
	drain_by      text,
	finished_at   timestamptz
);

-- Who owns which part of a run, under which fencing token, and how many items ended there.
CREATE TABLE shoal.shards (
	run        text NOT NULL,
	shard      integer NOT NULL,
	of         integer NOT NULL,
	token      bigint NOT NULL DEFAULT 0,
	owner      text,
	expires_at timestamptz,
	renewed_at timestamptz,
	landed     bigint NOT NULL DEFAULT 0,
	missing    bigint NOT NULL DEFAULT 0,
	skipped    bigint NOT NULL DEFAULT 0,
	dead       bigint NOT NULL DEFAULT 0,
	rejected   bigint NOT NULL DEFAULT 0,
	bytes      bigint NOT NULL DEFAULT 0,
	drained_at timestamptz,
	PRIMARY KEY (run, shard, of)
);

-- What an operator said about a host.
CREATE TABLE shoal.control (
	host       text PRIMARY KEY,
	rate       text,
	hold_until timestamptz,
	by         text,
	at         timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- The items of corpora that had to be enumerated once.
CREATE TABLE shoal.corpus (
	run  text NOT NULL,
	seq  bigint NOT NULL,
	key  uuid NOT NULL,
	url  text NOT NULL,
	id   text,
	hint jsonb,
	PRIMARY KEY (run, seq)
);

-- Where each enumeration or listing goes on.
CREATE TABLE shoal.chains (
	run     text NOT NULL,
	seed    text NOT NULL,
	step    bigint NOT NULL DEFAULT 0,
	next    text,
	done_at timestamptz,
	PRIMARY KEY (run, seed)
);

-- One row for each item that has ended, whatever its outcome. body is json, not jsonb: the bytes as they came.
CREATE TABLE shoal.pages (
	run        text NOT NULL,
	key        uuid NOT NULL,
	url        text NOT NULL,
	id         text,
	outcome    text NOT NULL CHECK (outcome IN ('landed', 'missing', 'skipped', 'dead')),
	status     integer,
	reason     text,
	detail     text,
	attempts   integer NOT NULL DEFAULT 0,
	revision   text,
	media_type text,
	headers    jsonb,
	fetched_at timestamptz NOT NULL,
	body       json,
	raw        bytea,
	PRIMARY KEY (run, key)
) PARTITION BY LIST (run);

-- The rows extracted from pages.
CREATE TABLE shoal.records (
	run     text NOT NULL,
	key     uuid NOT NULL,
	ordinal integer NOT NULL,
	kind    text,
	data    jsonb NOT NULL,
	PRIMARY KEY (run, key, ordinal)
) PARTITION BY LIST (run);

-- Records that are being made again from stored bodies: how far that is, and what there is so far.
CREATE TABLE shoal.extracts (
	run        text PRIMARY KEY,
	spec       text NOT NULL,
	cursor     uuid NOT NULL,
	landed     bigint NOT NULL,
	started_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE TABLE shoal.extracted (
	run     text NOT NULL,
	key     uuid NOT NULL,
	ordinal integer NOT NULL,
	kind    text,
	data    jsonb NOT NULL,
	PRIMARY KEY (run, key, ordinal)
);

CREATE VIEW shoal.dead_letters AS
	SELECT run, key, url, id, status, reason, detail, attempts, fetched_at FROM shoal.pages WHERE outcome = 'dead';

-- lz4 packs four times as fast as the default and about as well; a server may be built without it.
DO $$ BEGIN
	IF EXISTS (SELECT FROM pg_settings WHERE name = 'default_toast_compression' AND 'lz4' = ANY (enumvals)) THEN
		ALTER TABLE shoal.pages ALTER COLUMN body SET COMPRESSION lz4, ALTER COLUMN raw SET COMPRESSION lz4,
			ALTER COLUMN headers SET COMPRESSION lz4, ALTER COLUMN detail SET COMPRESSION lz4;
		ALTER TABLE shoal.records ALTER COLUMN data SET COMPRESSION lz4;
		ALTER TABLE shoal.extracted ALTER COLUMN data SET COMPRESSION lz4;
	END IF;
END $$;

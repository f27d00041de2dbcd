-- What each process did for a run, as it says itself every few seconds: what status and report show.
CREATE TABLE shoal.work (
	run        text NOT NULL,
	worker     text NOT NULL,
	shard      text,
	started_at timestamptz NOT NULL,
	seen_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
	ended_at   timestamptz,
	stats      jsonb NOT NULL,
	PRIMARY KEY (run, worker)
);

-- How many requests each process sent in each second of a minute (since 1970, UTC).
CREATE TABLE shoal.sent (
	run     text NOT NULL,
	worker  text NOT NULL,
	minute  bigint NOT NULL,
	seconds jsonb NOT NULL,
	PRIMARY KEY (run, worker, minute)
);

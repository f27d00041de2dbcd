-- What a run's records were made by before they were made again: a worker that still says so means the run's own.
CREATE TABLE shoal.former_extracts (
	run         text NOT NULL,
	spec        text NOT NULL,
	replaced_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	PRIMARY KEY (run, spec)
);

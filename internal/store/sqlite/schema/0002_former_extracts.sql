-- What a run's records were made by before they were made again: a worker that still says so means the run's own.
CREATE TABLE former_extracts (
	run         TEXT NOT NULL,
	spec        TEXT NOT NULL,
	replaced_at TEXT NOT NULL,
	PRIMARY KEY (run, spec)
) WITHOUT ROWID;

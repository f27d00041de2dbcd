-- What else a run of the plain upstream was opened with: how a listing goes on and what it names, how the answer to many
-- ids is taken apart, when an answer counts. Empty is what was not said.
CREATE TABLE inputs (
	run     TEXT PRIMARY KEY,
	next    TEXT NOT NULL,
	items   TEXT NOT NULL,
	split   TEXT NOT NULL,
	id      TEXT NOT NULL,
	absent  TEXT NOT NULL,
	"check" TEXT NOT NULL,
	wait    TEXT NOT NULL,
	pack    INTEGER NOT NULL
) WITHOUT ROWID;

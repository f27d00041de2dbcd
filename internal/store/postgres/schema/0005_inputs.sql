-- What else a run of the plain upstream was opened with: how a listing goes on and what it names, how the answer to many
-- ids is taken apart, when an answer counts. Empty is what was not said.
CREATE TABLE shoal.inputs (
	run     text PRIMARY KEY,
	next    text NOT NULL,
	items   text NOT NULL,
	split   text NOT NULL,
	id      text NOT NULL,
	absent  text NOT NULL,
	"check" text NOT NULL,
	wait    text NOT NULL,
	pack    integer NOT NULL
);

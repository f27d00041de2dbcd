-- Items that an operator put back: their old row stays until the new outcome lands, and does not count as done.
CREATE TABLE shoal.retried (
	run text NOT NULL,
	key uuid NOT NULL,
	PRIMARY KEY (run, key)
);

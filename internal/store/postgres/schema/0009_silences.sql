-- The silence that the upstream of a host asked for, by this server's clock, and when an operator last ended one.
ALTER TABLE shoal.control
	ADD COLUMN until     timestamptz,
	ADD COLUMN lifted_at timestamptz;

-- The silence that the upstream of a host asked for, and when an operator last ended one.
ALTER TABLE control ADD COLUMN until TEXT;
ALTER TABLE control ADD COLUMN lifted_at TEXT;

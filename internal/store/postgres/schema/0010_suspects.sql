-- Crashes of a shard's owners since the last calm, and the items that were in flight in them. A row is written while a crash
-- is suspected and goes when its item lands. token is that of the lease under which the item is in flight, 0 when it is not.
ALTER TABLE shoal.shards ADD COLUMN crashes integer NOT NULL DEFAULT 0;
CREATE TABLE shoal.suspects (
	run     text NOT NULL,
	key     uuid NOT NULL,
	shard   integer NOT NULL,
	of      integer NOT NULL,
	token   bigint NOT NULL,
	crashes integer NOT NULL DEFAULT 0,
	PRIMARY KEY (run, key)
);

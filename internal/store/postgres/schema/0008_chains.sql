-- A listing's first address may be longer than what an index takes, so a chain is known by the hash of it. trail is what
-- its walk remembers, to notice that a listing brings nothing any more.
ALTER TABLE shoal.chains ADD COLUMN trail text;
ALTER TABLE shoal.chains ADD COLUMN seed_hash bytea GENERATED ALWAYS AS (sha256(replace(seed, '\', '\\')::bytea)) STORED;
ALTER TABLE shoal.chains DROP CONSTRAINT chains_pkey;
ALTER TABLE shoal.chains ADD PRIMARY KEY (run, seed_hash);

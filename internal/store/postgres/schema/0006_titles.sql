-- How the keys of a wiki's titles are made: written as the corpus writes them; empty in runs that were opened before this,
-- whose keys have a capital for the first letter.
ALTER TABLE shoal.inputs ADD COLUMN titles text NOT NULL DEFAULT '';

-- How the keys of a wiki's titles are made: written as the corpus writes them; empty in runs that were opened before this,
-- whose keys have a capital for the first letter.
ALTER TABLE inputs ADD COLUMN titles TEXT NOT NULL DEFAULT '';

-- What the walk of a chain remembers, to notice that a listing brings nothing any more.
ALTER TABLE chains ADD COLUMN trail TEXT;

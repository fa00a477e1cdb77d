-- catalogue: whether an import of the command line is still under way is told by when it got further
ALTER TABLE import ADD COLUMN moved_at BIGINT NOT NULL DEFAULT 0; -- a piece of it was stored; 0: none yet

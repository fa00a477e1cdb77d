-- somebody who is known before she wrote: a member of the group's own system
ALTER TABLE customer ADD COLUMN counter_id TEXT NOT NULL DEFAULT ''; -- whose view she is in without a thread; '': programs' only
CREATE INDEX customer_counter ON customer (counter_id, id) WHERE counter_id <> '';

CREATE TABLE api_once ( -- what a program asked for under a key of its own, so that a repeat makes nothing
  key    TEXT PRIMARY KEY, -- a hash of token, operation and Idempotency-Key
  digest TEXT NOT NULL, -- keyed hash of the body
  object TEXT NOT NULL DEFAULT '', -- id of what was made
  at     BIGINT NOT NULL
);
CREATE INDEX api_once_at ON api_once (at);

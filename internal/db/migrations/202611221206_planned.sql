-- planned: messages that wait for their place in the contact budget, or for the time that
-- somebody chose. message.status may also be 'planned'; "at" is then when it goes.
ALTER TABLE message ADD COLUMN kind TEXT NOT NULL DEFAULT ''; -- what is said, by which a repeat is known
ALTER TABLE message ADD COLUMN priority BIGINT NOT NULL DEFAULT 0; -- 0 to 9, the most valuable
ALTER TABLE message ADD COLUMN expires_at BIGINT NOT NULL DEFAULT 0; -- after this it is stale; 0: never
CREATE INDEX message_planned ON message (at, id) WHERE status = 'planned';
CREATE INDEX message_block ON message (at, id) WHERE type = 'block'; -- she blocked us: the failures of what we said

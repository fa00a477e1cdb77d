-- heard: every message that leaves asks when she last wrote in its thread. Her newest
-- message told it, behind everything we had said since.
ALTER TABLE thread ADD COLUMN heard_at BIGINT NOT NULL DEFAULT 0; -- when she last wrote here, as the platform says; 0: never
UPDATE thread SET heard_at = COALESCE((SELECT MAX(m.at) FROM message m WHERE m.thread_id = thread.id AND m.author = 'customer'), 0);

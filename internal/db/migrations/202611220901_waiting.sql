-- Who waits is counted at every page, by owner: from the index alone.
DROP INDEX thread_waiting;
CREATE INDEX thread_waiting ON thread (counter_id, waiting_since, id, assignee_id) WHERE kind = 'person' AND waiting_since > 0;

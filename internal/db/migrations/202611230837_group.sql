-- conversation: group chats are few; an erasure looks through them for her words
CREATE INDEX thread_group ON thread (id) WHERE kind <> 'person';

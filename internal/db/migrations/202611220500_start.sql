-- One set for both engines. Ids are TEXT made in Go, times BIGINT microseconds UTC,
-- sealed personal data BYTEA. On SQLite the migrator maps BIGINT and BOOLEAN to INTEGER,
-- BYTEA to BLOB, and makes every table STRICT.

-- db: numbers that are handed out under a row lock, once per group commit.
CREATE TABLE tally (
  name TEXT PRIMARY KEY,
  n    BIGINT NOT NULL,
  note TEXT NOT NULL DEFAULT ''
);
INSERT INTO tally (name, n) VALUES ('event', 0), ('audit', 0), ('job', 0), ('react', 0);

CREATE TABLE setting (
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL
);

-- vault: one data key per customer, sealed under the installation key.
CREATE TABLE vault_key (
  customer_id TEXT PRIMARY KEY,
  sealed      BYTEA NOT NULL,
  created_at  BIGINT NOT NULL
);

-- job: of each lane exactly one open job, the first, has a due_at; so a claim reads
-- only jobs that may be claimed, however many wait behind them.
CREATE TABLE job (
  id       TEXT PRIMARY KEY,
  kind     TEXT NOT NULL,
  lane     TEXT NOT NULL DEFAULT '',
  key      TEXT,
  args     TEXT NOT NULL DEFAULT '{}',
  run_at   BIGINT NOT NULL,
  due_at   BIGINT, -- when it may be claimed: run_at, or the end of its lease; NULL behind another, or dead
  claim    BIGINT NOT NULL DEFAULT 0, -- number of the claim that holds it; 0: nobody
  again_at BIGINT NOT NULL DEFAULT 0, -- its key was enqueued while it was held: run once more
  attempt  BIGINT NOT NULL DEFAULT 0,
  dead_at  BIGINT,
  error    TEXT NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX job_key ON job (kind, key) WHERE key IS NOT NULL AND dead_at IS NULL;
CREATE UNIQUE INDEX job_head ON job (lane) WHERE due_at IS NOT NULL AND lane <> '';
CREATE INDEX job_due ON job (due_at, id) WHERE due_at IS NOT NULL;
CREATE INDEX job_lane ON job (lane, id) WHERE dead_at IS NULL AND lane <> '';
CREATE INDEX job_dead ON job (dead_at, id) WHERE dead_at IS NOT NULL;

-- event: seq follows commit order on both engines.
CREATE TABLE event (
  seq         BIGINT PRIMARY KEY,
  kind        TEXT NOT NULL,
  at          BIGINT NOT NULL,
  customer_id TEXT NOT NULL DEFAULT '',
  thread_id   TEXT NOT NULL DEFAULT '',
  counter_id  TEXT NOT NULL DEFAULT '',
  message_id  TEXT NOT NULL DEFAULT '',
  by          TEXT NOT NULL DEFAULT '',
  hops        BIGINT NOT NULL DEFAULT 0,
  data        TEXT NOT NULL DEFAULT '{}'
);

-- audit: each row carries the hash of the one before it.
CREATE TABLE audit (
  seq         BIGINT PRIMARY KEY,
  at          BIGINT NOT NULL,
  actor       TEXT NOT NULL,
  action      TEXT NOT NULL,
  customer_id TEXT NOT NULL DEFAULT '',
  object      TEXT NOT NULL DEFAULT '',
  detail      TEXT NOT NULL DEFAULT '',
  prev        TEXT NOT NULL,
  hash        TEXT NOT NULL
);
CREATE INDEX audit_customer ON audit (customer_id, seq) WHERE customer_id <> '';
CREATE INDEX audit_actor ON audit (actor, seq);

-- staff
CREATE TABLE store (
  id         TEXT PRIMARY KEY,
  name       TEXT NOT NULL,
  timezone   TEXT NOT NULL DEFAULT 'Asia/Taipei',
  closed_at  BIGINT
);
CREATE UNIQUE INDEX store_name ON store (name);
CREATE TABLE brand (
  id        TEXT PRIMARY KEY,
  name      TEXT NOT NULL,
  closed_at BIGINT
);
CREATE UNIQUE INDEX brand_name ON brand (name);
CREATE TABLE counter (
  id        TEXT PRIMARY KEY,
  store_id  TEXT NOT NULL REFERENCES store (id),
  brand_id  TEXT NOT NULL REFERENCES brand (id),
  name      TEXT NOT NULL,
  closed_at BIGINT
);
CREATE UNIQUE INDEX counter_place ON counter (store_id, brand_id);
CREATE TABLE staff (
  id            TEXT PRIMARY KEY,
  email         TEXT NOT NULL,
  name          TEXT NOT NULL,
  role          TEXT NOT NULL CHECK (role IN ('advisor', 'manager', 'marketing', 'privacy', 'admin')),
  password_hash TEXT NOT NULL DEFAULT '',
  must_change   BOOLEAN NOT NULL DEFAULT FALSE, -- the password was given by an administrator
  language      TEXT NOT NULL DEFAULT '',
  theme         TEXT NOT NULL DEFAULT '',
  sound         BOOLEAN NOT NULL DEFAULT TRUE,
  created_at    BIGINT NOT NULL,
  left_at       BIGINT
);
CREATE UNIQUE INDEX staff_email ON staff (email);
-- held while it is decided who is the first or the last administrator
INSERT INTO tally (name, n) VALUES ('staff', 0);
CREATE TABLE staff_counter (
  staff_id   TEXT NOT NULL REFERENCES staff (id),
  counter_id TEXT NOT NULL REFERENCES counter (id),
  PRIMARY KEY (staff_id, counter_id)
);
CREATE TABLE staff_store (
  staff_id TEXT NOT NULL REFERENCES staff (id),
  store_id TEXT NOT NULL REFERENCES store (id),
  PRIMARY KEY (staff_id, store_id)
);
CREATE TABLE session (
  id           TEXT PRIMARY KEY, -- names the session in lists
  token_hash   TEXT NOT NULL,
  staff_id     TEXT NOT NULL REFERENCES staff (id),
  created_at   BIGINT NOT NULL,
  seen_at      BIGINT NOT NULL,
  expires_at   BIGINT NOT NULL,
  user_agent   TEXT NOT NULL DEFAULT '',
  address      TEXT NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX session_token ON session (token_hash);
CREATE INDEX session_staff ON session (staff_id, created_at);
CREATE TABLE guess (
  name  TEXT PRIMARY KEY, -- "email:..." or "addr:...", hashed
  count BIGINT NOT NULL,
  until BIGINT NOT NULL
);
CREATE TABLE api_token (
  id         TEXT PRIMARY KEY,
  name       TEXT NOT NULL,
  token_hash TEXT NOT NULL,
  scopes     TEXT NOT NULL,
  created_by TEXT NOT NULL DEFAULT '',
  created_at BIGINT NOT NULL,
  used_at    BIGINT,
  ended_at   BIGINT
);
CREATE UNIQUE INDEX api_token_hash ON api_token (token_hash);

-- customer
CREATE TABLE customer (
  id         TEXT PRIMARY KEY,
  kind       TEXT NOT NULL CHECK (kind IN ('person', 'group', 'room')),
  name       BYTEA, -- sealed; what the counter calls her
  created_at BIGINT NOT NULL
);
CREATE TABLE identity (
  id            TEXT PRIMARY KEY,
  customer_id   TEXT NOT NULL REFERENCES customer (id),
  account_id    TEXT NOT NULL,
  external_hash TEXT NOT NULL,
  external      BYTEA NOT NULL, -- sealed; the platform's id of her
  name          BYTEA,          -- sealed; what the platform calls her
  language      TEXT NOT NULL DEFAULT '',
  picture       TEXT NOT NULL DEFAULT '', -- blob key
  profile_at    BIGINT NOT NULL DEFAULT 0,
  reach         TEXT NOT NULL DEFAULT 'unknown' CHECK (reach IN ('unknown', 'friend', 'blocked')),
  reach_at      BIGINT NOT NULL DEFAULT 0, -- the platform's time of the last follow or block
  created_at    BIGINT NOT NULL
);
CREATE UNIQUE INDEX identity_external ON identity (account_id, external_hash);
CREATE INDEX identity_customer ON identity (customer_id);
CREATE TABLE customer_gram (
  hash        TEXT NOT NULL, -- keyed hash of one or two letters of her name
  customer_id TEXT NOT NULL,
  PRIMARY KEY (hash, customer_id)
);
CREATE INDEX customer_gram_customer ON customer_gram (customer_id);

-- conversation
CREATE TABLE account (
  id          TEXT PRIMARY KEY,
  channel     TEXT NOT NULL,
  name        TEXT NOT NULL,
  counter_id  TEXT NOT NULL REFERENCES counter (id),
  secret      BYTEA NOT NULL, -- sealed under the installation key
  token       BYTEA NOT NULL, -- sealed under the installation key
  bot_id      TEXT NOT NULL DEFAULT '',
  basic_id    TEXT NOT NULL DEFAULT '',
  api_base    TEXT NOT NULL DEFAULT '',
  data_base   TEXT NOT NULL DEFAULT '',
  origins     TEXT NOT NULL DEFAULT '', -- web chat: allowed sites, one a line
  greeting    TEXT NOT NULL DEFAULT '',
  quota_limit BIGINT NOT NULL DEFAULT -1, -- -1 unknown, 0 without end
  quota_used  BIGINT NOT NULL DEFAULT 0,
  quota_at    BIGINT NOT NULL DEFAULT 0,
  halted      TEXT NOT NULL DEFAULT '', -- why sending stands still: over_quota, misconfigured
  halted_until BIGINT NOT NULL DEFAULT 0,
  created_at  BIGINT NOT NULL,
  closed_at   BIGINT
);
CREATE TABLE thread (
  id              TEXT PRIMARY KEY,
  customer_id     TEXT NOT NULL,
  counter_id      TEXT NOT NULL,
  kind            TEXT NOT NULL DEFAULT 'person',
  state           TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'closed')),
  assignee_id     TEXT NOT NULL DEFAULT '',
  identity_id     TEXT NOT NULL, -- where she wrote last: answers go there
  account_id      TEXT NOT NULL,
  last_message_id TEXT NOT NULL DEFAULT '',
  last_at         BIGINT NOT NULL,
  waiting_since   BIGINT NOT NULL DEFAULT 0, -- 0: nobody waits
  unread          BIGINT NOT NULL DEFAULT 0,
  reply_token     TEXT NOT NULL DEFAULT '',
  reply_until     BIGINT NOT NULL DEFAULT 0,
  read_token      TEXT NOT NULL DEFAULT '',
  standby         BOOLEAN NOT NULL DEFAULT FALSE,
  created_at      BIGINT NOT NULL
);
CREATE UNIQUE INDEX thread_pair ON thread (customer_id, counter_id);
CREATE INDEX thread_inbox ON thread (counter_id, last_at, id) WHERE kind = 'person';
CREATE INDEX thread_waiting ON thread (counter_id, waiting_since, id) WHERE kind = 'person' AND waiting_since > 0;
CREATE INDEX thread_mine ON thread (assignee_id, waiting_since, last_at, id) WHERE kind = 'person' AND assignee_id <> '';
CREATE INDEX thread_free ON thread (counter_id, waiting_since, last_at, id) WHERE kind = 'person' AND assignee_id = '' AND state = 'open';
CREATE INDEX thread_closed ON thread (counter_id, last_at, id) WHERE kind = 'person' AND state = 'closed';
CREATE TABLE message (
  id          TEXT PRIMARY KEY,
  thread_id   TEXT NOT NULL,
  customer_id TEXT NOT NULL,
  account_id  TEXT NOT NULL,
  identity_id TEXT NOT NULL,
  author      TEXT NOT NULL, -- customer | staff | automation | system
  author_id   TEXT NOT NULL DEFAULT '', -- staff id, or the automation's name
  purpose     TEXT NOT NULL DEFAULT '',
  type        TEXT NOT NULL,
  body        BYTEA, -- sealed JSON of channel.Body; NULL once unsent
  blob        TEXT NOT NULL DEFAULT '', -- blob key of the media
  preview     TEXT NOT NULL DEFAULT '', -- blob key of a small picture
  media_state TEXT NOT NULL DEFAULT '', -- '' | pending | ready | gone | too_large | refused
  at          BIGINT NOT NULL, -- event time of the platform; ours for what we send
  arrived_at  BIGINT NOT NULL,
  event_id    TEXT,  -- the platform's event id
  external_id TEXT,  -- the platform's message id
  client_key  TEXT,  -- the sender's idempotency key
  status      TEXT NOT NULL, -- received | queued | sent | delivered | read | failed | refused | unknown
  failure     TEXT NOT NULL DEFAULT '', -- code of the locale files below "failure."
  detail      TEXT NOT NULL DEFAULT '', -- the platform's own words
  delivery_id TEXT NOT NULL DEFAULT '',
  unsent_at   BIGINT
);
CREATE UNIQUE INDEX message_event ON message (account_id, event_id) WHERE event_id IS NOT NULL;
CREATE INDEX message_external ON message (account_id, external_id) WHERE external_id IS NOT NULL;
CREATE INDEX message_thread ON message (thread_id, at, id);
CREATE UNIQUE INDEX message_client ON message (thread_id, client_key) WHERE client_key IS NOT NULL;
CREATE INDEX message_queue ON message (thread_id, id) WHERE status = 'queued';
CREATE INDEX message_blob ON message (blob) WHERE blob <> '';
CREATE INDEX message_failed ON message (at, id) WHERE status IN ('failed', 'unknown');

-- Events that are no messages: kept once each, so that a redelivery changes nothing and
-- an unsend that overtakes its message still takes effect.
CREATE TABLE notice (
  account_id  TEXT NOT NULL,
  event_id    TEXT NOT NULL,
  kind        TEXT NOT NULL,
  identity_id TEXT NOT NULL DEFAULT '',
  external_id TEXT NOT NULL DEFAULT '',
  at          BIGINT NOT NULL,
  raw         BYTEA, -- sealed under the installation key
  PRIMARY KEY (account_id, event_id)
);
CREATE INDEX notice_external ON notice (account_id, external_id) WHERE external_id <> '';

-- One call to a platform: what went in it, written before the call when a repeat
-- could not otherwise be told from a first attempt.
CREATE TABLE delivery (
  id         TEXT PRIMARY KEY, -- a UUID: the platform's retry key
  thread_id  TEXT NOT NULL,
  account_id TEXT NOT NULL,
  method     TEXT NOT NULL, -- reply | push
  token      TEXT NOT NULL DEFAULT '', -- the reply token it may use
  token_until BIGINT NOT NULL DEFAULT 0,
  state      TEXT NOT NULL, -- calling | unknown | sent | failed
  attempts   BIGINT NOT NULL DEFAULT 0,
  at         BIGINT NOT NULL,
  detail     TEXT NOT NULL DEFAULT '',
  request_id TEXT NOT NULL DEFAULT ''
);
CREATE INDEX delivery_thread ON delivery (thread_id, id);

CREATE TABLE draft (
  thread_id  TEXT NOT NULL,
  staff_id   TEXT NOT NULL,
  body       BYTEA NOT NULL, -- sealed with the customer's key
  updated_at BIGINT NOT NULL,
  PRIMARY KEY (thread_id, staff_id)
);
CREATE TABLE thread_note ( -- what a colleague wrote when she handed the thread on
  id         TEXT PRIMARY KEY,
  thread_id  TEXT NOT NULL,
  author_id  TEXT NOT NULL,
  kind       TEXT NOT NULL, -- taken | assigned | transferred | closed | reopened
  target_id  TEXT NOT NULL DEFAULT '',
  body       BYTEA,
  at         BIGINT NOT NULL
);
CREATE INDEX thread_note_thread ON thread_note (thread_id, at, id);
CREATE TABLE saved_reply (
  id         TEXT PRIMARY KEY,
  counter_id TEXT NOT NULL DEFAULT '', -- '': every counter
  title      TEXT NOT NULL,
  body       TEXT NOT NULL,
  position   BIGINT NOT NULL DEFAULT 0
);

-- webhook: events out, to the group's own systems.
CREATE TABLE endpoint (
  id         TEXT PRIMARY KEY,
  name       TEXT NOT NULL,
  url        TEXT NOT NULL,
  secret     BYTEA NOT NULL, -- sealed under the installation key
  kinds      TEXT NOT NULL DEFAULT '', -- '': every kind
  after_seq  BIGINT NOT NULL DEFAULT 0,
  created_at BIGINT NOT NULL,
  paused_at  BIGINT,
  ended_at   BIGINT
);
CREATE TABLE endpoint_delivery (
  id          TEXT PRIMARY KEY,
  endpoint_id TEXT NOT NULL REFERENCES endpoint (id),
  event_seq   BIGINT NOT NULL,
  kind        TEXT NOT NULL,
  state       TEXT NOT NULL, -- queued | sent | failed
  attempts    BIGINT NOT NULL DEFAULT 0,
  status      BIGINT NOT NULL DEFAULT 0,
  error       TEXT NOT NULL DEFAULT '',
  at          BIGINT NOT NULL,
  done_at     BIGINT
);
CREATE UNIQUE INDEX endpoint_delivery_once ON endpoint_delivery (endpoint_id, event_seq);
CREATE INDEX endpoint_delivery_list ON endpoint_delivery (endpoint_id, id);

-- Keeping and forgetting.

-- customer: who may not be brought back for marketing; keyed hashes and nothing else
CREATE TABLE suppression (
  kind   TEXT NOT NULL CHECK (kind IN ('phone', 'email', 'member', 'identity')),
  hash   TEXT NOT NULL,
  reason TEXT NOT NULL CHECK (reason IN ('erased', 'stopped')),
  at     BIGINT NOT NULL,
  PRIMARY KEY (kind, hash)
) /* clustered */;

-- conversation: an erasure finds what a platform told of her
CREATE INDEX notice_identity ON notice (identity_id) WHERE identity_id <> '';
CREATE INDEX draft_updated ON draft (updated_at);

-- privacy
CREATE TABLE erasure ( -- one person, erased once
  id         TEXT PRIMARY KEY,
  person_id  TEXT NOT NULL,
  by         TEXT NOT NULL, -- staff id, "system", "retention", "restore"
  request_id TEXT NOT NULL DEFAULT '',
  since      BIGINT NOT NULL, -- when the oldest of her records was made: no event of hers is older
  at         BIGINT NOT NULL,
  passes     BIGINT NOT NULL DEFAULT 0, -- how often the rest was swept: 2 is done
  done_at    BIGINT
);
CREATE INDEX erasure_at ON erasure (at, id);
CREATE TABLE erased ( -- the records that are gone: a backup that comes back is erased by this list
  record_id  TEXT PRIMARY KEY,
  erasure_id TEXT NOT NULL,
  at         BIGINT NOT NULL
);
CREATE INDEX erased_erasure ON erased (erasure_id);
CREATE INDEX erased_at ON erased (at, record_id);

CREATE TABLE privacy_request ( -- what a customer asked of us, and by when the law wants it done
  id         TEXT PRIMARY KEY,
  kind       TEXT NOT NULL CHECK (kind IN ('export', 'erase', 'correct')),
  person_id  TEXT NOT NULL,
  origin     TEXT NOT NULL CHECK (origin IN ('page', 'chat', 'officer', 'api')),
  state      TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'working', 'done', 'refused')),
  note       BYTEA, -- sealed with her key: what she wants corrected
  by         TEXT NOT NULL DEFAULT '',
  at         BIGINT NOT NULL,
  due_at     BIGINT NOT NULL,
  closed_at  BIGINT
);
CREATE UNIQUE INDEX privacy_request_once ON privacy_request (person_id, kind) WHERE closed_at IS NULL;
CREATE INDEX privacy_request_due ON privacy_request (due_at, id) WHERE closed_at IS NULL;
CREATE INDEX privacy_request_closed ON privacy_request (closed_at, id) WHERE closed_at IS NOT NULL;
CREATE INDEX privacy_request_person ON privacy_request (person_id, at);
CREATE TABLE privacy_step ( -- who did what about a request
  id         TEXT PRIMARY KEY,
  request_id TEXT NOT NULL REFERENCES privacy_request (id),
  act        TEXT NOT NULL, -- made | extended | started | done | refused | noted
  by         TEXT NOT NULL,
  note       BYTEA, -- sealed under the installation key; goes when she is erased
  at         BIGINT NOT NULL
);
CREATE INDEX privacy_step_request ON privacy_step (request_id, at, id);

CREATE TABLE person_file ( -- everything about one person, as a file
  id         TEXT PRIMARY KEY,
  person_id  TEXT NOT NULL,
  request_id TEXT NOT NULL DEFAULT '',
  by         TEXT NOT NULL,
  language   TEXT NOT NULL DEFAULT '',
  state      TEXT NOT NULL DEFAULT 'making' CHECK (state IN ('making', 'ready', 'failed', 'gone')),
  blob       TEXT NOT NULL DEFAULT '',
  size       BIGINT NOT NULL DEFAULT 0,
  error      TEXT NOT NULL DEFAULT '',
  at         BIGINT NOT NULL,
  ready_at   BIGINT,
  expires_at BIGINT NOT NULL
);
CREATE INDEX person_file_person ON person_file (person_id, at);
CREATE INDEX person_file_expires ON person_file (expires_at) WHERE state <> 'gone';

CREATE TABLE stay_question ( -- "shall we stay in touch?", asked of somebody who was silent for long
  person_id  TEXT PRIMARY KEY,
  message_id TEXT NOT NULL,
  asked_at   BIGINT NOT NULL,
  purge_at   BIGINT NOT NULL
);
CREATE INDEX stay_question_purge ON stay_question (purge_at);
CREATE TABLE retention_step ( -- how far the nightly run has come with each kind
  kind    TEXT PRIMARY KEY,
  reached TEXT NOT NULL DEFAULT '', -- id or number behind which nothing is left to do
  removed BIGINT NOT NULL DEFAULT 0, -- in all
  at      BIGINT NOT NULL
);
CREATE TABLE retention_run (
  id      TEXT PRIMARY KEY,
  at      BIGINT NOT NULL,
  done_at BIGINT,
  counts  TEXT NOT NULL DEFAULT '{}' -- by kind
);

-- audit: everything of one kind, the latest first, without reading the rest
CREATE INDEX audit_action ON audit (action, seq);

-- staff
ALTER TABLE staff ADD COLUMN leaves_at BIGINT; -- her known leaving date; NULL: none
ALTER TABLE staff ADD COLUMN away_at BIGINT NOT NULL DEFAULT 0; -- when she went off duty, as long as away_until is ahead

-- alarm: unusual looking, searching and exporting
CREATE TABLE alarm (
  id        TEXT PRIMARY KEY,
  rule      TEXT NOT NULL,
  actor     TEXT NOT NULL, -- a staff id, or token/<id>
  role      TEXT NOT NULL, -- hers at that time; token
  leaving   BOOLEAN NOT NULL DEFAULT FALSE, -- the stricter bound of somebody about to leave
  n         BIGINT NOT NULL, -- the most that was counted
  bound     BIGINT NOT NULL, -- what was allowed
  first_at  BIGINT NOT NULL, -- when it was raised
  last_at   BIGINT NOT NULL, -- when it was last true
  since_seq BIGINT NOT NULL, -- the lines of the audit that it counted
  until_seq BIGINT NOT NULL,
  state     TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'seen', 'closed')),
  note      BYTEA, -- sealed under the installation key
  by        TEXT NOT NULL DEFAULT '', -- who saw or closed it
  by_at     BIGINT NOT NULL DEFAULT 0
);
-- the same alarm is raised once, until somebody closes it
CREATE UNIQUE INDEX alarm_standing ON alarm (rule, actor) WHERE state <> 'closed';
CREATE INDEX alarm_open ON alarm (id) WHERE state = 'open';
CREATE INDEX alarm_actor ON alarm (actor, id);
-- up to which line of the audit was watched
INSERT INTO tally (name, n) VALUES ('alarm', 0);

-- export: files with personal data that leave the house
CREATE TABLE export (
  id         TEXT PRIMARY KEY,
  kind       TEXT NOT NULL,
  code       TEXT NOT NULL, -- what the marks of its lines lead to
  filter     TEXT NOT NULL DEFAULT '{}', -- ids and codes only
  reason     BYTEA, -- sealed under the installation key
  state      TEXT NOT NULL CHECK (state IN ('waiting', 'making', 'ready', 'refused', 'failed', 'gone')),
  expected   BIGINT NOT NULL DEFAULT 0, -- rows, as counted when it was asked for
  rows       BIGINT NOT NULL DEFAULT 0,
  left_out   BIGINT NOT NULL DEFAULT 0, -- who did not agree to the purpose
  bytes      BIGINT NOT NULL DEFAULT 0,
  by         TEXT NOT NULL,
  at         BIGINT NOT NULL,
  second     BOOLEAN NOT NULL DEFAULT FALSE, -- it needs a second person
  decided_by TEXT NOT NULL DEFAULT '',
  decided_at BIGINT NOT NULL DEFAULT 0,
  made_at    BIGINT NOT NULL DEFAULT 0,
  expires_at BIGINT NOT NULL DEFAULT 0,
  downloads  BIGINT NOT NULL DEFAULT 0,
  blob       TEXT NOT NULL DEFAULT '',
  error      TEXT NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX export_code ON export (code);
CREATE INDEX export_by ON export (by, id);
CREATE INDEX export_waiting ON export (id) WHERE state = 'waiting';
CREATE INDEX export_ready ON export (expires_at) WHERE state = 'ready';

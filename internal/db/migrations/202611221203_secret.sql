-- vault: the keys of the installation by their numbers; the keys themselves are in the key file.
CREATE TABLE house_key (
  use         TEXT NOT NULL CHECK (use IN ('seal', 'sign')),
  id          BIGINT NOT NULL, -- Tink's number of the key
  state       TEXT NOT NULL CHECK (state IN ('waiting', 'current', 'old', 'retired')),
  made_at     BIGINT NOT NULL,
  used_at     BIGINT NOT NULL DEFAULT 0, -- since when it is the current one
  retired_at  BIGINT NOT NULL DEFAULT 0,
  lasts_until BIGINT NOT NULL DEFAULT 0, -- sign: when the last token that it has signed expires
  PRIMARY KEY (use, id)
);
CREATE UNIQUE INDEX house_key_current ON house_key (use) WHERE state = 'current';
CREATE UNIQUE INDEX house_key_waiting ON house_key (use) WHERE state = 'waiting';
-- Which process holds which keys, so that none is left behind.
CREATE TABLE house_node (
  id         TEXT PRIMARY KEY,
  name       TEXT NOT NULL,
  keys       TEXT NOT NULL, -- "seal:1 seal:2 sign:3"
  seals_with BIGINT NOT NULL,
  seen_at    BIGINT NOT NULL
);
-- How far a column has been sealed anew.
CREATE TABLE house_rewrap (
  name     TEXT PRIMARY KEY, -- "account.token"
  position TEXT NOT NULL DEFAULT '', -- JSON array: the keys of the last row that was looked at
  total    BIGINT NOT NULL,
  done     BIGINT NOT NULL DEFAULT 0,
  damaged  BIGINT NOT NULL DEFAULT 0,
  ended_at BIGINT NOT NULL DEFAULT 0
);

-- Secrets that still count for a while beside a new one; sealed like it.
ALTER TABLE account ADD COLUMN old_secret BYTEA;
ALTER TABLE account ADD COLUMN old_secret_until BIGINT NOT NULL DEFAULT 0;
ALTER TABLE endpoint ADD COLUMN old_secret BYTEA;
ALTER TABLE endpoint ADD COLUMN old_secret_until BIGINT NOT NULL DEFAULT 0;

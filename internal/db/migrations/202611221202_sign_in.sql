-- session: when and how she last proved who she is, where she is known to be, and the token before this one
ALTER TABLE session ADD COLUMN proven_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE session ADD COLUMN way TEXT NOT NULL DEFAULT ''; -- 'password', 'passkey', 'sso', 'demo'; '': before ways were noted
ALTER TABLE session ADD COLUMN networks TEXT NOT NULL DEFAULT ''; -- where she proved it from, the newest first
ALTER TABLE session ADD COLUMN renew BOOLEAN NOT NULL DEFAULT FALSE; -- her rights changed: the next request gets another token
ALTER TABLE session ADD COLUMN renewed_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE session ADD COLUMN old_hash TEXT NOT NULL DEFAULT ''; -- answers a little longer, for requests that were on their way
CREATE INDEX session_old ON session (old_hash) WHERE old_hash <> '';

ALTER TABLE staff ADD COLUMN password_until BIGINT; -- a one-time password is good until then

CREATE TABLE passkey (
  id         TEXT PRIMARY KEY,
  staff_id   TEXT NOT NULL REFERENCES staff (id),
  credential TEXT NOT NULL, -- the device's id of it, base64url
  name       TEXT NOT NULL,
  record     TEXT NOT NULL, -- JSON: public key, flags, counter
  cloned_at  BIGINT, -- its counter went back: somebody may have a copy
  created_at BIGINT NOT NULL,
  used_at    BIGINT
);
CREATE UNIQUE INDEX passkey_credential ON passkey (credential);
CREATE INDEX passkey_staff ON passkey (staff_id, created_at);

CREATE TABLE ceremony ( -- a proof that a browser was asked for: a passkey's, or a provider's. Good once.
  id         TEXT PRIMARY KEY, -- hash of what the browser's cookie holds
  kind       TEXT NOT NULL,
  staff_id   TEXT NOT NULL DEFAULT '',
  data       TEXT NOT NULL,
  expires_at BIGINT NOT NULL
);

CREATE TABLE sso ( -- one row: the group's sign-in provider
  id          TEXT PRIMARY KEY CHECK (id = 'group'),
  issuer      TEXT NOT NULL,
  client_id   TEXT NOT NULL,
  secret      BYTEA NOT NULL, -- sealed
  domains     TEXT NOT NULL, -- e-mail domains that may come in, with blanks between them
  button      TEXT NOT NULL, -- text of the button; '': a standard sentence
  adds_people BOOLEAN NOT NULL DEFAULT FALSE, -- whoever is unknown becomes an advisor without counters
  is_on       BOOLEAN NOT NULL DEFAULT FALSE,
  saved_at    BIGINT NOT NULL
);

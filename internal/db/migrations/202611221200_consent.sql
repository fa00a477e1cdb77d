-- consent: what a customer agreed to, and how often she may be written to.
CREATE TABLE purpose (
  name         TEXT PRIMARY KEY,
  needs_grant  BOOLEAN NOT NULL,
  position     BIGINT NOT NULL DEFAULT 0,
  version      BIGINT NOT NULL, -- of its newest texts
  from_version BIGINT NOT NULL DEFAULT 1, -- who agreed to an older one has to be asked again
  closed_at    BIGINT
);
CREATE TABLE purpose_version (
  purpose TEXT NOT NULL REFERENCES purpose (name),
  version BIGINT NOT NULL,
  by      TEXT NOT NULL, -- staff id; "system": it came with the product
  at      BIGINT NOT NULL,
  note    TEXT NOT NULL DEFAULT '', -- what changed, in the words of who changed it
  anew    BOOLEAN NOT NULL DEFAULT FALSE, -- grants of older versions ended with it
  PRIMARY KEY (purpose, version)
) /* clustered */;
CREATE TABLE purpose_text (
  purpose  TEXT NOT NULL,
  version  BIGINT NOT NULL,
  language TEXT NOT NULL,
  title    TEXT NOT NULL,
  body     TEXT NOT NULL,
  PRIMARY KEY (purpose, version, language)
) /* clustered */;

-- The ledger: rows are added, never changed, and go only when she is erased.
CREATE TABLE consent (
  id          TEXT PRIMARY KEY,
  customer_id TEXT NOT NULL, -- the record; a person may have several
  purpose     TEXT NOT NULL,
  account_id  TEXT NOT NULL DEFAULT '', -- '': every channel
  state       TEXT NOT NULL CHECK (state IN ('granted', 'withdrawn')),
  how         TEXT NOT NULL,
  version     BIGINT NOT NULL, -- of the text that she was shown
  language    TEXT NOT NULL DEFAULT '',
  staff_id    TEXT NOT NULL DEFAULT '',
  witness_id  TEXT NOT NULL DEFAULT '',
  message_id  TEXT NOT NULL DEFAULT '',
  evidence    BYTEA, -- sealed: her signature, or her words
  at          BIGINT NOT NULL, -- when she said it
  kept_at     BIGINT NOT NULL  -- when it was written down here
);
CREATE INDEX consent_customer ON consent (customer_id, purpose, at, id);
CREATE INDEX consent_version ON consent (purpose, version, customer_id);

-- One row is locked per person while her budget is decided upon; the others say
-- what belongs to a record of hers.
CREATE TABLE contact_budget (
  customer_id  TEXT PRIMARY KEY,
  turns        BIGINT NOT NULL DEFAULT 0, -- how often it was locked
  heard_at     BIGINT NOT NULL DEFAULT 0, -- when she last wrote, as far as we were told
  paused_until BIGINT NOT NULL DEFAULT 0,
  paused_by    TEXT NOT NULL DEFAULT '',
  paused_at    BIGINT NOT NULL DEFAULT 0,
  reason       BYTEA -- sealed: why it was paused
);
CREATE TABLE contact_place (
  message_id  TEXT PRIMARY KEY,
  customer_id TEXT NOT NULL, -- the record
  account_id  TEXT NOT NULL DEFAULT '',
  purpose     TEXT NOT NULL,
  kind        TEXT NOT NULL DEFAULT '',
  by_staff    BOOLEAN NOT NULL DEFAULT FALSE,
  state       TEXT NOT NULL CHECK (state IN ('planned', 'spent', 'freed')),
  at          BIGINT NOT NULL, -- when it goes, or went
  priority    BIGINT NOT NULL DEFAULT 0,
  not_before  BIGINT NOT NULL DEFAULT 0,
  expires_at  BIGINT NOT NULL DEFAULT 0, -- 0: it never does
  asked_at    BIGINT NOT NULL,
  zone        TEXT NOT NULL,
  reason      TEXT NOT NULL DEFAULT '' -- of a freed one: why
);
CREATE INDEX contact_place_customer ON contact_place (customer_id, state, at);

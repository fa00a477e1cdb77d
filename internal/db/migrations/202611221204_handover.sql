-- What an advisor leaves behind when she goes, for good or for a while, and who takes it on.

CREATE TABLE handover (
  id            TEXT PRIMARY KEY,
  leaver_id     TEXT NOT NULL REFERENCES staff (id),
  kind          TEXT NOT NULL CHECK (kind IN ('leaves', 'away')),
  state         TEXT NOT NULL CHECK (state IN ('draft', 'waiting', 'moving', 'moved', 'returning', 'cancelling', 'done', 'returned', 'cancelled')),
  begins_at     BIGINT NOT NULL, -- from when customers are moved
  ends_at       BIGINT NOT NULL, -- the minute her access ends, or she is back
  by_language   BOOLEAN NOT NULL,
  by_speciality BOOLEAN NOT NULL,
  by_load       BOOLEAN NOT NULL,
  quiet_months  BIGINT NOT NULL, -- who was silent for so long is moved but not told
  pace          BIGINT NOT NULL, -- customers a minute
  created_by    TEXT NOT NULL,
  created_at    BIGINT NOT NULL,
  started_by    TEXT NOT NULL DEFAULT '',
  started_at    BIGINT NOT NULL DEFAULT 0,
  begun_at      BIGINT NOT NULL DEFAULT 0, -- the first customer was moved: figures are counted from here
  paused_at     BIGINT NOT NULL DEFAULT 0, -- 0: it runs
  moved_at      BIGINT NOT NULL DEFAULT 0, -- nothing was left to move
  ended_at      BIGINT NOT NULL DEFAULT 0, -- her access ended, or the way back began
  closed_at     BIGINT
);
CREATE UNIQUE INDEX handover_open ON handover (leaver_id) WHERE closed_at IS NULL;
CREATE INDEX handover_list ON handover (created_at, id);

CREATE TABLE handover_item ( -- one customer at one counter
  id          TEXT PRIMARY KEY,
  handover_id TEXT NOT NULL REFERENCES handover (id),
  counter_id  TEXT NOT NULL,
  customer_id TEXT NOT NULL, -- the person, when it was planned; '' once she was erased
  to_id       TEXT NOT NULL DEFAULT '', -- who takes over; '': the counter
  by_hand     BOOLEAN NOT NULL DEFAULT FALSE,
  bound       BOOLEAN NOT NULL, -- she was the leaver's own customer
  language    TEXT NOT NULL DEFAULT '',
  last_at     BIGINT NOT NULL DEFAULT 0, -- when they last had to do with each other
  state       TEXT NOT NULL DEFAULT 'planned' CHECK (state IN ('planned', 'moved', 'skipped', 'failed', 'back', 'kept')),
  told        TEXT NOT NULL DEFAULT '' CHECK (told IN ('', 'told', 'silent', 'refused')),
  why         TEXT NOT NULL DEFAULT '', -- why she was not told, or why it failed
  tries       BIGINT NOT NULL DEFAULT 0,
  message_id  TEXT NOT NULL DEFAULT '',
  answer      TEXT NOT NULL DEFAULT '' CHECK (answer IN ('', 'fine', 'other', 'chose', 'stop')),
  chosen_id   TEXT NOT NULL DEFAULT '', -- whom she chose instead
  moved_at    BIGINT NOT NULL DEFAULT 0,
  answered_at BIGINT NOT NULL DEFAULT 0,
  back_at     BIGINT NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX handover_item_once ON handover_item (handover_id, counter_id, customer_id) WHERE customer_id <> '';
CREATE INDEX handover_item_state ON handover_item (handover_id, state, tries, id);
CREATE INDEX handover_item_customer ON handover_item (customer_id, counter_id) WHERE customer_id <> '';

CREATE TABLE handover_piece ( -- what was moved for her, so that it can go back
  item_id   TEXT NOT NULL REFERENCES handover_item (id),
  kind      TEXT NOT NULL, -- binding | unbound | thread | promise
  object_id TEXT NOT NULL,
  PRIMARY KEY (item_id, kind, object_id)
) /* clustered */;

CREATE TABLE handover_text ( -- what customers are told, where the manager changed it
  handover_id TEXT NOT NULL REFERENCES handover (id),
  language    TEXT NOT NULL,
  body        TEXT NOT NULL,
  PRIMARY KEY (handover_id, language)
) /* clustered */;

CREATE TABLE handover_figure ( -- what became of the customers
  handover_id TEXT NOT NULL REFERENCES handover (id),
  days        BIGINT NOT NULL, -- 30, 90 after it began; -30, -90 before
  customers   BIGINT NOT NULL,
  wrote       BIGINT NOT NULL,
  written_to  BIGINT NOT NULL,
  answered    BIGINT NOT NULL, -- of those that were written to
  bought      BIGINT NOT NULL,
  blocked     BIGINT NOT NULL,
  withdrew    BIGINT NOT NULL,
  at          BIGINT NOT NULL,
  PRIMARY KEY (handover_id, days)
) /* clustered */;

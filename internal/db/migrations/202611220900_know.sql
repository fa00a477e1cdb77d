-- One person, her advisor, her tastes: what the card of a customer shows.

-- staff: who is on duty, and what a customer reads when she chooses her advisor
ALTER TABLE staff ADD COLUMN languages TEXT NOT NULL DEFAULT ''; -- codes, by spaces: "zh-Hant en"
ALTER TABLE staff ADD COLUMN specialities TEXT NOT NULL DEFAULT ''; -- her own words, shown to customers
ALTER TABLE staff ADD COLUMN away_until BIGINT NOT NULL DEFAULT 0; -- 0: on duty
ALTER TABLE counter ADD COLUMN stand_in_id TEXT NOT NULL DEFAULT ''; -- who answers for an advisor who is off

-- customer: a person may be several records that were proved to be one. Rows keep
-- the customer they came from, under whose key they are sealed; person_id says whose
-- card shows them. So a merge can be taken back.
ALTER TABLE customer ADD COLUMN person_id TEXT NOT NULL DEFAULT ''; -- '': herself
CREATE INDEX customer_person ON customer (person_id) WHERE person_id <> '';
ALTER TABLE identity ADD COLUMN person_id TEXT NOT NULL DEFAULT ''; -- the same, where the hottest query reads it
ALTER TABLE identity ADD COLUMN counter_id TEXT NOT NULL DEFAULT ''; -- with which counter she speaks now; '': the account's own

CREATE TABLE merge (
  id          TEXT PRIMARY KEY,
  kept_id     TEXT NOT NULL,
  lost_id     TEXT NOT NULL,
  proof       TEXT NOT NULL, -- phone | member | link | advisor
  evidence    TEXT NOT NULL DEFAULT '', -- JSON of codes and ids, nothing personal
  by          TEXT NOT NULL,
  at          BIGINT NOT NULL,
  undone_by   TEXT NOT NULL DEFAULT '',
  undone_at   BIGINT
);
CREATE INDEX merge_kept ON merge (kept_id, at);
CREATE INDEX merge_lost ON merge (lost_id, at);
CREATE TABLE merge_member ( -- which records the merge moved
  merge_id    TEXT NOT NULL REFERENCES merge (id),
  customer_id TEXT NOT NULL,
  PRIMARY KEY (merge_id, customer_id)
) /* clustered */;
CREATE TABLE merge_refusal ( -- "these two are not one", so that it is not suggested again
  one_id TEXT NOT NULL, -- the smaller id
  two_id TEXT NOT NULL,
  by     TEXT NOT NULL,
  at     BIGINT NOT NULL,
  PRIMARY KEY (one_id, two_id)
);
CREATE INDEX merge_refusal_two ON merge_refusal (two_id);

INSERT INTO tally (name, n) VALUES ('merge', 0); -- held while records are put together or taken apart

CREATE TABLE contact (
  id          TEXT PRIMARY KEY,
  customer_id TEXT NOT NULL,
  kind        TEXT NOT NULL CHECK (kind IN ('phone', 'email', 'member')),
  hash        TEXT NOT NULL, -- keyed hash of the normalised value
  tail        TEXT NOT NULL DEFAULT '', -- keyed hash of its last four signs
  value       BYTEA NOT NULL, -- sealed
  verified    BOOLEAN NOT NULL DEFAULT FALSE,
  source      TEXT NOT NULL, -- said | staff | till | import | api | link
  by          TEXT NOT NULL DEFAULT '',
  at          BIGINT NOT NULL,
  ended_at    BIGINT
);
CREATE UNIQUE INDEX contact_once ON contact (customer_id, kind, hash) WHERE ended_at IS NULL;
CREATE INDEX contact_hash ON contact (kind, hash) WHERE ended_at IS NULL;
CREATE INDEX contact_tail ON contact (tail) WHERE ended_at IS NULL AND tail <> '';

CREATE TABLE attribute_def (
  id        TEXT PRIMARY KEY,
  name      TEXT NOT NULL, -- what programs and lexicons call it: skin_type
  label     TEXT NOT NULL DEFAULT '', -- the group's own words; '': the locale's word for a known name
  type      TEXT NOT NULL CHECK (type IN ('text', 'choice', 'many', 'number', 'date', 'birthday', 'yes')),
  choices   TEXT NOT NULL DEFAULT '', -- one a line: code, or code=label
  brand_id  TEXT NOT NULL DEFAULT '', -- '': every brand sees it
  position  BIGINT NOT NULL DEFAULT 0,
  closed_at BIGINT
);
CREATE UNIQUE INDEX attribute_def_name ON attribute_def (name);
CREATE TABLE attribute ( -- every proof there ever was; the newest open one of a def (for 'many': of a value) counts
  id          TEXT PRIMARY KEY,
  customer_id TEXT NOT NULL,
  def_id      TEXT NOT NULL REFERENCES attribute_def (id),
  value       BYTEA NOT NULL, -- sealed
  hash        TEXT NOT NULL, -- keyed hash of def and value, for search; of a birthday only month and day
  source      TEXT NOT NULL, -- said | staff | till | import | api | computed
  by          TEXT NOT NULL DEFAULT '', -- staff id, import id, token
  counter_id  TEXT NOT NULL DEFAULT '', -- at whose counter it was learnt
  message_id  TEXT NOT NULL DEFAULT '', -- where she said it
  rule        TEXT NOT NULL DEFAULT '', -- by which rule of a lexicon
  cause       BYTEA, -- sealed: her words
  at          BIGINT NOT NULL, -- when it was proved
  ended_at    BIGINT,
  ended_by    TEXT NOT NULL DEFAULT '' -- staff id: undone; "renewed": a newer proof of the same value took its place
);
CREATE UNIQUE INDEX attribute_once ON attribute (customer_id, def_id, hash) WHERE ended_at IS NULL;
CREATE INDEX attribute_time ON attribute (customer_id, at, id);
CREATE INDEX attribute_message ON attribute (message_id) WHERE message_id <> '';
CREATE INDEX attribute_hash ON attribute (hash, customer_id) WHERE ended_at IS NULL;

CREATE TABLE tag (
  id        TEXT PRIMARY KEY,
  name      TEXT NOT NULL, -- what programs and lexicons call it: concern:sensitive
  label     TEXT NOT NULL DEFAULT '',
  tone      TEXT NOT NULL DEFAULT '',
  brand_id  TEXT NOT NULL DEFAULT '',
  days      BIGINT NOT NULL DEFAULT 0, -- 0: it does not expire
  by_hand   BOOLEAN NOT NULL DEFAULT TRUE, -- offered when she leaves the counter
  position  BIGINT NOT NULL DEFAULT 0,
  closed_at BIGINT
);
CREATE UNIQUE INDEX tag_name ON tag (name);
CREATE TABLE customer_tag (
  id          TEXT PRIMARY KEY,
  customer_id TEXT NOT NULL,
  tag_id      TEXT NOT NULL REFERENCES tag (id),
  counter_id  TEXT NOT NULL DEFAULT '',
  source      TEXT NOT NULL, -- staff | said | till | import | api
  by          TEXT NOT NULL DEFAULT '',
  message_id  TEXT NOT NULL DEFAULT '',
  rule        TEXT NOT NULL DEFAULT '', -- "zh-Hant/3/concern.sensitive": language, version, rule
  cause       BYTEA, -- sealed: her words
  at          BIGINT NOT NULL,
  expires_at  BIGINT NOT NULL DEFAULT 0,
  ended_at    BIGINT,
  ended_by    TEXT NOT NULL DEFAULT '' -- staff id; "renewed": a newer proof took its place
);
CREATE UNIQUE INDEX customer_tag_once ON customer_tag (customer_id, tag_id) WHERE ended_at IS NULL;
CREATE INDEX customer_tag_time ON customer_tag (customer_id, at, id);
CREATE INDEX customer_tag_message ON customer_tag (message_id) WHERE message_id <> '';
CREATE INDEX customer_tag_tag ON customer_tag (tag_id, customer_id) WHERE ended_at IS NULL;
CREATE TABLE refusal ( -- what an advisor undid: not concluded again for her
  customer_id TEXT NOT NULL,
  about       TEXT NOT NULL, -- "tag:<id>" or "attribute:<def>:<hash>"
  by          TEXT NOT NULL,
  at          BIGINT NOT NULL,
  PRIMARY KEY (customer_id, about)
) /* clustered */;

CREATE TABLE note (
  id          TEXT PRIMARY KEY,
  customer_id TEXT NOT NULL,
  counter_id  TEXT NOT NULL,
  author_id   TEXT NOT NULL,
  body        BYTEA NOT NULL, -- sealed
  at          BIGINT NOT NULL,
  edited_at   BIGINT,
  ended_at    BIGINT
);
CREATE INDEX note_customer ON note (customer_id, at, id);
CREATE TABLE wish (
  id          TEXT PRIMARY KEY,
  customer_id TEXT NOT NULL,
  counter_id  TEXT NOT NULL,
  author_id   TEXT NOT NULL,
  body        BYTEA NOT NULL, -- sealed
  state       TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'matched', 'granted', 'dropped')),
  variant_id  TEXT NOT NULL DEFAULT '', -- the arrival that grants it
  matched_at  BIGINT,
  at          BIGINT NOT NULL,
  ended_at    BIGINT
);
CREATE INDEX wish_customer ON wish (customer_id, at, id);
CREATE INDEX wish_counter ON wish (counter_id, state, matched_at) WHERE ended_at IS NULL;
CREATE TABLE wish_facet ( -- what an arrival must have, all of them
  wish_id TEXT NOT NULL REFERENCES wish (id),
  facet   TEXT NOT NULL, -- "scent:light"
  PRIMARY KEY (wish_id, facet)
) /* clustered */;
CREATE INDEX wish_facet_facet ON wish_facet (facet, wish_id);
CREATE TABLE promise (
  id          TEXT PRIMARY KEY,
  customer_id TEXT NOT NULL,
  counter_id  TEXT NOT NULL,
  author_id   TEXT NOT NULL,
  body        BYTEA NOT NULL, -- sealed
  due_at      BIGINT NOT NULL,
  at          BIGINT NOT NULL,
  done_at     BIGINT,
  ended_at    BIGINT
);
CREATE INDEX promise_customer ON promise (customer_id, at, id);
CREATE INDEX promise_due ON promise (author_id, due_at) WHERE done_at IS NULL AND ended_at IS NULL;

-- her advisor at a counter, and how she came to her
CREATE TABLE binding (
  id          TEXT PRIMARY KEY,
  customer_id TEXT NOT NULL,
  counter_id  TEXT NOT NULL,
  advisor_id  TEXT NOT NULL,
  how         TEXT NOT NULL, -- card | chosen | staff | code | first_answer
  card_id     TEXT NOT NULL DEFAULT '',
  by          TEXT NOT NULL DEFAULT '',
  at          BIGINT NOT NULL,
  ended_at    BIGINT,
  ended_by    TEXT NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX binding_once ON binding (customer_id, counter_id) WHERE ended_at IS NULL;
CREATE INDEX binding_advisor ON binding (advisor_id, counter_id, customer_id) WHERE ended_at IS NULL;
CREATE TABLE card (
  id         TEXT PRIMARY KEY,
  code       TEXT NOT NULL, -- six signs, in links and in prefilled texts
  account_id TEXT NOT NULL,
  counter_id TEXT NOT NULL,
  advisor_id TEXT NOT NULL DEFAULT '', -- '': the counter's own card
  created_by TEXT NOT NULL DEFAULT '',
  created_at BIGINT NOT NULL,
  ended_at   BIGINT
);
CREATE UNIQUE INDEX card_code ON card (code);
CREATE UNIQUE INDEX card_once ON card (account_id, counter_id, advisor_id) WHERE ended_at IS NULL;
CREATE TABLE card_visit ( -- a card was scanned, by a person who is known
  id          TEXT PRIMARY KEY,
  card_id     TEXT NOT NULL REFERENCES card (id),
  customer_id TEXT NOT NULL,
  identity_id TEXT NOT NULL,
  answer      TEXT NOT NULL DEFAULT '', -- '' asked | bound | refused
  at          BIGINT NOT NULL
);
CREATE INDEX card_visit_customer ON card_visit (customer_id, at, id);
CREATE INDEX card_visit_card ON card_visit (card_id, at);

-- catalogue
CREATE TABLE product (
  id         TEXT PRIMARY KEY,
  ref        TEXT NOT NULL, -- the group's own number
  brand_id   TEXT NOT NULL DEFAULT '',
  name       TEXT NOT NULL,
  category   TEXT NOT NULL DEFAULT '',
  lasts_days BIGINT NOT NULL DEFAULT 0, -- how long one usually lasts; 0: not known
  url        TEXT NOT NULL DEFAULT '',
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  closed_at  BIGINT
);
CREATE UNIQUE INDEX product_ref ON product (ref);
CREATE INDEX product_name ON product (name, id);
CREATE TABLE variant (
  id         TEXT PRIMARY KEY,
  product_id TEXT NOT NULL REFERENCES product (id),
  sku        TEXT NOT NULL,
  name       TEXT NOT NULL DEFAULT '', -- "03 Rosewood", "50 ml"
  shade      TEXT NOT NULL DEFAULT '',
  colour     TEXT NOT NULL DEFAULT '', -- #rrggbb
  size       TEXT NOT NULL DEFAULT '',
  scent      TEXT NOT NULL DEFAULT '',
  barcode    TEXT NOT NULL DEFAULT '',
  arrived_at BIGINT NOT NULL DEFAULT 0, -- when it is, or was, new at the counters
  closed_at  BIGINT
);
CREATE UNIQUE INDEX variant_sku ON variant (sku);
CREATE INDEX variant_product ON variant (product_id, id);
CREATE INDEX variant_arrived ON variant (arrived_at, id) WHERE arrived_at > 0;
CREATE TABLE variant_facet (
  variant_id TEXT NOT NULL REFERENCES variant (id),
  facet      TEXT NOT NULL,
  PRIMARY KEY (variant_id, facet)
) /* clustered */;
CREATE INDEX variant_facet_facet ON variant_facet (facet, variant_id);
CREATE TABLE price (
  variant_id TEXT NOT NULL REFERENCES variant (id),
  store_id   TEXT NOT NULL DEFAULT '', -- '': wherever no other is set
  amount     BIGINT NOT NULL, -- minor units
  currency   TEXT NOT NULL,
  PRIMARY KEY (variant_id, store_id)
) /* clustered */;
CREATE TABLE purchase (
  id          TEXT PRIMARY KEY,
  source      TEXT NOT NULL, -- the till system
  ref         TEXT NOT NULL, -- its own number of the receipt
  kind        TEXT NOT NULL DEFAULT 'sale' CHECK (kind IN ('sale', 'return')),
  returns_ref TEXT NOT NULL DEFAULT '', -- of a return: the receipt it takes back
  customer_id TEXT NOT NULL DEFAULT '', -- '': nobody known yet
  member_hash TEXT NOT NULL DEFAULT '', -- whose it becomes when she is known: keyed hash of the member number
  store_id    TEXT NOT NULL DEFAULT '',
  counter_id  TEXT NOT NULL DEFAULT '',
  advisor_id  TEXT NOT NULL DEFAULT '',
  at          BIGINT NOT NULL,
  total       BIGINT NOT NULL, -- minor units; a return's is negative
  currency    TEXT NOT NULL,
  import_id   TEXT NOT NULL DEFAULT '',
  created_at  BIGINT NOT NULL
);
CREATE UNIQUE INDEX purchase_ref ON purchase (source, ref);
CREATE INDEX purchase_customer ON purchase (customer_id, at, id) WHERE customer_id <> '';
CREATE INDEX purchase_member ON purchase (member_hash) WHERE customer_id = '' AND member_hash <> '';
CREATE TABLE purchase_line (
  purchase_id TEXT NOT NULL,
  n           BIGINT NOT NULL,
  sku         TEXT NOT NULL,
  variant_id  TEXT NOT NULL DEFAULT '', -- '': the catalogue does not have it
  name        TEXT NOT NULL DEFAULT '', -- as the till printed it
  quantity    BIGINT NOT NULL,
  amount      BIGINT NOT NULL, -- of the line, minor units
  PRIMARY KEY (purchase_id, n)
) /* clustered */;
CREATE TABLE import (
  id         TEXT PRIMARY KEY,
  kind       TEXT NOT NULL, -- purchases | products | customers
  name       TEXT NOT NULL,
  by         TEXT NOT NULL,
  at         BIGINT NOT NULL,
  state      TEXT NOT NULL DEFAULT 'preview' CHECK (state IN ('preview', 'running', 'done', 'failed', 'dropped')),
  mapping    TEXT NOT NULL DEFAULT '{}', -- what was said about how the file is read
  blob       TEXT NOT NULL DEFAULT '', -- the file, sealed, until it is done
  total      BIGINT NOT NULL DEFAULT 0, -- rows in the file; 0: not counted yet
  settled    BIGINT NOT NULL DEFAULT 0, -- rows that were dealt with: where it goes on after a restart
  added      BIGINT NOT NULL DEFAULT 0,
  repeated   BIGINT NOT NULL DEFAULT 0, -- there already
  bad        BIGINT NOT NULL DEFAULT 0,
  error      TEXT NOT NULL DEFAULT '',
  done_at    BIGINT
);
CREATE TABLE import_error (
  import_id TEXT NOT NULL REFERENCES import (id),
  line      BIGINT NOT NULL,
  field     TEXT NOT NULL DEFAULT '',
  code      TEXT NOT NULL,
  PRIMARY KEY (import_id, line)
) /* clustered */;

-- conversation: a group-level account serves many counters; cards need LIFF
CREATE TABLE account_counter ( -- beside the account's own counter
  account_id TEXT NOT NULL REFERENCES account (id),
  counter_id TEXT NOT NULL REFERENCES counter (id),
  PRIMARY KEY (account_id, counter_id)
);
ALTER TABLE account ADD COLUMN liff_id TEXT NOT NULL DEFAULT '';
ALTER TABLE account ADD COLUMN login_channel TEXT NOT NULL DEFAULT ''; -- LINE Login channel id: the audience of id tokens
ALTER TABLE account ADD COLUMN liff_sdk TEXT NOT NULL DEFAULT ''; -- '': LINE's own address
ALTER TABLE account ADD COLUMN offer_choice BOOLEAN NOT NULL DEFAULT FALSE; -- a customer without an advisor is offered a choice, once
ALTER TABLE thread ADD COLUMN covers_id TEXT NOT NULL DEFAULT ''; -- whose place the assignee takes while she is off
CREATE INDEX thread_covers ON thread (covers_id) WHERE covers_id <> '';
ALTER TABLE thread ADD COLUMN folded_id TEXT NOT NULL DEFAULT ''; -- the thread that shows this one since a merge
ALTER TABLE thread ADD COLUMN home_id TEXT NOT NULL DEFAULT ''; -- the record that opened it, whose key seals its drafts; '': customer_id
ALTER TABLE thread ADD COLUMN moves BIGINT NOT NULL DEFAULT 0; -- how many merges and unmerges took hold of it: who read it before reads again
CREATE TABLE thread_part ( -- of a person of several records: what was whose when they were last put together
  customer_id   TEXT NOT NULL, -- the record
  counter_id    TEXT NOT NULL,
  state         TEXT NOT NULL,
  assignee_id   TEXT NOT NULL,
  unread        BIGINT NOT NULL,
  waiting_since BIGINT NOT NULL,
  heard         BIGINT NOT NULL, -- how many messages of hers were there
  at            BIGINT NOT NULL,
  PRIMARY KEY (customer_id, counter_id)
);
CREATE INDEX thread_part_assignee ON thread_part (assignee_id) WHERE assignee_id <> '';
ALTER TABLE thread_note ADD COLUMN customer_id TEXT NOT NULL DEFAULT ''; -- whose key sealed it; '': the thread's customer
ALTER TABLE saved_reply ADD COLUMN tag TEXT NOT NULL DEFAULT ''; -- offered when she was just heard to say this

-- insight
CREATE TABLE lexicon (
  id       TEXT PRIMARY KEY,
  language TEXT NOT NULL,
  version  BIGINT NOT NULL,
  state    TEXT NOT NULL CHECK (state IN ('draft', 'live', 'old')),
  yaml     TEXT NOT NULL,
  by       TEXT NOT NULL,
  at       BIGINT NOT NULL,
  note     TEXT NOT NULL DEFAULT '',
  shipped  BIGINT NOT NULL DEFAULT 0 -- version of the product's own file; 0: the group's own text
);
CREATE UNIQUE INDEX lexicon_version ON lexicon (language, version);
CREATE UNIQUE INDEX lexicon_live ON lexicon (language) WHERE state = 'live';
CREATE TABLE mention ( -- what a message was heard to say: demand signals are counted over these
  customer_id TEXT NOT NULL,
  counter_id  TEXT NOT NULL,
  message_id  TEXT NOT NULL,
  kind        TEXT NOT NULL, -- tag | attribute | signal
  about       TEXT NOT NULL, -- tag name, attribute=value, or topic
  stance      TEXT NOT NULL, -- said | negated | other | asked
  rule        TEXT NOT NULL,
  cause       BYTEA, -- sealed: her words
  at          BIGINT NOT NULL,
  PRIMARY KEY (message_id, about, rule)
) /* clustered */;
CREATE INDEX mention_signal ON mention (about, at) WHERE kind = 'signal';

CREATE TABLE today_dismissal ( -- what an advisor put aside on her page of the day
  staff_id TEXT NOT NULL,
  kind     TEXT NOT NULL, -- birthday | wish | anniversary | promise | running_out
  ref      TEXT NOT NULL, -- the person, wish, receipt or promise
  until    BIGINT NOT NULL,
  PRIMARY KEY (staff_id, kind, ref)
) /* clustered */;

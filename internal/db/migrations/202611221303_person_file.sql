-- privacy: which copy of a person's file it is, and how often it was fetched
ALTER TABLE person_file ADD COLUMN code TEXT NOT NULL DEFAULT ''; -- stands in the file, and leads back to this row
ALTER TABLE person_file ADD COLUMN downloads BIGINT NOT NULL DEFAULT 0;
CREATE INDEX person_file_code ON person_file (code) WHERE code <> '';

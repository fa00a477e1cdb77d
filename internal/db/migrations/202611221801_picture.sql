-- picture: where the platform keeps the one that identity.picture is a small copy of, or is to become
ALTER TABLE identity ADD COLUMN picture_address BYTEA; -- sealed

-- Everything that comes from outside is BYTEA: TEXT cannot hold every byte that
-- the contract keeps, and what is compared byte by byte knows no collation.

-- The book. Times are nanoseconds since 1970, UTC. The columns behind event
-- repeat what the event says, so that it can be found; empty is NULL. Lineage
-- and decision are NULL where they equal jti and id, as they nearly always do,
-- and '' where there is none. Names of more than 255 bytes are cut and carry
-- their hash instead of the rest, because an index has room for 2700 bytes.
CREATE TABLE book (
  number      BIGINT PRIMARY KEY,
  received    BIGINT NOT NULL,
  hash        BYTEA NOT NULL CHECK (length(hash) = 32),
  event       BYTEA NOT NULL,
  writer      BYTEA NOT NULL,
  id          BYTEA NOT NULL,
  type        TEXT COLLATE "C" NOT NULL,
  time        BIGINT NOT NULL,
  jti         BYTEA,
  fingerprint BYTEA,
  lineage     BYTEA,
  decision    BYTEA,
  audience    BYTEA
);

-- The number is the last column of every index, so that equal values come in
-- its order without sorting. Nearly all records are of tokens issued and
-- presented; asking for one of these types is a walk through the book, and the
-- index of types is for the rest.
CREATE UNIQUE INDEX book_once ON book (id, writer);
CREATE INDEX book_writer ON book (writer, number);
CREATE INDEX book_type ON book (type, number) WHERE type NOT IN ('issued', 'presented');
CREATE INDEX book_time ON book (time, number);
CREATE INDEX book_jti ON book (jti, number) WHERE jti IS NOT NULL;
CREATE INDEX book_fingerprint ON book (fingerprint, number) WHERE fingerprint IS NOT NULL;
CREATE INDEX book_lineage ON book (lineage, number) WHERE lineage <> '';
CREATE INDEX book_decision ON book (decision, number) WHERE decision <> '';
CREATE INDEX book_audience ON book (audience, number) WHERE audience IS NOT NULL;

-- The end of the book: one row. Who appends locks it first, so numbers have no
-- gaps and the chain has one line, however many processes append.
CREATE TABLE head (
  one    BOOLEAN PRIMARY KEY DEFAULT true CHECK (one),
  number BIGINT NOT NULL,
  hash   BYTEA NOT NULL CHECK (length(hash) = 32)
) WITH (fillfactor = 10, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
INSERT INTO head (number, hash) VALUES (0, decode(repeat('00', 32), 'hex'));

-- Ids that were used once, until they are forgotten.
CREATE TABLE once (
  space BYTEA NOT NULL,
  id    BYTEA NOT NULL,
  until BIGINT NOT NULL,
  PRIMARY KEY (space, id)
) WITH (autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX once_until ON once (until);

CREATE TABLE revisions (
  number  BIGINT PRIMARY KEY,
  applied BIGINT NOT NULL,
  author  BYTEA NOT NULL,
  digest  BYTEA NOT NULL
);
CREATE INDEX revisions_applied ON revisions (applied);

CREATE TABLE revision_files (
  revision BIGINT NOT NULL REFERENCES revisions (number),
  name     BYTEA NOT NULL,
  content  BYTEA NOT NULL
);
CREATE INDEX revision_files_revision ON revision_files (revision);

-- Signing keys. A NULL time has not come yet.
CREATE TABLE keys (
  id        BYTEA PRIMARY KEY,
  algorithm BYTEA NOT NULL,
  public    BYTEA NOT NULL,
  private   BYTEA,
  published BIGINT NOT NULL,
  active    BIGINT,
  retired   BIGINT,
  gone      BIGINT
);

-- These stop accidents. Against intent there is the hash chain.
CREATE FUNCTION never_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is only appended to', TG_TABLE_NAME;
END $$;
CREATE TRIGGER book_never_changes BEFORE UPDATE OR DELETE OR TRUNCATE ON book
  FOR EACH STATEMENT EXECUTE FUNCTION never_changes();
CREATE TRIGGER revisions_never_change BEFORE UPDATE OR DELETE OR TRUNCATE ON revisions
  FOR EACH STATEMENT EXECUTE FUNCTION never_changes();
CREATE TRIGGER revision_files_never_change BEFORE UPDATE OR DELETE OR TRUNCATE ON revision_files
  FOR EACH STATEMENT EXECUTE FUNCTION never_changes();

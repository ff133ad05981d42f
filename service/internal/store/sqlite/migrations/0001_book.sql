-- 0x4e525743 is "NRWC"; it tells our file from everybody else's.
PRAGMA application_id = 1314019139;

-- The book. Times are nanoseconds since 1970, UTC. The columns behind event
-- repeat what the event says, so that it can be found; empty is NULL. Lineage
-- and decision are NULL where they equal jti and id, as they nearly always do, and
-- '' where there is none: each entry less in an index is a page less to write.
CREATE TABLE book (
  number      INTEGER PRIMARY KEY,
  received    INTEGER NOT NULL,
  hash        BLOB NOT NULL CHECK (length(hash) = 32),
  event       TEXT NOT NULL,
  writer      TEXT NOT NULL,
  id          TEXT NOT NULL,
  type        TEXT NOT NULL,
  time        INTEGER NOT NULL,
  jti         TEXT,
  fingerprint BLOB,
  lineage     TEXT,
  decision    TEXT,
  audience    TEXT
) STRICT;

-- The row number is the last column of every index, so equal values come in
-- order of number without sorting. Nearly all records are of tokens issued and
-- presented; asking for one of these types is a walk through the book, and the
-- index of types is for the rest.
CREATE UNIQUE INDEX book_once ON book (id, writer);
CREATE INDEX book_writer ON book (writer);
CREATE INDEX book_type ON book (type) WHERE type NOT IN ('issued', 'presented');
CREATE INDEX book_time ON book (time);
CREATE INDEX book_jti ON book (jti) WHERE jti IS NOT NULL;
CREATE INDEX book_fingerprint ON book (fingerprint) WHERE fingerprint IS NOT NULL;
CREATE INDEX book_lineage ON book (lineage) WHERE lineage <> '';
CREATE INDEX book_decision ON book (decision) WHERE decision <> '';
CREATE INDEX book_audience ON book (audience) WHERE audience IS NOT NULL;

-- These stop accidents. Against intent there is the hash chain.
CREATE TRIGGER book_never_changes BEFORE UPDATE ON book
BEGIN SELECT RAISE(ABORT, 'the book is only appended to'); END;
CREATE TRIGGER book_never_shrinks BEFORE DELETE ON book
BEGIN SELECT RAISE(ABORT, 'the book is only appended to'); END;

-- Ids that were used once, until they are forgotten.
CREATE TABLE once (
  space TEXT NOT NULL,
  id    TEXT NOT NULL,
  until INTEGER NOT NULL,
  PRIMARY KEY (space, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX once_until ON once (until);

CREATE TABLE revisions (
  number  INTEGER PRIMARY KEY,
  applied INTEGER NOT NULL,
  author  TEXT NOT NULL,
  digest  TEXT NOT NULL
) STRICT;
CREATE INDEX revisions_applied ON revisions (applied);

CREATE TABLE revision_files (
  revision INTEGER NOT NULL REFERENCES revisions (number),
  name     TEXT NOT NULL,
  content  BLOB NOT NULL,
  PRIMARY KEY (revision, name)
) STRICT;

CREATE TRIGGER revisions_never_change BEFORE UPDATE ON revisions
BEGIN SELECT RAISE(ABORT, 'revisions are never rewritten'); END;
CREATE TRIGGER revisions_never_shrink BEFORE DELETE ON revisions
BEGIN SELECT RAISE(ABORT, 'revisions are never rewritten'); END;
CREATE TRIGGER revision_files_never_change BEFORE UPDATE ON revision_files
BEGIN SELECT RAISE(ABORT, 'revisions are never rewritten'); END;
CREATE TRIGGER revision_files_never_shrink BEFORE DELETE ON revision_files
BEGIN SELECT RAISE(ABORT, 'revisions are never rewritten'); END;

-- Signing keys. A NULL time has not come yet.
CREATE TABLE keys (
  id        TEXT PRIMARY KEY,
  algorithm TEXT NOT NULL,
  public    BLOB NOT NULL,
  private   BLOB,
  published INTEGER NOT NULL,
  active    INTEGER,
  retired   INTEGER,
  gone      INTEGER
) STRICT;

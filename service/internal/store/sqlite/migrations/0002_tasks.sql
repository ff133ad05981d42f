-- The task that a record speaks of, NULL for none. What is in the book already
-- is found by it too; its text stays as it is, and so does the chain.
ALTER TABLE book ADD COLUMN task TEXT;
DROP TRIGGER book_never_changes;
UPDATE book SET task = nullif(json_extract(event, '$.token.task'), '')
  WHERE instr(event, '"task":') > 0 AND json_valid(event);
CREATE TRIGGER book_never_changes BEFORE UPDATE ON book
BEGIN SELECT RAISE(ABORT, 'the book is only appended to'); END;
CREATE INDEX book_task ON book (task) WHERE task IS NOT NULL;

-- Tasks. The columns before task repeat what it says, so that it can be found;
-- empty is NULL. An ended task is due no more.
CREATE TABLE tasks (
  id     TEXT NOT NULL PRIMARY KEY,
  parent TEXT,
  client TEXT NOT NULL,
  opened INTEGER NOT NULL,
  due    INTEGER,
  ended  INTEGER,
  task   TEXT NOT NULL,
  CHECK ((due IS NULL) <> (ended IS NULL))
) STRICT;
CREATE INDEX tasks_parent ON tasks (parent) WHERE parent IS NOT NULL;
CREATE INDEX tasks_orphan ON tasks (parent) WHERE parent IS NOT NULL AND due IS NOT NULL;
CREATE INDEX tasks_client ON tasks (client);
CREATE INDEX tasks_due ON tasks (due) WHERE due IS NOT NULL;
CREATE INDEX tasks_ended ON tasks (ended) WHERE ended IS NOT NULL;

-- The task that a record speaks of, NULL for none. What is in the book already
-- is found by it too; its text stays as it is, and so does the chain. PostgreSQL
-- reads no JSON with a zero byte in a text, so they are left out for reading.
ALTER TABLE book ADD COLUMN task BYTEA;
CREATE FUNCTION task_of(event BYTEA) RETURNS BYTEA LANGUAGE plpgsql AS $$
DECLARE
  found BYTEA;
BEGIN
  found := convert_to(substring(convert_from(event, 'UTF8') from '"task":"([^"\\]*)"'), 'UTF8');
  IF found IS NULL THEN
    found := convert_to(replace(convert_from(event, 'UTF8'), '\u0000', '')::json #>> '{token,task}', 'UTF8');
  END IF;
  IF length(found) > 255 THEN
    found := substring(found from 1 for 224) || sha256(found);
  END IF;
  RETURN CASE WHEN length(found) > 0 THEN found END;
EXCEPTION WHEN data_exception THEN
  RETURN NULL;
END $$;
ALTER TABLE book DISABLE TRIGGER book_never_changes;
UPDATE book SET task = task_of(event) WHERE position('"task":'::bytea in event) > 0;
ALTER TABLE book ENABLE TRIGGER book_never_changes;
DROP FUNCTION task_of(BYTEA);
CREATE INDEX book_task ON book (task, number) WHERE task IS NOT NULL;

-- Tasks. The columns before task repeat what it says, so that it can be found;
-- empty is NULL. An ended task is due no more.
CREATE TABLE tasks (
  id     BYTEA PRIMARY KEY,
  parent BYTEA,
  client BYTEA NOT NULL,
  opened BIGINT NOT NULL,
  due    BIGINT,
  ended  BIGINT,
  task   BYTEA NOT NULL,
  CHECK ((due IS NULL) <> (ended IS NULL))
) WITH (autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX tasks_parent ON tasks (parent) WHERE parent IS NOT NULL;
CREATE INDEX tasks_orphan ON tasks (parent) WHERE parent IS NOT NULL AND due IS NOT NULL;
CREATE INDEX tasks_client ON tasks (client);
CREATE INDEX tasks_due ON tasks (due) WHERE due IS NOT NULL;
CREATE INDEX tasks_ended ON tasks (ended) WHERE ended IS NOT NULL;

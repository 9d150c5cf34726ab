-- Format 1 of the coord journal. Two tables, both append-only. `user_version` is the format.
-- The text of every statement below is compared with the file at each open: a journal that carries
-- any other table, trigger or view is refused before anything in it is evaluated.

CREATE TABLE run (
  run           INTEGER PRIMARY KEY,
  id            TEXT    NOT NULL UNIQUE,
  created_at_ms INTEGER NOT NULL,
  -- the last event of the journal when this run was made
  after_seq     INTEGER NOT NULL,
  file          TEXT    NOT NULL,
  source_digest TEXT    NOT NULL,
  meta          TEXT    NOT NULL,
  plan_digest   BLOB    NOT NULL CHECK (length(plan_digest) = 32),
  -- genesis of the run's chain: covers every column of this row, the plan through its digest
  hash          BLOB    NOT NULL CHECK (length(hash) = 32),
  -- last, so that lists of runs never page through plans
  plan          BLOB    NOT NULL
) STRICT;

CREATE TABLE event (
  seq        INTEGER PRIMARY KEY,
  run        INTEGER NOT NULL REFERENCES run (run),
  at_ms      INTEGER NOT NULL,
  generation INTEGER NOT NULL DEFAULT 0,
  -- covers the hash before it in the same run and every other column of this row
  hash       BLOB    NOT NULL CHECK (length(hash) = 32),
  kind       TEXT    NOT NULL,
  subject    TEXT    CHECK (kind <> 'task.completed' OR subject IS NOT NULL),
  body       TEXT    NOT NULL
) STRICT;

CREATE INDEX event_by_run ON event (run);

-- The one kind this layer knows by name: a task completes once in each generation.
CREATE UNIQUE INDEX completed_once ON event (run, subject, generation)
  WHERE kind = 'task.completed';

CREATE TRIGGER run_is_never_updated BEFORE UPDATE ON run
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;

CREATE TRIGGER run_is_never_deleted BEFORE DELETE ON run
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;

CREATE TRIGGER event_is_never_updated BEFORE UPDATE ON event
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;

CREATE TRIGGER event_is_never_deleted BEFORE DELETE ON event
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;

-- An append-only audit log, {{table}}, for SQLite 3.37 and later. It may be run again: what is there stays.
--
-- SQLite has no users: whoever may write the file can drop these triggers. They stop accidents and careless programs, and a seal
-- kept elsewhere finds the rest. SQLite has no sha256 either: the reader computes the hash of a row.

CREATE TABLE IF NOT EXISTS {{table}} (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  session_id TEXT NOT NULL,
  created_at TEXT NOT NULL DEFAULT ({{now}}),
  called_at TEXT NOT NULL DEFAULT ({{now}}),
  agent TEXT NOT NULL,
  tool TEXT NOT NULL,
  arguments TEXT,
  response TEXT,
  status TEXT,
  error TEXT,
  cost_usd REAL,
  duration_ms REAL,
  parent_id TEXT,
  truncated INTEGER NOT NULL DEFAULT 0,
  idempotency_key TEXT NOT NULL DEFAULT (lower(hex(randomblob(16)))) UNIQUE,
  extra TEXT,
  purge_id INTEGER,
  purged_payload_hash BLOB
) STRICT;
CREATE INDEX IF NOT EXISTS {{table}}_session ON {{table}} (session_id, called_at, id);

-- Purges: which payloads were removed, when, by whom and on whose order. `row_ids` is a JSON list.
CREATE TABLE IF NOT EXISTS {{table}}_purges (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  created_at TEXT NOT NULL DEFAULT ({{now}}),
  purged_by TEXT NOT NULL,
  reference TEXT NOT NULL,
  reason TEXT NOT NULL,
  row_ids TEXT NOT NULL
) STRICT;

-- One condition decides whether there is anything to refuse; only then the body finds out what.
DROP TRIGGER IF EXISTS {{table}}_insert;
CREATE TRIGGER {{table}}_insert BEFORE INSERT ON {{table}} WHEN
{{insert_conditions}}
  OR EXISTS (SELECT 1 FROM {{table}} AS old WHERE old.idempotency_key = NEW.idempotency_key)
BEGIN
{{insert_refusals}}
  -- A row sent twice is one row. A key used again for another row is a mistake or INSERT OR REPLACE, which other triggers miss.
  SELECT RAISE(ABORT, '{{table}} is append-only: this idempotency_key belongs to another row, which cannot be replaced.')
    FROM {{table}} AS old WHERE old.idempotency_key = NEW.idempotency_key AND old.purge_id IS NULL
    AND ({{old_sent}}) IS NOT ({{new_sent}});
  SELECT RAISE(IGNORE);
END;
DROP TRIGGER IF EXISTS {{table}}_chosen_id;
CREATE TRIGGER {{table}}_chosen_id AFTER INSERT ON {{table}} WHEN NEW.id < 1
BEGIN
  SELECT RAISE(ABORT, '{{table}}: id is chosen by the database, leave it out.');
END;
-- A recorded purge may empty the payload of a row; nothing else may change.
DROP TRIGGER IF EXISTS {{table}}_no_update;
CREATE TRIGGER {{table}}_no_update BEFORE UPDATE ON {{table}} WHEN NOT (
  OLD.purge_id IS NULL AND NEW.purged_payload_hash IS NOT NULL
  AND coalesce(NEW.arguments, NEW.response, NEW.error, NEW.extra) IS NULL
  AND ({{old_fields}}) IS ({{new_fields}})
  AND EXISTS (
    SELECT 1 FROM {{table}}_purges AS record WHERE record.id = NEW.purge_id
    AND instr(replace(replace(json(record.row_ids), '[', ','), ']', ','), ',' || OLD.id || ',') > 0
  )
)
BEGIN
  SELECT RAISE(ABORT, '{{table}} is append-only: UPDATE is not allowed. Insert a new row that corrects the old one.');
END;
DROP TRIGGER IF EXISTS {{table}}_no_delete;
CREATE TRIGGER {{table}}_no_delete BEFORE DELETE ON {{table}}
BEGIN
  SELECT RAISE(ABORT, '{{table}} is append-only: DELETE is not allowed. Insert a new row that corrects the old one.');
END;

DROP TRIGGER IF EXISTS {{table}}_purges_insert;
CREATE TRIGGER {{table}}_purges_insert BEFORE INSERT ON {{table}}_purges
BEGIN
  SELECT RAISE(ABORT, '{{table}}_purges: id and created_at are set by the database, leave them out.')
    WHERE NEW.id <> -1 OR NEW.created_at IS NOT ({{now}});
  SELECT RAISE(ABORT, '{{table}}_purges: purged_by, reference and reason must not be empty.')
    WHERE '' IN (NEW.purged_by, NEW.reference, NEW.reason);
  SELECT RAISE(ABORT, '{{table}}_purges: row_ids must be a JSON list.')
    WHERE NOT json_valid(NEW.row_ids) OR json_type(NEW.row_ids) <> 'array';
END;
DROP TRIGGER IF EXISTS {{table}}_purges_chosen_id;
CREATE TRIGGER {{table}}_purges_chosen_id AFTER INSERT ON {{table}}_purges WHEN NEW.id < 1
BEGIN
  SELECT RAISE(ABORT, '{{table}}_purges: id is chosen by the database, leave it out.');
END;
DROP TRIGGER IF EXISTS {{table}}_purges_no_update;
CREATE TRIGGER {{table}}_purges_no_update BEFORE UPDATE ON {{table}}_purges
BEGIN
  SELECT RAISE(ABORT, '{{table}}_purges is append-only: UPDATE is not allowed.');
END;
DROP TRIGGER IF EXISTS {{table}}_purges_no_delete;
CREATE TRIGGER {{table}}_purges_no_delete BEFORE DELETE ON {{table}}_purges
BEGIN
  SELECT RAISE(ABORT, '{{table}}_purges is append-only: DELETE is not allowed.');
END;

-- An append-only audit log, {{qualified}}, for PostgreSQL 13 and later. Run it as a superuser, or as a role that may create
-- roles (Supabase: postgres). It may be run again: what is there stays.
--
-- Who may do what:
--   {{owner}}   owns the objects and cannot log in
--   {{writer}}  may insert rows, but not choose id, created_at, transaction_id or row_hash; GRANT it to your agents' logins
--   {{reader}}  may read
--   {{purger}}  may remove a payload through {{purge_function}}, which leaves a record

-- Roles. They belong to the server, not to the database.
DO $roles$
DECLARE
  wanted text;
BEGIN
  IF current_setting('server_version_num')::int < 130000 THEN
    RAISE EXCEPTION 'This ledger needs PostgreSQL 13 or later.';
  END IF;
  IF current_setting('server_encoding') <> 'UTF8' THEN
    RAISE EXCEPTION 'This ledger needs a database whose encoding is UTF8.';
  END IF;
  FOREACH wanted IN ARRAY ARRAY['{{owner}}', '{{writer}}', '{{reader}}', '{{purger}}'] LOOP
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = wanted) THEN
      EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
    END IF;
  END LOOP;
  IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = '{{owner}}' AND rolcanlogin) THEN
    RAISE EXCEPTION 'The role {{owner}} can log in. Run: ALTER ROLE {{owner}} NOLOGIN';
  END IF;
END
$roles$;

-- A second run may touch what the event triggers of the first protect.
DO $again$
DECLARE
  kept text;
BEGIN
  FOR kept IN SELECT evtname FROM pg_catalog.pg_event_trigger WHERE evtname IN ('{{table}}_keep_drop', '{{table}}_keep_alter') LOOP
    EXECUTE format('ALTER EVENT TRIGGER %I DISABLE', kept);
  END LOOP;
END
$again$;

-- The rights to hand the objects over. They are taken back at the end.
GRANT {{owner}} TO CURRENT_USER;
GRANT USAGE, CREATE ON SCHEMA {{schema}} TO {{owner}};

-- Checks a row and returns its hash; a generated column calls it. One function, since a row's insert pays for every constraint.
CREATE OR REPLACE FUNCTION {{row_hash_function}}(
{{hash_parameters}}
) RETURNS bytea LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
  IF '' IN (session_id, agent, tool, idempotency_key) THEN
    RAISE EXCEPTION '{{table}}: session_id, agent, tool and idempotency_key must not be empty.' USING ERRCODE = 'check_violation';
  ELSIF status NOT IN ({{statuses}}) THEN
    RAISE EXCEPTION '{{table}}: status must be one of {{status_words}}.' USING ERRCODE = 'check_violation';
  ELSIF error IS NOT NULL AND coalesce(status, 'ok') = 'ok' THEN
    RAISE EXCEPTION '{{table}}: a row with an error needs a status other than ok.' USING ERRCODE = 'check_violation';
  ELSIF NOT (cost_usd >= 0 AND cost_usd < 1000000000) OR NOT (duration_ms >= 0 AND duration_ms < 1000000000000) THEN
    RAISE EXCEPTION '{{table}}: cost_usd and duration_ms must be numbers from 0.' USING ERRCODE = 'check_violation';
  END IF;
  RETURN sha256(convert_to(concat(
{{row_hash}}
  ), 'UTF8'));
END
$body$;

-- Rows. `called_at` is the writer's word, `created_at` the database's.
CREATE TABLE IF NOT EXISTS {{qualified}} (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  session_id text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  called_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  agent text NOT NULL,
  tool text NOT NULL,
  arguments json,
  response json,
  status text,
  error text,
  cost_usd numeric(18, 9),
  duration_ms numeric(15, 3),
  parent_id text,
  truncated boolean NOT NULL DEFAULT false,
  idempotency_key text NOT NULL DEFAULT gen_random_uuid()::text UNIQUE,
  transaction_id xid8 NOT NULL DEFAULT pg_current_xact_id(),
  extra json,
  purge_id bigint,
  purged_payload_hash bytea,
  row_hash bytea NOT NULL GENERATED ALWAYS AS (
    {{row_hash_function}}({{hash_arguments}})
  ) STORED
);
CREATE INDEX IF NOT EXISTS {{table}}_session ON {{qualified}} (session_id, called_at, id);
CREATE INDEX IF NOT EXISTS {{table}}_transaction ON {{qualified}} (transaction_id, id);

-- Purges: which payloads were removed, when, by whom and on whose order.
CREATE TABLE IF NOT EXISTS {{purges}} (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  purged_by text NOT NULL DEFAULT session_user,
  reference text NOT NULL CHECK (reference <> ''),
  reason text NOT NULL CHECK (reason <> ''),
  row_ids bigint[] NOT NULL CHECK (cardinality(row_ids) > 0),
  transaction_id xid8 NOT NULL DEFAULT pg_current_xact_id()
);

-- Refuses what an append-only table must refuse, for the owner and a superuser too.
CREATE OR REPLACE FUNCTION {{refuse}}() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
  RAISE EXCEPTION '% is append-only: % is not allowed.', TG_TABLE_NAME, TG_OP
    USING ERRCODE = 'insufficient_privilege', HINT = 'Insert a new row that corrects the old one.';
END
$body$;

-- Lets a recorded purge empty the payload of a row, and nothing else change.
CREATE OR REPLACE FUNCTION {{only_purge}}() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
  IF OLD.purge_id IS NULL
    AND num_nonnulls(NEW.arguments, NEW.response, NEW.error, NEW.extra) = 0
    AND NEW.purged_payload_hash = {{old_payload_hash}}
    AND ({{new_fields}}) IS NOT DISTINCT FROM ({{old_fields}})
    AND EXISTS (
      SELECT FROM {{schema}}.{{table}}_purges AS record
      WHERE record.id = NEW.purge_id AND record.transaction_id = pg_current_xact_id() AND NEW.id = ANY (record.row_ids)
    )
  THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION '% is append-only: UPDATE is not allowed.', TG_TABLE_NAME
    USING ERRCODE = 'insufficient_privilege', HINT = 'Insert a new row that corrects the old one.';
END
$body$;

CREATE OR REPLACE FUNCTION {{purge_function}}(row_ids bigint[], reference text, reason text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  wanted bigint[] := ARRAY(SELECT DISTINCT given FROM unnest(row_ids) AS given WHERE given IS NOT NULL ORDER BY given);
  record_id bigint;
  emptied bigint;
BEGIN
  INSERT INTO {{schema}}.{{table}}_purges (reference, reason, row_ids) VALUES (reference, reason, wanted) RETURNING id INTO record_id;
  UPDATE {{schema}}.{{table}} AS old
    SET arguments = NULL, response = NULL, error = NULL, extra = NULL, purge_id = record_id,
        purged_payload_hash = {{old_payload_hash}}
    WHERE old.id = ANY (wanted) AND old.purge_id IS NULL;
  GET DIAGNOSTICS emptied = ROW_COUNT;
  IF emptied <> cardinality(wanted) THEN
    RAISE EXCEPTION 'Cannot purge: % of % rows do not exist or are purged already. Nothing was changed.',
      cardinality(wanted) - emptied, cardinality(wanted);
  END IF;
  RETURN record_id;
END
$body$;

DROP TRIGGER IF EXISTS {{table}}_no_update ON {{qualified}};
CREATE TRIGGER {{table}}_no_update BEFORE UPDATE ON {{qualified}} FOR EACH ROW EXECUTE FUNCTION {{only_purge}}();
DROP TRIGGER IF EXISTS {{table}}_no_delete ON {{qualified}};
CREATE TRIGGER {{table}}_no_delete BEFORE DELETE OR TRUNCATE ON {{qualified}} FOR EACH STATEMENT EXECUTE FUNCTION {{refuse}}();
DROP TRIGGER IF EXISTS {{table}}_purges_no_change ON {{purges}};
CREATE TRIGGER {{table}}_purges_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON {{purges}}
  FOR EACH STATEMENT EXECUTE FUNCTION {{refuse}}();
-- ALWAYS: they also fire where session_replication_role = replica switches others off.
ALTER TABLE {{qualified}} ENABLE ALWAYS TRIGGER {{table}}_no_update;
ALTER TABLE {{qualified}} ENABLE ALWAYS TRIGGER {{table}}_no_delete;
ALTER TABLE {{purges}} ENABLE ALWAYS TRIGGER {{table}}_purges_no_change;

-- Rights. Whatever default privileges gave a new table (Supabase gives everything to anon) is taken away first.
DO $rights$
DECLARE
  given text;
BEGIN
  FOR given IN
    SELECT DISTINCT format('REVOKE ALL ON %s FROM %I', class.oid::regclass, pg_get_userbyid(held.grantee))
    FROM pg_catalog.pg_class AS class, aclexplode(class.relacl) AS held
    WHERE class.oid IN ('{{qualified}}'::regclass, '{{purges}}'::regclass)
      AND held.grantee <> 0 AND held.grantee <> class.relowner AND class.relowner <> '{{owner}}'::regrole
    UNION
    SELECT DISTINCT format('REVOKE ALL ON FUNCTION %s FROM %I', proc.oid::regprocedure, pg_get_userbyid(held.grantee))
    FROM pg_catalog.pg_proc AS proc, aclexplode(proc.proacl) AS held
    WHERE proc.oid = '{{purge_function}}(bigint[], text, text)'::regprocedure
      AND held.grantee <> 0 AND held.grantee <> proc.proowner AND proc.proowner <> '{{owner}}'::regrole
  LOOP
    EXECUTE given;
  END LOOP;
END
$rights$;
REVOKE ALL ON {{qualified}}, {{purges}} FROM PUBLIC, {{writer}}, {{reader}}, {{purger}};
REVOKE ALL ON FUNCTION {{purge_function}}(bigint[], text, text) FROM PUBLIC;
GRANT USAGE ON SCHEMA {{schema}} TO {{writer}}, {{reader}}, {{purger}};
GRANT INSERT ({{writer_columns}}) ON {{qualified}} TO {{writer}};
GRANT EXECUTE ON FUNCTION {{row_hash_function}}({{hash_types}}) TO {{writer}};
GRANT SELECT ON {{qualified}}, {{purges}} TO {{reader}};
GRANT EXECUTE ON FUNCTION {{purge_function}}(bigint[], text, text) TO {{purger}};

-- Row-level security: without a policy of its own, a role sees and writes nothing, whatever it is granted later.
ALTER TABLE {{qualified}} ENABLE ROW LEVEL SECURITY;
ALTER TABLE {{purges}} ENABLE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS {{table}}_insert ON {{qualified}};
CREATE POLICY {{table}}_insert ON {{qualified}} FOR INSERT TO {{writer}} WITH CHECK (true);
DROP POLICY IF EXISTS {{table}}_select ON {{qualified}};
CREATE POLICY {{table}}_select ON {{qualified}} FOR SELECT TO {{reader}} USING (true);
DROP POLICY IF EXISTS {{table}}_purges_select ON {{purges}};
CREATE POLICY {{table}}_purges_select ON {{purges}} FOR SELECT TO {{reader}} USING (true);

ALTER TABLE {{qualified}} OWNER TO {{owner}};
ALTER TABLE {{purges}} OWNER TO {{owner}};
ALTER FUNCTION {{row_hash_function}}({{hash_types}}) OWNER TO {{owner}};
ALTER FUNCTION {{refuse}}() OWNER TO {{owner}};
ALTER FUNCTION {{only_purge}}() OWNER TO {{owner}};
ALTER FUNCTION {{purge_function}}(bigint[], text, text) OWNER TO {{owner}};
REVOKE CREATE ON SCHEMA {{schema}} FROM {{owner}};
REVOKE {{owner}} FROM CURRENT_USER;

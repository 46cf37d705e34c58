-- Refuses DROP and ALTER of the ledger's tables, columns, triggers, functions and policies, whoever asks. Only a superuser (on
-- Supabase: postgres) may create it, and who may, can also switch it off:
--   ALTER EVENT TRIGGER {{table}}_keep_alter DISABLE; ALTER EVENT TRIGGER {{table}}_keep_drop DISABLE;
-- Its function has a schema of its own: one that goes with the table would go before it could object.
DO $try$
BEGIN
  CREATE SCHEMA IF NOT EXISTS {{guard_schema}};
  CREATE OR REPLACE FUNCTION {{guard_schema}}.keep() RETURNS event_trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
  AS $body$
  DECLARE
    ours constant text := '(^| ){{schema}}\.{{table}}(_purges)?($|[ .])|^{{schema}}\.{{table}}_(purge|refuse|only_purge|row_hash)\('
      '|^{{guard_schema}}($|\.)';
    touched text;
  BEGIN
    IF TG_EVENT = 'sql_drop' THEN
      SELECT object_identity INTO touched FROM pg_event_trigger_dropped_objects() WHERE object_identity ~ ours
        ORDER BY length(object_identity) LIMIT 1;
    ELSE
      SELECT object_identity INTO touched FROM pg_event_trigger_ddl_commands() WHERE object_identity ~ ours
        -- a table that was renamed or moved just now is known by its trigger
        OR EXISTS (SELECT FROM pg_trigger WHERE tgrelid = objid AND classid = 'pg_class'::regclass
          AND tgname IN ('{{table}}_no_update', '{{table}}_purges_no_change'))
        ORDER BY length(object_identity) LIMIT 1;
    END IF;
    IF touched IS NOT NULL THEN
      RAISE EXCEPTION '{{table}} is append-only: % (of %) is not allowed.', TG_TAG, touched
        USING ERRCODE = 'insufficient_privilege',
        HINT = 'A superuser can switch this off: ALTER EVENT TRIGGER {{table}}_keep_alter DISABLE, and {{table}}_keep_drop.';
    END IF;
  END
  $body$;
  DROP EVENT TRIGGER IF EXISTS {{table}}_keep_drop;
  DROP EVENT TRIGGER IF EXISTS {{table}}_keep_alter;
  CREATE EVENT TRIGGER {{table}}_keep_drop ON sql_drop EXECUTE FUNCTION {{guard_schema}}.keep();
  CREATE EVENT TRIGGER {{table}}_keep_alter ON ddl_command_end EXECUTE FUNCTION {{guard_schema}}.keep();
  ALTER EVENT TRIGGER {{table}}_keep_drop ENABLE ALWAYS;
  ALTER EVENT TRIGGER {{table}}_keep_alter ENABLE ALWAYS;
EXCEPTION WHEN insufficient_privilege THEN
  RAISE NOTICE 'No event trigger: this server lets only a superuser create one. DROP and ALTER are refused to all but {{owner}}.';
END
$try$;

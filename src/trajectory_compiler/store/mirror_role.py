"""SQL for an owner of the database to read and run: the mirror's schema and a role that may write into it and do nothing else.

The role reads, inserts, updates and deletes rows of this schema's tables. It makes no table, owns nothing and sees no other
schema. Row level security is on, with one policy for the role: if the schema is ever served by Supabase's REST interface,
other roles find nothing in it.
"""

from __future__ import annotations

import secrets

from trajectory_compiler.store.clock import Clock
from trajectory_compiler.store.migrations import SCHEMA_VERSION, schema, statements
from trajectory_compiler.store.mirror_tables import tables
from trajectory_compiler.store.opening import MIRROR_MARK
from trajectory_compiler.store.postgres import translated

ROLE = "trajc_mirror"


def role_script(schema_name: str, clock: Clock) -> str:
    """Return the script. It holds no password; the last line says how to set one. Run once: it makes the tables, too."""
    now = clock()
    identity = secrets.token_hex(8)
    lines = [
        "-- Run this once as an owner of the database, such as postgres on Supabase (SQL editor).",
        "BEGIN;",
        f"CREATE SCHEMA {schema_name};",
        f"REVOKE ALL ON SCHEMA {schema_name} FROM PUBLIC;",
        f"SET LOCAL search_path = {schema_name};",
        *(f"{translated(statement)};" for statement in statements(schema())),
        f"INSERT INTO meta VALUES ('schema_version', '{SCHEMA_VERSION}'), ('store_id', '{identity}');",
        f"INSERT INTO meta VALUES ('created_at', '{now}'), ('{MIRROR_MARK}', '{now}');",
        f"INSERT INTO migrations VALUES ({SCHEMA_VERSION}, 'schema', '{now}');",
        f"CREATE ROLE {ROLE} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT CONNECTION LIMIT 4;",
        f"GRANT USAGE ON SCHEMA {schema_name} TO {ROLE};",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema_name} TO {ROLE};",
        f"REVOKE INSERT, UPDATE, DELETE ON meta, migrations FROM {ROLE};",
        f"DO $$ BEGIN EXECUTE format('GRANT CONNECT, TEMPORARY ON DATABASE %I TO {ROLE}', current_database()); END $$;",
    ]
    for name in tables():
        lines += [
            f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY;",
            f"CREATE POLICY {ROLE} ON {name} FOR ALL TO {ROLE} USING (true) WITH CHECK (true);",
        ]
    return "\n".join([*lines, "COMMIT;", f"-- Then set a password in psql:  \\password {ROLE}", ""])

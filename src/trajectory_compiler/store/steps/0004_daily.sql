-- From version 3 to 4: what runs every day needs. How far each source was read, what waits, how well readers judge, what may
-- not be erased, and what stands in a mirror.

-- How far a source was read. `position` is JSON: the stamp, the transaction id or the digest that the next run starts from.
CREATE TABLE watermarks (
    source     TEXT PRIMARY KEY,
    position   TEXT NOT NULL,
    run_id     TEXT NOT NULL REFERENCES runs (id),
    updated_at TEXT NOT NULL
);

-- Sessions that a run saw and left: open (not quiet yet), failed (tried again, `attempts` times so far) or given up.
CREATE TABLE waiting (
    source     TEXT NOT NULL,
    session_id TEXT NOT NULL,
    state      TEXT NOT NULL,
    attempts   INTEGER NOT NULL,
    reason     TEXT NOT NULL,
    first_row  TEXT,
    last_row   TEXT,
    row_count  BIGINT NOT NULL,
    run_id     TEXT NOT NULL REFERENCES runs (id),
    updated_at TEXT NOT NULL,
    PRIMARY KEY (source, session_id)
);

-- How well a reader model, with its judge and prompts, tells good pairs from planted faults. `key` names the prompts and
-- options, `figures` is JSON of rates with their intervals. The newest one of a reader and key counts.
CREATE TABLE calibrations (
    id         TEXT PRIMARY KEY,
    reader     TEXT NOT NULL,
    judge      TEXT NOT NULL,
    key        TEXT NOT NULL,
    figures    TEXT NOT NULL,
    run_id     TEXT NOT NULL REFERENCES runs (id),
    created_at TEXT NOT NULL
);

CREATE INDEX calibrations_by_reader ON calibrations (reader, key, created_at);

-- Legal holds: what may not be erased while `released_at` is null. `kind` is session, agent or source.
CREATE TABLE holds (
    id          TEXT PRIMARY KEY,
    kind        TEXT NOT NULL,
    subject     TEXT NOT NULL,
    reason      TEXT NOT NULL,
    actor       TEXT NOT NULL,
    created_at  TEXT NOT NULL,
    released_at TEXT
);

-- What stands in a mirror: `item` names a session or another unit, `digest` its content as it was last written there.
CREATE TABLE mirrored (
    target     TEXT NOT NULL,
    item       TEXT NOT NULL,
    digest     TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    PRIMARY KEY (target, item)
);

-- From version 2 to 3: which sessions a stage after the dataflow compiler has read.

CREATE TABLE stages (
    source     TEXT NOT NULL,
    session_id TEXT NOT NULL,
    origin     TEXT NOT NULL,
    digest     TEXT NOT NULL,
    key        TEXT NOT NULL,
    state      TEXT NOT NULL,
    run_id     TEXT NOT NULL REFERENCES runs (id),
    updated_at TEXT NOT NULL,
    PRIMARY KEY (source, session_id, origin),
    FOREIGN KEY (source, session_id) REFERENCES sessions (source, session_id) ON DELETE CASCADE
);

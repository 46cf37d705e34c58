-- The store, schema version 4, in the subset of SQL that runs unchanged on SQLite 3.37 and PostgreSQL 13 or later.
--
--   runs ──< sessions ──< trajectories          what was compiled, when, from which rows
--              │        └──< identities       keyed hashes of what was found in them
--              ├──< stages                  what more was made from them: pairs written by a model, the paper's own
--              └──< pairs ──< proofs            the object code and what each checker found
--                     ├──< reviews              what people decided
--                     └──< dataset_items >── dataset_versions
--   policies   snapshots   findings   model_calls   watermarks   waiting   calibrations   erasures   holds   mirrored   actions
--   meta   migrations
--
-- Portable means: TEXT, INTEGER, BIGINT, DOUBLE PRECISION and BYTEA only (SQLite gives unknown type names no meaning of
-- their own); booleans are 0 or 1; stamps are ISO 8601 in UTC with a Z, which sort as text; lists and objects are JSON in
-- TEXT; keys are hashes or names, never numbers drawn from a sequence, so that two stores can be mirrored into one.
-- A statement ends with a semicolon at the end of its line; nothing else does.

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE migrations (
    version    INTEGER PRIMARY KEY,
    name       TEXT NOT NULL,
    applied_at TEXT NOT NULL
);

-- One invocation of a command that writes. A run that is `running` while nobody holds the run lock was interrupted.
CREATE TABLE runs (
    id               TEXT PRIMARY KEY,
    kind             TEXT NOT NULL,
    source           TEXT NOT NULL,
    options          TEXT NOT NULL,
    compiler_version TEXT NOT NULL,
    status           TEXT NOT NULL,
    started_at       TEXT NOT NULL,
    finished_at      TEXT,
    totals           TEXT NOT NULL
);

-- The latest state of each session of a source. `raw_digest` (keyed: without the key no guess at the rows can be tested) and
-- `compile_key` say whether it must be compiled again;
-- `watermark` is the stamp of its last row; `state` is compiled, blocked (it could not be redacted) or erased.
CREATE TABLE sessions (
    source      TEXT NOT NULL,
    session_id  TEXT NOT NULL,
    state       TEXT NOT NULL,
    raw_digest  TEXT NOT NULL,
    digest      TEXT,
    compile_key TEXT NOT NULL,
    watermark   TEXT,
    turns       INTEGER NOT NULL,
    attempts    INTEGER NOT NULL,
    run_id      TEXT NOT NULL REFERENCES runs (id),
    updated_at  TEXT NOT NULL,
    PRIMARY KEY (source, session_id)
);

-- Redacted sessions: `content` is zstd over msgspec JSON that carries its own format version. A session that changed
-- keeps its older trajectories as long as a pair refers to them.
CREATE TABLE trajectories (
    source      TEXT NOT NULL,
    session_id  TEXT NOT NULL,
    digest      TEXT NOT NULL,
    raw_digest  TEXT NOT NULL,
    policy_hash TEXT NOT NULL,
    turns       INTEGER NOT NULL,
    content     BYTEA NOT NULL,
    created_at  TEXT NOT NULL,
    PRIMARY KEY (source, session_id, digest),
    FOREIGN KEY (source, session_id) REFERENCES sessions (source, session_id) ON DELETE CASCADE
);

CREATE INDEX trajectories_by_digest ON trajectories (digest);

-- Policies by their hash, which every trajectory names: `reason` says why nothing was redacted (`off`), `content` is zstd over
-- the policy as JSON, by which the bytes of an export are scanned again.
CREATE TABLE policies (
    hash       TEXT PRIMARY KEY,
    name       TEXT NOT NULL,
    reason     TEXT NOT NULL,
    content    BYTEA NOT NULL,
    created_at TEXT NOT NULL
);

-- What was found in a redacted session, as keyed hashes: by them a subject is found again in a store that holds no plain
-- value. The key lies in a file beside the store; `key_id` names it and says nothing about it.
CREATE TABLE identities (
    source     TEXT NOT NULL,
    session_id TEXT NOT NULL,
    digest     TEXT NOT NULL,
    kind       TEXT NOT NULL,
    hash       TEXT NOT NULL,
    name       TEXT NOT NULL,
    key_id     TEXT NOT NULL,
    PRIMARY KEY (source, session_id, digest, hash, name),
    FOREIGN KEY (source, session_id, digest)
        REFERENCES trajectories (source, session_id, digest) ON DELETE CASCADE
);

CREATE INDEX identities_by_hash ON identities (hash);

-- Frozen value statistics. The current one of a source is the one that was saved or confirmed last.
CREATE TABLE snapshots (
    source     TEXT NOT NULL,
    digest     TEXT NOT NULL,
    data       BYTEA NOT NULL,
    is_current INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    PRIMARY KEY (source, digest)
);

-- Which sessions a stage after the dataflow compiler has read. `origin` names the stage and its model, as its pairs do; `key`
-- names everything but the session that the pairs depend on. A session that failed is tried again.
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

-- Question-answer pairs. `checker` names the proof that decides the state; `agents` and `tools` are those of the
-- supporting turns, kept here so that figures need no trajectory.
CREATE TABLE pairs (
    id                TEXT PRIMARY KEY,
    format            INTEGER NOT NULL,
    source            TEXT NOT NULL,
    session_id        TEXT NOT NULL,
    trajectory_digest TEXT NOT NULL,
    qa_type           TEXT NOT NULL,
    origin            TEXT NOT NULL,
    state             TEXT NOT NULL,
    split             TEXT NOT NULL,
    question          TEXT NOT NULL,
    answer            TEXT NOT NULL,
    answer_type       TEXT NOT NULL,
    reasoning         TEXT NOT NULL,
    program           TEXT,
    evidence          TEXT NOT NULL,
    supporting_turns  TEXT NOT NULL,
    row_ids           TEXT NOT NULL,
    withheld_turns    TEXT NOT NULL,
    context_end       INTEGER,
    hops              INTEGER NOT NULL,
    width             INTEGER NOT NULL,
    span_turns        INTEGER NOT NULL,
    checker           TEXT NOT NULL,
    agents            TEXT NOT NULL,
    tools             TEXT NOT NULL,
    run_id            TEXT NOT NULL REFERENCES runs (id),
    updated_at        TEXT NOT NULL,
    FOREIGN KEY (source, session_id, trajectory_digest)
        REFERENCES trajectories (source, session_id, digest) ON DELETE CASCADE
);

CREATE INDEX pairs_by_session ON pairs (source, session_id, id);

-- What a checker found: `exact` for programs, a reader model's name for prose. `gates` maps a gate to true, false or null.
CREATE TABLE proofs (
    pair_id    TEXT NOT NULL REFERENCES pairs (id) ON DELETE CASCADE,
    checker    TEXT NOT NULL,
    format     INTEGER NOT NULL,
    gates      TEXT NOT NULL,
    read_set   TEXT NOT NULL,
    supporting TEXT NOT NULL,
    guess_rate DOUBLE PRECISION NOT NULL,
    score      DOUBLE PRECISION,
    reasons    TEXT NOT NULL,
    run_id     TEXT NOT NULL REFERENCES runs (id),
    checked_at TEXT NOT NULL,
    PRIMARY KEY (pair_id, checker)
);

-- Every call of a model, paid or answered from here: the ledger of costs and the response cache. A price is a whole
-- number of pico-dollars (1e-12), so that sums are exact; null is unknown, which is not zero.
CREATE TABLE model_calls (
    id              TEXT PRIMARY KEY,
    run_id          TEXT NOT NULL REFERENCES runs (id),
    stage           TEXT NOT NULL,
    provider        TEXT NOT NULL,
    model           TEXT NOT NULL,
    prompt_version  TEXT NOT NULL,
    request_digest  TEXT NOT NULL,
    source          TEXT,
    session_id      TEXT,
    pair_id         TEXT,
    row_ids         TEXT NOT NULL,
    status          TEXT NOT NULL,
    response        BYTEA,
    input_tokens    BIGINT,
    cached_tokens   BIGINT,
    output_tokens   BIGINT,
    cost_pico_usd   BIGINT,
    price_source    TEXT,
    price_date      TEXT,
    from_cache      INTEGER NOT NULL,
    duration_ms     DOUBLE PRECISION,
    created_at      TEXT NOT NULL
);

CREATE INDEX model_calls_by_request ON model_calls (request_digest);
CREATE INDEX model_calls_by_run ON model_calls (run_id);
CREATE INDEX model_calls_by_session ON model_calls (source, session_id);

-- Every drop with its reason. `scope` is `session` for what was dropped while a session was compiled, `run` for rows and
-- sessions that never came so far. `detail` holds identifiers and places, never content.
CREATE TABLE findings (
    id         TEXT PRIMARY KEY,
    run_id     TEXT NOT NULL REFERENCES runs (id),
    source     TEXT NOT NULL,
    scope      TEXT NOT NULL,
    session_id TEXT,
    stage      TEXT NOT NULL,
    reason     TEXT NOT NULL,
    count      BIGINT NOT NULL,
    detail     TEXT NOT NULL,
    created_at TEXT NOT NULL
);

CREATE INDEX findings_by_session ON findings (source, session_id);
CREATE INDEX findings_by_run ON findings (run_id);

-- What people decided. The hashes say which wording and which answer they saw, so that a decision never carries over to
-- a pair that has changed since.
CREATE TABLE reviews (
    id            TEXT PRIMARY KEY,
    pair_id       TEXT NOT NULL REFERENCES pairs (id) ON DELETE CASCADE,
    number        INTEGER NOT NULL,
    reviewer      TEXT NOT NULL,
    verdict       TEXT NOT NULL,
    reason        TEXT NOT NULL,
    question_hash TEXT NOT NULL,
    answer_hash   TEXT NOT NULL,
    created_at    TEXT NOT NULL
);

CREATE INDEX reviews_by_pair ON reviews (pair_id, number);

-- Frozen data sets: content-addressed and never changed, but an erasure reaches their items.
CREATE TABLE dataset_versions (
    digest     TEXT PRIMARY KEY,
    name       TEXT NOT NULL,
    version    INTEGER NOT NULL,
    manifest   TEXT NOT NULL,
    run_id     TEXT REFERENCES runs (id),
    created_at TEXT NOT NULL,
    UNIQUE (name, version)
);

CREATE TABLE dataset_items (
    dataset_digest TEXT NOT NULL REFERENCES dataset_versions (digest) ON DELETE CASCADE,
    place          INTEGER NOT NULL,
    pair_id        TEXT NOT NULL REFERENCES pairs (id) ON DELETE CASCADE,
    split          TEXT NOT NULL,
    content        BYTEA NOT NULL,
    PRIMARY KEY (dataset_digest, place)
);

CREATE INDEX dataset_items_by_pair ON dataset_items (pair_id);

-- Tombstones: that something was erased, why, and how much; never what.
CREATE TABLE erasures (
    id         TEXT PRIMARY KEY,
    kind       TEXT NOT NULL,
    subject    TEXT NOT NULL,
    reason     TEXT NOT NULL,
    actor      TEXT NOT NULL,
    counts     TEXT NOT NULL,
    created_at TEXT NOT NULL
);

-- Who ran, exported, restored: `target` is a file or a name, `detail` JSON of counts and digests.
CREATE TABLE actions (
    id         TEXT PRIMARY KEY,
    kind       TEXT NOT NULL,
    actor      TEXT NOT NULL,
    target     TEXT NOT NULL,
    detail     TEXT NOT NULL,
    run_id     TEXT REFERENCES runs (id),
    created_at TEXT NOT NULL
);

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

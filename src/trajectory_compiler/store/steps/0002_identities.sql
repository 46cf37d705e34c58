-- Version 2: found identities and policies get tables. The digests of raw rows and the key of the value statistics were not
-- keyed before: they are forgotten, and the next compile makes them anew with the key that lies beside the store.

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

UPDATE sessions SET raw_digest = '';
UPDATE trajectories SET raw_digest = '';
DELETE FROM snapshots;

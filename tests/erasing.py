"""What the tests of erasure share: every byte beside a store, compressed parts opened, and a store with everything in it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec
import zstandard

from tests.store.samples import clock, pair, saved, session
from trajectory_compiler.model import Finding, Trajectory
from trajectory_compiler.models.ledger import CallRecord
from trajectory_compiler.models.protocol import CallPlace, ModelName, Usage
from trajectory_compiler.redaction.identities import hash_identities, key_id
from trajectory_compiler.redaction.pseudonyms import Identity, Named
from trajectory_compiler.store import Review, SessionResult, Store
from trajectory_compiler.store.erasing import SessionKey

MAGIC = b"\x28\xb5\x2f\xfd"  # a zstd frame: trajectories and answers are compressed, so plain bytes alone prove nothing
KEY = b"k" * 32
USAGE = Usage(
    input_tokens=100, cached_tokens=0, output_tokens=10, cost_pico_usd=7, price_source="test", price_date="2026-11-24"
)


def opened(data: bytes) -> Iterator[bytes]:
    """Yield bytes as they are, and every compressed frame that begins anywhere in them."""
    yield data
    start = data.find(MAGIC)
    while start >= 0:
        with suppress(zstandard.ZstdError):
            yield zstandard.ZstdDecompressor().decompressobj().decompress(data[start:])
        start = data.find(MAGIC, start + 1)


def found_in(folder: Path, values: list[str], *, apart: frozenset[str] = frozenset()) -> dict[str, list[str]]:
    """Return, by file, which values stand in the bytes below a folder, in whatever state; blobs are read whole, too."""
    found: dict[str, set[str]] = {}
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path.name in apart:
            continue
        parts = [*opened(path.read_bytes()), *(part for blob in blobs(path) for part in opened(blob))]
        hit = {value for value in values for part in parts if value.encode() in part}
        if hit:
            found[path.name] = hit
    return {name: sorted(hit) for name, hit in found.items()}


def blobs(path: Path) -> Iterator[bytes]:
    """Yield the blobs of a SQLite file: a large one is spread over pages, which its raw bytes do not show in one piece."""
    if path.suffix not in (".db", ".backup"):
        return
    database = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
    try:
        for (table,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            for row in database.execute(f"SELECT * FROM {table}").fetchall():
                yield from (value for value in row if isinstance(value, bytes))
    finally:
        database.close()


def rows_of(path: Path) -> dict[str, set[tuple[object, ...]]]:
    """Return every row of a store by table, apart from those that tell of runs and erasures."""
    database = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
    try:
        tables = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()]
        telling = {"runs", "erasures", "meta", "migrations", "actions"}
        return {name: set(database.execute(f"SELECT * FROM {name}").fetchall()) for name in tables if name not in telling}
    finally:
        database.close()


def trajectory(number: int, *, agent: str = "mail") -> Trajectory:
    """Return a session of the sample store: its words occur in no other."""
    made = session(f"session-{number:03d}", words=f"quokka{number:03d}walks")
    first = msgspec.structs.replace(made.turns[0], agent=agent)
    return msgspec.structs.replace(made, turns=(first, *made.turns[1:]))


def fill(path: Path | str, count: int, shared: tuple[tuple[int, int], ...] = ()) -> None:
    """Write a store of sessions with pairs, reviews, findings, answers of a model, data set items and waiting rows.

    Session n has the subject `who{n % 3}@example.com`; `shared` are pairs of sessions that got one cached answer.
    """
    with Store.open(path, clock=clock) as store:
        for number in range(count):
            _fill_session(store, number)
        run = store.begin_run("ask-pairs", "log", "{}", "1")
        ledger = store.call_ledger(run)
        for number in range(count):
            ledger.save(_call(number, f"digest-{number}", f"answer for quokka{number:03d}walks".encode()))
        for first, second in shared:
            digest = f"shared-{first}-{second}"
            ledger.save(_call(first, digest, f"both: quokka{first:03d}walks quokka{second:03d}walks".encode()))
            ledger.save(_call(second, digest, None))
        with store._database.transaction():
            store._database.execute("INSERT INTO dataset_versions VALUES ('d', 'set', 1, '{}', ?, ?)", (run, clock()))
            for number in range(count):
                own = store.erasure.pair_ids(SessionKey("log", f"session-{number:03d}"))
                item = ("d", number, own[0], "train", f"quokka{number:03d}walks".encode())
                store._database.execute("INSERT INTO dataset_items VALUES (?, ?, ?, ?, ?)", item)
        found = [Finding(stage="sessions", reason="too_few_turns", count=count, detail=_places(count))]
        store.save_findings(run, "log", found)
        store.finish_run(run, "done", {})


def _fill_session(store: Store, number: int) -> None:
    made = trajectory(number, agent=f"agent-{number % 4}")
    pairs = (pair(made, 0), pair(made, 1, (0, 5)))
    saved(store, *pairs, trajectory=made, findings=(Finding(stage="proof", reason="distant", detail="composition"),))
    who = Named("<EMAIL_1>", Identity("EMAIL", f"who{number % 3}@example.com"), (f"who{number % 3}@example.com",))
    run = store.begin_run("compile", "log", "{}", "1")
    hashes = hash_identities([who], KEY)
    store.save_session(
        SessionResult(run_id=run, trajectory=made, compile_key="key-1", pairs=pairs, identities=hashes, key_id=key_id(KEY))
    )
    store.finish_run(run, "done", {})
    store.add_review(Review(pair_id=pairs[0].id, reviewer="me", verdict="accept", reason="ok", created_at=clock()))


def _call(number: int, digest: str, response: bytes | None) -> CallRecord:
    return CallRecord(
        model=ModelName("mine", "qwen"),
        place=CallPlace(
            stage="synthesis", prompt_version="p-1", source="log", session_id=f"session-{number:03d}", row_ids=("r1",)
        ),
        request_digest=digest,
        status="ok",
        response=response,
        usage=USAGE if response else Usage(cost_pico_usd=0),
        from_cache=response is None,
        duration_ms=1.0,
    )


def _places(count: int) -> str:
    return ", ".join(f"session 'session-{number:03d}'" for number in range(count))

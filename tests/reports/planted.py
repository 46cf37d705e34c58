"""A store in which every name from outside holds one telling word, in enough sessions for its figures to be shown."""

from __future__ import annotations

import json

import msgspec

from tests.store.samples import clock, pair, session
from trajectory_compiler.model import Finding, Turn, short_hash
from trajectory_compiler.store import SessionResult, Store, StoredPolicy

WORD = "ACMEBANK"
SOURCE = f"{WORD.lower()}_log"
FIGURES = {
    "wrong_answer": {"rate": 0.96, "interval": [0.9, 0.99], "cases": 82},
    "near_miss": {"rate": 0.4, "low": 0.2, "high": 0.6, "count": 3},
    "false_rejection": {"rate": 0.02, "n": 120},
    "kappa": 0.91,
    "kappa_low": 0.8,
    "kappa_high": 0.97,
    "answers": 1234,
    f"{WORD.lower()}_fault": {"rate": 0.5},
    f"of {WORD}": 0.5,
    "reader": f"local:/models/{WORD}.gguf",
    "holds": True,
}


def _turn(turn: Turn) -> Turn:
    arguments = {"ticket": turn.arguments["ticket"], WORD: f"<EMAIL_{turn.index}> <{WORD}_PROJECT_1>"}
    return msgspec.structs.replace(turn, agent=f"{WORD}-clerk", tool=f"{WORD}_tool", arguments=arguments)


def plant(store: Store, sessions: int = 8) -> Store:
    """Fill a store: three proved pairs a session, drops, a policy, a calibration, a model call, all with the word in them."""
    policy = StoredPolicy(hash="policy-1", name=f"{WORD} policy", reason=f"{WORD} says so", content=b"{}")
    store.save_policy(policy)
    run = store.begin_run("compile", SOURCE, json.dumps({"note": WORD}), "1")
    for number in range(sessions):
        made = session(f"{WORD}-{number}", turns=12, source=SOURCE, words=WORD)
        made = msgspec.structs.replace(made, turns=tuple(map(_turn, made.turns)), digest=short_hash("t", str(number)))
        asked = [pair(made, place, (1, 4 + place), question=f"What of {WORD} ({place})?", answer=WORD) for place in range(3)]
        findings = (
            Finding(stage="proof", reason="necessary", count=9, detail=WORD),
            Finding(stage="proof", reason=f"{WORD.lower()}_reason", count=6, detail=WORD),
            Finding(stage=WORD.lower(), reason="too_few_turns", count=6, detail=WORD),
        )
        result = SessionResult(run_id=run, trajectory=made, compile_key=WORD, pairs=tuple(asked), findings=findings)
        store.save_session(result)
    store.finish_run(run, "done", {"sessions": sessions})
    calibrate(store, run, FIGURES)
    return store


def calibrate(store: Store, run: str, figures: object, reader: str = f"local:{WORD}") -> None:
    """Write a calibration as `trajc calibrate` does."""
    text = json.dumps(figures)
    with store._database.transaction():
        store._database.execute(
            "INSERT INTO calibrations (id, reader, judge, key, figures, run_id, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (short_hash(reader, text), reader, f"judge-{WORD}", f"key-{WORD}", text, run, clock()),
        )

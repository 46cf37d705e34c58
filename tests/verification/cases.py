"""The hand-written cases of the proof checker: `tests/cases/proof/*.toml`, each with its session and its near-misses.

A file names a session of `sessions/`, one call a line: tool, arguments, response and, where they matter, other fields.
Each pair of it must be proved, and each of the pair's near-misses must fail at its `gate` (and at those in `also`, where
one flaw cannot be without the other). A near-miss says what is different about the claim or about the session: `edits`
replace values, `turns` whole calls, `set` fields of a turn, `call` and `where` parts of the program's calls.
"""

from __future__ import annotations

import json
import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

from tests.building import turn
from trajectory_compiler.dataflow.program import PROGRAM_VERSION, Condition, Program
from trajectory_compiler.model import GATES, Evidence, Turn
from trajectory_compiler.verification import Claim, Edit, apply_edits

FOLDER = Path(__file__).resolve().parents[1] / "cases" / "proof"


class Case(msgspec.Struct, frozen=True):
    """A claim, its session, and what the proof must find: `fails` holds the gates that must be false, and no other."""

    name: str
    claim: Claim
    turns: tuple[Turn, ...]
    fails: frozenset[str]
    pair: dict[str, Any]


@lru_cache(maxsize=8)
def session(name: str) -> tuple[Turn, ...]:
    """Return the turns of a session by the name of its file."""
    lines = (FOLDER / "sessions" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return tuple(_turn(index, *json.loads(line)) for index, line in enumerate(lines))


def _turn(index: int, tool: str, arguments: Any, response: Any, more: dict[str, Any] | None = None) -> Turn:
    kind = {"kind": "thinking"} if tool == "think" else {}
    return turn(index, tool, arguments, response, **kind, **(more or {}))


def pairs() -> list[Case]:
    """Return every pair that must be proved."""
    return [_case(path, number, pair, {}) for path, number, pair in _written()]


def near_misses() -> list[Case]:
    """Return every near-miss of every pair."""
    return [_case(path, number, pair, miss) for path, number, pair in _written() for miss in pair.get("miss", [])]


def _written() -> list[tuple[Path, int, dict[str, Any]]]:
    files = [(path, tomllib.loads(path.read_text(encoding="utf-8"))) for path in sorted(FOLDER.glob("*.toml"))]
    return [
        (path, number, pair | {"session": content["session"]})
        for path, content in files
        for number, pair in enumerate(content["pair"])
    ]


def _case(path: Path, number: int, pair: dict[str, Any], miss: dict[str, Any]) -> Case:
    told = pair | miss
    fails = {miss["gate"], *miss.get("also", [])} if miss else set()
    if miss.get("undefined"):
        fails = set(GATES) - {"well_formed"}
    claim = Claim(
        program=_program(told),
        question=told["question"],
        answer=told["answer"],
        answer_type=told["type"],
        evidence=tuple(_evidence(*item) for item in told["evidence"]),
        withheld_turns=tuple(told.get("withheld", ())),
    )
    name = f"{path.stem}-{number}" + (f"-{miss['gate']}: {miss['why']}" if miss else "")
    return Case(name, claim, _edited(session(told["session"]), miss), frozenset(fails), pair)


def _evidence(index: int, path: str, quote: str, start: int | None = None, end: int = 0) -> Evidence:
    return Evidence(turn=index, path=path, quote=quote, span=None if start is None else (start, end))


def _program(told: dict[str, Any]) -> Program:
    program = msgspec.convert({"version": PROGRAM_VERSION, **told["program"]}, Program)
    calls = []
    for call in program.calls:
        more = msgspec.convert(told.get("where", {}).get(call.name, []), tuple[Condition, ...])
        patched = msgspec.structs.replace(call, where=(*call.where, *more))
        calls.append(msgspec.structs.replace(patched, **told.get("call", {}).get(call.name, {})))
    return msgspec.structs.replace(program, calls=tuple(calls))


def _edited(turns: tuple[Turn, ...], miss: dict[str, Any]) -> tuple[Turn, ...]:
    changed = dict(enumerate(turns))
    for index, tool, *content in miss.get("turns", []):
        changed[index] = _turn(index, tool, *content)
    edits = [Edit(index, path, value) for index, path, value in miss.get("edits", [])]
    changed = dict(enumerate(apply_edits(tuple(changed.values()), edits)))
    for index, fields in miss.get("set", []):
        changed[index] = msgspec.structs.replace(changed[index], **fields)
    return tuple(changed.values())

"""Edits of a log: what the `causal` gate tries, and what counterfactual twins are made of."""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy

import msgspec

from trajectory_compiler.errors import ProgramError
from trajectory_compiler.model import MISSING, Json, Turn, decimal_text
from trajectory_compiler.verification.evaluate import EXACT, View, number_of, occurs, token


class Edit(msgspec.Struct, frozen=True):
    """One value of one turn is replaced."""

    turn: int
    path: str
    value: Json


def apply_edits(turns: Iterable[Turn], edits: Iterable[Edit]) -> tuple[Turn, ...]:
    """Return the turns as edited. Only what lies on an edit's path is copied, so the given turns stay as they are."""
    edited = {turn.index: turn for turn in turns}
    for edit in edits:
        view = View(edited[edit.turn]) if edit.turn in edited else None
        if view is None or not edit.path or view.at(edit.path) is MISSING:
            raise ProgramError("edit a session", f"turn {edit.turn} has no value at '{edit.path}'", "Make the twin anew.")
        *steps, last = (step.replace("~1", "/").replace("~0", "~") for step in edit.path.split("/")[1:])
        holder: Json = view.object
        for step in steps:
            key: Json = int(step) if isinstance(holder, list) else step
            holder[key] = copy(holder[key])
            holder = holder[key]
        holder[int(last) if isinstance(holder, list) else last] = edit.value
        edited[edit.turn] = msgspec.structs.replace(view.turn, **view.object)
    return tuple(edited.values())


def fresh(text: str, sign: int = 1) -> str:
    """Return another text of the same form: a boolean flips, a number moves by a prime, anything else gets an ending.

    No gate rests on the log not holding the new text: if it does, an edit can only fail to do what the gate asks for.
    """
    number = number_of(text)
    if text in ("true", "false"):
        return "false" if text == "true" else "true"
    return f"{text[:150]}-q7919" if number is None else decimal_text(EXACT.add(number, 7919 * sign))


def write(view: View, path: str, text: str, span: tuple[int, int] | None = None) -> Edit:
    """Return the edit after which `text` is read at a place, of the JSON type that stands there where the text allows it."""
    old = view.at(path)
    new: Json = text if span is None else old[: span[0]] + text + old[span[1] :]
    if isinstance(old, bool) and text in ("true", "false"):
        new = text == "true"
    elif isinstance(old, int | float) and number_of(text) is not None and len(text) < 300:
        new = float(text) if "." in text else int(text)
    return Edit(view.index, path, new)


def rename(view: View, old: str, new: str, path: str = "") -> list[Edit]:
    """Return the edits that put `new` for `old` wherever it occurs in a turn, or under a path of it; tools keep their names."""
    found = [(place, text) for place, text, _ in view.leaves(path) if place != "/tool" and occurs(old, text)]
    return [write(view, place, new if text == old else token(old).sub(lambda _: new, text)) for place, text in found]

"""Items: what a search or a record said about the very thing that the agent then chose.

"What business price came back, when the agent searched for direct flights, for the first flight that it named when it booked
a reservation?" The reader must find what was chosen, then its entry among the others that came back at another time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from trajectory_compiler.dataflow.candidate import Draft, best_fields, is_part, varies
from trajectory_compiler.dataflow.describe import describe
from trajectory_compiler.dataflow.fields import (
    Asked,
    answer_type_of,
    is_identity_key,
    is_speakable,
    is_worth_asking,
    snake,
)
from trajectory_compiler.dataflow.index import SessionIndex
from trajectory_compiler.dataflow.program import Bridge, Field, Get, Item
from trajectory_compiler.values import Leaf

_IDS = re.compile(r"(^|_)(id|number|no|code|sku|ref|reference|serial|name|email|arn)$")  # what tells one record from another
MAX_CHOICES = 6
MAX_FIELDS = 4


class Entry(NamedTuple):
    """The one record of a turn's response in which a value stands under a key: the pointer of the record."""

    turn: int
    record: str
    key: str


def items(index: SessionIndex) -> Iterator[Draft]:
    """Yield: a thing that an effect names or a record lists, its entry in another call's response, a field of the entry."""
    for turn in index.turns:
        if turn.kind != "tool" or turn.ok is False:
            continue
        shown = index.arguments[turn.index] if turn.effect else index.responses[turn.index]
        given = () if turn.effect else {leaf.text for leaf in index.arguments[turn.index]}
        things = (leaf for leaf in shown if is_identity_key(leaf.key) and is_speakable(leaf.path) and leaf.text not in given)
        for leaf in islice(things, MAX_CHOICES):
            for entry in _entries(index, turn.index, leaf):
                if turn.effect or entry.turn > turn.index:
                    yield from _ask(index, turn.index, leaf, entry)


def _entries(index: SessionIndex, turn: int, leaf: Leaf) -> list[Entry]:
    places = [(other, path) for other, path in index.produced.get(leaf.text, ()) if abs(other - turn) >= 2]
    found: list[Entry] = []
    for other, path in places:
        record, _, key = path.rpartition("/")
        alone = sum(o == other and p.endswith(f"/{key}") for o, p in places) == 1
        if alone and record != "/response" and _IDS.search(snake(key)):
            found.append(Entry(other, record, key))
    return found


def _ask(index: SessionIndex, turn: int, leaf: Leaf, entry: Entry) -> Iterator[Draft]:
    avoid = frozenset((leaf.text,))
    effect, source = describe(index, turn, "A", avoid), describe(index, entry.turn, "B", avoid)
    if effect is None or source is None:
        return
    if not _fits(index, (turn, leaf), entry) or _is_nominal(leaf, entry):
        return
    item = Item(key=entry.key, value=Bridge("A", Field(path=leaf.path)))
    shown = {other.text for other in (*index.arguments[turn], *index.responses[turn])}
    fields = best_fields(_fields(index, entry, shown), MAX_FIELDS)
    for asked in fields:
        if is_part(asked.text, leaf.text) or _is_told(index, (turn, leaf), entry, asked):
            continue
        chosen = asked.field.path.rsplit("/", 1)[-1] in shown  # the price of the class that was booked, not of another
        bonus = (0.2 if index.turns[turn].effect else 0.0) - (0.4 if effect.where and source.where else 0.0)
        yield Draft(
            family="composition",
            calls=(effect, source),
            answer=Get("B", Field(path=asked.field.path, item=item)),
            key=asked.key,
            answer_type=asked.answer_type,
            support=(entry.turn, turn),
            hops=2,
            bonus=bonus + (0.2 if chosen else 0.0),
        )


def _fits(index: SessionIndex, named: tuple[int, Leaf], entry: Entry) -> bool:
    """Say whether a thing and its entry agree in all that both tell: a flight of another day has the same number."""
    turn, leaf = named
    beside, _, _ = leaf.path.rpartition("/")
    told = {x.key: x.text for x in (*index.arguments[turn], *index.responses[turn]) if x.path.rpartition("/")[0] == beside}
    known = {x.key: x.text for x in index.arguments[entry.turn]}
    known |= {x.key: x.text for x in index.responses[entry.turn] if x.path.rpartition("/")[0] == entry.record}
    return all(known[key] == text for key, text in told.items() if key in known)


def _is_nominal(leaf: Leaf, entry: Entry) -> bool:
    """Say whether a thing and its entry are the same in number, so that nobody has to look up what was named."""
    named, listed = (next((s for s in reversed(path.split("/")) if s.isdigit()), None) for path in (leaf.path, entry.record))
    return named is not None and named == listed


def _is_told(index: SessionIndex, named: tuple[int, Leaf], entry: Entry, asked: Asked) -> bool:
    """Say whether another turn shows the answer beside the thing, or what was done to the thing shows another value.

    A price that changed is asked for by when it was seen, which is the business of `changes`.
    """
    turn, leaf = named
    inside = asked.field.path
    for other in index.turns_showing(leaf.text):
        if other == entry.turn:
            continue
        if index.turns[other].kind == "exchange" and other in index.turns_showing(asked.text):
            return True
        of_it = [x.path.rpartition("/")[0] for x in index.responses[other] if x.key == entry.key and x.text == leaf.text]
        beside = {x.text for x in index.responses[other] if x.path.rpartition("/")[0] in of_it}
        values = {value.text for record in of_it if (value := index.leaf(other, record + inside)) is not None}
        if asked.text in beside or (other == turn and values - {asked.text}):
            return True
    return False


def _fields(index: SessionIndex, entry: Entry, shown: set[str]) -> Iterator[Asked]:
    """Yield the fields of a record, by their pointers from it, whose values differ from record to record."""
    among = [leaf.path.rpartition("/")[0] for leaf in index.responses[entry.turn] if leaf.path.endswith(f"/{entry.key}")]
    for leaf in index.responses[entry.turn]:
        inside = leaf.path.removeprefix(entry.record)
        if not leaf.path.startswith(f"{entry.record}/") or any(token.isdigit() for token in inside.split("/")):
            continue
        if leaf.text in shown or not is_worth_asking(leaf.key, leaf.value, leaf.text):
            continue
        values = [other.text for record in among if (other := index.leaf(entry.turn, record + inside)) is not None]
        if varies(values, leaf.text):
            yield Asked(Field(path=inside), leaf.key, leaf.text, answer_type_of(leaf.value, leaf.text, _amount_key(inside)))


def _amount_key(inside: str) -> str:
    """Return the key that types an amount: that of the table of prices rather than that of the class in it."""
    return inside.replace("/", " ").strip()

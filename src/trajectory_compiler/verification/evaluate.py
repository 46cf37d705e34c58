"""The naive evaluator of the proof checker: what a question program answers on a set of turns.

Its specification is the docstring of `dataflow.program`, all that it shares with the enumeration. JSON is walked in loops.
"""

from __future__ import annotations

import json
import math
import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Set
from copy import copy
from decimal import Context, Decimal
from functools import cached_property, lru_cache, reduce
from itertools import groupby
from typing import Literal, NamedTuple, cast

from msgspec.structs import replace

from trajectory_compiler import model
from trajectory_compiler.dataflow import program as ir
from trajectory_compiler.model import Json, Turn, canonical, decimal_text, escape_token, key_of, number_of, resolve, turn_object

Reading = Literal["written", "any case", "no failures"]  # literals in any case; nodes with `ok` None pass failed calls over
Source = tuple[int, str, tuple[int, int] | None]  # where a value stands: turn index, pointer, span inside the string there
Edit = tuple[int, str, Json]  # a turn's value at a pointer becomes another
WORD = re.compile(r"[^\W_]+")
EXACT = Context(prec=20_000)  # arithmetic without rounding: canonical numbers have at most 4,300 digits
_EXTRACTORS = {  # kind: what its key must look like, what finds its places; `[^\S\n]` is white space inside a line
    "line_value": (r"[^\W\d_](?:[\w .\-/]{0,38}[\w.\-/])?", r"(?m)^[^\S\n]*+(?:[-*] )?+[^\S\n]*+KEY[^\S\n]*+:[^\S\n]++(\S.*)$"),
    "quantity": (r"[^\W\d_]{3,}", r"(?<![\w\-.,])((?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]+)?) ++KEY(?![\w\-])"),
    "exit_code": (r".*", r"(?ia)(?:exit code|exit status|exited with code)(?:[:=] *| +)(-?[0-9]+)"),
    "error_line": (r".*", r"(?m)^(.*?(?<![^\W_])(?ai:error|fatal|panic|denied|failed)(?![^\W_]).*)$"),
}


class Outcome(NamedTuple):
    """An evaluation. No answer: undefined. `read` holds every turn matched; `texts` of `asked` at `sources` made the answer."""

    answer: str | None
    read: frozenset[int]
    matches: dict[str, tuple[int, ...]]
    picked: dict[str, tuple[int, ...]]
    sources: tuple[Source, ...]
    texts: tuple[str, ...]
    asked: tuple[tuple[str, ir.Field], ...]


def fresh(text: str, sign: int = 1) -> str:
    """Return another text of the same form: a boolean flips, a number moves by a prime, anything else gets an ending."""
    number, flipped = number_of(text), {"true": "false", "false": "true"}.get(text)
    return flipped or (f"{text[:150]}-q7919" if number is None else decimal_text(EXACT.add(number, 7919 * sign)))


@lru_cache(maxsize=64)
def token(value: str) -> re.Pattern[str]:
    """Return what finds a value where no neighbouring character continues it."""
    before, after = r"(?<!\d[.,])" * value[:1].isdecimal(), r"(?![.,]\d)" * value[-1:].isdecimal()
    return re.compile(rf"(?<![\w\-]){before}{re.escape(value)}{after}(?![\w\-])")


def occurs(wanted: str, text: str) -> bool:
    """Say whether the text of a leaf is, or contains as a token, a value (`has`)."""
    return text == wanted or (wanted in text and token(wanted).search(text) is not None)


class View:
    r"""A turn with its turn object; `text` is its leaves as `\x1eKEY\x1fTEXT\x1e`, to pass it by with one substring search."""

    def __init__(self, turn: Turn) -> None:
        self.turn, self.index, self.kind, self.object = turn, turn.index, turn.kind, turn_object(turn)

    text = cached_property(lambda self: "\x1e" + "\x1e".join(f"{key_of(p)}\x1f{text}\x1e" for p, text, _ in self.leaves()))

    def at(self, pointer: str) -> Json:
        """Return the value at an RFC 6901 pointer, or MISSING."""
        return resolve(self.object, pointer)

    def leaves(self, *paths: str) -> Iterator[tuple[str, str, Json]]:
        """Yield (pointer, canonical text, value) of the scalars under the paths (of all, where none is named)."""
        stack = [(self.at(path), path) for path in reversed(paths or ("",))]
        while stack:
            value, path = stack.pop()
            if isinstance(value, dict):
                stack += [(value[key], f"{path}/{escape_token(key)}") for key in reversed(value)]
            elif isinstance(value, list):
                stack += [(value[i], f"{path}/{i}") for i in range(len(value) - 1, -1, -1)]
            elif (text := canonical(value)) is not None:
                yield path, text, value

    def shown(self) -> list[str]:
        """Return the words that a reader sees, in small letters."""
        try:
            return WORD.findall(model.render(self.turn).lower())
        except (RecursionError, ValueError, OverflowError):  # JSON too deep or too big to print, or broken text
            return WORD.findall(self.text.lower())

    def has(self, wanted: str, *paths: str) -> bool:
        """Say whether a value occurs under the paths."""
        return wanted in self.text and any(occurs(wanted, text) for _, text, _ in self.leaves(*paths))

    def read(self, field: ir.Field) -> tuple[str, Source] | tuple[None, None]:
        """Return the text of a field and where it stands, or twice None where it is undefined."""
        paths = [p for p, text in self.records(field) if text == field.item.literal] if field.item else [field.path]
        value, rule = self.at(paths[0] if len(paths) == 1 else "\0"), field.extract
        if rule is None or field.item:
            return (None, None) if (text := canonical(value)) is None else (text, (self.index, paths[0], None))
        legal_key, pattern = _EXTRACTORS[rule.kind]
        legal = isinstance(value, str) and rule.key in value and re.fullmatch(legal_key, rule.key)
        spans = [m.span(1) for m in re.finditer(pattern.replace("KEY", re.escape(rule.key)), value)] if legal else []
        different = len({value[slice(*span)] for span in spans}) if rule.kind == "exit_code" else len(spans)
        text = value[slice(*spans[0])].strip() if spans else ""
        if not spans or (len(text) > 160 if rule.kind == "error_line" else different > 1):
            return None, None
        start = value.index(text, spans[0][0])
        return text.replace(",", "") if rule.kind == "quantity" else text, (self.index, field.path, (start, start + len(text)))

    def records(self, field: ir.Field) -> list[tuple[str, str]]:
        """Return where a field stands; where it is one of a record, in all that have the key, each with the text at the key."""
        key = f"/{escape_token(field.item.key)}" if field.item else ""
        found = [(p.removesuffix(key), text) for p, text, _ in self.leaves("/response") if p.endswith(key)] if key else []
        return [(at + field.path, text) for at, text in found if at != "/response"] if key else [(field.path, "")]

    def fits(self, node: ir.Call, bridges: Mapping[ir.Bridge, str | None], reading: Reading = "written") -> bool:
        """Say whether the turn satisfies a node but for `before` and `after`. Bridges without a value are passed over."""
        turn, failed = self.turn, reading == "no failures" and node.ok is None and self.turn.ok is False
        fitting = self.kind == "tool" and not failed and node.tool in (None, turn.tool) and node.ok in (None, turn.ok)
        return fitting and all(self._holds(condition, bridges, reading) for condition in node.where)

    def _holds(self, condition: ir.Condition, bridges: Mapping[ir.Bridge, str | None], reading: Reading) -> bool:
        form = str.casefold if reading == "any case" and isinstance(condition.value, ir.Literal) else str
        if (wanted := condition.wanted(bridges)) is None:
            return True
        if condition.op == "has":
            return any(occurs(form(wanted), form(text)) for _, text, _ in self.leaves(condition.path))
        text = canonical(value := self.at(condition.path))
        ends = condition.op == "ends" and isinstance(value, str) and form(value).endswith("/" + form(wanted))
        return ends or (text is not None and form(text) == form(wanted))

    def write(self, path: str, text: str, span: tuple[int, int] | None = None) -> Edit:
        """Return the edit after which a place reads `text`, of the JSON type that stands there where the text allows it."""
        old = self.at(path)
        if isinstance(old, int | float) and re.fullmatch(r"true|false|-?(0|[1-9][0-9]{0,300})(\.[0-9]+)?", text):
            return self.index, path, json.loads(text)
        return self.index, path, text if span is None else old[: span[0]] + text + old[span[1] :]

    def rename(self, old: str, new: str, path: str = "") -> list[Edit]:
        """Return the edits that put `new` for `old` wherever it occurs under a path; tools keep their names."""
        found = [(place, text) for place, text, _ in self.leaves(path) if place != "/tool" and occurs(old, text)]
        return [self.write(place, new if text == old else token(old).sub(lambda _: new, text)) for place, text in found]

    def edited(self, edits: Iterable[Edit]) -> View:
        """Return the turn after the edits that are its own. What lies on the way to a value is copied, the rest shared."""
        root: dict[str, Json] = {"": self.object}
        for _, path, value in (edit for edit in edits if edit[0] == self.index):
            holder, key = cast("tuple[Json, Json]", (root, ""))
            for step in path.split("/")[1:]:
                inner = holder[key] = copy(holder[key])
                holder, key = inner, int(step) if isinstance(inner, list) else step.replace("~1", "/").replace("~0", "~")
            holder[key] = value
        return View(replace(self.turn, **root[""]))


class Session:
    """The turns of one session in time order; `memo` keeps what its claims ask again. `lookup` has faster look-ups."""

    def __init__(self, turns: Iterable[Turn]) -> None:
        self.at = {turn.index: View(turn) for turn in sorted(turns, key=lambda turn: turn.index)}
        self.order, self.views, self.memo = list(self.at), list(self.at.values()), dict[object, list[int]]()

    def near(self, value: str, reading: Reading = "written") -> list[int]:
        """Return all turns in which a value can occur: those whose text holds it, or, where case is no matter, any."""
        if reading != "any case" and value not in self.memo:
            self.memo[value] = [view.index for view in self.views if value in view.text]
        return self.order if reading == "any case" else self.memo[value]

    def texts(self, turns: Iterable[int], field: ir.Field) -> list[str]:
        """Return the text of a field in each of the turns where it has one; of a field of a record, those of all its like."""
        places = [(self.at[turn], replace(field, path=p, item=None)) for turn in turns for p, _ in self.at[turn].records(field)]
        return [text for view, place in places if (text := view.read(place)[0])]

    words = cached_property(lambda self: [(Counter(words := view.shown()), len(words)) for view in self.views])

    def found_first(self, question: str, size: int) -> int:
        """Return the place of the turn, of the first `size`, that BM25 (k1 = 1.2, b = 0.75) ranks first for a question."""
        turns, scores = self.words[:size], [0.0] * size
        mean = max(1, sum(length for _, length in turns)) / size
        for word in dict.fromkeys(WORD.findall(question.lower())):
            found = [(place, words[word]) for place, (words, _) in enumerate(turns) if word in words]
            rarity = math.log(1 + (size - len(found) + 0.5) / (len(found) + 0.5))
            for place, count in found:
                scores[place] += rarity * count * 2.2 / (count + 1.2 * (0.25 + 0.75 * turns[place][1] / mean))
        return scores.index(max(scores))


class Part(NamedTuple):
    """Turns of a session: from `start` to before `end`, in `only`; `edited` ones as they are there, None: left out."""

    session: Session
    start: float = -math.inf
    end: float = math.inf
    only: Set[int] | None = None
    edited: Mapping[int, View | None] = {}

    def fitting(self, node: ir.Call, bridges: Mapping[ir.Bridge, str | None], reading: Reading = "written") -> list[int]:
        """Return the turns that fit a node but for `before` and `after`. Only those near what it names are tried."""
        memo, key, near = self.session.memo, (node, *bridges.items(), reading), self.session.near
        if key not in memo:
            places = [near(text, reading) for c in node.where if (text := c.wanted(bridges)) is not None]
            places += [self.session.order if node.tool is None else near(node.tool)]
            memo[key] = [turn for turn in min(places, key=len) if self.session.at[turn].fits(node, bridges, reading)]
        found = memo[key][bisect_left(memo[key], self.start) : bisect_left(memo[key], self.end)]
        found = found if self.only is None else [turn for turn in found if turn in self.only]
        for turn, view in self.edited.items():
            fits = view is not None and self.start <= turn < self.end and view.fits(node, bridges, reading)
            place = bisect_left(found, turn)
            found[place : place + (found[place : place + 1] == [turn])] = [turn] * fits
        return found

    def view(self, turn: int) -> View:
        """Return a turn as it is here."""
        return self.edited.get(turn) or self.session.at[turn]

    def evaluate(self, program: ir.Program, reading: Reading = "written") -> Outcome:
        """Evaluate as if these turns were the whole log, up to the end of the context. What is malformed is undefined."""
        matches, picked, single = dict[str, tuple[int, ...]](), dict[str, tuple[int, ...]](), dict[str, View]()
        for node in program.calls if len({node.name for node in program.calls}) == len(program.calls) else ():
            if program.until is None or node.name != program.until.call:
                matches[node.name] = self._matches(node, single, reading)
                chosen = picked[node.name] = self._pick(node, matches[node.name])
                single |= {node.name: self.view(chosen[0])} if chosen and node.pick != "all" else {}
        walk = program.answer if isinstance(program.answer, ir.Walk) else None
        reached, places = self._walk(walk, single.get(walk.start)) if walk else (), list[tuple[str | None, Source | None]]()
        values = {b: single[b.call].read(b.field)[0] for _, _, b in program.links if b.call in single}
        asked = tuple((name, ir.settled(field, values)) for name, field in ir.operands(program.answer))
        for name, field in asked:
            fitting = (name in single) == isinstance(program.answer, (ir.Get, ir.Difference, ir.Change))
            found = reached if walk else picked.get(name, ()) if fitting else ()
            places += [self.view(turn).read(field) for turn in found] or [(None, None)]
        defined = [(text, source) for text, source in places if text is not None and source is not None]
        texts, sources = zip(*defined, strict=True) if len(defined) == len(places) else ((), ())
        answer, read = combine(program.answer, list(texts)) if texts else None, frozenset(reached).union(*matches.values())
        return Outcome(answer, read, matches, picked, sources, texts, asked)

    def _matches(self, node: ir.Call, single: Mapping[str, View], reading: Reading) -> tuple[int, ...]:
        values = {b: single[b.call].read(b.field)[0] if b.call in single else None for b in node.bridges}
        if None in values.values() or not single.keys() >= {node.after, node.before} - {None}:
            return ()
        low = -1 if node.after is None else single[node.after].index
        high = math.inf if node.before is None else single[node.before].index
        found = self.fitting(node, values, reading)
        return tuple(found[bisect_right(found, low) : bisect_left(found, high)])

    def _pick(self, node: ir.Call, found: tuple[int, ...]) -> tuple[int, ...]:
        if node.pick in ("max", "min"):
            numbers = [number_of((self.view(turn).read(node.by)[0] if node.by else None) or "") for turn in found]
            ranked = sorted(number for number in numbers if number is not None)
            extremum = ranked[-1 if node.pick == "max" else 0] if len(ranked) == len(found) > 1 else None
            return (found[numbers.index(extremum)],) if extremum is not None and numbers.count(extremum) == 1 else ()
        nth, only = found[node.k - 1 : node.k] if node.k > 0 else (), found if len(found) == 1 else ()
        return {"only": only, "first": found[:1], "last": found[-1:], "nth": nth, "all": found}[node.pick]

    def _walk(self, walk: ir.Walk, start: View | None) -> tuple[int, ...]:
        calls = [self.view(turn) for turn in self.fitting(ir.Call(name="", tool=None, pick="all"), {})]
        targets = [(view, canonical(view.at(walk.target))) for view in calls]
        reached, frontier = set[int](), [start] if start else []
        for _ in range(min(walk.steps, len(targets))):
            links = [(call.index, {text for _, text, _ in call.leaves(walk.source)}) for call in frontier]
            frontier = [v for v, text in targets if v.index not in reached and any(v.index > i and text in t for i, t in links)]
            reached |= {view.index for view in frontier}
        return tuple(sorted(reached))


def combine(answer: ir.Expression, texts: list[str]) -> str | None:
    """Return the answer that the values of the asked fields make, one or more, in the order of their calls; None: undefined."""
    if isinstance(answer, (ir.Sum, ir.Difference)):
        numbers, step = [number_of(text) for text in texts], EXACT.add if isinstance(answer, ir.Sum) else EXACT.subtract
        return None if None in numbers else decimal_text(reduce(step, cast("list[Decimal]", numbers)))
    if isinstance(answer, ir.Walk):
        return json.dumps(sorted(texts), ensure_ascii=False, separators=(",", ":")) if len(texts) > 1 else None
    states = [text for text, _ in groupby(texts)]
    if isinstance(answer, ir.StateAt):
        return states[answer.k - 1] if 1 <= answer.k <= len(states) else None
    if isinstance(answer, (ir.Get, ir.Change)):
        return " -> ".join(texts) if isinstance(answer, ir.Get) or len(states) > 1 else None
    return str({ir.Count: len(texts), ir.Distinct: len(set(texts)), ir.Changes: len(states) - 1}[type(answer)])

"""The naive evaluator of the proof checker: what a question program answers on a set of turns.

Its specification is the docstring of `dataflow.program`: all that it shares with the enumeration. No turn and no program makes
it raise: what is malformed is undefined. Walks over JSON are loops, safe at any depth.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from copy import copy
from decimal import Context, Decimal
from functools import cached_property, lru_cache, reduce
from itertools import groupby
from typing import Literal, NamedTuple, cast

from msgspec.structs import replace

from trajectory_compiler.dataflow import program as ir
from trajectory_compiler.model import MISSING, Json, Turn, canonical, decimal_text, escape_token, turn_object

Reading = Literal["written", "any case", "no failures"]  # literals in any case; nodes with `ok` None pass failed calls over
Source = tuple[int, str, tuple[int, int] | None]  # where a value stands: turn index, pointer, span inside the string there
Edit = tuple[int, str, Json]  # a turn's value at a pointer becomes another
EXACT = Context(prec=20_000)  # arithmetic without rounding: canonical numbers have at most 4,300 digits
_EXTRACTORS = {  # kind: what its key must look like, what finds its places; `[^\S\n]` is white space inside a line
    "line_value": (r"[^\W\d_](?:[\w .\-/]{0,38}[\w.\-/])?", r"(?m)^[^\S\n]*+(?:[-*] )?+[^\S\n]*+KEY[^\S\n]*+:[^\S\n]++(\S.*)$"),
    "quantity": (r"[^\W\d_]{3,}", r"(?<![\w\-.,])((?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]+)?) ++KEY(?![\w\-])"),
    "exit_code": (r".*", r"(?ia)(?:exit code|exit status|exited with code)(?:[:=] *| +)(-?[0-9]+)"),
    "error_line": (r".*", r"(?m)^(.*?(?<![^\W_])(?ai:error|fatal|panic|denied|failed)(?![^\W_]).*)$"),
}


class Outcome(NamedTuple):
    """An evaluation. No answer: undefined. `read` holds every turn matched; `texts` at `sources` made the answer."""

    answer: str | None
    read: frozenset[int]
    matches: dict[str, tuple[int, ...]]
    picked: dict[str, tuple[int, ...]]
    sources: tuple[Source, ...]
    texts: tuple[str, ...]


def key_of(pointer: str) -> str:
    """Return the last step, as written, that is no list index: `/response/legs/0/price` gives `price`."""
    return next((step for step in reversed(pointer.split("/")) if not step.isdigit()), "")


def text_of(value: Json) -> str | None:
    """Return the canonical text of a scalar, or None; integers of thousands of digits, which Python cannot print, have none."""
    return None if isinstance(value, int) and value.bit_length() > 14_000 else canonical(value)


def number_of(text: str) -> Decimal | None:
    """Return the number that a canonical text stands for."""
    return Decimal(text) if re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", text) else None


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
        self.turn, self.index, self.object = turn, turn.index, turn_object(turn)

    text = cached_property(lambda self: "\x1e" + "\x1e".join(f"{key_of(p)}\x1f{text}\x1e" for p, text, _ in self.leaves()))

    def at(self, pointer: str) -> Json:
        """Return the value at an RFC 6901 pointer, or MISSING."""
        value: Json = self.object
        for step in pointer.split("/")[1:] if pointer[:1] in ("", "/") else ["\0"]:
            if isinstance(value, dict):
                value = value.get(step.replace("~1", "/").replace("~0", "~"), MISSING)
            else:
                inside = isinstance(value, list) and re.fullmatch("[0-9]{1,9}", step) and int(step) < len(value)
                value = value[int(step)] if inside else MISSING
        return value

    def leaves(self, *paths: str) -> Iterator[tuple[str, str, Json]]:
        """Yield (pointer, canonical text, value) of the scalars under the paths (of all, where none is named)."""
        stack = [(self.at(path), path) for path in reversed(paths or ("",))]
        while stack:
            value, path = stack.pop()
            if isinstance(value, dict):
                stack.extend((value[key], f"{path}/{escape_token(key)}") for key in reversed(value))
            elif isinstance(value, list):
                stack.extend((value[i], f"{path}/{i}") for i in range(len(value) - 1, -1, -1))
            elif (text := text_of(value)) is not None:
                yield path, text, value

    def has(self, wanted: str, *paths: str) -> bool:
        """Say whether a value occurs under the paths."""
        return wanted in self.text and any(occurs(wanted, text) for _, text, _ in self.leaves(*paths))

    def records(self, item: ir.Item) -> list[tuple[str, str]]:
        """Return (pointer, text at the key) of every object inside the response that has a scalar at the key of an item."""
        found = [(path.rpartition("/"), text) for path, text, _ in self.leaves("/response")]
        keyed = [(at, text) for (at, _, key), text in found if key == escape_token(item.key) and at != "/response"]
        return keyed if not item.key.isdigit() else []

    def place(self, field: ir.Field) -> str:
        """Return the pointer of a field, inside the one record that its item names where it has one."""
        if field.item is None:
            return field.path
        wanted = field.item.value.value if isinstance(field.item.value, ir.Literal) else None
        places = [at for at, text in self.records(field.item) if text == wanted]
        return places[0] + field.path if len(places) == 1 else "\0"

    def read(self, field: ir.Field) -> tuple[str, Source] | tuple[None, None]:
        """Return the text of a field and where it stands, or twice None where it is undefined."""
        path, rule = self.place(field), field.extract
        value = self.at(path)
        if rule is None or field.item:
            text = text_of(value)
            return (None, None) if text is None else (text, (self.index, path, None))
        legal_key, pattern = _EXTRACTORS[rule.kind]
        legal = isinstance(value, str) and rule.key in value and re.fullmatch(legal_key, rule.key)
        spans = [m.span(1) for m in re.finditer(pattern.replace("KEY", re.escape(rule.key)), value)] if legal else []
        different = len({value[slice(*span)] for span in spans}) if rule.kind == "exit_code" else len(spans)
        text = value[slice(*spans[0])].strip() if spans else ""
        if not spans or (len(text) > 160 if rule.kind == "error_line" else different > 1):
            return None, None
        start = value.index(text, spans[0][0])
        return text.replace(",", "") if rule.kind == "quantity" else text, (self.index, field.path, (start, start + len(text)))

    def fits(self, node: ir.Call, bridges: Mapping[ir.Bridge, str | None], reading: Reading = "written") -> bool:
        """Say whether the turn satisfies a node but for `before` and `after`. Bridges without a value are passed over."""
        turn, failed = self.turn, reading == "no failures" and node.ok is None and self.turn.ok is False
        fitting = turn.kind == "tool" and not failed and node.tool in (None, turn.tool) and node.ok in (None, turn.ok)
        return fitting and all(self._holds(condition, bridges, reading) for condition in node.where)

    def _holds(self, condition: ir.Condition, bridges: Mapping[ir.Bridge, str | None], reading: Reading) -> bool:
        form = str.casefold if reading == "any case" and isinstance(condition.value, ir.Literal) else str
        wanted = condition.value.value if isinstance(condition.value, ir.Literal) else bridges.get(condition.value)
        if wanted is None:
            return True
        if condition.op == "has":
            near = self.leaves(condition.path) if form is not str or wanted in self.text else ()
            return any(occurs(form(wanted), form(text)) for _, text, _ in near)
        text = text_of(value := self.at(condition.path))
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


def evaluate(program: ir.Program, turns: Iterable[Turn | View], reading: Reading = "written") -> Outcome:
    """Evaluate on a set of turns as if they were the whole log, which must end where the program's context ends."""
    views = sorted((turn if isinstance(turn, View) else View(turn) for turn in turns), key=lambda view: view.index)
    answer, names = program.answer, {node.name for node in program.calls}
    matches, picked, single = dict[str, list[View]](), dict[str, list[View]](), dict[str, View]()
    for node in program.calls if len(names) == len(program.calls) else ():
        if program.until is None or node.name != program.until.call:
            found = matches[node.name] = _matches(node, views, single, reading)
            chosen = picked[node.name] = _pick(node, found)
            single |= zip([node.name], chosen, strict=False) if node.pick != "all" else ()
    reached = _walk(answer, views, single.get(answer.start)) if isinstance(answer, ir.Walk) else []
    places: list[tuple[str, Source] | tuple[None, None]] = []
    for name, field in settled(answer, single):
        fitting = (name in single) == isinstance(answer, ir.Get | ir.Difference | ir.Change)
        found = reached if isinstance(answer, ir.Walk) else picked.get(name, []) if fitting else []
        places += [view.read(field) for view in found] or [(None, None)]
    defined = [(text, source) for text, source in places if text is not None and source is not None]
    texts, sources = zip(*defined, strict=True) if len(defined) == len(places) else ((), ())
    matched, chose = ({n: tuple(view.index for view in found) for n, found in named.items()} for named in (matches, picked))
    read = frozenset(view.index for found in (*matches.values(), reached) for view in found)
    return Outcome(combine(answer, list(texts)), read, matched, chose, sources, texts)


def _matches(node: ir.Call, views: Iterable[View], single: Mapping[str, View], reading: Reading) -> list[View]:
    named = [condition.value for condition in node.where if isinstance(condition.value, ir.Bridge)]
    bridges = {bridge: single[bridge.call].read(bridge.field)[0] if bridge.call in single else None for bridge in named}
    if None in bridges.values():
        return []
    low = -1 if node.after is None else single[node.after].index if node.after in single else float("inf")
    high = float("inf") if node.before is None else single[node.before].index if node.before in single else -1
    return [view for view in views if low < view.index < high and view.fits(node, bridges, reading)]


def _pick(node: ir.Call, found: list[View]) -> list[View]:
    if node.pick in ("max", "min"):
        numbers = [number_of((view.read(node.by)[0] if node.by else None) or "") for view in found]
        ranked = sorted(number for number in numbers if number is not None)
        extremum = ranked[-1 if node.pick == "max" else 0] if len(ranked) == len(found) > 1 else None
        return [found[numbers.index(extremum)]] if extremum is not None and numbers.count(extremum) == 1 else []
    nth, only = found[node.k - 1 : node.k] if node.k > 0 else [], found if len(found) == 1 else []
    return {"only": only, "first": found[:1], "last": found[-1:], "nth": nth, "all": found}[node.pick]


def _walk(walk: ir.Walk, views: Iterable[View], start: View | None) -> list[View]:
    targets = [(view, text_of(view.at(walk.target))) for view in views if view.turn.kind == "tool"]
    reached, frontier = dict[int, View](), [start] if start else []
    for _ in range(min(walk.steps, len(targets))):
        sources = [(call.index, {text for _, text, _ in call.leaves(walk.source)}) for call in frontier]
        frontier = [v for v, text in targets if v.index not in reached and any(v.index > i and text in t for i, t in sources)]
        reached |= {view.index: view for view in frontier}
    return [reached[index] for index in sorted(reached)]


def settled(answer: ir.Expression, single: Mapping[str, View]) -> list[tuple[str, ir.Field]]:
    """Return what `asked` does, with the value in the place of the bridge that names an item."""
    fields = list[tuple[str, ir.Field]]()
    for name, field in asked(answer):
        if (item := field.item) is not None and isinstance(bridge := item.value, ir.Bridge):
            text = single[bridge.call].read(bridge.field)[0] if bridge.call in single else None
            item = None if text is None else replace(item, value=ir.Literal(text))
            field = replace(field, item=item) if item else ir.Field(path="\0")
        fields.append((name, field))
    return fields


def asked(answer: ir.Expression) -> list[tuple[str, ir.Field]]:
    """Return the nodes that an answer is read from, each with the field that is read there. To count is to read the tools."""
    if isinstance(answer, ir.Difference | ir.Change):
        return [(side.call, side.field) for side in (answer.left, answer.right)]
    if isinstance(answer, ir.Walk):
        return [(answer.start, answer.label)]
    name = answer.call if isinstance(answer, ir.Get) else answer.calls
    return [(name, ir.Field(path="/tool") if isinstance(answer, ir.Count) else answer.field)]


def combine(answer: ir.Expression, texts: list[str]) -> str | None:
    """Return the answer that the values of the asked fields make, in the order of their calls, or None where undefined."""
    states, numbers = [text for text, _ in groupby(texts)], [n for text in texts if (n := number_of(text)) is not None]
    if not texts or (isinstance(answer, ir.Sum | ir.Difference) and len(numbers) < len(texts)):
        return None
    if isinstance(answer, ir.StateAt):
        return states[answer.k - 1] if 1 <= answer.k <= len(states) else None
    if isinstance(answer, ir.Sum | ir.Difference):
        return decimal_text(reduce(EXACT.add if isinstance(answer, ir.Sum) else EXACT.subtract, numbers))
    if isinstance(answer, ir.Walk):
        return json.dumps(sorted(texts), ensure_ascii=False, separators=(",", ":")) if len(texts) > 1 else None
    if isinstance(answer, ir.Get | ir.Change):
        return " -> ".join(texts) if isinstance(answer, ir.Get) or len(states) > 1 else None
    return str({ir.Count: len(texts), ir.Distinct: len(set(texts)), ir.Changes: len(states) - 1}[type(answer)])

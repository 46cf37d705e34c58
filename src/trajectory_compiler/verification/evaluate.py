"""The naive evaluator of the proof checker: what a question program answers on a set of turns.

The docstring of `dataflow.program` is its specification; nothing is shared with the enumeration but the program type.
Nothing in a turn or a program makes it raise: what is malformed is undefined. Walks over JSON are loops, so that a
document of any depth is safe.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Context, Decimal
from functools import cached_property, lru_cache
from typing import NamedTuple

import msgspec

from trajectory_compiler.dataflow.program import (  # isort: skip
    Bridge, Call, Change, Changes, Condition, Count, Difference, Distinct, Field, Get, Program, StateAt, Sum, Walk,
)  # fmt: skip
from trajectory_compiler.model import MISSING, Json, Turn, canonical, decimal_text, escape_token, render, turn_object

ABSTENTION = "The log does not say."
PARTS = ("tool", "agent", "created_at", "arguments", "response")
_EXACT = Context(prec=20_000)  # sums are exact: canonical numbers have at most 4,300 digits on either side of the point
_MAX_INT_BITS = 14_000  # Python refuses to print longer integers, so a value that long is never defined


class Source(NamedTuple):
    """Where a value stands: turn index, RFC 6901 pointer, span inside the string there (None: the whole value)."""

    turn: int
    path: str
    span: tuple[int, int] | None


class Leaf(NamedTuple):
    """A scalar of a turn. `key` is the last step of its path that is no list index."""

    path: str
    key: str
    text: str
    value: Json


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """An evaluation. `answer` None means undefined; `read` holds every turn that some call node (or walk) matches."""

    answer: str | None
    read: frozenset[int]
    picked: dict[str, tuple[int, ...]]
    matches: dict[str, tuple[int, ...]]
    sources: tuple[Source, ...]


Found = tuple[str, Source]  # a value's text and its place
Chosen = Mapping[str, Turn | list[Turn]]  # what each call node picked: one call, or with `all` a list; undefined: absent


# ---- values ----------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=4096)
def steps_of(pointer: str) -> tuple[str, ...] | None:
    """Split an RFC 6901 pointer, or return None where it is none."""
    if pointer and not pointer.startswith("/"):
        return None
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:])


def is_index(step: str) -> bool:
    """Say whether a step of a pointer may count list items."""
    return step.isascii() and step.isdigit() and len(step) < 10


def key_of(pointer: str) -> str:
    """Return the last step of a pointer that is no list index: `/response/legs/0/price` gives `price`."""
    return next((step for step in reversed(steps_of(pointer) or ()) if not is_index(step)), "")


def value_at(turn: Turn, pointer: str) -> Json:
    """Return the value at a pointer from the turn object, or MISSING."""
    steps = steps_of(pointer)
    if not steps:
        return MISSING if steps is None else turn_object(turn)
    value = getattr(turn, steps[0]) if steps[0] in PARTS else MISSING
    for step in steps[1:]:
        if isinstance(value, dict):
            value = value.get(step, MISSING)
        elif isinstance(value, list) and is_index(step) and int(step) < len(value):
            value = value[int(step)]
        else:
            return MISSING
    return value


def text_of(value: Json) -> str | None:
    """Return the canonical text of a scalar, or None for everything else and for integers too long to print."""
    return None if isinstance(value, int) and value.bit_length() > _MAX_INT_BITS else canonical(value)


def number_of(text: str) -> Decimal | None:
    """Return the number that a canonical text stands for: -?digits[.digits]."""
    whole, point, fraction = text.removeprefix("-").partition(".")
    digits = whole + (fraction if point else "0")
    defined = digits.isascii() and digits.isdigit() and whole and (fraction or not point)
    return Decimal(text) if defined else None


def leaves(value: Json, path: str) -> Iterator[Leaf]:
    """Yield the scalars under a value in document order, nulls left out. `path` is the value's own place."""
    stack = [(value, path, key_of(path))]
    while stack:
        value, path, key = stack.pop()
        if isinstance(value, dict):
            stack.extend((value[k], f"{path}/{escape_token(k)}", key if is_index(k) else k) for k in reversed(value))
        elif isinstance(value, list):
            stack.extend((value[i], f"{path}/{i}", key) for i in range(len(value) - 1, -1, -1))
        elif (text := text_of(value)) is not None:
            yield Leaf(path, key, text, value)


def turn_leaves(turn: Turn) -> Iterator[Leaf]:
    """Yield every scalar of a turn object."""
    for part in PARTS:
        yield from leaves(getattr(turn, part), f"/{part}")


def places(wanted: str, text: str) -> Iterator[int]:
    """Yield where `wanted` stands in `text` as a token of its own: no neighbouring character continues it."""
    start = text.find(wanted)
    while start >= 0:
        end = start + len(wanted)
        if not (_continues(text, start - 1, -1, wanted[:1]) or _continues(text, end, 1, wanted[-1:])):
            yield start
        start = text.find(wanted, start + 1)


def _continues(text: str, at: int, step: int, edge: str) -> bool:
    """Say whether the character at `at`, next to the edge of a token, belongs to the same token."""
    if not 0 <= at < len(text):
        return False
    if text[at].isalnum() or text[at] in "_-":
        return True
    return text[at] in ".," and edge.isdigit() and 0 <= at + step < len(text) and text[at + step].isdigit()


def occurs(wanted: str, text: str) -> bool:
    """Say whether the text of a leaf is or contains a value (`has`)."""
    return text == wanted or any(True for _ in places(wanted, text))


# ---- extractors: each gives the value and its span, or None ------------------------------------------------------------

Extracted = tuple[str, int, int] | None
_EXIT_CODE = re.compile(r"(?:exit code|exit status|exited with code)(?:[:=] *| +)(-?[0-9]+)", re.IGNORECASE | re.ASCII)
_NUMBER = re.compile(r"(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]+)?")
_ERROR_WORDS = ("error", "fatal", "panic", "denied", "failed")


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield each line with the offset of its first character."""
    start = 0
    for line in text.split("\n"):
        yield start, line
        start += len(line) + 1


def line_value(text: str, key: str) -> Extracted:
    """Read `KEY: VALUE` from the only line that has this key."""
    legal = key[:1].isalpha() and len(key) <= 40 and key == key.strip() and all(c.isalnum() or c in " _-./" for c in key)
    if not legal or key not in text:
        return None
    found: list[tuple[str, int, int]] = []
    for start, line in _lines(text):
        item = line.strip()
        item = item[2:].lstrip() if item.startswith(("- ", "* ")) else item
        rest = item.removeprefix(key).lstrip()
        if item.startswith(key) and rest.startswith(":") and rest[1:2].isspace():
            value, end = rest[1:].strip(), start + len(line.rstrip())
            found.append((value, end - len(value), end))
    return found[0] if len(found) == 1 else None


def quantity(text: str, key: str) -> Extracted:
    """Read the number before the only `key` that has one: `1,204 passed` gives 1204 for `passed`."""
    found: list[tuple[str, int, int]] = []
    at = text.find(key) if key.isalpha() and len(key) >= 3 else -1
    while at >= 0:
        end = len(text[:at].rstrip(" ")) if at <= 200 else at - 200 + len(text[at - 200 : at].rstrip(" "))
        start = end
        while start > 0 and (text[start - 1] in ".," or (text[start - 1].isascii() and text[start - 1].isdigit())):
            start -= 1
        before, after = text[start - 1 : start] if start else "", text[at + len(key) : at + len(key) + 1]
        joined = any(c.isalnum() or c in "_-" for c in (before, after) if c)
        if end < at and not joined and _NUMBER.fullmatch(text, start, end):
            found.append((text[start:end].replace(",", ""), start, end))
        at = text.find(key, at + 1)
    return found[0] if len(found) == 1 else None


def exit_code(text: str, key: str) -> Extracted:  # noqa: ARG001  (extractors share one signature)
    """Read the exit code that every place in the text agrees on."""
    found = [(match[1], match.start(1), match.end(1)) for match in _EXIT_CODE.finditer(text)]
    return found[0] if len({number for number, _, _ in found}) == 1 else None


def error_line(text: str, key: str) -> Extracted:  # noqa: ARG001
    """Read the first line that speaks of an error, where it has at most 160 characters."""
    for start, line in _lines(text):
        lowered = line.lower()
        if any(_is_word(lowered, at, word) for word in _ERROR_WORDS for at in _finds(lowered, word)):
            value = line.strip()
            start += len(line) - len(line.lstrip())
            return (value, start, start + len(value)) if len(value) <= 160 else None
    return None


def _finds(text: str, word: str) -> Iterator[int]:
    at = text.find(word)
    while at >= 0:
        yield at
        at = text.find(word, at + 1)


def _is_word(text: str, at: int, word: str) -> bool:
    return not (at and text[at - 1].isalnum()) and not text[at + len(word) : at + len(word) + 1].isalnum()


_EXTRACTORS: dict[str, Callable[[str, str], Extracted]] = {
    "line_value": line_value,
    "quantity": quantity,
    "exit_code": exit_code,
    "error_line": error_line,
}


def read_field(turn: Turn, field: Field) -> Found | None:
    """Return the text of a field of a call and where it stands, or None where it is undefined."""
    value = value_at(turn, field.path)
    if field.extract is None:
        text = text_of(value)
        return None if text is None else (text, Source(turn.index, field.path, None))
    found = _EXTRACTORS[field.extract.kind](value, field.extract.key) if isinstance(value, str) else None
    return None if found is None else (found[0], Source(turn.index, field.path, found[1:]))


# ---- sessions ----------------------------------------------------------------------------------------------------------


class Session:
    r"""The turns of one session in time order, with what the gates look up again and again, each worked out on first use.

    `texts` gives for each turn every leaf as `\x1e KEY \x1f TEXT \x1e` in one string, so that most turns which do not
    hold a value are passed by with one substring search.
    """

    def __init__(self, turns: Sequence[Turn], whole: Session | None = None) -> None:
        self.turns = tuple(sorted(turns, key=lambda turn: turn.index))
        self.by_index = {turn.index: turn for turn in self.turns}
        self._whole = whole or self
        self._texts: dict[int, str] = {}

    @cached_property
    def tools(self) -> dict[str | None, list[Turn]]:
        """The tool turns by tool; under None all of them."""
        groups: dict[str | None, list[Turn]] = {None: []}
        for turn in self.turns:
            if turn.kind == "tool":
                groups[None].append(turn)
                groups.setdefault(turn.tool, []).append(turn)
        return groups

    def before(self, index: int) -> Session:
        """Return the session as it stood before a turn."""
        return Session([turn for turn in self.turns if turn.index < index], self._whole)

    def text(self, index: int) -> str:
        """Return the searchable text of a turn."""
        texts = self._whole._texts  # noqa: SLF001  (a session cut short shares the texts of its whole)
        if index not in texts:
            texts[index] = "\x1e" + "\x1e".join(f"{key}\x1f{text}\x1e" for _, key, text, _ in turn_leaves(self.by_index[index]))
        return texts[index]

    def word_counts(self) -> tuple[Mapping[str, Sequence[tuple[int, int]]], Sequence[int]]:
        """Return, for BM25, where each word of the rendered turns stands (position, times) and each turn's length."""
        if self._whole is not self:
            return self._whole.word_counts()
        return self._counted

    @cached_property
    def _counted(self) -> tuple[dict[str, list[tuple[int, int]]], list[int]]:
        postings: dict[str, list[tuple[int, int]]] = {}
        lengths = []
        for position, turn in enumerate(self.turns):
            try:
                text = render(turn)
            except (RecursionError, ValueError, OverflowError):  # JSON that cannot be printed: too deep, too big, bad text
                text = self.text(turn.index)
            counts = Counter(words(text.lower()))
            lengths.append(sum(counts.values()))
            for word, times in counts.items():
                postings.setdefault(word, []).append((position, times))
        return postings, lengths


def words(text: str) -> list[str]:
    """Return the alphanumeric words of a text."""
    return re.findall(r"[^\W_]+", text)


# ---- evaluation --------------------------------------------------------------------------------------------------------


class Evaluator:
    """One program on one session, evaluated on any part of it.

    Whether a turn satisfies a node's tool, `ok` and conditions depends on that turn and on the bridge values alone, never
    on the other turns. So it is worked out once per node and bridge values (`candidates`); an evaluation on a part of the
    session drops the turns outside it and applies `before`, `after` and `pick`, which do depend on the rest.

    `fold` compares literals without regard to case. `changed` replaces some turns of the session by edited ones.
    """

    def __init__(self, program: Program, session: Session, *, fold: bool = False) -> None:
        names = {node.name for node in program.calls}
        end = program.until.call if program.until else None
        self.calls = [node for node in program.calls if node.name != end] if len(names) == len(program.calls) else []
        self.program = program
        self.session = session
        self.fold = fold
        self.changed: dict[int, Turn] = {}
        self._known: dict[tuple[str, tuple[str, ...] | None], list[Turn]] = {}

    def edited(self, turns: Iterable[Turn]) -> Evaluator:
        """Return the evaluator of the session in which these turns replace those of the same index."""
        other = Evaluator(self.program, self.session, fold=self.fold)
        other.changed = {**self.changed, **{turn.index: turn for turn in turns}}
        other._known = self._known  # (it holds what is true of unchanged turns)
        return other

    def run(
        self, keep: Callable[[int], bool] | None = None, forced: Mapping[str, Turn] | None = None, *, skip_failed: bool = False
    ) -> Outcome:
        """Evaluate on the turns whose index `keep` accepts.

        `forced` names the call that a node picks whatever it matches; `skip_failed` leaves failed calls out wherever a node
        does not ask for success or failure.
        """
        matches: dict[str, list[Turn]] = {}
        chosen: dict[str, Turn | list[Turn]] = {}
        for node in self.calls:
            found = self._matches(node, chosen, keep)
            if skip_failed and node.ok is None:
                found = [turn for turn in found if turn.ok is not False]
            matches[node.name] = found
            pick = forced[node.name] if forced and node.name in forced else _pick(node, found)
            if pick is not None:
                chosen[node.name] = pick
        read = {turn.index for found in matches.values() for turn in found}
        expression = self.program.answer
        if isinstance(expression, Walk):
            reached = self._walk(expression, chosen, keep)
            read.update(turn.index for turn in reached)
            value = _labels(expression, reached)
        else:
            value = _value(expression, chosen)
        return Outcome(
            answer=value[0] if value else None,
            sources=value[1] if value else (),
            read=frozenset(read),
            picked={name: (pick.index,) if isinstance(pick, Turn) else _indices(pick) for name, pick in chosen.items()},
            matches={name: _indices(found) for name, found in matches.items()},
        )

    def candidates(self, node: Call, wanted: tuple[str, ...] | None) -> list[Turn]:
        """Return the turns that satisfy a node but for its place; `wanted` holds its bridge values (None: any)."""
        tests = list(_tests(node, wanted))
        known = self._known.get((node.name, wanted))
        if known is None:
            pool = self.session.tools.get(node.tool, [])
            for condition, text, literal in tests:
                if condition.op == "has" and not (literal and self.fold):
                    pool = [turn for turn in pool if text in self.session.text(turn.index)]
            known = [turn for turn in pool if self._fits(node, turn, tests)]
            self._known[node.name, wanted] = known
        if not self.changed:
            return known
        fitting = [turn for turn in self.changed.values() if self._fits(node, turn, tests)]
        return sorted([t for t in known if t.index not in self.changed] + fitting, key=lambda t: t.index)

    def _fits(self, node: Call, turn: Turn, tests: Iterable[tuple[Condition, str, bool]]) -> bool:
        if turn.kind != "tool" or node.tool not in (None, turn.tool) or node.ok not in (None, turn.ok):
            return False
        return all(_holds(turn, condition, text, fold=literal and self.fold) for condition, text, literal in tests)

    def _matches(self, node: Call, chosen: Chosen, keep: Callable[[int], bool] | None) -> list[Turn]:
        wanted = bridge_texts(node, chosen)
        before, after = (_one(chosen, name) if name is not None else name for name in (node.before, node.after))
        if wanted is None or (node.before is not None and before is None) or (node.after is not None and after is None):
            return []
        found = self.candidates(node, wanted)
        if keep is not None:
            found = [turn for turn in found if keep(turn.index)]
        if before is not None or after is not None:
            low, high = after.index if after else -1, before.index if before else float("inf")
            found = [turn for turn in found if low < turn.index < high]
        return found

    def _walk(self, walk: Walk, chosen: Chosen, keep: Callable[[int], bool] | None) -> list[Turn]:
        start = _one(chosen, walk.start)
        calls = [self.changed.get(turn.index, turn) for turn in self.session.tools[None] if keep is None or keep(turn.index)]
        targets = [(turn, text) for turn in calls if (text := text_of(value_at(turn, walk.target))) is not None]
        reached: dict[int, Turn] = {}
        frontier = [] if start is None else [start]
        left = walk.steps
        while frontier and left > 0:
            ahead: dict[int, Turn] = {}
            for call in frontier:
                values = {leaf.text for leaf in leaves(value_at(call, walk.source), walk.source)}
                ahead.update({turn.index: turn for turn, text in targets if turn.index > call.index and text in values})
            frontier = [turn for index, turn in ahead.items() if index not in reached]
            reached.update(ahead)
            left -= 1
        return [reached[index] for index in sorted(reached)]


def evaluate(program: Program, turns: Sequence[Turn] | Session) -> Outcome:
    """Evaluate a program on a set of turns, as if they were the whole log.

    With `until` the node that it names is left out: cut the turns yourself, at `context_end`. Never raises.
    """
    return Evaluator(program, turns if isinstance(turns, Session) else Session(turns)).run()


def context_end(program: Program, turns: Sequence[Turn] | Session) -> int | None:
    """Return the index of the call before which the program's context ends, or None where it resolves to no call."""
    if program.until is None:
        return None
    whole = msgspec.structs.replace(program, until=None)
    picked = evaluate(whole, turns).picked.get(program.until.call, ())
    single = any(node.name == program.until.call and node.pick != "all" for node in program.calls)
    return picked[0] if picked and single else None


def bridge_texts(node: Call, chosen: Chosen) -> tuple[str, ...] | None:
    """Return the values of a node's bridges in the order of its conditions, or None where one is undefined."""
    texts = []
    for condition in node.where:
        if isinstance(condition.value, Bridge):
            found = _field_of(chosen, condition.value.call, condition.value.field)
            if found is None:
                return None
            texts.append(found[0])
    return tuple(texts)


def _tests(node: Call, wanted: tuple[str, ...] | None) -> Iterator[tuple[Condition, str, bool]]:
    """Yield each condition with the text that it wants and whether that is a literal; bridges are left out without values."""
    bridges = iter(wanted or ())
    for condition in node.where:
        if not isinstance(condition.value, Bridge):
            yield condition, condition.value.value, True
        elif wanted is not None:
            yield condition, next(bridges), False


def _holds(turn: Turn, condition: Condition, wanted: str, *, fold: bool) -> bool:
    value = value_at(turn, condition.path)
    wanted = wanted.casefold() if fold else wanted
    if condition.op == "has":
        return any(occurs(wanted, text.casefold() if fold else text) for _, _, text, _ in leaves(value, condition.path))
    text = text_of(value)
    if text is None:
        return False
    text = text.casefold() if fold else text
    return text == wanted or (condition.op == "ends" and isinstance(value, str) and text.endswith("/" + wanted))


def _one(chosen: Chosen, name: str) -> Turn | None:
    pick = chosen.get(name)
    return pick if isinstance(pick, Turn) else None


def _field_of(chosen: Chosen, name: str, field: Field) -> Found | None:
    turn = _one(chosen, name)
    return None if turn is None else read_field(turn, field)


def _indices(turns: Iterable[Turn]) -> tuple[int, ...]:
    return tuple(turn.index for turn in turns)


def _pick(node: Call, found: list[Turn]) -> Turn | list[Turn] | None:
    if node.pick in ("max", "min"):
        return _extremum(node, found)
    if node.pick == "all":
        return found or None
    if node.pick == "nth":
        return found[node.k - 1] if 1 <= node.k <= len(found) else None
    if not found or (node.pick == "only" and len(found) > 1):
        return None
    return found[-1] if node.pick == "last" else found[0]


def _extremum(node: Call, found: list[Turn]) -> Turn | None:
    if node.by is None or len(found) < 2:
        return None
    numbers = []
    for turn in found:
        value = read_field(turn, node.by)
        number = None if value is None else number_of(value[0])
        if number is None:
            return None
        numbers.append(number)
    extremum = max(numbers) if node.pick == "max" else min(numbers)
    return found[numbers.index(extremum)] if numbers.count(extremum) == 1 else None


Value = tuple[str, tuple[Source, ...]] | None


def _value(expression: Get | Count | Sum | Distinct | Difference | Change | StateAt | Changes, chosen: Chosen) -> Value:
    if isinstance(expression, Get):
        found = _field_of(chosen, expression.call, expression.field)
        return None if found is None else (found[0], (found[1],))
    if isinstance(expression, Difference | Change):
        left, right = (_field_of(chosen, side.call, side.field) for side in (expression.left, expression.right))
        if left is None or right is None:
            return None
        text = change_text(left[0], right[0]) if isinstance(expression, Change) else difference_text(left[0], right[0])
        return None if text is None else (text, (left[1], right[1]))
    calls = chosen.get(expression.calls)
    if not isinstance(calls, list):
        return None
    if isinstance(expression, Count):
        return str(len(calls)), ()
    fields = [read_field(turn, expression.field) for turn in calls]
    found_all = [found for found in fields if found is not None]
    return _over_list(expression, found_all) if len(found_all) == len(fields) else None


def _over_list(expression: Sum | Distinct | StateAt | Changes, found: list[Found]) -> Value:
    sources = tuple(source for _, source in found)
    texts = [text for text, _ in found]
    if isinstance(expression, Distinct):
        return str(len(set(texts))), sources
    if isinstance(expression, Sum):
        numbers = [number for text in texts if (number := number_of(text)) is not None]
        total = Decimal(0)
        for number in numbers:
            total = _EXACT.add(total, number)
        return (decimal_text(total), sources) if len(numbers) == len(texts) else None
    starts = [i for i in range(len(texts)) if i == 0 or texts[i] != texts[i - 1]]  # where a new state begins
    if isinstance(expression, Changes):
        return str(len(starts) - 1), sources
    if not 1 <= expression.k <= len(starts):
        return None
    first, end = starts[expression.k - 1], [*starts, len(texts)][expression.k]
    return texts[first], sources[first:end]


def _labels(walk: Walk, reached: list[Turn]) -> Value:
    found = [label for turn in reached if (label := read_field(turn, walk.label)) is not None]
    if len(found) < max(2, len(reached)):
        return None
    try:
        text = msgspec.json.encode(sorted(label for label, _ in found)).decode()
    except ValueError:  # a lone surrogate has no JSON text
        return None
    return text, tuple(source for _, source in found)


def change_text(left: str, right: str) -> str | None:
    """Return `LEFT -> RIGHT`, or None where nothing changed."""
    return None if left == right else f"{left} -> {right}"


def difference_text(left: str, right: str) -> str | None:
    """Return left minus right, or None where one is no number."""
    numbers = number_of(left), number_of(right)
    return None if numbers[0] is None or numbers[1] is None else decimal_text(_EXACT.subtract(numbers[0], numbers[1]))

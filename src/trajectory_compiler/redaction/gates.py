r"""Which rules are worth trying on a text: all their expressions at once, widened to what a linear automaton can decide.

A gate is derived from its rule's expression and never misses a text that the expression matches: look-arounds and anchors are
dropped, back-references repeat their group, character classes take in all letters beyond ASCII, long repeats lose their upper
bound. RE2 runs all gates in one pass, some 100 MB/s; without RE2 every rule is tried on every text: slow, same finds.

    (?<![\\w.])(?P<value>[0-9]{3}(?P<s>[ -]?)[0-9]{3}(?P=s)[0-9]{4})(?!\\w)   ->   [0-9]{3}[ \\-]?[0-9]{3}[ \\-]?[0-9]{4}
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Sequence
from re import _constants as codes  # type: ignore[attr-defined]  # the tree of an expression has no public name
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

try:
    import re2
except ImportError:  # a platform without the wheel
    re2 = None

_MAX_EXACT = 4
_BUDGET_BYTES = 256 << 20
_LETTER_EDGE = 0x80
_MIN_LITERAL = 3


class Gates:
    """The gates of some expressions. `open_for` returns the places of those that could match in a text."""

    def __init__(self, patterns: Sequence[str], by_literal: Container[int] = (), apart: Sequence[Container[int]] = ()) -> None:
        """Compile the gates; those of the places `by_literal` are one literal each, which keeps hundreds of them small.

        They make automata of their own, as does each group of places in `apart`: all together would have too many states, which
        are made while the first texts are read.
        """
        self._all = tuple(range(len(patterns)))
        self._always: tuple[int, ...] = ()
        self._automata: list[_Automaton] = []
        if re2 is None or not patterns:
            return
        full, literal, others = _Automaton(), _Automaton(), [_Automaton() for _ in apart]
        always: list[int] = []
        for place, pattern in enumerate(patterns):
            needed = literal_of(pattern) if place in by_literal else None
            automaton = next((own for own, group in zip(others, apart, strict=True) if place in group), full)
            if not (literal.add(place, needed) if needed else automaton.add(place, _widened_or_none(pattern))):
                always.append(place)
        self._always = tuple(always)
        self._automata = [automaton for automaton in (full, *others, literal) if automaton.places]
        for automaton in self._automata:
            automaton.compile()

    def open_for(self, text: str) -> Sequence[int]:
        """Return, in order, the places of the expressions that could match in a text."""
        if not self._automata:
            return self._all
        places = list(self._always)
        for automaton in self._automata:
            found = automaton.open_for(text)
            if found is None:
                return self._all
            places += found
        return sorted(places)


class _Automaton:
    """A set of expressions that RE2 runs at once."""

    def __init__(self) -> None:
        options = re2.Options()
        options.max_mem = _BUDGET_BYTES
        options.log_errors = False
        self._set = re2.Set.SearchSet(options)
        self.places: list[int] = []

    def add(self, place: int, expression: str | None) -> bool:
        """Add an expression; False where RE2 cannot say it."""
        if expression is None:
            return False
        try:
            self._set.Add(expression)
        except re2.error:
            return False
        self.places.append(place)
        return True

    def compile(self) -> None:
        """Make the automaton. It matches every text, so an answer without that says that it gave up."""
        self._set.Add("(?s:.?)")
        self._set.Compile()

    def open_for(self, text: str) -> list[int] | None:
        """Return the places whose expressions match, or None where the automaton could not say."""
        try:
            found = self._set.Match(text)
        except (UnicodeError, ValueError):
            return None
        if not found or len(self.places) not in found:
            return None
        return [self.places[index] for index in found if index < len(self.places)]


def _widened_or_none(pattern: str) -> str | None:
    try:
        return widened(pattern)
    except ValueError:
        return None


def widened(pattern: str) -> str:
    """Return an expression for RE2 that matches wherever a Python expression does. Raises: ValueError: it cannot be said."""
    tree = parser.parse(pattern)
    return _sequence(tree, _groups(tree), ignore_case=bool(tree.state.flags & re.IGNORECASE), is_last=True)


def literal_of(pattern: str) -> str | None:
    """Return an expression for the longest literal that every match of an expression holds, or None where it is short."""
    tree = parser.parse(pattern)
    found = _literals(tree, ignore_case=bool(tree.state.flags & re.IGNORECASE))
    return None if found is None else f"(?:{'|'.join(sorted(found))})"


def _literals(tree: Any, *, ignore_case: bool) -> set[str] | None:
    """Return literals of which each match of a sequence holds one, the longest that can be had."""
    candidates: list[tuple[int, set[str]]] = []
    run = ""
    for op, value in (*tree, (codes.AT, None)):
        if op is codes.LITERAL and value < _LETTER_EDGE:
            run += chr(value)
            continue
        if len(run) >= _MIN_LITERAL:
            plain = "".join(_character(ord(c)) for c in run)
            candidates.append((len(run), {f"(?i:{plain})" if ignore_case else plain}))
        run = ""
        inner: set[str] | None = None
        if op is codes.SUBPATTERN:
            within = (ignore_case or bool(value[1] & re.IGNORECASE)) and not value[2] & re.IGNORECASE
            inner = _literals(value[3], ignore_case=within)
        elif op in (codes.MAX_REPEAT, codes.MIN_REPEAT) and value[0] >= 1:
            inner = _literals(value[2], ignore_case=ignore_case)
        elif op is codes.BRANCH:
            branches = [_literals(branch, ignore_case=ignore_case) for branch in value[1]]
            inner = None if any(branch is None for branch in branches) else set().union(*filter(None, branches))
        if inner:
            candidates.append((min(len(literal) for literal in inner) // 5, inner))
    return max(candidates, key=lambda item: item[0])[1] if candidates else None


def _groups(tree: Any) -> dict[int, Any]:
    found: dict[int, Any] = {}
    stack = [tree]
    while stack:
        for op, value in stack.pop():
            if op is codes.SUBPATTERN:
                found[value[0]] = value[3]
                stack.append(value[3])
            elif op is codes.BRANCH:
                stack.extend(value[1])
            elif op in (codes.MAX_REPEAT, codes.MIN_REPEAT):
                stack.append(value[2])
            elif op in (codes.ASSERT, codes.ASSERT_NOT):
                stack.append(value[1])
    return found


def _sequence(tree: Any, groups: dict[int, Any], *, ignore_case: bool, is_last: bool = False) -> str:
    items = list(tree)
    # What stands behind the last character is a look-ahead only so that it is not replaced: here it is as good as text.
    end = len(items)
    while end and items[end - 1][0] in (codes.ASSERT, codes.ASSERT_NOT, codes.AT):
        end -= 1
    parts = [_item(op, value, groups, ignore_case=ignore_case) for op, value in items[:end]]
    ahead = next((value[1] for op, value in items[end:] if op is codes.ASSERT and value[0] > 0), None) if is_last else None
    if ahead is not None:
        parts.append(_sequence(ahead, groups, ignore_case=ignore_case, is_last=True))
    return "".join(parts)


def _item(op: Any, value: Any, groups: dict[int, Any], *, ignore_case: bool) -> str:
    if op in (codes.ASSERT, codes.ASSERT_NOT, codes.AT):
        return ""
    if op is codes.LITERAL:
        return f"(?i:{_character(value)})" if ignore_case and chr(value).isalpha() else _character(value)
    if op in (codes.IN, codes.NOT_LITERAL, codes.ANY):
        return _class(op, value, ignore_case=ignore_case)
    if op is codes.BRANCH:
        return "(?:" + "|".join(_sequence(branch, groups, ignore_case=ignore_case) for branch in value[1]) + ")"
    if op is codes.SUBPATTERN:
        _, added, removed, inner = value
        within = (ignore_case or bool(added & re.IGNORECASE)) and not removed & re.IGNORECASE
        return f"(?:{_sequence(inner, groups, ignore_case=within)})"
    if op is codes.GROUPREF:
        return f"(?:{_sequence(groups[value], groups, ignore_case=ignore_case)})"
    if op in (codes.MAX_REPEAT, codes.MIN_REPEAT):
        least, most, inner = value
        item = _sequence(inner, groups, ignore_case=ignore_case)
        is_single = len(inner) == 1 and inner[0][0] in (codes.IN, codes.LITERAL, codes.NOT_LITERAL, codes.ANY)
        if most is not codes.MAXREPEAT and most <= (_MAX_EXACT if is_single and "80" not in item else 3):
            return f"(?:{item}){{{least},{most}}}"
        return f"(?:{item}){{{min(least, 8)},}}" if item else ""
    raise ValueError(op)


def _character(code: int) -> str:
    return f"\\x{{{code:x}}}"


def _class(op: Any, value: Any, *, ignore_case: bool) -> str:
    """Return a class with the same ASCII characters; one that takes in anything beyond ASCII takes in all of it."""
    if op is codes.ANY:
        members, beyond = [code for code in range(_LETTER_EDGE) if code != ord("\n")], True
    elif op is codes.NOT_LITERAL:
        members, beyond = [code for code in range(_LETTER_EDGE) if code != value], True
    else:
        members = [code for code in range(_LETTER_EDGE) if _is_in(code, value)]
        beyond = any(o in (codes.NEGATE, codes.CATEGORY) for o, _ in value) or any(
            (o is codes.LITERAL and v >= _LETTER_EDGE) or (o is codes.RANGE and v[1] >= _LETTER_EDGE) for o, v in value
        )
    if ignore_case:
        members = sorted({ord(form) for code in members for form in (chr(code).lower(), chr(code).upper())})
    ranges = "".join(_character(code) for code in members) + (r"\x{80}-\x{10ffff}" if beyond else "")
    if not ranges:
        raise ValueError(op)
    return f"[{ranges}]"


def _is_in(code: int, items: Any) -> bool:
    character = chr(code)
    is_negated = bool(items) and items[0][0] is codes.NEGATE
    found = False
    for op, value in items:
        if op is codes.LITERAL:
            found = found or value == code
        elif op is codes.RANGE:
            found = found or value[0] <= code <= value[1]
        elif op is codes.CATEGORY:
            found = found or _CATEGORIES[value](character)
    return found != is_negated


_CATEGORIES: dict[Any, Callable[[str], bool]] = {
    codes.CATEGORY_DIGIT: str.isdigit,
    codes.CATEGORY_NOT_DIGIT: lambda c: not c.isdigit(),
    codes.CATEGORY_SPACE: str.isspace,
    codes.CATEGORY_NOT_SPACE: lambda c: not c.isspace(),
    codes.CATEGORY_WORD: lambda c: c.isalnum() or c == "_",
    codes.CATEGORY_NOT_WORD: lambda c: not (c.isalnum() or c == "_"),
}

"""What a policy says about single fields: a field that is kept, one that is replaced whole, one that blocks its session.

Paths start at the row, `arguments/customer/name` or `response/rows/*/notes`; `*` is one step, `**` any number of steps.
A kept field leaves the document before anything is looked for, and comes back afterwards, so that it passes as it is even
where its value was found elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

from trajectory_compiler.model import Json
from trajectory_compiler.redaction.policy import FieldRule

Path = tuple[str, ...]


class Fields:
    """The field rules of a policy. The first rule whose pattern matches a path decides."""

    def __init__(self, rules: Sequence[FieldRule]) -> None:
        self._rules = tuple((tuple(rule.pattern.strip("/").split("/")), rule.treatment) for rule in rules)

    def __bool__(self) -> bool:
        return bool(self._rules)

    @lru_cache(maxsize=4096)  # noqa: B019  # one object a policy, and policies are few
    def treatment(self, path: Path) -> str | None:
        """Return what happens to the value at a path, or None where no rule names it."""
        return next((treatment for pattern, treatment in self._rules if _matches(pattern, path)), None)

    def places(self, part: str, document: Json, max_depth: int) -> Iterator[tuple[Path, str, Json]]:
        """Yield path, treatment and value of every field that a rule names, outermost first, in document order."""
        stack: list[tuple[Path, Json]] = [((part,), document)]
        while stack:
            path, value = stack.pop()
            treatment = self.treatment(path)
            if treatment is not None:
                yield path, treatment, value
            elif len(path) <= max_depth:
                stack.extend(reversed([((*path, step), child) for step, child in _children(value)]))


def leaves(value: Json, max_depth: int) -> Iterator[Json]:
    """Yield the scalars below a value, in document order; what lies deeper than the limit is left to the scan."""
    stack = [(value, 0)]
    while stack:
        item, depth = stack.pop()
        children = [child for _, child in _children(item)]
        if children or isinstance(item, dict | list):
            if depth < max_depth:
                stack.extend((child, depth + 1) for child in reversed(children))
        elif item is not None and not isinstance(item, bool):
            yield item


def without(document: Json, path: Path) -> Json:
    """Return a copy of a document in which the value at a path (its first step is the document itself) is null."""
    if len(path) == 1:
        return None
    return _replaced(document, path[1:], None)


def with_value(document: Json, original: Json, path: Path, value: Json) -> Json:
    """Return a redacted document with a value put back at a path of the original: keys may have been renamed in between."""
    steps: list[str] = []
    here_old, here_new = original, document
    for step in path[1:]:
        if isinstance(here_old, dict) and isinstance(here_new, dict) and step in here_old and len(here_old) == len(here_new):
            new_step = list(here_new)[list(here_old).index(step)]
            here_old, here_new = here_old[step], here_new[new_step]
        elif isinstance(here_old, list) and isinstance(here_new, list) and int(step) < len(here_new):
            new_step = step
            here_old, here_new = here_old[int(step)], here_new[int(step)]
        else:  # the part around it could not be scanned and is gone
            return document
        steps.append(new_step)
    return _replaced(document, tuple(steps), value) if steps else value


def _replaced(document: Json, steps: Path, value: Json) -> Json:
    root: Json = _copied(document)
    here = root
    for step in steps[:-1]:
        key: str | int = int(step) if isinstance(here, list) else step
        here[key] = _copied(here[key])
        here = here[key]
    here[int(steps[-1]) if isinstance(here, list) else steps[-1]] = value
    return root


def _copied(value: Json) -> Json:
    return dict(value) if isinstance(value, dict) else list(value)


def _children(value: Json) -> list[tuple[str, Json]]:
    if isinstance(value, dict):
        return list(value.items())
    if isinstance(value, list):
        return [(str(number), child) for number, child in enumerate(value)]
    return []


def _matches(pattern: Path, path: Path) -> bool:
    """Say whether a pattern matches a whole path: the usual table of `**` patterns, row by row."""
    reached = {0}
    for step in path:
        following: set[int] = set()
        for place in _past_stars(pattern, reached):
            if place < len(pattern):
                if pattern[place] == "**":
                    following.add(place)
                elif pattern[place] in ("*", step):
                    following.add(place + 1)
        reached = following
    return len(pattern) in _past_stars(pattern, reached)


def _past_stars(pattern: Path, places: set[int]) -> set[int]:
    found = set(places)
    for place in places:
        while place < len(pattern) and pattern[place] == "**":
            place += 1
            found.add(place)
    return found

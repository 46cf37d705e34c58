"""How well readers were found to judge, for the quality report: whatever a calibration measured, without the reader's name.

{"wrong_answer": {"rate": 0.97, "interval": [0.93, 0.99], "cases": 84}, "kappa": 0.9}
->   wrong_answer 0.97 [0.93, 0.99] over 85   ·   kappa 0.9
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from typing import Any

from trajectory_compiler.reports.quality import Rate, ReaderCalibration
from trajectory_compiler.reports.suppression import rounded
from trajectory_compiler.reports.vocabulary import PROVIDERS, known
from trajectory_compiler.store.figures import ReadCalibration

_PLAIN_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_WORD = re.compile(r"[a-z0-9]{3,}")
# Words that the names of figures are made of: they stay, even where a tool or an agent has one of them in its name.
OWN_WORDS = frozenset(
    """
    abstained abstention accepted adjacent agreement all ambiguous anchor answer answers baseline calls cases closed
    constant cost detection distant error evidence exact fault faults false full high holds judge judged kappa leaked
    low miss necessary near only overall pairs per planted rate reader reading rejection score sessions shifted share
    sufficient swapped threshold tokens topical total true truth turn unique unleaked unshortcut value verdict wrong
    """.split()
)


def calibrated(stored: Iterable[ReadCalibration], names: Iterable[str], k: int) -> tuple[ReaderCalibration, ...]:
    """Return the calibrations as a report shows them: readers numbered, figures under their own plain names.

    `names` are those that came from outside: of sources, sessions, agents, tools, models.
    """
    made = []
    words = words_of(names)
    for number, item in enumerate(stored, start=1):
        rates = tuple(rate for rate in _rates(item.figures, (), words, k) if rate is not None)
        provider = known(item.reader.partition(":")[0], PROVIDERS)
        made.append(ReaderCalibration(reader=f"reader {number}", provider=provider, rates=rates))
    return tuple(made)


def _rates(value: Any, path: tuple[str, ...], words: frozenset[str], k: int) -> Iterator[Rate | None]:
    """Yield the figures of a calibration, whatever their form: numbers, and objects of a rate with its interval and cases.

    A key that is no plain name of a program, or shares a word with a name from outside, is not repeated.
    """
    if isinstance(value, dict):
        rate = _first_number(value, ("rate", "value"))
        if rate is not None and path:
            yield _rate(".".join(path), rate, value, k)
            return
        for key, child in value.items():
            if str(key).endswith(("_low", "_high")):
                continue
            low, high = _number(value.get(f"{key}_low")), _number(value.get(f"{key}_high"))
            if low is not None and high is not None and (number := _number(child)) is not None:
                yield Rate(name=".".join((*path, _plain(str(key), words))), value=number, low=low, high=high)
                continue
            yield from _rates(child, (*path, _plain(str(key), words)), words, k)
    elif path and isinstance(value, int) and not isinstance(value, bool) and value > 1:
        if (count := rounded(value, value, k)) is not None:
            yield Rate(name=".".join(path), value=float(count))
    elif path and (number := _number(value)) is not None:
        yield Rate(name=".".join(path), value=number)


def words_of(names: Iterable[str]) -> frozenset[str]:
    """Return the words that names from outside are made of, but for those that this program uses itself."""
    return frozenset(word for name in names for word in _WORD.findall(name.casefold())) - OWN_WORDS


def _plain(key: str, words: frozenset[str]) -> str:
    return key if _PLAIN_NAME.fullmatch(key) and words.isdisjoint(key.split("_")) else "other"


def _rate(name: str, value: float, given: dict[Any, Any], k: int) -> Rate | None:
    cases = _first_number(given, ("cases", "count", "n", "of", "trials", "total"))
    if cases is not None and cases < k:
        return None  # a rate over so few says something about each of them
    interval: list[Any] = next((given[key] for key in ("interval", "ci", "bounds") if isinstance(given.get(key), list)), [])
    low, high = (_number(interval[0]), _number(interval[-1])) if len(interval) == 2 else (None, None)
    return Rate(
        name=name,
        value=value,
        low=_first_number(given, ("low", "lower")) if low is None else low,
        high=_first_number(given, ("high", "upper")) if high is None else high,
        cases=None if cases is None else rounded(int(cases), k, k),
    )


def _first_number(given: dict[Any, Any], keys: Iterable[str]) -> float | None:
    return next((number for key in keys if (number := _number(given.get(key))) is not None), None)


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return round(float(value), 4)

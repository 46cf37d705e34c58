"""Faster look-ups for long sessions: what the kernel's `Session` finds by trying every turn, found from an index of words.

A compile run proves with them, for a session of 10,000 turns has hundreds of claims; `trajc verify` proves without, by the
kernel alone. Both give the same proofs: `near` leaves out no turn in which a value occurs, `found_first` ranks by one formula.

A value occurs in a text only where no letter and no digit continues it (see `dataflow.program`). So its words, runs of letters
and digits, are words of the text, and the turns that have its rarest word are all that need be tried.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from functools import cached_property
from typing import NamedTuple

from trajectory_compiler.dataflow.program import Field
from trajectory_compiler.model import Turn
from trajectory_compiler.verification.evaluate import WORD, Reading, Session

MAX_FIELDS = 300  # whose texts are remembered at once
SHORT = 64  # a session of so many turns is as quickly tried turn by turn
_SLACK = 1e-6  # far above what is lost in rounding, far below what tells turns apart


def session_for_many(turns: Iterable[Turn]) -> Session:
    """Return a session to prove many claims on: with an index where it is long."""
    known = tuple(turns)
    return Session(known) if len(known) <= SHORT else IndexedSession(known)


class _Posting(NamedTuple):
    """The places of the turns that show a word, and how often each shows it."""

    places: list[int]
    counts: list[int]


class _Term(NamedTuple):
    rarity: float
    places: list[int]
    counts: list[int]

    def count(self, place: int) -> int:
        """Return how often the turn at a place shows the word."""
        at = bisect_left(self.places, place)
        return self.counts[at] if at < len(self.places) and self.places[at] == place else 0


class IndexedSession(Session):
    """A session that looks values and words up. Cost: one pass over the turns for the first, then about what is found."""

    @cached_property
    def _in_text(self) -> dict[str, list[int]]:
        """The turns in whose text a word stands, as it is or case folded."""
        found: dict[str, list[int]] = {}
        for view in self.views:
            for word in {*WORD.findall(view.text), *WORD.findall(view.text.casefold())}:
                found.setdefault(word, []).append(view.index)
        return found

    @cached_property
    def _shown(self) -> tuple[list[int], dict[str, _Posting]]:
        """How many words the turns before each place show, and where and how often each word is shown."""
        before, found = [0], dict[str, _Posting]()
        for place, view in enumerate(self.views):
            words = view.shown()
            before.append(before[-1] + len(words))
            for word, count in Counter(words).items():
                posting = found.get(word)
                if posting is None:
                    posting = found[word] = _Posting([], [])
                posting.places.append(place)
                posting.counts.append(count)
        return before, found

    @cached_property
    def _texts(self) -> dict[Field, dict[int, str | None]]:
        return {}

    def texts(self, turns: Iterable[int], field: Field) -> list[str]:
        """Return the text of a field in each of the turns where it has one. A field of a turn is read once."""
        if field.item is not None:
            return super().texts(turns, field)
        if len(self._texts) > MAX_FIELDS:
            self._texts.clear()
        known = self._texts.setdefault(field, {})
        found = [known[turn] if turn in known else known.setdefault(turn, self.at[turn].read(field)[0]) for turn in turns]
        return [text for text in found if text]

    def near(self, value: str, reading: Reading = "written") -> list[int]:
        """Return all turns in which a value can occur: those that have its rarest word."""
        any_case = reading == "any case"
        key = (value, reading) if any_case else value
        if key not in self.memo:
            words = WORD.findall(value.casefold() if any_case else value)
            turns = min((self._in_text.get(word, []) for word in words), key=len, default=self.order)
            self.memo[key] = turns if any_case else [turn for turn in turns if value in self.at[turn].text]
        return self.memo[key]

    def found_first(self, question: str, size: int) -> int:
        """Return the place that BM25 ranks first. Common words are looked up only for turns that they can lift to the top.

        A word gains a turn less than 2.2 times its rarity. From the rarest word on, all turns that show it are scored, until
        the words that are left cannot lift a turn without the rarer ones above the best.
        """
        before, postings = self._shown
        mean = max(1, before[size]) / size
        terms: list[_Term] = []
        for word in dict.fromkeys(WORD.findall(question.lower())):
            places, counts = postings.get(word, _Posting([], []))
            having = bisect_left(places, size)
            terms.append(_Term(math.log(1 + (size - having + 0.5) / (having + 0.5)), places[:having], counts))

        def gain(term: _Term, place: int, count: int) -> float:
            return term.rarity * count * 2.2 / (count + 1.2 * (0.25 + 0.75 * (before[place + 1] - before[place]) / mean))

        def score(place: int) -> float:  # in the order of the question, as the kernel adds up
            return sum(gain(term, place, count) for term in terms if (count := term.count(place)))

        scores: dict[int, float] = {}
        best, left = 0.0, 2.2 * sum(term.rarity for term in terms)
        for term in sorted(terms, key=lambda term: -term.rarity):
            if best > left + _SLACK:
                scores = {place: total for place, total in scores.items() if total + left > best - _SLACK}
                found = [(place, count) for place in scores if (count := term.count(place))]
            else:
                found = list(zip(term.places, term.counts, strict=False))
            for place, count in found:
                scores[place] = scores.get(place, 0.0) + gain(term, place, count)
            left -= 2.2 * term.rarity
            if scores:
                best = max(best, score(max(scores, key=scores.__getitem__)))
        return max(sorted(place for place, total in scores.items() if total > best - _SLACK), key=score, default=0)

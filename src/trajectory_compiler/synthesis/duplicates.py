"""Whether a session has a pair already: the same question, the same evidence, or the same answer asked for in like words.

Likeness is the Jaccard index of word pairs, computed exactly: MinHash estimates just that, for collections too large to
compare; a session has a few hundred pairs at most.
"""

from __future__ import annotations

from collections.abc import Iterable

from trajectory_compiler.model import Evidence, Pair, plain

MIN_LIKENESS = 0.5


class Known:
    """The pairs of one session so far, those of the dataflow included."""

    def __init__(self, pairs: Iterable[Pair] = ()) -> None:
        self._questions: set[str] = set()
        self._places: set[frozenset[tuple[int, str, tuple[int, int] | None]]] = set()
        self._facts: set[tuple[tuple[int, ...], str]] = set()
        self._shingles: dict[str, list[frozenset[tuple[str, str]]]] = {}
        for pair in pairs:
            self.add(pair)

    def add(self, pair: Pair) -> None:
        """Remember a pair."""
        answer = plain(pair.answer)
        self._questions.add(plain(pair.question))
        self._places.add(_places(pair.evidence))
        self._facts.add((pair.supporting_turns, answer))
        self._shingles.setdefault(answer, []).append(shingles(pair.question))

    def repeats(self, pair: Pair) -> str | None:
        """Return the reason why a pair is a duplicate, or None where it is new."""
        answer = plain(pair.answer)
        if plain(pair.question) in self._questions:
            return "same_question"
        if _places(pair.evidence) in self._places or (pair.supporting_turns, answer) in self._facts:
            return "same_evidence"
        own = shingles(pair.question)
        return "paraphrase" if any(likeness(own, o) >= MIN_LIKENESS for o in self._shingles.get(answer, ())) else None


def shingles(text: str) -> frozenset[tuple[str, str]]:
    """Return the neighbouring words of a text, two by two."""
    words = plain(text).split()
    return frozenset(zip(words, [*words[1:], ""], strict=True))


def likeness(one: frozenset[tuple[str, str]], other: frozenset[tuple[str, str]]) -> float:
    """Return the share of word pairs that two texts have in common: 1 for equal ones, 0 for strangers."""
    return len(one & other) / max(1, len(one | other))


def _places(evidence: Iterable[Evidence]) -> frozenset[tuple[int, str, tuple[int, int] | None]]:
    return frozenset((quote.turn, quote.path, quote.span) for quote in evidence)

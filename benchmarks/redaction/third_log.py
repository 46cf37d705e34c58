"""A third labelled log, made up here and held out: nothing of it was looked at while the rules were tuned.

It was written without a look at the rules. The texts stand in `third_log_texts/` as Jinja templates over four people of a
session (`a`, `b`, `c` and `d` of `third_log_people.py`), over secrets, which must go (`key(vendor)`, `password()`, `jwt()`,
`pem()`), and over look-alikes, which must stay (`x.order`, `x.sha`, ... of `third_log_filler.py`). People are the same
through a session, but their names and numbers are written now this way, now that. Same seed, same bytes.
"""

from __future__ import annotations

import random
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jinja2
import msgspec

from benchmarks.redaction import third_log_marks as marks
from benchmarks.redaction.labelled import LabelledRow
from benchmarks.redaction.third_log_filler import Harmless, Secrets
from benchmarks.redaction.third_log_people import Person

_TEXTS = Path(__file__).with_name("third_log_texts")
_LANGUAGES = {"en": 66, "de": 8, "fr": 8, "es": 6, "pl": 5, "it": 4, "nl": 3}
_START = datetime(2026, 2, 2, 7, 30, tzinfo=UTC)
_OWN_SHARE = 0.6  # of the rows of a session abroad; the others are English
_IN_STRINGS = 0.15  # of the rows have their arguments as JSON in a string


class Turn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A row to be: the strings of `arguments` and `response` are templates."""

    tool: str
    response: str | dict[str, object]
    agent: str = "desk-agent"
    language: str = "en"
    arguments: dict[str, object] = {}


class Deck:
    """Deals the turns of one language, each once before any comes again."""

    def __init__(self, rng: random.Random, turns: Sequence[Turn]) -> None:
        self._rng = rng
        self._turns = turns
        self._left: list[Turn] = []

    def deal(self) -> Turn:
        """Return the next turn."""
        if not self._left:
            self._left = list(self._turns)
            self._rng.shuffle(self._left)
        return self._left.pop()


class Writer:
    """Renders templates over the people of one session."""

    def __init__(self, rng: random.Random) -> None:
        self._environment = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False)
        self._environment.filters |= {
            "json": marks.as_json,
            "ascii_json": marks.as_ascii_json,
            "url": marks.as_url,
            "html": marks.as_html,
            "base64": marks.as_base64,
            "upper": marks.as_upper,
            "lower": marks.as_lower,
        }
        secrets = Secrets(rng)
        self._environment.globals |= {
            "x": Harmless(rng),
            "key": secrets.key,
            "password": secrets.password,
            "jwt": secrets.jwt,
            "pem": secrets.pem,
            "pick": lambda *choices: rng.choice(choices),
        }

    def written(self, value: object, people: Mapping[str, Person]) -> object:
        """Return a value with each template in it, keys included, rendered."""
        match value:
            case str():
                return self._environment.from_string(value).render(people).strip()
            case dict():
                return {self.written(key, people): self.written(part, people) for key, part in value.items()}
            case list():
                return [self.written(part, people) for part in value]
        return value


def turns() -> list[Turn]:
    """Read the texts."""
    files = (tomllib.loads(path.read_text(encoding="utf-8")) for path in sorted(_TEXTS.glob("*.toml")))
    return [turn for file in files for turn in msgspec.convert(file["turn"], list[Turn])]


def rows(seed: int = 730_119, sessions: int = 150) -> Iterator[LabelledRow]:
    """Yield the rows, a session after the other."""
    rng = random.Random(seed)
    every = turns()
    decks = {language: Deck(rng, [turn for turn in every if turn.language == language]) for language in _LANGUAGES}
    writer = Writer(rng)
    clock, number = _START, 0
    for _ in range(sessions):
        language = rng.choices(list(_LANGUAGES), list(_LANGUAGES.values()))[0]
        session = f"th-{rng.getrandbits(40):010x}"
        people = _cast(rng, language)
        for turn in _script(rng, decks, language):
            clock += timedelta(seconds=rng.randrange(5, 2_000))
            number += 1
            arguments = writer.written(turn.arguments, people)
            row = {
                "id": f"r{number:05}",
                "session_id": session,
                "created_at": clock.isoformat(),
                "agent": turn.agent,
                "tool": turn.tool,
                "arguments": marks.as_json(arguments) if rng.random() < _IN_STRINGS else arguments,
                "response": writer.written(turn.response, people),
            }
            raw, labels = marks.taken_out(marks.as_json(row))
            yield LabelledRow(session, raw, labels)


def _cast(rng: random.Random, language: str) -> dict[str, Person]:
    """Return the people of a session, no two of one family: `a` is whom it is mostly about, `d` lives in Britain."""
    people: dict[str, Person] = {}
    for name in "abcd":
        person = Person(rng, "en" if name == "d" else language)
        while person.family in {other.family for other in people.values()}:
            person = Person(rng, "en" if name == "d" else language)
        people[name] = person
    return people


def _script(rng: random.Random, decks: Mapping[str, Deck], language: str) -> list[Turn]:
    """Return 4 to 14 turns, mostly about 7."""
    length = round(rng.triangular(4, 14, 6))
    return [decks[language if rng.random() < _OWN_SHARE else "en"].deal() for _ in range(length)]

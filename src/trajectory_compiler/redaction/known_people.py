"""People in prose by lists of names: no key, title or verb beside them is needed.

    We agreed with Marek Nowicki that Adaeze sends the rest.    ->    Marek Nowicki, Adaeze

A run of capitalised words holds a full name where a known given name is followed by a word that may be a surname, or where a
known surname follows a word or an initial. A known name alone counts in prose only: inside a sentence, or where one goes on.
The lists (`rules/given_names.txt`, `rules/surnames.txt`) hold no word that is an ordinary word, a place or a product, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from trajectory_compiler.redaction import names
from trajectory_compiler.redaction.ner import is_prose

_PARTICLES = (
    "ap|ab|ferch|Ní|Ó|Nic|bint|abu|zum|zur|de|da|di|do|dos|del|della|van|von|der|den|ten|ter|la|le|bin|ibn|al|el|af|av|"
    "zu|y|mac|mc|ó|ní"
)
_UP = r"[^\W\d_a-zß-öø-ÿ]"
_ELIDED = r"(?:[dlDL]['’])?"  # `d'Aubigny`
_WORD = rf"{_ELIDED}{_UP}(?:\.(?![A-Za-z])|[\w'’]{{0,24}}(?:-[^\W\d_][\w'’]{{0,24}}){{0,2}})"
_RUN = re.compile(
    rf"(?<![\w@#/\\.&$-]){_WORD}(?:[ \u00a0](?:(?:{_PARTICLES})[ \u00a0]){{0,2}}{_WORD})*(?![\w@/\\=(\[{{]|[.-]\w|::)"
)
_TOKEN = re.compile(_WORD)
_MIXED = re.compile(r"[a-zß-öø-ÿ]['’]?[A-Z]")  # `RunE`, `GitHub`; not `McDonald`, `DeLuca` or `O'Hara`
_MIXED_NAME = re.compile(r"(?:Ma?c|De|Di|Du|Del|La|Le|Lo|Van|Von|Fitz|St|Al|El|Ben|Mc)[A-Z][a-z]+\Z")
_INNER = frozenset({"Van", "Von", "De", "Der", "Den", "La", "Le", "Al", "El", "Bin", "Ap", "Di", "Da", "Dos", "Del"})
_AFTER_PLACE = frozenset("san santa santo são saint los las new fort port mount lake".split())  # what stands behind is a place
_SHORT_FORM = re.compile(r"['’](?:ll|m|ve|d|re|t)\Z")  # `I'll`, `Don't`
_POSSESSIVE = ("'s", "’s", "'S")
_MAX_WORDS = 5
_MIN_LONE_GIVEN = 3
_MIN_LONE_SURNAME = 5
_SENTENCE_START = re.compile(r"(?:^|[.!?:;\n\r•*>|\"“”«»-])[\s\"'“”«(*>]{0,4}\Z")
# What follows a name that starts a sentence or a line: a verb, another name, the end, what somebody says.
_GOES_ON = re.compile(r"(?:['’]s)?(?:[,:!?]?[ \t]+[a-zA-Z\"“('0-9]|,[ \t]|[.!?]?[ \t]*(?:\Z|[\r\n]))")
_JOINED = re.compile(r",?[ \t](?:and|or|und|et|y|e|en|i|&|/|\+)[ \t]|,[ \t]{1,2}|[ \t]?[/&+][ \t]?")


_LONGEST_JOINT = 6
_Place = tuple[int, int]


class _Facts(NamedTuple):
    """What the lists say about a word."""

    is_initial: bool = False
    is_given: bool = False
    is_surname: bool = False
    is_place: bool = False
    is_usable: bool = False


class _Word(NamedTuple):
    """A capitalised word of a run: where it stands and what the lists say about it."""

    start: int
    end: int
    facts: _Facts


def known_people(text: str) -> Iterator[_Place]:
    """Yield where names of people stand that the lists know.

    Cost: one expression over the text, some look-ups for each run of capitalised words.
    """
    prose: bool | None = None
    found: list[_Place] = []
    unknown: list[_Place] = []
    for match in _RUN.finditer(text):
        words = [_word(token) for token in _TOKEN.finditer(text, match.start(), match.end())]
        if any(word.facts.is_given or word.facts.is_surname for word in words):
            if prose is None:
                prose = is_prose(text)
            found.extend(_people(text, words, prose=prose))
        elif len(words) == 1 and words[0].facts.is_usable and not match.group().isupper() and not words[0].facts.is_place:
            unknown.append((words[0].start, words[0].end))
    yield from found
    if found and unknown and prose:
        yield from _companions(text, found, unknown)


def _companions(text: str, found: list[_Place], unknown: list[_Place]) -> Iterator[_Place]:
    """Yield single unknown words that stand in one list with a person: `Okonkwo, Blenkinsop and Reed`."""
    known = set(found)
    chain: list[_Place] = []
    joints: list[str] = []
    for place in (*sorted((*found, *unknown)), (len(text) + 1, len(text) + 1)):
        gap = text[chain[-1][1] : place[0]] if chain else ""
        if chain and len(gap) <= _LONGEST_JOINT and _JOINED.fullmatch(gap):
            joints.append(gap)
        else:
            if any(joint.strip(" ,") for joint in joints) and not known.isdisjoint(chain):
                yield from (item for item in chain if item not in known)
            chain, joints = [], []
        chain.append(place)


def _people(text: str, words: list[_Word], *, prose: bool) -> Iterator[_Place]:
    """Yield the names of one run, from left to right."""
    place = 0
    while place < len(words):
        if text[words[place].start : words[place].end].lower() in _AFTER_PLACE:
            place += 2
            continue
        if not (words[place].facts.is_usable or words[place].facts.is_initial):
            place += 1
            continue
        end = place
        while end < len(words) and end - place < _MAX_WORDS and (words[end].facts.is_usable or words[end].facts.is_initial):
            end += 1
        part = words[place:end]
        if _is_name(text, part, prose=prose):
            yield part[0].start, part[-1].end
        place = end


def _is_name(text: str, part: list[_Word], *, prose: bool) -> bool:
    """Say whether usable words that follow each other are a name."""
    full = [word for word in part if not word.facts.is_initial]
    if not full:
        return False
    if len(part) >= 2:
        # A given name before another word, or a surname after a word or an initial; in code, both.
        is_led = any(word.facts.is_given for word in part[:-1]) and not part[-1].facts.is_initial
        is_closed = any(word.facts.is_surname and not before.facts.is_place for before, word in pairwise(part))
        return (is_led or is_closed) if prose else (is_led and is_closed)
    word = part[0]
    if not prose or not (word.facts.is_given or word.facts.is_surname):
        return False
    shortest = _MIN_LONE_GIVEN if word.facts.is_given else _MIN_LONE_SURNAME
    if word.end - word.start < shortest or text[word.start : word.end].isupper():
        return False
    if _SENTENCE_START.search(text, max(0, word.start - 6), word.start):
        return word.facts.is_given and _GOES_ON.match(text, word.end) is not None
    return True


def _word(token: re.Match[str]) -> _Word:
    surface = token.group()
    if surface.endswith(_POSSESSIVE):
        surface = surface[:-2]
    surface = surface.rstrip("'’")
    return _Word(token.start(), token.start() + len(surface), _facts(surface))


@lru_cache(maxsize=65536)
def _facts(surface: str) -> _Facts:
    if len(surface.rstrip(".")) == 1:
        return _Facts(is_initial=True)
    if _SHORT_FORM.search(surface) or (_MIXED.search(surface) and not _MIXED_NAME.match(surface)):
        return _Facts()
    parts = [part for part in re.split(r"[-'’]", names.fold(surface)) if part] or [""]
    whole = "".join(parts)
    surnames = names.word_list("surnames")
    is_given = parts[0] in names.word_list("given_names")
    is_surname = whole in surnames or parts[-1] in surnames
    is_ordinary = whole in names.word_list("ordinary_words") or not names.is_name_word(surface)
    is_ordinary = is_ordinary and surface not in _INNER
    return _Facts(
        is_given=is_given,
        is_surname=is_surname,
        is_place=whole in names.word_list("places"),
        is_usable=is_given or is_surname or not is_ordinary,
    )

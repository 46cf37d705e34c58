"""From the values that were found to every form in which a session repeats them: the second of the two passes.

    found: Eric Duncan, eduncan@example.com, 18/09/1964, 943-476-5919
    looked for: DUNCAN, Eric / E. Duncan / Duncan / Eric / eduncan / 1964-09-18 / 18 September 1964 / 9434765919 / ...

All forms of one person have one pseudonym. A first name alone belongs to the only person of the session who bears it; where
two do, it is a person of its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from trajectory_compiler.redaction import names
from trajectory_compiler.redaction.checks import normal_form
from trajectory_compiler.redaction.dates import date_forms
from trajectory_compiler.redaction.needles import Needles
from trajectory_compiler.redaction.policy import Kind

# How the compact form of an identifier is written in groups.
_GROUPS: dict[Kind, tuple[tuple[int, ...], ...]] = {
    "NHS_NUMBER": ((3, 3, 4),),
    "NINO": ((2, 2, 2, 2, 1), (2, 6, 1)),
    "UTR": ((5, 5),),
    "SORT_CODE": ((2, 2, 2),),
    "ACCOUNT": ((4, 4),),
    "SSN": ((3, 2, 4),),
    "IBAN": ((4,) * 9,),
    "CARD": ((4, 4, 4, 4, 3), (4, 6, 5)),
}
_AS_WORDS = frozenset({"PERSON", "USERNAME", "ADDRESS", "POSTCODE", "DOB", "VEHICLE", "SORT_CODE", "ACCOUNT", "IP"})
_MIN_WORD = 3
_MIN_LOCAL_PART = 4

_Key = tuple[str, str]  # the folded given name and surname


def stands_alone(kind: Kind) -> bool:
    """Say whether values of a kind are looked for as whole words only: a surname is no part of a longer one."""
    return kind in _AS_WORDS


def add_identifier_forms(needles: Needles, kind: Kind, surface: str) -> None:
    """Add the forms of one found value that no other value influences: groups, cases, date formats."""
    if kind == "DOB":
        needles.add_forms(surface, date_forms(surface))
    elif kind == "EMAIL":
        plain = surface.replace("%40", "@")
        needles.add_forms(surface, {plain, plain.lower(), plain.upper(), plain.replace("@", "%40"), plain.replace("@", " at ")})
    elif kind in ("POSTCODE", "VEHICLE"):
        compact = normal_form(kind, surface)
        place = len(compact) - 3
        spaced = f"{compact[:place]} {compact[place:]}"
        needles.add_forms(surface, {compact, spaced, compact.lower(), spaced.lower()})
    elif kind == "ADDRESS" and " " in surface:
        needles.add_forms(surface, {surface.upper(), surface.lower(), surface.replace(",", ""), surface.replace(", ", ",")})
    elif kind in _GROUPS:
        needles.add_forms(surface, _grouped(normal_form(kind, surface), _GROUPS[kind]), word=stands_alone(kind))
    elif kind in ("PHONE", "PASSPORT", "DRIVING_LICENCE", "VAT_NUMBER", "COUNCIL_TAX"):
        compact = normal_form(kind, surface)
        if kind == "PHONE" and len(compact) == 10:
            needles.add_forms(surface, {f"0{compact}", f"+44{compact}", f"0044{compact}", f"44{compact}"}, word=False)
        elif len(compact) >= 7:
            needles.add_forms(surface, {compact}, word=False)


def mail_names(address: str) -> tuple[str | None, str | None]:
    """Return the account name and the person's name that the local part of a mail address gives away, where it does."""
    local = address.replace("%40", "@").partition("@")[0].partition("+")[0]
    account = local if len(local) >= _MIN_LOCAL_PART and names.is_username(local) and names.is_account_word(local) else None
    parts = [part for part in local.replace("_", ".").replace("-", ".").split(".") if part]
    if len(parts) == 2 and all(part.isalpha() and len(part) > 2 and names.is_name_word(part) for part in parts):
        return account, " ".join(part.capitalize() for part in parts)
    return account, None


def person_forms(needles: Needles, people: Iterable[str]) -> tuple[dict[str, str], set[str]]:
    """Add the forms of all people of a session.

    Returns what each found spelling is a spelling of, as a normal form, and the single names that several people bear.
    """
    spellings = sorted(set(people), key=lambda name: (-len(names.tokens(name)), name))
    groups: dict[_Key, list[str]] = {}
    partial: list[str] = []
    for spelling in spellings:
        words = _ordered(spelling)
        if len(words) >= 2 and all(len(word.strip(".")) > 1 for word in (words[0], words[-1])):
            key = _key(words, groups)
            groups.setdefault(key, []).append(spelling)
        else:
            partial.append(spelling)
    normal = {key: normal_form("PERSON", f"{spelled[0]}") for key, spelled in groups.items()}
    canonical = {spelling: normal[key] for key, spelled in groups.items() for spelling in spelled}
    bearers: dict[str, set[_Key]] = defaultdict(set)
    for key in groups:
        for word in {*key, *key[1].split("-")}:
            bearers[word].add(key)
    for spelling in partial:
        owner = _owner(spelling, bearers, groups)
        if owner is not None:
            canonical[spelling] = normal[owner]
        needles.add_forms(spelling, names.name_forms(spelling) if len(names.tokens(spelling)) > 1 else _lone(spelling))
    for spelled in groups.values():
        for spelling in spelled:
            needles.add_forms(spelled[0], names.name_forms(" ".join(_ordered(spelling))))
    shared: set[str] = set()
    for key, spelled in groups.items():
        for form in sorted({form for spelling in spelled for form in names.lone_forms(" ".join(_ordered(spelling)))}):
            is_only = bearers.get(names.fold(form), {key}) == {key}
            needles.add_forms(spelled[0] if is_only else form, {form})
            if not is_only:
                shared.add(form)
    return canonical, shared


def account_names(people: Iterable[str]) -> Iterator[str]:
    """Yield the account names that the full names of a session are made into."""
    for spelling in people:
        yield from sorted(names.account_forms(" ".join(_ordered(spelling))))


def _ordered(spelling: str) -> list[str]:
    """Return the words of a name, the given name first: `Duncan, Eric` is written the other way round."""
    last, comma, first = spelling.partition(",")
    return [*names.tokens(first), *names.tokens(last)] if comma else names.tokens(spelling)


def _key(words: list[str], groups: Mapping[_Key, object]) -> _Key:
    given, last = names.fold(words[0]), names.fold(words[-1])
    return (last, given) if (last, given) in groups else (given, last)


def _owner(spelling: str, bearers: Mapping[str, set[_Key]], groups: Mapping[_Key, object]) -> _Key | None:
    words = [names.fold(word).strip(".") for word in _ordered(spelling)]
    if len(words) == 1:
        found = bearers.get(words[0], set())
    else:
        found = {key for key in groups if key[1] in words and any(w and key[0].startswith(w) for w in words if w != key[1])}
    return next(iter(found)) if len(found) == 1 else None


def _lone(spelling: str) -> set[str]:
    words = names.tokens(spelling)
    is_usable = len(words) == 1 and len(words[0]) >= _MIN_WORD and names.is_name_word(words[0])
    return names.name_forms(words[0]) if is_usable else set()


def _grouped(compact: str, groupings: tuple[tuple[int, ...], ...]) -> set[str]:
    forms = {compact}
    for grouping in groupings:
        parts, place = [], 0
        for width in grouping:
            if place < len(compact):
                parts.append(compact[place : place + width])
                place += width
        if place >= len(compact):
            forms |= {" ".join(parts), "-".join(parts)}
    return forms | {form.lower() for form in forms}

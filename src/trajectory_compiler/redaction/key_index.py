"""Which values the key rules of a policy find: under keys, in columns, and after a name in running text (`dob: 1964-09-18`)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import reduce
from typing import NamedTuple
from urllib.parse import unquote_plus

from trajectory_compiler.redaction.checks import CHECKS
from trajectory_compiler.redaction.identifier_checks import is_gb_phone, is_nhs_number, is_utr
from trajectory_compiler.redaction.keys import WRAPPERS, kind_of_key, words_of_key
from trajectory_compiler.redaction.keys import keyed_span as builtin_span
from trajectory_compiler.redaction.policy import KeyRule, Kind, Policy

_LONGEST_KEY = 120
_MAX_KEYS = 50_000
_SEPARATOR = re.compile(r"(?::=|=>|(?<![=!<>])=(?![=~])|:(?![:/])| \||(?<=\w) (?:is|was):? )[ \t]{0,3}(?=\S)")
_NAME = re.compile(r"[^\W\d_][\w.-]{0,40}(?: [^\W\d_][\w-]{0,20}){0,3}\Z")
_QUOTED = re.compile(r"\\?(?P<quote>[\"'`])(?P<value>[^\"`\n\\]{1,200}?)\\?(?P=quote)(?!\w)")
_BARE = re.compile(r"[^\s\"'`,;&|<>{}\[\]()][^\n\"`,;&|<>{}\[\]]{0,120}")
_LONGEST_NAME = 64
_EDGE = re.compile(r"(?![\w-])")
# Names of an index: what it is by are its own keys. `callsByPhone`, `phone_index`, `nhs_to_patient`, `accountNumbers`.
_BY = frozenset({"by", "per"})
_INDEX_WORDS = frozenset("index map mapping lookup cache table dict counts seen registry hits list".split())
_FREE = frozenset({"PERSON", "ADDRESS", "USERNAME", "SECRET"})  # any word could be one: only `by_name` says that keys are
_OPAQUE = re.compile(r"(?=[^0-9]*[0-9])(?=[^A-Za-z]*[A-Za-z])[^\s<>]{8,}")
_CODE_OF_A_CARD = re.compile(r"(?i)(?:cv[vcn]2?|csc|security[_ -]?code)\Z")
_THREE_DIGITS = re.compile(r"[0-9]{3,4}")
_LOGINS = frozenset({"user", "username", "login", "uid", "usr", "ruser", "euser"})
_DIGITS = re.compile(r"[0-9]{10,11}")
_TIMESTAMPS = range(1_000_000_000, 2_200_000_000)
_PARAMETER = re.compile(r"[^&#\s\"'<>]{1,400}")  # what stands behind a name in a query
# Capitalised words, titles and particles between them: what could be a name at the beginning of running text.
_TITLE = r"(?:(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Professor|Sir|Dame|Cllr|Rev|Herr|Frau|Mme|Señora?|Sra?)\.? )?"
_PARTICLES = r"(?:(?:de|da|di|do|dos|del|della|van|von|der|den|ten|ter|la|le|bin|ibn|al|el|af|av|zu) ){0,2}"
_WORD = rf"{_PARTICLES}(?:[dl]['’])?[^\W\d_a-zß-öø-ÿ][\w'’.-]{{0,30}}"
_NAMES = re.compile(rf"{_TITLE}(?P<value>{_WORD}(?: {_WORD}){{0,4}})(?![\w(\[{{@/\\=]|::|\.\w)")
# How a check of a whole leaf reads the beginning of running text: a name is as long as its words are.
_LEADING = {"keyed_name": "full_name", "keyed_name_part": "person", "keyed_full_name": "full_name"}
_PHONE = re.compile(r"[+(]{0,2}[0-9][0-9 ()./-]{5,20}[0-9](?: ?x[0-9]{1,5})?(?![\w]|[-/.:][0-9])")
# An address on a line of its own: a house number first, or commas; a sentence ends it.
_ADDRESS_LINE = re.compile(
    r"(?=(?:[A-Za-z]+\.? )?[0-9]{1,5}[A-Za-z]?,? [^\W\d_]|[^\n,|;]{3,40}, )(?!(?i:the|a|an|your|my|our|this|same|as|not|see) )"
    r"[^\n|;<>{}\[\]\"\\.?!]{6,120}(?<![\s,])"
)
_ACCOUNT = re.compile(r"[a-z][a-z0-9._-]{2,40}[a-z0-9](?=[\s\"'\]|]|$)")  # in code, a sign follows
_CARD = re.compile(r"[0-9](?:[ -]?[0-9]){11,18}(?![\w]|[-.][0-9])")


class Meaning(NamedTuple):
    """What stands under a key. `value` is None for the kinds that `keys.py` knows by itself.

    `leading` says, of a person, how many characters at the beginning of running text are the name. `other` is what else may
    stand under the same key: `user` is a name or an account.
    """

    kind: Kind
    value: re.Pattern[str] | None = None
    check: Callable[[str], int] = len
    spread: bool = True
    leading: Callable[[str], int] | None = None
    other: Meaning | None = None

    def fitting(self, text: str, *, number: bool = False) -> Meaning:
        """Return which of the meanings of a key a leaf has; the first where it has none."""
        meaning: Meaning | None = self
        while meaning is not None:
            if keyed_span(text, meaning, number=number):
                return meaning
            meaning = meaning.other
        return self


class KeyIndex:
    """The key rules of a policy, by the last words of the names that they cover."""

    def __init__(self, policy: Policy) -> None:
        self._reads_keys = bool(policy.key_names)
        self.has_rules = bool(policy.key_rules)
        self._rules: dict[tuple[str, ...], list[tuple[KeyRule, Meaning, bool]]] = {}
        self._longest = 0
        for rule in policy.key_rules:
            leading = CHECKS[_LEADING[rule.check]] if rule.check in _LEADING else None
            meaning = Meaning(rule.kind, re.compile(rule.value), CHECKS[rule.check], rule.spread, leading)
            for name in rule.keys:
                words = tuple(words_of_key(name.removeprefix("=")))
                self._longest = max(self._longest, len(words))
                self._rules.setdefault(words, []).append((rule, meaning, name.startswith("=")))
        self._stems = frozenset(words[-1] for words in self._rules)
        self._joined: dict[str, tuple[str, ...]] = {}
        for words in self._rules:
            self._joined.setdefault("".join(words), words)
        self._endings: dict[str, bool] = {}
        self._naming: dict[str, Meaning | None] = {}
        self._known: dict[tuple[str, frozenset[str] | None], Meaning | None] = {}

    def meaning(self, key: str, beside: frozenset[str] | None = None) -> Meaning | None:
        """Return what stands under a key of an object with the keys `beside`, or None where the name says nothing."""
        beside = beside or frozenset()
        if (key, None) in self._known:
            return self._known[key, None]
        if (key, beside) in self._known:
            return self._known[key, beside]
        meaning, depends = self._look_up(key, beside)
        if len(self._known) >= _MAX_KEYS:
            self._known.clear()
        self._known[key, beside if depends else None] = meaning
        return meaning

    def below(self, key: str, beside: frozenset[str], above: Meaning | None) -> Meaning | None:
        """Return what stands under a key inside a value of which the key above says `above`."""
        return self.meaning(key, beside) or (above if above and key.lower() in WRAPPERS else None)

    def naming(self, key: str) -> Meaning | None:
        """Return what the keys of the object under a key are, or None where its name says nothing about them."""
        if key not in self._naming:
            if len(self._naming) >= _MAX_KEYS:
                self._naming.clear()
            self._naming[key] = self._look_up_naming(words_of_key(key[:_LONGEST_KEY]))
        return self._naming[key]

    def _look_up_naming(self, words: list[str]) -> Meaning | None:
        place = max((at for at, word in enumerate(words) if word in _BY), default=-1)
        if place >= 0:
            return self.meaning(" ".join(words[place + 1 :]))
        if "to" in words[1:]:
            words = words[: words.index("to", 1)]
        while len(words) > 1 and words[-1] in _INDEX_WORDS:
            words = words[:-1]
        name = " ".join(words)
        meaning = self.meaning(name) or (self.meaning(name[:-1]) if name.endswith("s") else None)
        if meaning is not None and meaning.kind == "SECRET":
            return Meaning("SECRET", _OPAQUE)
        return meaning if meaning is not None and meaning.kind not in _FREE else None

    def spans(self, text: str) -> Iterator[tuple[int, int, Kind]]:
        """Yield where, in running text, values stand that their name introduces.

        Cost: a look-up for each sign that could stand between a name and its value.
        """
        for match in _SEPARATOR.finditer(text):
            end = match.start()
            base = max(0, end - _LONGEST_NAME)
            before = text[base:end].rstrip(" \t\"'`]\\.*_")
            last = before[max(before.rfind(" "), before.rfind("\n"), before.rfind("\t"), before.rfind('"')) + 1 :]
            if not self.covers(last):
                continue
            name = _NAME.search(before)
            meaning = self.meaning(name.group()) if name else None
            if meaning is None and name is not None and match.group() == "=":
                meaning = self.meaning(last)  # `WARN auth user=mlopez7`: what stands before is no part of the name
            if name is None or meaning is None or meaning.kind == "SECRET":
                continue  # secrets in text have a family of their own
            span, start = None, match.end()
            parameter = _PARAMETER.match(text, start) if match.group()[0] == "=" else None
            if parameter and _in_query(text, base + name.start(), parameter):
                decoded = unquote_plus(parameter.group())
                meaning = meaning.fitting(decoded)
                span = (0, len(parameter.group())) if keyed_span(decoded, meaning) else None
            if span is None and (quoted := _QUOTED.match(text, start)):
                meaning = meaning.fitting(quoted["value"])
                span, start = keyed_span(quoted["value"], meaning), quoted.start("value")
            elif span is None and (bare := _BARE.match(text, start)):
                span, meaning = _bare_value(bare.group(), meaning, is_login=match.group() == "=" and last in _LOGINS)
            if span:
                yield start + span[0], start + span[1], meaning.kind

    def covers(self, word: str) -> bool:
        """Say whether a key rule covers some name that ends with this word: remembered, since texts repeat themselves."""
        known = self._endings.get(word)
        if known is None:
            words = words_of_key(word[-_LONGEST_KEY:])
            known = bool(words) and (
                words[-1] in self._stems
                or "".join(words[-2:]) in self._joined
                or (self._reads_keys and kind_of_key(word) in ("PHONE", "CARD"))
            )
            if len(self._endings) >= _MAX_KEYS:
                self._endings.clear()
            self._endings[word] = known
        return known

    def _look_up(self, key: str, beside: frozenset[str] | None) -> tuple[Meaning | None, bool]:
        if self._reads_keys and (kind := kind_of_key(key)):
            if kind == "SECRET" and _CODE_OF_A_CARD.search(key):  # three digits, as a number too
                return Meaning(kind, _THREE_DIGITS, other=Meaning(kind)), False
            return Meaning(kind), False
        words = words_of_key(key[:_LONGEST_KEY])
        depends = False
        for length in range(min(self._longest + 1, len(words)), 0, -1):
            ending = self._joined.get("".join(words[-length:]), ())  # `DoB`, `Post Code` and `postcode` are one name
            fitting: list[Meaning] = []
            for rule, meaning, whole in self._rules.get(ending, ()):
                if whole and len(words) != length:
                    continue
                if rule.beside:
                    depends = True
                    if not beside or not any(_ends_with(name, end) for name in beside for end in rule.beside):
                        continue
                fitting.append(meaning)
            if fitting:
                return reduce(lambda other, first: first._replace(other=other), reversed(fitting)), depends
        return None, depends


def identifier_key(digits: str) -> Meaning | None:
    """Return what a dictionary key of digits is that its check digit or its number plan betrays; a point in time is none."""
    if len(digits) == 10 and int(digits) not in _TIMESTAMPS:
        kind = "NHS_NUMBER" if digits[0] in "467" and is_nhs_number(digits) else "UTR" if is_utr(digits) else ""
    else:
        kind = "PHONE" if len(digits) == 11 and digits[0] == "0" and is_gb_phone(digits) else ""
    return Meaning(kind, _DIGITS) if kind else None


def keyed_span(text: str, meaning: Meaning, *, number: bool = False) -> tuple[int, int] | None:
    """Return where, in a leaf under a key of this meaning, the value stands, or None where the leaf holds none."""
    if meaning.value is None:
        return builtin_span(text, meaning.kind, number=number)
    bare = text.strip()
    if not meaning.value.fullmatch(bare) or meaning.check(bare) != len(bare):
        return None
    start = len(text) - len(text.lstrip())
    return start, start + len(bare)


def _bare_value(text: str, meaning: Meaning, *, is_login: bool) -> tuple[tuple[int, int] | None, Meaning]:
    """Return which of the meanings of a name an unquoted value has, and where it stands.

    An account of letters alone counts only where somebody logs in: `owner: acme` is a company, `user=mlopez` is somebody.
    """
    one: Meaning | None = meaning
    while one is not None:
        span = _bare_span(text, one)
        if span and (one.kind != "USERNAME" or is_login or not text[: span[1]].isalpha()):
            return span, one
        one = one.other
    return None, meaning


def _bare_span(text: str, meaning: Meaning) -> tuple[int, int] | None:
    """Return where an unquoted value ends that starts a text: at the end of the longest match that is a whole word."""
    if meaning.kind == "PERSON":
        name = _NAMES.match(text)
        length = meaning.leading(name["value"]) if name and meaning.leading else 0
        return (name.start("value"), name.start("value") + length) if name and length else None
    if meaning.value is None:
        number = (_PHONE if meaning.kind == "PHONE" else _CARD).match(text)
        is_value = number is not None and (meaning.kind != "PHONE" or CHECKS["phone_any"](number.group()))
        return number.span() if number and is_value else None
    if meaning.kind == "ADDRESS":
        line = _ADDRESS_LINE.match(text)
        is_address = line is not None and meaning.value.fullmatch(line.group()) and meaning.check(line.group())
        return line.span() if line and is_address else None
    if meaning.kind == "USERNAME":
        account = _ACCOUNT.match(text)
        return account.span() if account and CHECKS["account"](account.group()) else None
    match = meaning.value.match(text)
    if not match or not match.group() or not _EDGE.match(text, match.end()):
        return None
    value = match.group().rstrip(" .-")
    return (0, len(value)) if value and meaning.check(value) == len(value) else None


def _in_query(text: str, start: int, value: re.Match[str]) -> bool:
    """Say whether a name and its value are a parameter of a URL or of a form's body."""
    if start:
        return text[start - 1] in "?&"
    return text[value.end() : value.end() + 1] == "&"


def _ends_with(name: str, end: str) -> bool:
    words, wanted = words_of_key(name[:_LONGEST_KEY]), words_of_key(end)
    return words[-len(wanted) :] == wanted

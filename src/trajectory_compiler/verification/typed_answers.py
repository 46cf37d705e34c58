"""Whether an answer holds one value of a type, and whether it is the right one: what `grading` asks for all but free text.

    is_number("1204.5", "The total is £1,204.50.")    -> True
    is_number("5", "5 or six"), is_number("5", "5+")  -> False: a second value, a hedge
    is_change("65 -> 166", "it rose from 65 to 166")  -> True

The form is read as people write it: thousands with commas, points, spaces or apostrophes, currency signs, units, number words,
quotes, dates with names of months, a short sentence around the value. What stands beside the value may not take it back, and
may not name another: an answer that denies, hedges or lists is wrong, however right a part of it is.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation

import msgspec

from trajectory_compiler.model import plain

MAX_WORDS = 12  # around a value; what says more than that is no answer of one value
_QUOTES = " \"'`“”‘’*"
_DOUBT = re.compile(
    r"\b(?:not?|never|neither|nor|none|nothing|without|except|excluding|but|instead|rather|unlike|false|wrong|incorrect|untrue"
    r"|and|or|either|other|another|else|between|maybe|perhaps|possibly|probably|likely|might|could|unsure|guess|unknown|both"
    r"|about|around|approx\w*|roughly|nearly|almost|circa|some|least|most|more|less|fewer|over|under|above|below|than|up|beyond"
    r"|twice|double|triple|half|quarter|plus|minus|squared|percent(?:age)? points?|isnt|wasnt|cannot)\b"
    r"|n['’]t\b|[~≈±<>≤≥?+&|≠=^/]|->|→",
    re.IGNORECASE,
)
_DOUBT_OF_TIME = re.compile(r"\b(?:before|after|since|until|till|by|from|to|through|earlier|later|past)\b", re.IGNORECASE)

_GROUPED = r"\d{1,3}(?:,\d{3})+|\d{1,3}(?:[ '’_]\d{3})+"
_NUMBER = re.compile(
    rf"(?<![\w.,-])(?P<sign>(?:minus |negative )|[-−])?[£$€¥]?(?P<value>(?:{_GROUPED}|\d+)(?:\.\d+)?"
    r"|\d{1,3}(?:\.\d{3})+,\d{1,2}|\d+,\d{1,2}|\.\d+)(?:(?![\w]|[.,]+\d|\.\.)|(?=(?:ms|min|kg|km|cm|mm|[kmgt]i?b|usd|gbp|eur|[shdgm])(?!\w)))",
    re.IGNORECASE,
)
_SCALE = re.compile(r"\b(?:hundreds?|thousands?|millions?|billions?|dozens?|scores?|k)\b", re.IGNORECASE)
_COUNTED = dict(
    zip(
        (
            "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
            " eighteen nineteen twenty"
        ).split(),
        map(Decimal, range(21)),
        strict=True,
    )
)
_TENS = frozenset("thirty forty fifty sixty seventy eighty ninety".split())
_UNIT = re.compile(r"(?P<before>[£$€¥]|\b(?:GBP|USD|EUR|JPY|CHF)) ?$|^ ?(?P<after>[£$€¥%°]|[A-Za-z%°]+(?:/[A-Za-z]+)?)")
_SAME_UNIT = {
    **dict(zip("£ $ € ¥ pounds dollars euros yen".split(), "gbp usd eur jpy gbp usd eur jpy".split(), strict=True)),
    **dict(zip("percent milliseconds seconds minutes hours days day".split(), "% ms s min h d d".split(), strict=True)),
}


def is_number(gold: str, answer: str) -> bool:
    """Compare numbers by value. A unit of the gold may be left out, another one is wrong."""
    wanted, found = list(_NUMBER.finditer(gold)), list(_NUMBER.finditer(answer))
    if len(wanted) != 1 or len(found) > 1:
        return False
    value = _decimal(wanted[0])
    if not found:
        return value is not None and not wanted[0]["sign"] and _counted(answer) == [value] and _is_sure(answer)
    rest = answer[: found[0].start()] + " " + answer[found[0].end() :]
    if value is None or _decimal(found[0]) != value or not _is_sure(rest) or any(word != value for word in _counted(rest)):
        return False
    asked, given = _unit(gold, wanted[0]), _unit(answer, found[0])
    return not asked or not given or asked == given


def _decimal(match: re.Match[str]) -> Decimal | None:
    text = re.sub(r"[ '’_]", "", match["value"])
    is_decimal_comma = re.fullmatch(r"\d{1,3}(?:\.\d{3})+,\d{1,2}|\d+,\d{1,2}", text)
    text = text.replace(".", "").replace(",", ".") if is_decimal_comma else text.replace(",", "")
    try:
        return Decimal(text) * (-1 if match["sign"] else 1)
    except InvalidOperation:
        return None


def _counted(text: str) -> list[Decimal | None]:
    """Return what is said in words: up to twenty by value, anything larger as None, which is like no number."""
    said = text.casefold()
    numbers = [_COUNTED[word] for word in re.findall(r"[a-z]+", said) if word in _COUNTED]
    beyond = [None for word in re.findall(r"[a-z]+", said) if word in _TENS] + [None for _ in _SCALE.finditer(said)]
    return [*dict.fromkeys(numbers), *beyond]


def _unit(text: str, number: re.Match[str]) -> str:
    """Return the unit next to a number, by one name for each: the sign before it, else the word after it."""
    if sign := re.search(r"[£$€¥]", number[0]):
        return _SAME_UNIT[sign[0]]
    before, after = _UNIT.search(text[: number.start()]), _UNIT.search(text[number.end() :])
    unit = before["before"] if before and before["before"] else after["after"] if after and after["after"] else ""
    return _SAME_UNIT.get(unit.casefold(), unit.casefold())


def _is_sure(rest: str, *, of_time: bool = False) -> bool:
    """Say whether what stands around a value neither takes it back nor hints at another: no doubt, no digit, few words."""
    doubted = _DOUBT.search(rest) or (of_time and _DOUBT_OF_TIME.search(rest)) or re.search(r"\d", rest)
    return not doubted and len(rest.split()) <= MAX_WORDS


_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
_MONTH = r"(?P<month>(?:jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec)[a-z]*)"
_CLOCK = (
    r"(?:(?:[T ]|,? at )(?P<hour>\d{2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.(?P<part>\d{1,9}))?)?"
    r" ?(?P<zone>Z\b|UTC\b|[+-]\d{2}:?\d{2})?)?(?![\w:]|[.,-]\d)"
)
_DATES = tuple(
    re.compile(rf"(?<![\w./-]){day}{_CLOCK}", re.IGNORECASE)
    for day in (
        r"(?P<year>\d{4})-(?P<number>\d{2})-(?P<day>\d{2})",
        r"(?P<year>\d{4})/(?P<number>\d{2})/(?P<day>\d{2})",
        rf"(?P<day>\d{{1,2}})(?:st|nd|rd|th)? {_MONTH},? (?P<year>\d{{4}})",
        rf"{_MONTH} (?P<day>\d{{1,2}})(?:st|nd|rd|th)?,? (?P<year>\d{{4}})",
    )
)


def is_date(gold: str, answer: str) -> bool:
    """Compare to the precision of the gold: `2026-03-01` is answered by a stamp of that day, not the other way round."""
    wanted, found = list(_dates(gold)), list(_dates(answer))
    if len(wanted) != 1:
        return spoken(gold) == spoken(answer) and re.findall(r"[\d:.-]*\d", gold) == re.findall(r"[\d:.-]*\d", answer)
    if len(found) != 1:
        return False
    one, other = wanted[0], found[0]
    if not _is_sure(answer[: other.start()] + " " + answer[other.end() :], of_time=True):
        return False
    asked, given = _instant(one), _instant(other)
    if asked is None or given is None:
        return False
    if not one["hour"]:
        return asked.date() == given.date()
    if one["zone"] and other["zone"]:
        return other["hour"] is not None and asked == given
    return other["hour"] is not None and asked.replace(tzinfo=None) == given.replace(tzinfo=None)


def _dates(text: str) -> Iterator[re.Match[str]]:
    for pattern in _DATES:
        yield from pattern.finditer(text)


def _instant(match: re.Match[str]) -> datetime | None:
    found = match.groupdict()
    month = int(found["number"]) if found.get("number") else _MONTHS.index(found["month"][:3].casefold()) + 1
    hour, minute, second = (int(found[part] or 0) for part in ("hour", "minute", "second"))
    part = int((found["part"] or "0").ljust(9, "0")[:6])
    zone = found["zone"] or ""
    ahead = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:])) if zone[:1] in ("+", "-") else timedelta()
    try:
        stamp = datetime(int(found["year"]), month, int(found["day"]), hour, minute, second, part, tzinfo=UTC)
        return stamp + ahead if zone[:1] == "-" else stamp - ahead
    except (ValueError, OverflowError):
        return None


def is_name(gold: str, answer: str) -> bool:
    """Compare identifiers, paths, addresses: to the letter, quotes and a full stop aside; a sentence may hold no other name."""
    forms = {gold, gold.rstrip("/") or gold} | ({gold[1:-1]} if re.fullmatch(r"<\w+>", gold) else set())
    bare = answer.strip(_QUOTES)
    if forms & {bare, bare.rstrip("/") or bare, bare.rstrip(".,;").rstrip(_QUOTES)}:
        return True
    if not re.search(r"\d|[/_.@:-]", gold) or gold not in answer:
        return False
    parts = [re.sub(r"^[\w ]*=", "", part).strip(_QUOTES + "()[],;").rstrip(".:") for part in answer.split()]
    rest = [part for part in parts if part != gold]
    named = any(re.search(r"\d|\w[/_@:.-]\w|^[/~.]", part) or (len(part) > 1 and part.isupper()) for part in rest)
    lists = re.search(r"[,;|&]", answer.replace(gold, "\0").strip(_QUOTES + ".,;"))
    return len(rest) == len(parts) - 1 and not named and not lists and _is_sure(" ".join(rest))


def spoken(text: str) -> list[str]:
    """Return the words of a text in their order, in lower case, without `the` and without an article at its beginning."""
    found = [word for word in plain(text).split() if word != "the"] or plain(text).split()
    return found[1:] if len(found) > 1 and found[0] in ("a", "an") else found


def is_tool(gold: str, answer: str) -> bool:
    """Compare the words of a tool's name in their order: `get_user` is `GetUser`, not `user_get`."""
    return bool(spoken(gold)) and spoken(gold) == spoken(answer)


def is_list(gold: str, answer: str) -> bool:
    """Compare the items of a list, JSON or words between commas, in no order; as often as they occur."""
    wanted = Counter(_item(item) for item in _json_items(gold) or re.split(r"\s*[,;]\s*", gold.strip("[] ")))
    return any(Counter(_item(item) for item in items if item.strip(_QUOTES + ".")) == wanted for items in _readings(answer))


def _json_items(text: str) -> list[str] | None:
    try:
        return [str(item) for item in msgspec.json.decode(text, type=list[str | int | float])]
    except msgspec.DecodeError:
        return None


def _readings(answer: str) -> Iterator[Sequence[str]]:
    """Yield the ways to read an answer as a list; one that hedges in the words before its colon is none."""
    if (items := _json_items(answer)) is not None:
        yield items
        return
    lead, colon, rest = answer.partition(": ")
    if colon and "," not in lead:
        if _DOUBT.search(re.sub(r"\band\b", "", lead)):
            return
        answer = rest
    yield [re.sub(r"^\s*(?:[-*•]|\d{1,2}[.)])\s+", "", line) for line in answer.splitlines()]
    answer = " ".join(answer.split()).strip("[]{}() ").removesuffix(".").strip("[]{}() ")
    for separators in (r"\s*;\s*", r"\s*,\s*", r"\s*(?:,\s*and\b|,|;|\band\b)\s*"):
        yield re.split(separators, answer)


def _item(text: str) -> str:
    """Return what an item is compared by: a number by value, what has a digit or a sign to the letter, words in any case."""
    text = " ".join(text.split()).strip(_QUOTES)
    text = text[:-1].rstrip(_QUOTES) if text.endswith((".", ",")) and len(text) > 1 else text
    number = _NUMBER.fullmatch(text)
    if number and (value := _decimal(number)) is not None:
        return f"{value.normalize():f}"
    return text if re.search(r"\d|[^\w\s.,'-]", text) else text.casefold()


_ARROW = re.compile(r"\s*(?:->|→|=>)\s*")
_FROM = re.compile(r"\b(from)\s+", re.IGNORECASE)
_NEW_FIRST = re.compile(r"(?:^|\s)to\s+(.+?)\s*$", re.IGNORECASE)
_INTO = re.compile(r"\s+(?:to|into)\s+", re.IGNORECASE)


def is_change(gold: str, answer: str) -> bool:
    """Compare both sides of a change, in their order: `a -> b`, `from a to b`, `to b from a`."""
    wanted = gold.split(" -> ", 1)
    return len(wanted) == 2 and any(
        len(sides) == 2 and all(_is_side(one, other) for one, other in zip(wanted, sides, strict=True))
        for sides in _sides(answer)
    )


def _sides(answer: str) -> Iterator[Sequence[str]]:
    if _ARROW.search(answer):
        yield _ARROW.split(answer)
        return
    lead, origin, rest = _FROM.split(answer, maxsplit=1) if _FROM.search(answer) else ("", "", answer)
    new = _NEW_FIRST.search(lead)
    if not _is_sure(lead[: new.start()] if new else lead):
        return
    if origin and new:
        yield rest, new[1]
        return
    for match in _INTO.finditer(rest):
        yield rest[: match.start()], rest[match.end() :]


def _is_side(gold: str, answer: str) -> bool:
    if answer.strip(_QUOTES + ".") == gold:
        return True
    if _NUMBER.fullmatch(gold):
        return is_number(gold, answer)
    return same_text(gold, answer)


_HARD = re.compile(r"[^\w\s.,;:!?\"'`“”‘’()\[\]_–—-]|(?<!\w)-(?=\w)|\.{2,}|(?<![\w\"'`“”‘’)\]])\.")


def same_text(gold: str, answer: str) -> bool:
    """Say whether two texts have the same words in the same order, the same signs and the same names; quotes do not matter."""
    words = spoken(gold)
    return (
        bool(words)
        and words == spoken(answer)
        and _HARD.findall(gold) == _HARD.findall(answer)
        and names(gold) == names(answer)
    )


def names(text: str) -> list[str]:
    """Return what a text names that must not differ: its words with a digit, in any case, in their order."""
    found = [word.strip(".,;:!?\"'`“”‘’()[]<>") for word in text.casefold().split()]
    return [word for word in found if any(c.isdigit() for c in word)]

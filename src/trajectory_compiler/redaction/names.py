"""What tells a person's name from other capitalised words, and in which forms one name comes back."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import cache, lru_cache
from importlib import resources

_TOKEN = re.compile(r"[^\W\d_](?:[\w'’ʼ`.-]*[\w])?\.?", re.UNICODE)
_PARTICLES = frozenset(
    "de da di do dos das del della den der van von ten ter la le lo los las bin ibn al el ap ab ferch ní ó ni mac mc y e "
    "af av zu zum zur ".split()
)
_TITLES = frozenset(
    "mr mrs ms miss mx dr prof professor sir dame lord lady cllr councillor rev reverend fr judge capt captain sgt "
    "sergeant pc dc  nurse sister herr frau monsieur madame mme mlle señor señora sr sra srta pan pani signor signora "
    "dott ing ".split()
)
_SUFFIXES = frozenset("jr sr ii iii iv obe mbe cbe phd md qc kc esq".split())
_WITHOUT_APOSTROPHE = str.maketrans("", "", "'’")
_CAMEL = re.compile(r"[a-zß-öø-ÿ]{3,}[A-Z]")  # `InitializeSession`; `McDonald`, `DeLuca` and `O'Hara` are names
_ELIDED = re.compile(r"[dl]['’][^\W\d_a-zß-öø-ÿ]")  # `d'Aubigny`
_LETTERS = re.compile(r"[^\W\d_]+")
_USERNAME = re.compile(r"[A-Za-z][A-Za-z0-9._-]{1,62}[A-Za-z0-9]")
_HOST = re.compile(r"[0-9.:/]+|[\w-]+(?:\.[\w-]+)+(?::[0-9]+)?(?:/\S*)?|\[?[0-9a-fA-F:]+\]?(?::[0-9]+)?")
_STATES = frozenset(
    "none null nil undefined unknown missing required optional n/a na nan empty string text str true false yes no same other "
    "varchar not given withheld redacted hidden tbc tbd".split()
)


_HOUSE = re.compile(r"(?:[A-Z][a-z]+\.? [0-9]{1,5}[A-Za-z]?,? )?[0-9]{1,4}[A-Za-z]?,? ")
_PARTICLES_OF_STREETS = frozenset("the of on y yr".split())
_ENDS_OF_STREETS = frozenset(
    "road street avenue lane close crescent terrace mews rd ave drive court place gardens grove way walk hill view row square "
    "park house green rise parade approach fields lodge hall yard top end bank meadow field cross mill wood common head foot "
    "corner quay wharf steps bottom chase croft bridge heights".split()
)
_INSIDE_PLACES = frozenset("the under upon super cum".split())  # `Stow-on-the-Wold`
_COMPASS = frozenset(
    "north south east west new old great little upper lower high royal market port lake saint point park".split()
)
_STREETS = frozenset(
    "road street avenue lane close crescent terrace mews rd ave approach gardens parade embankment promenade".split()
)
_UNITS = frozenset("flat apartment apt unit studio suite room plot floor house block".split())


@cache
def word_list(name: str) -> frozenset[str]:
    """Return the words of a shipped list, `rules/NAME.txt`."""
    file = resources.files("trajectory_compiler.redaction") / "rules" / f"{name}.txt"
    lines = file.read_text(encoding="utf-8").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())


def fold(text: str) -> str:
    """Return a text in lower case without accents: `Płodzień` gives `plodzien`."""
    if text.isascii():
        return text.lower()
    plain = unicodedata.normalize("NFKD", text.translate(_PLAIN)).encode("ascii", "ignore").decode()
    return plain.lower()


_PLAIN = str.maketrans(
    {
        "ł": "l",
        "Ł": "L",
        "ø": "o",
        "Ø": "O",
        "đ": "d",
        "Đ": "D",
        "ß": "ss",
        "æ": "ae",
        "Æ": "Ae",
        "ı": "i",
        "’": "'",
        "ð": "d",
        "þ": "th",
        "œ": "oe",
    }
)


def tokens(text: str) -> list[str]:
    """Return the words of a name, titles and suffixes left out."""
    words = _TOKEN.findall(text)
    return [word for word in words if word.lower().rstrip(".") not in _TITLES and word.lower().rstrip(".") not in _SUFFIXES]


@lru_cache(maxsize=65536)
def is_name_word(word: str) -> bool:
    """Say whether a word may be part of a name: letters, and none of the words that start sentences, titles or headings."""
    plain = word.strip(".'’-")
    if not plain or plain.lower() in word_list("not_names") or plain.lower() in _TITLES:
        return False
    parts = plain.split("-")
    if len(parts) > 1 and (parts[0].lower() in word_list("not_names") or parts[0].islower() != parts[-1].islower()):
        return False
    if _CAMEL.search(plain):
        return False
    return plain.replace("'", "").replace("’", "").replace("-", "").isalpha()


def person_length(text: str) -> int:
    """Return how many characters from the left are a name: up to the first word that is none, and no longer than six words."""
    end = count = 0
    for match in _TOKEN.finditer(text):
        word = match.group()
        if word.lower() in _PARTICLES and (count or word.islower()):
            continue
        if not is_name_word(word) or count == 6:
            break
        count += 1
        end = match.end()
    if text[end - 2 : end] in ("'s", "’s", "'S"):
        end -= 2  # the possessive
    if text[end - 1 : end] == "." and end >= 3 and text[end - 3] != " ":
        end -= 1  # a full stop ends the sentence unless it ends an initial
    return end if count and any(len(word.strip(".")) > 1 for word in _TOKEN.findall(text[:end])) else 0


def full_name_length(text: str) -> int:
    """Return how many characters from the left are a name of two words or more."""
    end = person_length(text)
    return end if len(tokens(text[:end])) >= 2 else 0


def plain_full_name_length(text: str) -> int:
    """Return how many characters from the left are a full name without ordinary words: `Concurrent Session` is none."""
    end = full_name_length(text)
    words = [fold(word) for word in tokens(text[:end])]
    return 0 if any(word in word_list("ordinary_words") for word in words) else end


def lower_case_length(text: str) -> int:
    """Return the length of a text in lower case that somebody gives as their name: none of its words is an ordinary one."""
    words = [word.strip(".'’-") for word in text.split(" ")]
    full = [fold(word) for word in words if len(word) > 1]
    if not full or not all(is_name_word(word) and word not in word_list("ordinary_words") for word in full):
        return 0
    return len(text) if all(word not in _STATES and word not in _PARTICLES for word in full) else 0


def is_surname_then_given(text: str) -> bool:
    """Say whether a text is a surname in capitals and a given name, both of them known: `BOWEN-RHYS Eirlys`."""
    last, _, first = text.rpartition(" ")
    parts = {fold(part) for part in (last, last.replace("'", "").replace("’", ""), *last.split("-"))}
    is_last = not parts.isdisjoint(word_list("surnames")) or (
        len(last) <= 3 and (last.lower() in ("xu", "wu", "ng") or fold(last) in word_list("given_names"))
    )
    return is_last and fold(first).split("-")[0] in word_list("given_names")


def mail_name_length(text: str) -> int:
    """Return the length of a text that is a name as mail headers write it (`O'Neill, Sam`), 0 for a team or an office."""
    return len(text) if tokens(text) and all(is_name_word(t) or t.lower() in _PARTICLES for t in tokens(text)) else 0


def is_keyed_name(text: str) -> bool:
    """Say whether a value under a name's key is a name: one word must start with a capital, several may be all lower case."""
    words = tokens(text)
    if not 1 <= len(words) <= 6 or any("/" in w or "_" in w for w in words):
        return False
    if len(words) == 1 and words[0].islower():
        return False
    return all(is_name_word(word) or word.lower() in _PARTICLES for word in words)


def is_keyed_name_part(text: str) -> bool:
    """Say whether a value under `surname` or `given` is one: the key is strong, so any word will do that is no state."""
    words = tokens(text)
    return (
        1 <= len(words) <= 4
        and text.strip().lower() not in _STATES
        and all(word.strip(".'’`-").isalpha() or "-" in word or "'" in word or "’" in word for word in words)
    )


def is_keyed_full_name(text: str) -> bool:
    """Say whether a value under a key as weak as `name` is a person's: several capitalised words, none of them a thing."""
    words = tokens(text)
    return (
        len(words) >= 2
        and is_keyed_name(text)
        and all(word[0].isupper() or word.lower() in _PARTICLES or _ELIDED.match(word) for word in words)
    )


def is_postal(text: str) -> bool:
    """Say whether a value under an address's key is postal: a capital or a number, and no host, path or state."""
    text = text.strip()
    if _HOST.fullmatch(text) or text.lower() in _STATES or "/" in text.split(" ")[0]:
        return False
    return any(c.isupper() for c in text) or (any(c.isdigit() for c in text) and any(c.isalpha() for c in text))


def is_place(text: str) -> bool:
    """Say whether capitalised words may name a place: apart from `North` or `Upper`, none is a word of headings or a month."""
    words = [word.lower() for word in _LETTERS.findall(text) if len(word) > 2]
    words = words[:1] + [word for word in words[1:] if word not in _INSIDE_PLACES]
    return all(word in _COMPASS or word not in word_list("not_names") for word in words) and text.lower() not in _STATES


def is_street(text: str) -> bool:
    """Say whether words after a number may name a street: by a word that only streets end with, or one that is no heading's."""
    words = [word.lower() for word in _LETTERS.findall(text)]
    plain = [word for word in words if word not in _UNITS]
    return words[-1] in _STREETS or any(
        word not in word_list("not_names") and len(word) > 2 for word in (plain[:-1] if len(plain) > 2 else plain)
    )


def house_length(text: str) -> int:
    """Return how many characters from the left are a house and its street: a number and words, none of which a heading has."""
    match = _HOUSE.match(text)
    end = match.end() if match else 0
    count = 0
    for word in _TOKEN.finditer(text, end):
        plain = word.group().lower()
        if plain not in _PARTICLES_OF_STREETS and plain not in _ENDS_OF_STREETS and not is_place(word.group()):
            break
        count, end = count + 1, word.end()
    return end if match and count >= 2 else 0


def is_town_line(text: str) -> bool:
    """Say whether a number and words are a postcode and a town of the Continent: no word of headings, no month."""
    return is_place(text) and not any(word.lower() in word_list("ordinary_words") for word in _LETTERS.findall(text))


def is_username(text: str) -> bool:
    """Say whether a text is the account of a person rather than of a machine or a role."""
    return _USERNAME.fullmatch(text) is not None and text.lower() not in word_list("no_users") and not text.isdigit()


def is_account(text: str) -> bool:
    """Say whether a value under a key as weak as `user` is somebody's account: no role, no machine, no ordinary word."""
    if not is_username(text):
        return False
    known = (word_list("not_names"), word_list("no_users"), word_list("ordinary_words"), _STATES)
    return any(all(part not in words for words in known) and len(part) > 1 for part in _LETTERS.findall(text.lower()))


def is_initial_and_surname(text: str) -> bool:
    """Say whether letters are a known surname with an initial before or after it: `zcelik`, `huynhh`."""
    known = word_list("surnames")
    return is_account(text) and any(len(part) > 3 and part in known for part in (text[1:], text[:-1], text[2:]))


def is_common_word(text: str) -> bool:
    """Say whether a word that is a name is an ordinary word too (`Will`, `May`, `Grant`): alone it proves nothing."""
    return text.lower() in word_list("ambiguous_names")


def name_key(text: str) -> tuple[str, ...]:
    """Return what the spellings of one name share: `DUNCAN, Eric` and `Eric Duncan` are one."""
    return tuple(sorted(fold(token).strip(".") for token in tokens(text)))


def name_forms(text: str) -> set[str]:
    """Return the forms in which a full name comes back: cases, orders, initials. One word alone comes in two cases."""
    words = [word.strip(".,") for word in tokens(text)]
    if not words:
        return set()
    if len(words) == 1:
        return _cases(words) if not is_common_word(words[0]) else set()
    given, rest = words[0], " ".join(words[1:])
    last = words[-1]
    whole = " ".join(words)
    orders = {whole, f"{given} {last}", f"{last}, {given}", f"{last} {given}", f"{rest}, {given}", f"{rest} {given}"}
    orders |= {f"{given[0]}. {last}", f"{given[0]} {last}", f"{given[0]}.{last}", f"{last}, {given[0]}.", f"{last} {given[0]}."}
    orders |= {f"{given} {last[0]}.", f"{given}.{last}", f"{given}_{last}", f"{given}-{last}", f"{given}{last}"}
    if len(words) > 2:
        middle = " ".join(word[0] for word in words[1:-1])
        orders |= {f"{given} {middle} {last}", f"{given} {middle}. {last}", f"{given[0]}. {middle}. {last}"}
    orders |= {whole.replace(" ", sign) for sign in "_-."} | {f"{given}_{rest.replace(' ', '_')}"}
    orders |= {order.translate(_WITHOUT_APOSTROPHE) for order in orders}
    return {form for order in orders for form in (order, order.upper(), order.lower(), _title(order), fold(order))}


def lone_forms(text: str) -> set[str]:
    """Return the single words of a full name that prove it: given name and surname, unless they are ordinary words."""
    words = [word.strip(".,") for word in tokens(text)]
    parts = {word for word in (*words[:1], *words[-1:]) if len(word) > 2}
    parts |= {part for word in words[-1:] for part in word.split("-") if len(part) > 3}
    return _cases(word for word in parts if not is_common_word(word) and is_name_word(word))


def account_forms(text: str) -> set[str]:
    """Return the account names that are made from a full name: `jane.smith`, `jane_smith`, `janesmith`, `jsmith`, `j.smith`."""
    forms: set[str] = set()
    for spell in (fold, _without_foreign):
        words = ["".join(_LETTERS.findall(spell(word))) for word in tokens(text)]
        if len(words) < 2 or not words[0] or not words[-1]:
            continue
        given = words[0]
        for surname in {words[-1], "".join(words[1:])}:
            forms |= {f"{given}{sign}{surname}" for sign in (".", "_", "-", "")} | {
                f"{surname}{given[0]}",
                f"{surname}.{given}",
                f"{given[0]}{surname}",
                f"{given[0]}.{surname}",
            }
    return {form for form in forms if len(form) >= 6 and is_account_word(form)}


def is_account_word(text: str) -> bool:
    """Say whether an account name is no ordinary word: it may be looked for in running text."""
    return text.lower() not in word_list("not_names") and text.lower() not in word_list("ambiguous_names")


def _without_foreign(text: str) -> str:
    return text.lower().encode("ascii", "ignore").decode()


def _title(text: str) -> str:
    return " ".join(
        word[:1].upper() + word[1:].lower() if word.isupper() or word.islower() else word for word in text.split(" ")
    )


def _cases(words: Iterable[str]) -> set[str]:
    forms: set[str] = set()
    for word in words:
        title = word if not (word.islower() or word.isupper()) else _title(word)
        forms |= {title, title.upper()}
    return forms

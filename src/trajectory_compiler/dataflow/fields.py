"""Which fields are worth a question, and which arguments name a thing of the world.

The lists come from reading recorded logs: nonces, settings, positions and constants are what a naive enumeration asks about.
Nothing here decides whether a pair is proved; it decides what is tried.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from trajectory_compiler.dataflow.extract import extractable
from trajectory_compiler.dataflow.index import SessionIndex
from trajectory_compiler.dataflow.program import Extract, Field
from trajectory_compiler.model import AnswerType, Json
from trajectory_compiler.values import Leaf

MAX_ANSWER_CHARACTERS = 60
MAX_ANCHOR_CHARACTERS = 70
MAX_LIST_POSITION = 9
SIZES = ("/response/file/totalLines", "/response/totalToolUseCount", "/response/bytes")
_TEXT_KEYS = frozenset(
    ("response", "stdout", "stderr", "output", "text", "body", "result", "message", "log", "notes", "details")
)
_SETTINGS = frozenset(
    """
    limit offset page pages per_page pagesize page_size maxresults maxitems max_results count size mode output_mode
    type format sort sortby sort_by order order_by direction verbose debug dry_run dryrun timeout ms wait retries
    multiline replace_all run_in_background head_limit context head tail fields include exclude recursive force
    language locale encoding unit units version content new_string old_string prompt plan thought code script body
    text message html data payload activeform expression status state priority enabled active_form subagent_type
    cursor token nexttoken next_token after before host -a -b -c -n -i level
""".split()
)
_NONCE_KEYS = re.compile(
    r"(request|event|trace|span|correlation|message|invocation|response)_?id|nonce|etag|cursor|token|hash|sha\d*|checksum"
    r"|digest|signature|uuid|guid|fingerprint|x-amz|elapsed|duration|latency|took|totalduration|timestamp|startline|offset"
    r"|bytes(in|out|transferred)|oldstart|newstart|oldlines|newlines|clienttoken|numlines|client_?request|index|position|column",
    re.I,
)
_ASIDES = frozenset(
    (
        "additionalEventData",
        "filterSet",
        "filters",
        "metadata",
        "structuredPatch",
        "usage",
        "headers",
        "debug",
        "_meta",
        "trace",
        "timing",
    )
)
_QUANTITIES_ASIDE = frozenset(
    """
    but and the for per more less than with was are not out has had was ago
""".split()
)
_STAMP = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d|[A-Z][a-z]{2} \d{1,2}, \d{4}[ ,]|\d\d:\d\d:\d\d")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
# A step of a path may hold a pseudonym: `/home/<USERNAME_1>/x`.
_PATH = re.compile(r"(?=.*[A-Za-z])(?:~|\.{1,2})?(?:/[\w.@+<>-]+)+/?|(?=.*[A-Za-z]{2})[\w.@+<>-]+(?:/[\w.@+<>-]+)+")
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_RANDOM_RUN = re.compile(r"[0-9a-f]{12,}|[A-Z0-9]{16,}|[A-Za-z0-9+/=]{24,}")
_MADE_UP_KEY = re.compile(r"\d{3}|[A-Z0-9]{6,}\d|[^\w .:-]")
_AMOUNT_KEYS = re.compile(r"amount|price|cost|fee$|balance|fare|salary|budget|refund|^total$|subtotal", re.I)
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-|^[0-9a-fA-F]{20,}$|^[A-Za-z0-9+/=]{32,}$", re.I)
_TOO_GENERAL = frozenset(("name", "key", "value", "type", "id"))
_IDENTITY_KEYS = re.compile(
    r"(^|_)(id|ids|name|path|file|url|uri|number|no|code|key|email|user|customer|account|ticket|order|invoice|sku|host|city"
    r"|pattern|query|command|description|title|subject|branch|repo|package|arn|bucket|role|symbol)s?$"
)


class Asked(NamedTuple):
    """A field that may be an answer: its place, the value's text, and how the answer is typed."""

    field: Field
    key: str
    text: str
    answer_type: AnswerType


def askable(index: SessionIndex, turn: int) -> tuple[Asked, ...]:
    """Return the fields of a turn's response that could be answers.

    Of several fields with one value the first stands for all; what only echoes an argument is left out.
    """
    known = index.memo.get(turn)
    if known is None:
        known = index.memo[turn] = () if is_mismatched(index, turn) else tuple(_asked(index, turn))
    return known


def _asked(index: SessionIndex, turn: int) -> list[Asked]:
    found: list[Asked] = []
    seen = {leaf.text for leaf in index.arguments[turn]}
    for leaf in index.responses[turn]:
        for asked in _from_leaf(leaf):
            if asked.text not in seen:
                seen.add(asked.text)
                found.append(asked)
    return found


def is_mismatched(index: SessionIndex, turn: int) -> bool:
    """Say whether a response speaks of another thing than the call asked for: recorded logs hold such mix-ups.

    The sign is an identity that stands under one name in the arguments and in the response, with two values.
    """
    given = {leaf.key: leaf.text for leaf in index.arguments[turn] if leaf.path.count("/") == 2 and is_identity_key(leaf.key)}
    return any(
        leaf.key in given and leaf.text != given[leaf.key]
        for leaf in index.responses[turn]
        if leaf.path.count("/") == 2 and leaf.key.lower().endswith("id")
    )


def askable_arguments(index: SessionIndex, turn: int) -> tuple[Asked, ...]:
    """Return the arguments of a turn that could be answers: those that name things."""
    return tuple(
        Asked(Field(path=leaf.path), leaf.key, leaf.text, answer_type_of(leaf.value, leaf.text, leaf.key))
        for leaf in index.arguments[turn]
        if leaf.path.count("/") == 2
        and names_a_thing(leaf)
        and is_worth_asking(leaf.key, leaf.value, leaf.text)
        and not _is_remark(index, turn, leaf)
    )


def _is_remark(index: SessionIndex, turn: int, leaf: Leaf) -> bool:
    """Say whether an argument only remarks on the call: a description beside a command."""
    return leaf.key == "description" and index.leaf(turn, "/arguments/command") is not None


def _from_leaf(leaf: Leaf) -> list[Asked]:
    if not is_speakable(leaf.path):
        return []
    if (
        isinstance(leaf.value, str)
        and leaf.key.lower() in _TEXT_KEYS
        and ("\n" in leaf.text or len(leaf.text) > MAX_ANSWER_CHARACTERS)
    ):
        return [
            Asked(
                Field(path=leaf.path, extract=rule),
                rule.key or rule.kind,
                hit.text,
                answer_type_of(hit.text, hit.text, rule.key),
            )
            for rule, hit in extractable(leaf.text)
            if is_worth_asking(rule.key, hit.text, hit.text) and _reads_well(rule, hit.text)
        ]
    if is_worth_asking(leaf.key, leaf.value, leaf.text):
        return [Asked(Field(path=leaf.path), leaf.key, leaf.text, answer_type_of(leaf.value, leaf.text, leaf.key))]
    return []


def _reads_well(rule: Extract, text: str) -> bool:
    """Say whether what an extractor found reads as a fact of prose, not as a line of code or markup."""
    if rule.kind == "quantity":
        return _is_counted(rule.key)
    if rule.kind == "line_value":
        return len(rule.key) >= 4 and text[0].isalnum() and text[-1] not in ",;{[(" and "=" not in text
    return text[0] not in "<{["


def _is_counted(word: str) -> bool:
    """Say whether a word after a number names what is counted: a plural or a test verdict."""
    return word.islower() and (word.endswith("s") or word in ("passed", "failed", "skipped")) and word not in _QUANTITIES_ASIDE


def is_worth_asking(key: str, value: Json, text: str) -> bool:
    """Say whether a value could be an answer that somebody would want: short, readable, no nonce, no stamp, no truth value."""
    if isinstance(value, int | float) and not isinstance(value, bool) and is_identity_key(key):
        return False
    if isinstance(value, bool) or not text or len(text) > MAX_ANSWER_CHARACTERS or text != text.strip():
        return False
    if "\\" in text or '"' in text:
        return False  # a reader of JSON sees it escaped
    if not text.isprintable() or is_nonce(key, text) or text.count(" ") > 9 or "HIDDEN" in text:
        return False
    return any(c.isalnum() for c in text) and text.lower() not in ("true", "false", "null", "none", "n/a", "unknown")


def is_nonce(key: str, text: str) -> bool:
    """Say whether a value is made anew for every call: a request id, a stamp, a hash, a byte count."""
    if _NONCE_KEYS.search(key) or _STAMP.match(text):
        return True
    return looks_random(text)


@lru_cache(maxsize=1 << 14)
def looks_random(text: str) -> bool:
    """Say whether a text is (or ends in) a long machine-made string, which nobody would ask for or read out."""
    run = _RANDOM_RUN.search(text)
    return run is not None and any(c.isdigit() for c in run.group()) and not text.isdigit()


@lru_cache(maxsize=1 << 14)
def is_speakable(path: str) -> bool:
    """Say whether a person could name the place: one list position at most, below ten, and not too deep."""
    tokens = path.split("/")[2:]
    positions = [int(token) for token in tokens if token.isdigit()]
    if len(positions) > 1 or any(p > MAX_LIST_POSITION for p in positions) or len(tokens) > 6:
        return False
    if positions and tokens[-1] in ("value", "key"):
        return False
    return not any(token in _ASIDES or _MADE_UP_KEY.search(token) for token in tokens if not token.isdigit())


@lru_cache(maxsize=1 << 14)
def names_a_thing(leaf: Leaf) -> bool:
    """Say whether an argument names something of the world: short one-line text, or a number under an identity's key."""
    key = snake(leaf.key)
    if leaf.value is True or leaf.value is False or key in _SETTINGS or not leaf.text.strip() or "HIDDEN" in leaf.text:
        return False
    if _UUID.search(leaf.text) or _NONCE_KEYS.search(leaf.key) or not is_speakable(leaf.path):
        return False
    if key in _TOO_GENERAL and any(token.isdigit() for token in leaf.path.split("/")):
        return False
    if not isinstance(leaf.value, str):
        return bool(_IDENTITY_KEYS.search(key))
    return 2 <= len(leaf.text) <= MAX_ANCHOR_CHARACTERS and leaf.text.isprintable() and leaf.text == leaf.text.strip()


def primary_object(index: SessionIndex, turn: int) -> Leaf | None:
    """Return the argument that says which thing of the world a call is about, where one clearly does.

    It shares a word with the tool's name (`update_reservation_flights`, `reservation_id`), or it is a file, or it is the only
    shallow argument that names anything.
    """
    words = set(snake(index.turns[turn].tool.rsplit("__", 1)[-1]).split("_"))
    words |= {word.removesuffix("s") for word in words}
    named = [
        leaf
        for leaf in index.arguments[turn]
        if names_a_thing(leaf) and is_identity_key(leaf.key) and leaf.path.count("/") == 2
    ]
    for leaf in named:
        key = [word for word in snake(leaf.key).split("_") if word not in ("id", "name", "path", "number")]
        if words & set(key) or snake(leaf.key) in ("file_path", "notebook_path", "path"):
            return leaf
    return named[0] if len(named) == 1 else None


@lru_cache(maxsize=1 << 14)
def is_identity_key(key: str) -> bool:
    """Say whether a key is one that names things (`reservation_id`, `filePath`) rather than describing them."""
    return bool(_IDENTITY_KEYS.search(snake(key)))


@lru_cache(maxsize=1 << 14)
def last_key(path: str) -> str:
    """Return the last token of a pointer that is no list position: `/response/reservations/2` gives reservations."""
    return next((token for token in reversed(path.split("/")) if not token.isdigit()), "")


@lru_cache(maxsize=1 << 14)
def snake(key: str) -> str:
    """Return a key in lower case with underscores: `reservationId` gives `reservation_id`."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", key)
    return spaced.replace("-", "_").replace(" ", "_").replace(".", "_").lower().strip("_") or key.lower()


def answer_type_of(value: Json, text: str, key: str) -> AnswerType:
    """Type an answer by its form and its key."""
    if _DATE.match(text):
        return "date"
    if _NUMBER.fullmatch(text) and (not isinstance(value, str) or not text.startswith("0") or text == "0"):
        return "amount" if _AMOUNT_KEYS.search(key) else "number"
    if re.match(r"[a-z][a-z0-9+.-]*://", text):
        return "url"
    if _PATH.fullmatch(text):
        return "path"
    if " " not in text and any(c.isdigit() for c in text):
        return "identifier"
    return "text"


def is_plain(index: SessionIndex, turns: Sequence[int], field: Field) -> bool:
    """Say whether a field means the same on every call: not the first of a list that holds several things."""
    tokens = field.path.split("/")
    positions = [place for place, token in enumerate(tokens) if token.isdigit()]
    if not positions:
        return True
    second = "/".join([*tokens[: positions[0]], "1"])
    alone = all(not any(leaf.path.startswith(second) for leaf in index.responses[t]) for t in turns)
    return alone and tokens[positions[0]] == "0" and len(positions) == 1 and positions[0] > 2


def values_of(index: SessionIndex, tool: str, field: Field) -> dict[int, str]:
    """Return the value of one plain field on every call of a tool that has it: {turn: text}."""
    return index.column(tool, field.path)

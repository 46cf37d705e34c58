"""Profiles of the evidence pack: which headings it has for whom, and because of which source, each with the date it was read.

A profile is a data file (`profiles/*.toml`). What a source asks for is a paraphrase; `read_as` says what was read, so that
nobody takes a summary for the text. A profile never says that something is complied with.
"""

from __future__ import annotations

import datetime as dt
import tomllib
from importlib import resources

import msgspec

from trajectory_compiler.errors import OptionError

PROFILES = ("pra-ss123", "fca-solo", "public-sector")


class Source(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A published text. `read_on` is the day it was read for this profile, `read_as` in which form."""

    title: str
    publisher: str
    address: str
    read_on: dt.date
    read_as: str


class Because(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A place in a source, by the source's name in the profile."""

    source: str
    place: str


class Heading(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One part of the pack: `content` names what stands in it (`packing.py`), `asks` what the source is about."""

    content: str
    heading: str
    asks: str
    because: tuple[Because, ...]


class Profile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A pack's title, whom it is for, its sources by name and its headings in their order."""

    title: str
    audience: str
    sources: dict[str, Source]
    sections: tuple[Heading, ...]


def load_profile(name: str) -> Profile:
    """Return a shipped profile. Raises OptionError where there is none of this name."""
    if name not in PROFILES:
        raise OptionError("make an evidence pack", f"there is no profile '{name}'", f"Choose one of: {', '.join(PROFILES)}.")
    text = resources.files("trajectory_compiler.reports").joinpath("profiles", f"{name}.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), Profile)

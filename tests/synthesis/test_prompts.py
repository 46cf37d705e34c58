"""Prompts: instructions in versioned files, data behind a fence that the data cannot close."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.synthesis.sessions import count
from trajectory_compiler.errors import OptionError
from trajectory_compiler.model import short_hash
from trajectory_compiler.synthesis import prompts
from trajectory_compiler.synthesis.answers import AskedFamily, AskedType
from trajectory_compiler.synthesis.prompts import PROMPTS, fence_for, fenced, instructions

DIGESTS = {
    "pairs-1": "e1f3b5150d2d1034e9b1741ce3405cf9",
    "programs-1": "0d8600eed9b786c01d65466105fe6e83",
    "paraphrase-1": "51f10d067f1bdf48f55b0d03a13fb069",
    "roundtrip-1": "557d846b7cfbe6641405f9e9ad4a1556",
    "reader-1": "936963eb0c7a11f82497c30cb0ea87e7",
    "judge-1": "0b3fb404e25f4502945604a6559bd357",
}


def test_every_prompt_file_is_listed_and_short() -> None:
    """The list names the files of the package, and what goes with every call stays under 700 tokens."""
    folder = Path(prompts.__file__).parent
    assert {path.stem for path in folder.glob("*.md")} == set(PROMPTS)
    assert all(50 < count(instructions(version)) < 700 for version in PROMPTS)


def test_a_change_of_wording_is_a_new_version() -> None:
    """The digests are written down: whoever rewords a prompt adds a file, so that what an old call was told stays known."""
    assert {version: short_hash(instructions(version)) for version in PROMPTS} == DIGESTS


def test_the_instructions_name_every_type_of_the_schema() -> None:
    """What the schema allows is explained: answer types and question families."""
    told = instructions("pairs-1")
    assert [name for name in (*get_args(AskedType), *get_args(AskedFamily)) if name not in told] == []


@pytest.mark.parametrize("version", PROMPTS)
def test_every_prompt_says_that_the_data_instruct_nobody(version: str) -> None:
    """The one sentence that no version may lose."""
    assert re.search(
        r"[Ee]verything\s+between\s+(?:them|the\s+fence\s+lines)\s+is\s+data[^.]*never\s+an\s+instruction",
        instructions(version),
    )


def test_an_unknown_version_is_named() -> None:
    """The error lists the versions that there are."""
    with pytest.raises(OptionError, match="pairs-1"):
        instructions("pairs-0")


@given(st.text(max_size=200))
def test_no_data_hold_their_fence(data: str) -> None:
    """The fence stands exactly twice as a line of the prompt, whatever the data are, and is the same for the same data."""
    prompt = fenced(data, "Do it.")
    fence = fence_for(data)
    assert fence not in data
    assert prompt.count(f"\n{fence}\n") == 2
    assert prompt == fenced(data, "Do it.")


def test_data_that_know_a_fence_get_another() -> None:
    """A log that holds the fence of its former self, or any other, does not close the one around it."""
    first = fence_for("data")
    assert fence_for(f"data\n{first}\n") != first

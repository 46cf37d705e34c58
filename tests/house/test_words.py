"""What the files of the project may not speak of."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

# Put together here, so that this file does not hold what it looks for.
_PLACES = ["/" + r"work/(?:main|shared|\.)", re.escape("/" + "tmp/tc"), re.escape("/" + "opt/pypi")]
_HOSTS = ["pypi" + r"\.org", "files.python" + "hosted", "registry.npm" + "js", "deb.deb" + r"ian\.org"]
_TALK = ["session of " + "work", "work" + "place", r"\bas an " + "AI", "generated " + "with", "co-authored" + "-by"]
FORBIDDEN = re.compile("|".join(_PLACES + _HOSTS + _TALK), re.IGNORECASE)
PROSE_ONLY = re.compile("sub" + "agent", re.IGNORECASE)  # in code it names a part of a log format


@pytest.fixture(scope="module")
def texts(root: Path) -> dict[str, str]:
    """Return the text of every tracked file."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("this checkout is no git repository")
    names = [name for name in listed.stdout.split("\0") if name and (root / name).is_file()]
    return {name: (root / name).read_bytes().decode("utf-8", "replace") for name in names}


def test_no_file_names_a_machine_a_registry_host_or_how_it_came_about(texts: dict[str, str]) -> None:
    """The text speaks of the project alone."""
    assert texts
    assert {name: found.group() for name, text in texts.items() if (found := FORBIDDEN.search(text))} == {}


def test_prose_keeps_to_the_reader(texts: dict[str, str]) -> None:
    """Pages for readers do not use the words of the tools that people write with."""
    pages = {name: text for name, text in texts.items() if name.endswith(".md")}
    assert [name for name, text in pages.items() if PROSE_ONLY.search(text)] == []


def test_every_local_link_of_a_page_leads_somewhere(texts: dict[str, str], root: Path) -> None:
    """A link or picture of a page that names a file of the project finds it."""
    fences = re.compile(r"```.*?```", re.DOTALL)
    link = re.compile(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)")
    pages = {name: fences.sub("", text) for name, text in texts.items() if name.endswith(".md")}
    links = [(name, target) for name, text in pages.items() for target in link.findall(text)]
    assert [(name, target) for name, target in links if not ((root / name).parent / target).exists()] == []

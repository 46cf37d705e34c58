"""The extractors as the enumeration reads them."""

from __future__ import annotations

import pytest

from trajectory_compiler.dataflow.extract import extract, extractable
from trajectory_compiler.dataflow.program import Extract

STATUS = "Registration report\nStatus: waiting for credentials\n- Trunk: north-2\nStatus page: none\nexit code: 3\n"


@pytest.mark.parametrize(
    ("rule", "text", "expected"),
    [
        (Extract(kind="line_value", key="Status"), STATUS, "waiting for credentials"),
        (Extract(kind="line_value", key="Trunk"), STATUS, "north-2"),
        (Extract(kind="line_value", key="Trunk"), "Trunk: a\nTrunk: b", None),
        (Extract(kind="line_value", key="url"), "see url:https", None),
        (Extract(kind="quantity", key="files"), "changed 1,204 files in 3.5 seconds", "1204"),
        (Extract(kind="quantity", key="files"), "2 files, then 3 files", None),
        (Extract(kind="quantity", key="passed"), "v2 passed", None),
        (Extract(kind="exit_code"), STATUS, "3"),
        (Extract(kind="exit_code"), "Exit code 1 ... exit status 1", "1"),
        (Extract(kind="exit_code"), "exit code 1, exit code 2", None),
        (Extract(kind="error_line"), "ok\n  Error: no such file \nbye", "Error: no such file"),
        (Extract(kind="error_line"), "terrors and errorless", None),
    ],
)
def test_each_rule_reads_what_it_says(rule: Extract, text: str, expected: str | None) -> None:
    """An extractor gives the one value that its rule describes, and nothing where there are two or none."""
    found = extract(rule, text)
    assert (None if found is None else found.text) == expected
    if found is not None and rule.kind != "quantity":
        assert text[found.span[0] : found.span[1]] == found.text


def test_everything_extractable_is_extracted_alike() -> None:
    """What `extractable` lists is what `extract` reads by the same rule."""
    listed = list(extractable(STATUS))
    assert listed
    assert all(extract(rule, STATUS) == hit for rule, hit in listed)

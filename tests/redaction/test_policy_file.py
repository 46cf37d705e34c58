"""A user's policy: a TOML table that starts from a shipped policy; what cannot be meant is refused in one sentence."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from trajectory_compiler.errors import OptionError
from trajectory_compiler.redaction import load_policy
from trajectory_compiler.redaction.policy_file import has_policy, read_policy, read_rules

RULE = """
family = "ours"
[[rule]]
name = "badge"
kind = "BADGE"
pattern = '(?P<value>ZZ-[0-9]{4})'
examples = [["see ZZ-1234", "ZZ-1234"]]
"""


def _file(folder: Path, text: str) -> Path:
    path = folder / "policy.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_changes_what_it_names_and_nothing_else(tmp_path: Path) -> None:
    """Types, fields, allow-lists, scope, limits and own rules come from the file; rules, the rest, from where it starts."""
    (tmp_path / "ours.toml").write_text(RULE, encoding="utf-8")
    path = _file(
        tmp_path,
        "[redaction]\npolicy = 'strict'\nscope = 'log'\nrules = ['ours.toml']\nrestore = ['EMAIL']\n"
        "[redaction.types]\nPOSTCODE = 'keep'\n[redaction.fields]\n'response/name' = 'PERSON'\n"
        "[redaction.allow]\nvalues = ['a@b.example']\npatterns = ['x+']\n[redaction.limits]\nmax_depth = 7\n",
    )
    policy, strict = read_policy(path), load_policy("strict")
    assert load_policy(str(path)) == policy
    assert (policy.name, policy.scope, policy.unscanned, policy.names) == ("strict", "log", "block", "model")
    assert [rule.name for rule in policy.rules[len(strict.rules) :]] == ["badge"]
    assert policy.rules[: len(strict.rules)] == strict.rules
    assert policy.limits.max_depth == 7
    assert policy.limits.min_inside_words == strict.limits.min_inside_words
    assert policy.passes("POSTCODE", "x")
    assert policy.passes("EMAIL", "A@B.example")
    assert not policy.passes("EMAIL", "c@b.example")
    assert policy.may_restore("EMAIL")
    assert not policy.may_restore("PERSON")
    assert not policy.may_restore("SECRET")
    assert policy.hash not in (strict.hash, load_policy("standard").hash)
    assert [file.family for file in read_rules(path)] == ["ours"]


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("x = 1", "no table"),
        ("[redaction\n", "no TOML"),
        ("[redaction]\npolicy = 'lax'", "not as it must be"),
        ("[redaction]\ncolour = 'red'", "not as it must be"),
        ("[redaction]\npolicy = 'off'", "needs a reason"),
        ("[redaction]\nreason = 'synthetic'", "belongs to policy = 'off'"),
        ("[redaction.types]\nEMAIL = 'maybe'", "not as it must be"),
        ("[redaction.types]\nemail = 'keep'", "'email' is no type"),
        ("[redaction.types]\nSECRET = 'keep'", "SECRET are never kept"),
        ("[redaction]\nrestore = ['SECRET']", "SECRET are never kept"),
        ("[redaction.fields]\n'a/b' = 'hide'", "'hide' is no type"),
        ("[redaction.allow]\npatterns = ['(']", "does not compile"),
        ("[redaction.limits]\nmax_size = 3", "no limit 'max_size'"),
        ("[redaction.limits]\nmax_depth = 'x'", "not as it must be"),
        ("[redaction]\nrules = ['nowhere.toml']", "nowhere.toml' cannot be read"),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path: Path, text: str, seen: str) -> None:
    """Every mistake in a policy file is one sentence that names the file; a policy is never guessed."""
    with pytest.raises(OptionError, match="Cannot use the policy file") as refusal:
        read_policy(_file(tmp_path, text))
    assert seen in str(refusal.value)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    """A policy file that is not there is an error, not the standard policy."""
    with pytest.raises(OptionError, match="No such file"):
        load_policy(str(tmp_path / "none.toml"))
    assert not has_policy(tmp_path / "none.toml")


def test_off_keeps_its_reason(tmp_path: Path) -> None:
    """Two reasons are two policies: the hash that is stored with a pair tells them apart."""
    path = _file(tmp_path, "[redaction]\npolicy = 'off'\nreason = 'the log is synthetic'\n")
    policy = read_policy(path)
    assert policy.is_off
    assert policy.reason == "the log is synthetic"
    assert policy.hash == load_policy("off", "the log is synthetic").hash != load_policy("off").hash
    assert has_policy(path)


def test_the_documented_policy_is_one(tmp_path: Path, root: Path) -> None:
    """The example in docs/redaction.md is a policy file as it stands there."""
    page = (root / "docs" / "redaction.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    (tmp_path / "our_rules.toml").write_text(RULE, encoding="utf-8")
    policy = read_policy(_file(tmp_path, example))
    assert {rule.treatment for rule in policy.fields} == {"PERSON", "keep"}
    assert policy.passes("EMAIL", "sales@ourcompany.example")

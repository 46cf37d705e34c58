"""The evidence pack: everything on record, every heading with its source, nothing claimed."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest

from tests.reports.planted import plant
from tests.store.samples import clock
from trajectory_compiler.errors import InputError, OptionError
from trajectory_compiler.model import Pair, Trajectory
from trajectory_compiler.redaction import load_policy
from trajectory_compiler.reports.evidence import EvidencePack, Inputs
from trajectory_compiler.reports.evidence_page import evidence_page
from trajectory_compiler.reports.packing import CONTENTS, make_pack
from trajectory_compiler.reports.profile import PROFILES, load_profile
from trajectory_compiler.store import Action, Store, StoredPolicy


def query(pair: Pair, _: Trajectory) -> str:
    """Give a query for every pair but those of one question."""
    if "(0)" in pair.question:
        raise InputError("write SQL", "it is not one query", "Look at it.")
    return f"SELECT '<{pair.id[:4]}>';"


def inputs(store: Store) -> Inputs:
    """Return what a pack of a store is made of."""
    return Inputs(store=store, made_at=clock(), made_by="amy", program_version="0.0", sql=query)


@pytest.fixture
def pack(tmp_path: Path) -> EvidencePack:
    """Return the pack of a store with a purpose, an erasure, a hold and an export."""
    with Store.open(tmp_path / "store.db", clock=clock) as store:
        unredacted(store)
        stated = {"purpose": {"use": "evaluation", "lawful_basis": "LB-7", "dpia": "", "exclude_tools": ["mail"]}}
        store.finish_run(store.begin_run("compile", "audit", msgspec.json.encode(stated).decode(), "1"), "done", {})
        store.record_action(Action(kind="export", actor="bob", target="pairs.jsonl", detail={}, created_at=clock()))
        with store._database.transaction():
            store._database.execute(
                "INSERT INTO erasures (id, kind, subject, reason, actor, counts, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
                ("e1", "session", "secret-subject", "asked to", "amy", '{"pairs": 3, "proofs": 0}', clock()),
            )
        return make_pack("public-sector", inputs(store))


def unredacted(store: Store) -> None:
    """Fill a store whose policy redacts nothing, so that the planted texts may pass."""
    plant(store)
    with store._database.transaction():
        store._database.execute("DELETE FROM policies")
    policy = load_policy("off", "a test")
    store.save_policy(StoredPolicy(hash="policy-1", name="off", reason="a test", content=msgspec.json.encode(policy)))


@pytest.mark.parametrize("name", PROFILES)
def test_every_heading_of_a_profile_has_content_and_a_dated_source(name: str) -> None:
    """Each profile covers every content once, and each heading names at least one source with the day it was read."""
    profile = load_profile(name)
    assert sorted(heading.content for heading in profile.sections) == sorted(CONTENTS)
    for heading in profile.sections:
        assert heading.because
        assert all(profile.sources[item.source].read_on.year >= 2026 for item in heading.because)
    named = {item.source for heading in profile.sections for item in heading.because}
    assert named == set(profile.sources)


@pytest.mark.parametrize("name", PROFILES)
def test_no_profile_claims_compliance(name: str) -> None:
    """No heading says that something complies, satisfies or is met."""
    said = " ".join(f"{heading.heading} {heading.asks}" for heading in load_profile(name).sections)
    assert re.findall(r"\b(?:complies|compliant|satisf\w+|fulfil\w*|certif\w+)\b", said) == []


def test_an_unknown_profile_is_refused() -> None:
    """The sentence lists those that there are."""
    with pytest.raises(OptionError, match="pra-ss123, fca-solo, public-sector"):
        load_profile("bafin")


def test_it_says_what_is_on_record(pack: EvidencePack) -> None:
    """Purpose, export and erasure stand under their headings; the erased subject does not."""
    parts = {section.heading: section.content for section in pack.sections}
    text = msgspec.json.encode(parts).decode()
    assert ("audit", clock(), "evaluation", "LB-7", "not stated", "1 tools") in (
        parts["For which purpose, on which ground"].sheets[0].rows
    )
    assert "3 pairs" in text
    assert "pairs.jsonl" in text
    assert "secret-subject" not in text
    assert pack.signature.name == ""


def test_its_pairs_are_random_and_carry_a_query_or_the_reason(pack: EvidencePack) -> None:
    """Ten pairs, proved anew; each has its query, or says why there is none."""
    shown = [item for section in pack.sections for item in section.content.pairs]
    assert len(shown) == 10
    assert all((item.sql is None) == (item.no_sql == "it is not one query") for item in shown)
    assert {item.sql is None for item in shown} == {True, False}
    # The planted pairs were never proved: the pack must find that out by itself.
    assert all(item.proof.startswith("FAILS") for item in shown)


class Loaded(HTMLParser):
    """Collects what a page would load or run."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element that loads or runs something; a link inside the page does not."""
        self.found += [tag] if tag in ("script", "iframe", "object", "img", "link") else []
        self.found += [str(value) for name, value in attrs if name in ("href", "src") and not str(value).startswith("#")]


def test_the_page_shows_the_pack_and_loads_nothing(pack: EvidencePack) -> None:
    """Headings, sources with their dates, escaped queries and the empty lines to sign; no script and no address to load."""
    page = evidence_page(pack)
    assert Loaded(page).found == []
    assert page.count("Read on 2026-11-24") == sum(len(section.because) for section in pack.sections)
    assert "SELECT &#39;&lt;" in page
    assert "not a claim of compliance" in page


def test_the_same_store_and_seed_give_the_same_bytes(tmp_path: Path) -> None:
    """Nothing hidden goes into a pack."""
    with Store.open(tmp_path / "store.db", clock=clock) as store:
        unredacted(store)
        made = [msgspec.json.encode(make_pack("pra-ss123", inputs(store))) for _ in range(2)]
    assert made[0] == made[1]

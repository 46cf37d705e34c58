"""What is excluded never leaves, in any format and context; what a model wrote leaves only where it may, and is named."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.store.samples import clock, pair, saved, session
from trajectory_compiler.config import CompileOptions, PurposeOptions
from trajectory_compiler.errors import InputError, OptionError
from trajectory_compiler.exports import FORMATS, ExportRequest, Manifest, export, parse_context
from trajectory_compiler.exports.purpose import EXCLUDED_SESSION, EXCLUDED_TURN, MODEL_WRITTEN, Door
from trajectory_compiler.exports.request import ExportFormat
from trajectory_compiler.exports.terms import all_terms, model_in, model_of_origin, restrictions
from trajectory_compiler.model import Evidence, Proof, Trajectory
from trajectory_compiler.store import Store

CONTEXTS = ("none", "evidence", "full", "2k")
TURNS = 12
HR, SAID, THOUGHT, READ = 3, 5, 7, 9  # turns: of an excluded agent, a message, a thought, of an excluded tool


def mixed(name: str = "s-1") -> Trajectory:
    """Return a session with a message, a thought, a turn of another agent and one of another tool, each with its own words."""
    made = session(name, TURNS)
    changes: dict[int, dict[str, Any]] = {
        HR: {"agent": "hr-agent", "response": {"note": "words of hr", "owner": f"owner-{HR}"}},
        SAID: {
            "kind": "exchange",
            "tool": "respond",
            "agent": "claude-code/claude-sonnet-4-5",
            "arguments": "words of the model",
            "response": "words of the user",
        },
        THOUGHT: {"kind": "thinking", "tool": "think", "arguments": "words of a thought", "response": None},
        READ: {"tool": "read_record", "response": {"note": "words of a record", "owner": f"owner-{READ}"}},
    }
    turns = tuple(msgspec.structs.replace(turn, **changes.get(turn.index, {})) for turn in made.turns)
    return msgspec.structs.replace(made, turns=turns)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Give a store of one mixed session with pairs that need plain turns, each special turn, and a second session."""
    ticks = iter(range(60 * 60))  # each run begins a second after the one before
    with Store.open(
        tmp_path / "store.db", clock=lambda: "2026-11-24T10:{:02d}:{:02d}Z".format(*divmod(next(ticks), 60))
    ) as opened:
        one, two = mixed(), session("private-7", TURNS)
        prose = pair(
            one,
            5,
            (1, SAID),
            program=None,
            origin="model:google:gemini-3.5-flash-lite",
            state="tested",
            evidence=(
                Evidence(turn=1, path="/response/owner", quote="owner-1"),
                Evidence(turn=SAID, path="/response", quote="words of the user"),
            ),
        )
        quoting = msgspec.structs.replace(
            prose, id="q" * 32, evidence=(Evidence(turn=SAID, path="/arguments", quote="words of the model"),)
        )
        plain = pair(one, 1, (1, 10))
        reading = pair(one, 2, (0, 10), proof=Proof(gates=plain.proof.gates, read_set=(0, READ, 10)))
        made = (plain, reading, pair(one, 3, (1, HR)), pair(one, 4, (2, THOUGHT)), prose, quoting)
        saved(opened, *made, trajectory=one)
        saved(opened, pair(two, 8, (1, 10)), trajectory=two)
        yield opened


def exported(store: Store, form: ExportFormat = "jsonl", **given: Any) -> tuple[str, Manifest]:
    """Return the bytes of an export and its manifest."""
    out = io.BytesIO()
    options: dict[str, Any] = {"format": form, "created_at": clock(), "context": parse_context("full")} | given
    manifest = export(store, ExportRequest(**options), out)
    return out.getvalue().decode(), manifest


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("context", CONTEXTS)
def test_what_is_excluded_is_in_no_byte(store: Store, form: ExportFormat, context: str) -> None:
    """In every format and context: no word of excluded agents, tools and sessions; what needed them is counted by reason."""
    purpose = PurposeOptions(exclude_agents=("hr-*",), exclude_tools=("read_record",), exclude_sessions=("private-*",))
    text, manifest = exported(store, form, context=parse_context(context), purpose=purpose)
    assert not any(words in text for words in ("words of hr", "words of a record", "private-7", "read_record", "hr-agent"))
    assert manifest.left_out == {EXCLUDED_SESSION: 1, EXCLUDED_TURN: 2}
    assert manifest.purpose == purpose
    assert "words of hr" in exported(store, "jsonl", context=parse_context("full"))[0]


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("context", ["evidence", "full", "2k"])
def test_observations_only_drops_what_the_model_wrote(store: Store, form: ExportFormat, context: str) -> None:
    """Messages keep the user's part, thoughts go, calls stay; pairs that rest on the model's words are left out and counted."""
    text, manifest = exported(store, form, context=parse_context(context), observations_only=True)
    assert "words of the model" not in text
    assert "words of a thought" not in text
    assert "words of the user" in text
    assert manifest.left_out == {MODEL_WRITTEN: 2}
    assert manifest.observations_only
    assert "words of the model" in exported(store, form, context=parse_context("full"))[0]


def test_a_hidden_turn_leaves_the_numbers_of_the_others(store: Store) -> None:
    """Turns keep their numbers, so that supporting_turns still point at them."""
    text, _ = exported(store, purpose=PurposeOptions(exclude_agents=("hr-agent",)), session="s-1")
    shown = json.loads(text.splitlines()[0])["context"]
    assert f"#{HR - 1:03d} " in shown
    assert f"#{HR:03d} " not in shown
    assert f"#{HR + 1:03d} " in shown


def test_the_purpose_of_the_last_run_holds_without_a_config(store: Store) -> None:
    """What a run was started with is enforced later and elsewhere; the next run of the source replaces it."""
    stored = msgspec.json.encode(CompileOptions(purpose=PurposeOptions(exclude_sessions=("private-7",)))).decode()
    store.finish_run(store.begin_run("compile", "log", stored, "1"), "done", {})
    text, manifest = exported(store)
    assert "private-7" not in text
    assert manifest.purposes["log"].exclude_sessions == ("private-7",)
    purpose = PurposeOptions(exclude_tools=("read_record",))
    assert exported(store, purpose=purpose)[1].left_out == {EXCLUDED_SESSION: 1, EXCLUDED_TURN: 1}
    store.finish_run(store.begin_run("compile", "log", "{}", "1"), "done", {})
    assert "private-7" in exported(store)[0]


def test_evaluation_is_not_training(store: Store) -> None:
    """Where the purpose is evaluation, the format that trains is refused, whoever states it: the config or the run."""
    with pytest.raises(OptionError, match="the purpose of these pairs is evaluation"):
        exported(store, "chat", purpose=PurposeOptions(use="evaluation"))
    assert exported(store, "inspect", purpose=PurposeOptions(use="evaluation"))[1].records > 0
    stored = msgspec.json.encode(CompileOptions(purpose=PurposeOptions(use="evaluation"))).decode()
    store.finish_run(store.begin_run("sync", "log", stored, "1"), "done", {})
    with pytest.raises(OptionError, match="the purpose of these pairs is evaluation"):
        exported(store, "chat")


def test_nothing_left_is_said_with_its_reason(store: Store) -> None:
    """An export of which everything is excluded ends in a sentence and no file."""
    with pytest.raises(InputError, match="excluded by the purpose"):
        exported(store, purpose=PurposeOptions(exclude_sessions=("*",)))


def test_the_manifest_names_models_and_terms(store: Store) -> None:
    """Models behind contexts and pairs, agents whose model the log does not say, and what the terms say, dated."""
    _, manifest = exported(store)
    assert manifest.models.context == ("claude-sonnet-4-5",)
    assert manifest.models.pairs == ("google:gemini-3.5-flash-lite",)
    assert set(manifest.models.unnamed_agents) == {"hr-agent", "mail", "triage"}
    assert [(one.model, one.part) for one in manifest.terms] == [
        ("claude-sonnet-4-5", "context"),
        ("google:gemini-3.5-flash-lite", "pairs"),
    ]
    assert exported(store, context=parse_context("none"))[1].models.context == ()


def test_every_line_of_the_terms_has_its_source_and_day() -> None:
    """The table is data with a source, an edition and the day it was read; beginnings of names are in small letters."""
    for terms in all_terms():
        assert terms.source.startswith("https://")
        assert terms.edition
        assert terms.read <= date(2026, 11, 24)
        assert all(model == model.casefold() for model in terms.models)
    assert [one.part for one in restrictions(["gpt-5-mini", "qwen2.5", "Claude-opus-4"], "pairs")] == ["pairs", "pairs"]


@pytest.mark.parametrize(
    ("agent", "model"),
    [
        ("claude-code/claude-sonnet-4-5", "claude-sonnet-4-5"),
        ("gpt-5-mini", "gpt-5-mini"),
        ("triage (gemini-3.5-flash)", "gemini-3.5-flash"),
        ("clerk", None),
        ("commander", None),
    ],
)
def test_a_model_is_read_out_of_an_agent_name(agent: str, model: str | None) -> None:
    """Where an agent's name names its model that is used; a name that only resembles one is not."""
    assert model_in(agent) == model


def test_who_wrote_a_pair_is_its_origin() -> None:
    """Pairs of programs and in prose name their model; those of the compiler and of the paper's method name none."""
    assert model_of_origin("model:openai:gpt-5-mini") == "openai:gpt-5-mini"
    assert model_of_origin("program:local:/m.gguf") == "local:/m.gguf"
    assert model_of_origin("dataflow") is None
    assert model_of_origin("acc") is None


def test_a_door_without_a_purpose_lets_everything_through(store: Store) -> None:
    """Nothing is hidden and no pair refused where nothing is excluded."""
    door = Door(store, PurposeOptions(), observations_only=False)
    assert all(door.reason_against(one, store.trajectory_of(one)) is None for one in store.pairs())

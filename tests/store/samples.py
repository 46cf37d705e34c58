"""Small sessions and pairs for the tests of store and exports: a session of tickets, of any length."""

from __future__ import annotations

import msgspec

from trajectory_compiler.dataflow.program import Call, Condition, Field, Get, Literal, Program, encode, pair_id
from trajectory_compiler.model import GATES, Evidence, Finding, Pair, Proof, Trajectory, Turn, short_hash
from trajectory_compiler.store import SessionResult, Store

KEY = "key-1"


def clock() -> str:
    """Return one fixed instant."""
    return "2026-11-24T10:00:00Z"


def turn(index: int, words: str = "") -> Turn:
    """Return one call that reads a ticket; its response names the next ticket and carries `words`."""
    return Turn(
        index=index,
        row_id=f"r{index}",
        created_at=f"2026-11-24T10:{index // 42 % 60:02d}:{index % 42 * 7 // 5:02d}Z",  # one or two seconds apart
        agent="triage" if index % 2 else "mail",
        tool="get_ticket",
        kind="tool",
        arguments={"ticket": f"T-{index}"},
        response={"owner": f"owner-{index}", "next": f"T-{index + 1}", "note": words},
        ok=True,
        effect=False,
    )


def session(name: str = "s-1", turns: int = 8, *, source: str = "log", words: str = "") -> Trajectory:
    """Return a session of that many turns."""
    calls = tuple(turn(index, words) for index in range(turns))
    return Trajectory(
        source=source,
        session_id=name,
        turns=calls,
        digest=short_hash("trajectory", source, name, str(turns), words),
        raw_digest=short_hash("raw", source, name, str(turns), words),
        policy_hash="policy-1",
    )


def pair(trajectory: Trajectory, number: int = 0, supporting: tuple[int, ...] = (1, 4), **changes: object) -> Pair:
    """Return a proved pair over the supporting turns; `number` sets its program apart from others of the session."""
    last = supporting[-1]
    program = encode(
        Program(
            version=1,
            family="composition",
            calls=(
                Call(
                    name="c",
                    tool="get_ticket",
                    pick="only",
                    where=(Condition(path="/arguments/ticket", op="eq", value=Literal(f"T-{last}-{number}")),),
                ),
            ),
            answer=Get("c", Field(path="/response/owner")),
        )
    )
    made = Pair(
        id=pair_id(trajectory.source, trajectory.session_id, program),
        source=trajectory.source,
        session_id=trajectory.session_id,
        trajectory_digest=trajectory.digest,
        qa_type="composition",
        program=msgspec.Raw(program),
        question=f"Who owns the ticket that ticket T-{supporting[0]} led to ({number})?",
        answer=f"owner-{last}",
        answer_type="identifier",
        evidence=tuple(Evidence(turn=at, path="/response/owner", quote=f"owner-{at}") for at in supporting),
        supporting_turns=supporting,
        row_ids=tuple(f"r{at}" for at in supporting),
        hops=2,
        width=1,
        span_turns=supporting[-1] - supporting[0],
        proof=Proof(gates=dict.fromkeys(GATES, True), read_set=supporting, supporting=supporting, guess_rate=0.25),
        state="proved",
        reasoning=f"Ticket T-{supporting[0]} leads to ticket T-{last}.",
    )
    return msgspec.structs.replace(made, **changes)


def saved(store: Store, *pairs: Pair, trajectory: Trajectory, findings: tuple[Finding, ...] = ()) -> str:
    """Save one compiled session in a run of its own and return the run's id."""
    run = store.begin_run("compile", trajectory.source, "{}", "1")
    store.save_session(SessionResult(run_id=run, trajectory=trajectory, compile_key=KEY, pairs=pairs, findings=findings))
    store.finish_run(run, "done", {"sessions": 1})
    return run

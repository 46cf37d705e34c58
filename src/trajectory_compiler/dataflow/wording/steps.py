"""Steps: how an answer follows from the log, spelled out turn by turn."""

from __future__ import annotations

from trajectory_compiler.dataflow.candidate import Candidate
from trajectory_compiler.dataflow.index import SessionIndex
from trajectory_compiler.dataflow.program import Bridge, Change, Count, Difference, Field, Get, Program, Walk
from trajectory_compiler.dataflow.wording.phrases import act, noun


def explain(index: SessionIndex, candidate: Candidate) -> str:
    """Return the steps from the log to the answer in plain sentences: training data that spells out the hops."""
    program, trace = candidate.program, candidate.trace
    bridges = {
        (c.value.call, c.value.field.path): c.value.field for n in program.calls for c in n.where if isinstance(c.value, Bridge)
    }
    item = program.answer.field.item if isinstance(program.answer, Get) else None
    if item is not None and isinstance(item.value, Bridge):
        bridges[item.value.call, item.value.field.path] = item.value.field
    steps: list[str] = []
    for node in program.calls:
        turns = [t for t in trace.picked.get(node.name, ()) if t not in candidate.withheld]
        if not turns:
            continue
        places = ", ".join(f"#{t:03d}" for t in turns[:12]) + (", ..." if len(turns) > 12 else "")
        facts = [
            f"{noun(f)} {leaf.text}"
            for (call, path), f in bridges.items()
            if call == node.name and (leaf := index.leaf(turns[0], path))
        ]
        facts += [f"{noun(_answer_field(program))} {s.text}" for s in trace.sources if s.turn in turns[:12]]
        steps.append(f"{places}: the agent {act(node).past}" + (f" ({'; '.join(dict.fromkeys(facts))})" if facts else "") + ".")
    if candidate.withheld:
        steps.append("The call that would give the rest is not in the log.")
    return " ".join(steps)


def _answer_field(program: Program) -> Field:
    answer = program.answer
    if isinstance(answer, Difference | Change):
        return answer.left.field
    if isinstance(answer, Walk):
        return answer.label
    return Field(path="/tool") if isinstance(answer, Count) else answer.field

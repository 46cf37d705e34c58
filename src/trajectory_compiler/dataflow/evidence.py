"""Evidence: for each supporting turn, the values in it that the answer rests on, quoted with their place."""

from __future__ import annotations

from trajectory_compiler.dataflow.candidate import Candidate
from trajectory_compiler.dataflow.evaluate import Source, field_source
from trajectory_compiler.dataflow.index import SessionIndex
from trajectory_compiler.dataflow.program import Bridge, Call, Condition, Distinct, Get
from trajectory_compiler.model import Evidence, canonical, escape_token, resolve, turn_object


def evidence_of(index: SessionIndex, candidate: Candidate) -> tuple[Evidence, ...]:
    """Quote at least one value of every supporting turn that is shown: answers, bridges, then what identifies the call."""
    shown = _shown(candidate)
    found: dict[tuple[int, str], Evidence] = {}
    for source in candidate.trace.sources:
        _add(found, index, source, shown)
    for node in candidate.program.calls:
        for condition in node.where:
            if isinstance(condition.value, Bridge):
                producer = candidate.trace.picked.get(condition.value.call, ())
                bridge = field_source(index, producer[0], condition.value.field) if producer else None
                if bridge is not None:
                    _add(found, index, bridge, shown)
                    _add_use(found, index, (node, condition, bridge.text), candidate, shown)
            else:
                _add_use(found, index, (node, condition, condition.value.value), candidate, shown)
    _add_item(found, index, candidate, shown)
    for t in shown:
        if not any(turn == t for turn, _ in found):
            found[t, "/tool"] = Evidence(turn=t, path="/tool", quote=index.turns[t].tool)
    return tuple(found[key] for key in sorted(found))


def _shown(candidate: Candidate) -> list[int]:
    """Return the supporting turns that are in the context and, of a number of different values, one turn for each value."""
    shown = {t for t in candidate.support if t not in candidate.withheld}
    if isinstance(candidate.program.answer, Distinct) and not candidate.withheld:
        first: dict[str, int] = {}
        for source in candidate.trace.sources:
            first.setdefault(source.text, source.turn)
        told = {source.text for source in candidate.trace.sources if source.turn in shown}
        shown.update(turn for text, turn in first.items() if text not in told)
    return sorted(shown)


def _add_item(found: dict[tuple[int, str], Evidence], index: SessionIndex, candidate: Candidate, shown: list[int]) -> None:
    """Quote what names the record that the answer was read in: where it was chosen, and the key of the record."""
    answer = candidate.program.answer
    if not isinstance(answer, Get) or answer.field.item is None or not isinstance(answer.field.item.value, Bridge):
        return
    bridge = answer.field.item.value
    chosen = field_source(index, candidate.trace.picked[bridge.call][0], bridge.field)
    if chosen is None:
        return
    for source in candidate.trace.sources:
        record = source.path.removesuffix(answer.field.path)
        _add(found, index, chosen, shown)
        _add(found, index, Source(source.turn, f"{record}/{escape_token(answer.field.item.key)}", None, chosen.text), shown)


def _add(found: dict[tuple[int, str], Evidence], index: SessionIndex, source: Source, shown: list[int]) -> None:
    if source.turn not in shown:
        return
    value = resolve(turn_object(index.turns[source.turn]), source.path)
    quote = value[source.span[0] : source.span[1]] if source.span else canonical(value)
    if quote:
        found.setdefault(
            (source.turn, source.path), Evidence(turn=source.turn, path=source.path, span=source.span, quote=quote)
        )


def _add_use(
    found: dict[tuple[int, str], Evidence],
    index: SessionIndex,
    use: tuple[Call, Condition, str],
    candidate: Candidate,
    shown: list[int],
) -> None:
    node, condition, text = use
    for t in candidate.trace.picked.get(node.name, ()):
        path = condition.path
        if condition.op == "has":
            path = next((leaf.path for leaf in index.responses[t] if leaf.text == text), "")
        if t in shown and path:
            _add(found, index, Source(t, path, None, text), shown)

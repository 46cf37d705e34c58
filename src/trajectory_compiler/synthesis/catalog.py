"""What a model is shown to propose question programs: the calls of a session, their fields, and what flows between them.

It costs a few hundred tokens, however long the session is: a tool has one entry, a field a few of its values.

    get_order: 12 calls (turns 3 to 88), 1 failed
      /arguments/order_id: `ORD-44017`, `ORD-44020`, ... 12 different
      /response/state: `packed`, `sent`, 2 different
    What flows from a response into a later call that is not the next:
      flow 1: read_mail /response/about -> get_order /arguments/order_id (9 times, 4 to 70 turns later)
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from trajectory_compiler.dataflow.fields import is_speakable, is_worth_asking
from trajectory_compiler.dataflow.index import SessionIndex

MAX_TOOLS = 24
MAX_FIELDS = 8  # of a tool, arguments and response each
MAX_SAMPLES = 3
MAX_SAMPLE_CHARACTERS = 48
MAX_FLOWS = 16


class Flow(NamedTuple):
    """A field of a tool's response whose values later stand in an argument of another call; `gaps` are in turns."""

    maker: str
    source: str
    user: str
    target: str
    gaps: tuple[int, ...]


def catalog(index: SessionIndex) -> str:
    """Return the tools, fields and flows of a session as text, the most called tools first."""
    tools = sorted(index.tools, key=lambda tool: (-len(index.tools[tool]), tool))[:MAX_TOOLS]
    lines = [line for tool in tools for line in _of_tool(index, tool)]
    return "\n".join([*lines, "What flows from a response into a later call that is not the next:", *_told(index)])


def _of_tool(index: SessionIndex, tool: str) -> Iterator[str]:
    turns = index.tools[tool]
    failed = sum(index.turns[t].ok is False for t in turns)
    where = f"turns {turns[0]} to {turns[-1]}" if len(turns) > 1 else f"turn {turns[0]}"
    yield f"{tool}: {len(turns)} call{'s' if len(turns) > 1 else ''} ({where}){f', {failed} failed' if failed else ''}"
    for leaves in (index.arguments, index.responses):
        values: dict[str, list[str]] = defaultdict(list)
        for t in turns:
            for leaf in leaves[t]:
                if is_speakable(leaf.path) and is_worth_asking(leaf.key, leaf.value, leaf.text):
                    values[leaf.path].append(leaf.text)
        for path in sorted(values, key=lambda p: (-len(values[p]), p))[:MAX_FIELDS]:
            yield f"  {path}: {_samples(values[path])}"


def _samples(values: list[str]) -> str:
    different = list(dict.fromkeys(values))
    shown = ", ".join(f"`{value[:MAX_SAMPLE_CHARACTERS]}`" for value in different[:MAX_SAMPLES])
    return shown if len(different) <= MAX_SAMPLES else f"{shown}, ... {len(different)} different"


def _told(index: SessionIndex) -> Iterator[str]:
    for number, flow in enumerate(flows(index), start=1):
        times, far = len(flow.gaps), f"{min(flow.gaps)} to {max(flow.gaps)}" if len(flow.gaps) > 1 else str(flow.gaps[0])
        how = f"{times} time{'s' if times > 1 else ''}, {far} turns later"
        yield f"  flow {number}: {flow.maker} {flow.source} -> {flow.user} {flow.target} ({how})"


def flows(index: SessionIndex) -> tuple[Flow, ...]:
    """Return the fields between which distinctive values flow over a gap, the most frequent first; flow 1 is the first."""
    gaps: dict[tuple[str, str, str, str], list[int]] = defaultdict(list)
    for value, places in index.produced.items():
        if not index.is_distinctive(value):
            continue
        made, source = places[0]
        for used, target in index.used.get(value, ()):
            if used > made + 1 and is_speakable(source):
                gaps[index.turns[made].tool, source, index.turns[used].tool, target].append(used - made)
    ordered = sorted(gaps.items(), key=lambda item: (-len(item[1]), item[0]))[:MAX_FLOWS]
    return tuple(Flow(*places, tuple(found)) for places, found in ordered)

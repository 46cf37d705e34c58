"""What a model is shown to propose question programs: the calls of a session, their fields, and what flows between them.

It costs a few hundred tokens, however long the session is: a tool has one entry, a field a few of its values.

    get_order: 12 calls (turns 3 to 88), 1 failed
      /arguments/order_id: `ORD-44017`, `ORD-44020`, ... 12 different
      /response/state: `packed`, `sent`, 2 different
    What flows: read_mail /response/about -> get_order /arguments/order_id (9 times, 4 to 70 turns later)
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from trajectory_compiler.dataflow.fields import is_speakable, is_worth_asking
from trajectory_compiler.dataflow.index import SessionIndex

MAX_TOOLS = 24
MAX_FIELDS = 8  # of a tool, arguments and response each
MAX_SAMPLES = 3
MAX_SAMPLE_CHARACTERS = 48
MAX_FLOWS = 16


def catalog(index: SessionIndex) -> str:
    """Return the tools, fields and flows of a session as text, the most called tools first."""
    tools = sorted(index.tools, key=lambda tool: (-len(index.tools[tool]), tool))[:MAX_TOOLS]
    lines = [line for tool in tools for line in _of_tool(index, tool)]
    return "\n".join([*lines, "What flows from a response into a later call that is not the next:", *_flows(index)])


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


def _flows(index: SessionIndex) -> Iterator[str]:
    """Yield the fields between which distinctive values flow, the most frequent first."""
    counts: Counter[tuple[str, str, str, str]] = Counter()
    gaps: dict[tuple[str, str, str, str], list[int]] = defaultdict(list)
    for value, places in index.produced.items():
        if not index.is_distinctive(value):
            continue
        made, source = places[0]
        for used, target in index.used.get(value, ()):
            if used > made + 1 and is_speakable(source):
                flow = (index.turns[made].tool, source, index.turns[used].tool, target)
                counts[flow] += 1
                gaps[flow].append(used - made)
    for flow, times in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:MAX_FLOWS]:
        maker, source, user, target = flow
        far = f"{min(gaps[flow])} to {max(gaps[flow])}" if times > 1 else str(gaps[flow][0])
        yield f"  {maker} {source} -> {user} {target} ({times} time{'s' if times > 1 else ''}, {far} turns later)"

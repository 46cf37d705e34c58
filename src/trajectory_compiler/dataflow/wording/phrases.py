"""Phrases: a call as something that the agent did, a field as a noun."""

from __future__ import annotations

from typing import NamedTuple

from trajectory_compiler.dataflow.program import Bridge, Call, Condition, Field, Literal
from trajectory_compiler.dataflow.wording.lexicon import (
    DATES,
    FIELD_NOUNS,
    JOINERS,
    ORDINALS,
    SPECIAL,
    VERBS,
    Verb,
    article,
    is_plural,
    plural,
    readable,
    singular,
    words_of,
)

_GENERIC = frozenset(
    """
    name id status state type value amount price title number date count total key path email city code label
""".split()
)
_WRAPPERS = frozenset(
    """
    response result results data items item response_elements output payload body value values content file
""".split()
)
_JOINTS = frozenset(("to", "from", "for", "in", "on", "with", "into", "of", "by"))
_RIVALLED = frozenset(("Read", "Edit", "MultiEdit", "Write", "Grep", "Glob", "LS"))
_THINGS = {"payment": "payment method"}  # what an id stands for, where its key does not say
_EXTRACTED = {"exit_code": "exit code", "error_line": "error message"}


class Act(NamedTuple):
    """What a call did: `past` ("looked up the user details for user ID `x`") and `base` ("look up ...")."""

    past: str
    base: str


def act(node: Call, *, plain: bool = False) -> Act:
    """Word a call node; `plain` leaves its conditions out."""
    if node.tool is None:
        return _any_tool(node)
    verb, thing, primary = _verb_phrase(node.tool, definite=any(map(_is_given, node.where)) and not plain)
    conditions = [] if plain else [c for c in node.where if isinstance(c.value, Literal) and _is_given(c)]
    named = next((c for c in conditions if primary and _key(c.path) == primary), None)
    if named is None:
        named = next((c for c in conditions if _is_the_thing(thing, c)), None)
    for condition in list(conditions) if named is None else ():
        whole = _within(thing, condition) if verb.preposition != "with" else _part_of(_within(thing, condition), condition)
        if whole != thing:
            thing = whole
            conditions.remove(condition)
    if named is not None:
        thing = _primary_thing(thing, named)
        conditions.remove(named)
    joined = "".join(
        f" {JOINERS[node.tool, _key(c.path)]} `{_literal(c)}`" for c in conditions if (node.tool, _key(c.path)) in JOINERS
    )
    extra = [_named(c) for c in conditions if (node.tool, _key(c.path)) not in JOINERS]
    tail = joined + (f" {verb.preposition if named is None else 'with'} {' and '.join(extra)}" if extra else "")
    if named is None and not plain:
        tail += by_tool(node)
    well = "successfully " if node.ok and not plain else ""
    return Act(f"{well}{verb.past} {thing}{tail}".replace("  ", " "), f"{well}{verb.base} {thing}{tail}".replace("  ", " "))


def _within(thing: str, condition: Condition) -> str:
    """Put an argument where it belongs: "a role to an instance profile" becomes "a role to the instance profile `web`"."""
    words = words_of(_key(condition.path))
    joint = next((word for word in thing.split() if word in _JOINTS), None)
    if joint is None or condition.op != "eq" or condition.path.count("/") != 2 or len(words) < 2:
        return thing
    name = readable(words[:-1])
    parts = thing.split(f" {joint} ", 1)
    return f" {joint} ".join(f"the {name} `{_literal(condition)}`" if part == article(name) else part for part in parts)


def _part_of(thing: str, condition: Condition) -> str:
    """Say whose part is changed: "the reservation flights" becomes "the flights of reservation `A`"."""
    words = words_of(_key(condition.path))
    owner = readable(words[:-1]) if words[-1:] in (["id"], ["name"], ["number"]) else readable(words)
    part = thing.removeprefix(f"the {owner} ")
    if part == thing or condition.op != "eq" or condition.path.count("/") != 2:
        return thing
    return f"the {part} of {owner} `{_literal(condition)}`"


def _is_given(condition: Condition) -> bool:
    """Say whether a condition is on what the call was given; what it came back with is worded by the question."""
    return not condition.path.startswith("/response")


def _is_the_thing(thing: str, condition: Condition) -> bool:
    """Say whether an argument names the very thing that is done something to: "deleted the bucket", bucket name."""
    words = words_of(_key(condition.path))
    noun = thing.split(" ", 1)[-1]
    is_it = any(name and (noun == name or noun.endswith(f" {name}")) for name in (readable(words), readable(words[:-1])))
    return condition.path.count("/") == 2 and condition.op == "eq" and is_it


def _any_tool(node: Call) -> Act:
    tail = " and ".join(f"the {_named(c)}" for c in node.where if isinstance(c.value, Literal))
    return Act(f"made a call with {tail}", f"make a call with {tail}")


def passed(condition: Condition) -> str:
    """Name an argument by its value and its role: "`web` as the policy name"; a file goes by the end of its path."""
    if condition.op == "ends":
        return f"the {_named(condition)}"
    return f"`{_literal(condition)}` as the {_noun(condition.path)}"


def _named(condition: Condition) -> str:
    """Name an argument with its value; a file goes by the end of its path, anything else says that it is an end."""
    words = words_of(_key(condition.path))
    ending = " ending in" if condition.op == "ends" and not {"file", "path", "folder", "directory"} & set(words) else ""
    if condition.path.count("/") == 2 and len(words) > 1 and words[-1] in ("id", "name", "path"):
        return f"{_THINGS.get(readable(words[:-1]), readable(words[:-1]))}{ending} `{_literal(condition)}`"
    return f"{_noun(condition.path)}{ending} `{_literal(condition)}`"


def _verb_phrase(tool: str, *, definite: bool) -> tuple[Verb, str, str]:
    """Return verb, object and the argument that may replace the object; `definite` where the call is singled out."""
    if tool in SPECIAL:
        return SPECIAL[tool]
    words = words_of(tool)
    for position in (0, len(words) - 1):
        if words and words[position] in VERBS and len(words) > 1:
            verb = VERBS[words[position]]
            rest = words[:position] + words[position + 1 :]
            return verb, _object(verb, rest, definite=definite), ""
    return Verb("call", "called"), f"`{tool}`", ""


def _object(verb: Verb, rest: list[str], *, definite: bool) -> str:
    if rest and rest[0] in ("to", "for", "from", "all", "in", "on"):
        return readable(rest)
    joint = next((i for i, word in enumerate(rest) if word in _JOINTS and 0 < i < len(rest) - 1), None)
    if joint is not None:
        return f"{article(readable(rest[:joint]))} {rest[joint]} {article(readable(rest[joint + 1 :]))}"
    noun = readable(rest)
    if verb.base in ("search for", "look for"):
        return plural(noun)
    changed = not verb.new and verb.preposition == "with" and article(noun) == noun  # what is changed is some known thing
    return f"the {noun}" if changed or (definite and not verb.new) else article(noun)


def is_reading(node: Call) -> bool:
    """Say whether a call only looks something up, so that what it found may be spoken of without it."""
    return node.tool is not None and _verb_phrase(node.tool, definite=True)[0].preposition == "for"


def found_in(node: Call) -> str:
    """Name what a looking-up call found: "the user details for user `x`"."""
    verb, thing, _ = _verb_phrase(str(node.tool), definite=True)
    literals = [c for c in node.where if isinstance(c.value, Literal)]
    if len(literals) == 1 and _is_the_thing(thing, literals[0]):
        thing, literals = _primary_thing(thing, literals[0]), []
    conditions = [_named(c) for c in literals]
    time = {"first": "first ", "last": "last "}.get(node.pick, "")
    tail = f" {verb.preposition} {' and '.join(conditions)}" if conditions else ""
    return f"{thing}{tail}" if not time else f"{thing}{tail} as {time}{verb.past}"


def is_primary(node: Call, field: Field) -> bool:
    """Say whether a field is what the tool is named for doing it to: the file of a read, the command of a shell call."""
    return node.tool in SPECIAL and field.path == f"/arguments/{SPECIAL[node.tool][2]}"


def bare(node: Call) -> tuple[str, str, str]:
    """Return thing and verb of a call whose primary argument is asked for: ("`Grep` pattern", "used", "use")."""
    verb, thing, _ = _verb_phrase(str(node.tool), definite=False)
    name = thing.split(" ", 1)[-1]
    if name == "pattern":
        return f"`{node.tool}` pattern", "used", "use"
    return name, f"{verb.past}{by_tool(node)}", f"{verb.base}{by_tool(node)}"


def by_tool(node: Call) -> str:
    """Name the tool where other tools do the like: a shell command may read a file, too."""
    return f" with the `{node.tool}` tool" if node.tool in _RIVALLED and not has_bridge(node) else ""


def _primary_thing(thing: str, named: Condition) -> str:
    value = f"`{_literal(named)}`"
    if thing in ("a pattern", "something"):
        return value
    noun = thing.split(" ", 1)[1]
    return f"the {noun} {value}"


def _literal(condition: Condition) -> str:
    return condition.value.value if isinstance(condition.value, Literal) else ""


def _key(path: str) -> str:
    return path.rsplit("/", 1)[-1]


def _noun(path: str) -> str:
    return noun(Field(path=path))


def noun(field: Field, *, alone: bool = False) -> str:
    """Word a field: `/response/flights/1/price` is "price of the second flight".

    `alone` says that a list on the way has one entry only, which then needs no number.
    """
    if field.item is not None:
        return noun(Field(path=f"/response{field.path}"), alone=alone)
    if field.extract is not None:
        key = field.extract.key
        if field.extract.kind == "line_value":
            return f'"{key}" value'
        return f"number of {key}" if field.extract.kind == "quantity" else _EXTRACTED[field.extract.kind]
    if field.path in FIELD_NOUNS:
        return FIELD_NOUNS[field.path]
    tokens = [token.replace("~1", "/").replace("~0", "~") for token in field.path.split("/")[2:]]
    if not tokens:
        return "tool" if field.path == "/tool" else "result"
    if tokens[-1].isdigit():
        return _list_item(tokens)
    listed = max((i for i, token in enumerate(tokens) if token.isdigit()), default=-1)
    name = _own_name(tokens[listed + 1 :])
    if alone and listed > 0 and _list_item(tokens[: listed + 1]).endswith(" entry"):
        return f"{name} in the {readable(words_of(tokens[listed - 1]))}"
    return name if listed < 0 else f"{name} of the {_list_item(tokens[: listed + 1])}"


def chosen(field: Field) -> str:
    """Name what an argument points at: `/arguments/flights/0/flight_number` is "first flight", `payment_id` "payment"."""
    tokens = field.path.split("/")[2:]
    words = words_of(tokens[-1])
    listed = max((i for i, token in enumerate(tokens) if token.isdigit()), default=-1)
    if listed > 0:
        return _list_item(tokens[: listed + 1])
    thing = readable(words[:-1]) if len(words) > 1 and words[-1] in ("id", "number", "name") else readable(words)
    return _THINGS.get(thing, thing)


def _own_name(tokens: list[str]) -> str:
    """Name a field by its key, led by what it belongs to where its own name is too general to stand alone."""
    words = words_of(tokens[-1]) or [tokens[-1]]
    usable = [p for p in tokens[:-1] if "_".join(words_of(p)) not in _WRAPPERS]
    if len(words) > 1 and words[0] in ("num", "number", "n", "count", "total"):
        rest = readable(words[1:])
        return f"total number of {plural(rest)}" if words[0] == "total" and is_plural(rest) else _numbered(words, rest)
    name = DATES.get(words[0], readable(words)) if len(words) == 1 else readable(words)
    if not usable:
        return name
    owner = words_of(usable[-1])
    if not owner or set(owner) & set(words):
        return name
    if owner[0] in ("available", "remaining", "free") and len(owner) > 1 and is_plural(owner[-1]):
        return f"number of {owner[0]} {name} {readable(owner[1:])}"
    if len(owner) >= 1 and owner[-1].endswith("s") and words[0] not in _GENERIC:
        return f"{name} {readable([*owner[:-1], singular(owner[-1])])}"
    return f"{readable(owner)} {name}" if len(words) == 1 and words[0] in _GENERIC else name


def _numbered(words: list[str], rest: str) -> str:
    return f"total {rest}" if words[0] == "total" else f"number of {plural(rest)}"


def is_listed(field: Field) -> bool:
    """Say whether a field is an entry of a list, so that one says "listed in" of it."""
    return field.path.rsplit("/", 1)[-1].isdigit()


def owned(asked: str) -> str:
    """Word a field as something's own: "the price of its first flight", "its cabin"."""
    return f"the {asked.replace(' of the ', ' of its ', 1)}" if " of the " in asked else f"its {asked}"


def owner_of(node: Call, bridged: Field) -> str | None:
    """Return what a look-up was made for, where its tool is named for just that: "customer", "third paper"; else None."""
    _, thing, _ = _verb_phrase(str(node.tool), definite=True)
    noun, owner = thing.removeprefix("the "), chosen(bridged)
    return owner if owner == noun or owner.split(" ", 1) in ([word, noun] for word in ORDINALS) else None


def what(noun: str) -> str:
    """Ask for a noun: "what price", "how many available seats"."""
    return f"how many {noun.removeprefix('number of ')}" if noun.startswith("number of ") else f"what {noun}"


def thing_of(node: Call) -> str:
    """Return what a call was made for: "subnet" of `create_subnet`."""
    return _verb_phrase(str(node.tool), definite=True)[1].split(" ", 1)[-1]


def base_past(node: Call) -> str:
    """Return the verb of a call in the past: "created" of `create_subnet`."""
    return _verb_phrase(str(node.tool), definite=True)[0].past


def base_of(node: Call) -> str:
    """Return the verb of a call in its base form: "update" of `update_ticket`."""
    return _verb_phrase(str(node.tool), definite=True)[0].base


def thing_and_names(node: Call) -> tuple[str, str]:
    """Split what a looking-up call found: "the reservation details" and "reservation `A`", empty where it has no argument."""
    _, thing, _ = _verb_phrase(str(node.tool), definite=True)
    return thing, " and ".join(_named(c) for c in node.where if isinstance(c.value, Literal))


def _list_item(tokens: list[str]) -> str:
    position = int(tokens[-1]) + 1
    owners = [t for t in tokens[:-1] if not t.isdigit()]
    name = words_of(owners[-1]) if owners else ["results"]
    thing = readable([*name[:-1], singular(name[-1])])
    if thing in ("item", "result", "value", "data"):
        return f"{ORDINALS[position]} result"
    if thing == readable(name):
        return f"{ORDINALS[position]} {thing} entry"
    return f"{ORDINALS[position]} {thing}"


def nth(k: int) -> str:
    """Word a position: 2 is "second"."""
    return ORDINALS[k] if k < len(ORDINALS) else f"{k}th"


def when(node: Call) -> str:
    """Word a call as a time clause: "the agent first looked up ..."."""
    done = act(node)
    if node.pick == "first" and node.before is None and node.after is None:
        return f"the agent first {done.past}"
    if node.pick == "last" and node.before is None and node.after is None:
        return f"the agent last {done.past}"
    return f"the agent {done.past}"


def on_that_thing(node: Call) -> str | None:
    """Word a call on a thing just spoken of: "cancelled that reservation"; None where its argument names another thing."""
    verb, thing, _ = _verb_phrase(str(node.tool), definite=True)
    words, noun = words_of(_key(node.where[-1].path)), thing.split(" ", 1)[-1]
    named = len(node.where) == 1 and words[-1] in ("id", "name", "number", "path") and readable(words[:-1]) == noun
    return f"{verb.past} that {noun}" if named else None


def has_bridge(node: Call) -> bool:
    """Say whether a node is found through a value of another call."""
    return any(isinstance(c.value, Bridge) for c in node.where)

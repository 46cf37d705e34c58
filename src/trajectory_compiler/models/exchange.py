"""One request on its way out and one answer on its way in, in no provider's words; and how their schema is made."""

from __future__ import annotations

import hashlib
from typing import Any, Literal

import msgspec

Finish = Literal["stop", "length", "refused"]
DIGEST_FORMAT = 1
_NOTES = frozenset({"default", "discriminator", "title", "$defs"})  # keywords that no provider needs and some refuse


class Outgoing(msgspec.Struct, frozen=True, kw_only=True):
    """A request in full. `repair` is (what the model answered first, what was wrong with it) on the one repair try."""

    provider: str
    host: str
    model: str
    instructions: str
    prompt: str
    answer_schema: dict[str, Any]
    max_output_tokens: int
    temperature: float | None = None
    seed: int | None = None
    round: int = 0
    repair: tuple[str, str] | None = None

    def digest(self) -> str:
        """Return what two equal requests share: the key of the cache."""
        data = msgspec.json.encode((DIGEST_FORMAT, self), order="deterministic")
        return hashlib.sha256(data).hexdigest()

    def texts(self) -> bytes:
        """Return what of the request may be written from a log, as one JSON document: what is scanned before it leaves.

        The repair is left out: the provider wrote it. A number that a model made up must not stop a run as a leak.
        """
        return msgspec.json.encode({"instructions": self.instructions, "prompt": self.prompt})


class Incoming(msgspec.Struct, frozen=True, kw_only=True):
    """What came back: its text, why it ended, and the tokens that the provider counted (None: it did not say)."""

    text: str
    finish: Finish
    reason: str = ""
    input_tokens: int | None = None
    cached_tokens: int | None = None
    output_tokens: int | None = None


def answer_schema(answer_type: type[Any]) -> dict[str, Any]:
    """Return the JSON schema of an answer type in the subset that every provider takes.

    References are inlined, every field is required (a model that may leave one out does), no others are allowed. Lengths of
    text and ranges of numbers stay out: some providers refuse them, and grammars cut text to a `maxLength` without a word;
    msgspec checks them when the answer is read. How many items a list has stays in: it makes a small model stop.
    Raises: TypeError: the type contains itself.
    """
    schema = msgspec.json.schema(answer_type)
    definitions = schema.get("$defs", {})
    plain = _plain(schema, definitions, ())
    assert isinstance(plain, dict)
    return plain


def _plain(node: Any, definitions: dict[str, Any], within: tuple[str, ...]) -> Any:
    if isinstance(node, list):
        return [_plain(item, definitions, within) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        name = str(node["$ref"]).rpartition("/")[2]
        if name in within:
            raise TypeError(f"the answer type {name} contains itself, which no provider's schema allows")
        return _plain(definitions[name], definitions, (*within, name))
    made = {
        key: ({name: _plain(child, definitions, within) for name, child in value.items()} if key == "properties" else value)
        if key in ("properties", "enum")
        else _plain(value, definitions, within)
        for key, value in node.items()
        if key not in _NOTES and key not in _BOUNDS
    }
    if "properties" in made:
        made["required"] = list(made["properties"])
        made["additionalProperties"] = False
    return made


_BOUNDS = frozenset(
    {
        "minLength",
        "maxLength",
        "pattern",
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "multipleOf",
        "format",
    }
)

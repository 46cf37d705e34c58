"""What an agent read of a content block: texts as texts, pictures without their bytes."""

from __future__ import annotations

from trajectory_compiler.model import Json

_TEXTS = frozenset({"text", "input_text", "output_text", "summary_text", "reasoning_text"})
_DATA_URL = "data:"
_SHORT = 200


def text_block(block: Json) -> str:
    """Return the text of a text block; the empty text for any other."""
    if isinstance(block, str):
        return block
    text = (block.get("text") or block.get("content")) if isinstance(block, dict) and block.get("type") in _TEXTS else None
    return text if isinstance(text, str) else ""


def flat(content: Json) -> Json:
    """Return a list of text blocks as one text; other content as it is, without the bytes of pictures."""
    if isinstance(content, list) and content and all(map(text_block, content)):
        return "\n".join(map(text_block, content))
    return without_bulk(content)


def without_bulk(value: Json) -> Json:
    """Leave out base64 data, which nobody reads as text."""
    if isinstance(value, list):
        return [without_bulk(item) for item in value]
    if isinstance(value, str):
        is_bulk = len(value) > _SHORT and value.startswith(_DATA_URL) and ";base64," in value[:_SHORT]
        return value.partition(",")[0] if is_bulk else value
    if not isinstance(value, dict):
        return value
    kept = {key: without_bulk(item) for key, item in value.items() if key != "base64"}
    if kept.get("type") == "base64":
        kept.pop("data", None)
    return kept

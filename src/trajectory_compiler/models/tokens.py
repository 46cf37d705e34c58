"""How many tokens a text is, without a tokenizer: for the budget, the windows and the dry run."""

from __future__ import annotations

import re

_PIECES = re.compile(r"(?P<word>[^\W\d_]+)|(?P<digits>\d+)|(?P<space>[ \t]+)|(?P<lines>[\r\n]+)|(?P<mark>.)", re.DOTALL)


def estimate_tokens(text: str) -> int:
    """Stub."""
    return max(1, len(text) // 4) if text else 0

"""How a model is asked for pairs: one frozen type, which goes into the compile key as it is."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

TokenCount = Callable[[str], int]  # how many tokens a text is, at a guess


class SynthesisOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of which model, and how much of a session it is sent.

    A session of at most `whole_tokens` goes whole, in one call. Of a longer one at most `windows` windows are sent, each of at
    most `window_tokens`, all together about `share` of the session; the instructions come on top. `pairs` is the most that is
    kept of one session. `seed` goes to the provider; nothing here is drawn at random.
    """

    model: str
    pairs: int = 5
    windows: int = 5
    window_tokens: int = 6_000
    whole_tokens: int = 3_000
    share: float = 0.28
    max_output_tokens: int = 1_500
    temperature: float | None = None
    seed: int | None = None
    prompt_version: str = "pairs-1"


class AccOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Where the task and the final answer of a session stand.

    `task` is `first-message` (the first that the user says), `messages` (all that the user says before the answer) or
    `TOOL.ARGUMENT`, taken from the tool's first call; `answer` is `last-message` (the last that the agent says) or
    `TOOL.ARGUMENT`, taken from its last call. `only_success` leaves out sessions that failed or do not say how they ended.
    """

    task: str = "first-message"
    answer: str = "last-message"
    only_success: bool = False

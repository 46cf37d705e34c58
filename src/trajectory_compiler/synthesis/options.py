"""How a model is asked for pairs: one frozen type, which goes into the compile key as it is."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from msgspec.structs import replace

from trajectory_compiler.errors import OptionError

LEAST_WINDOW = 500
AROUND_THE_DATA = 120  # tokens of the task, the fences and the reminder
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
    share: float = 0.25
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


def fitted(options: SynthesisOptions, context_tokens: int | None, instructions: int) -> SynthesisOptions:
    """Return the options with windows that fit a model: its context less instructions, answer, and a tenth for bad guesses.

    `context_tokens` None: the model's context is not known, nothing changes. `instructions` are the tokens of the instructions.
    Raises: OptionError: not even a small window fits.
    """
    if context_tokens is None:
        return options
    room = int(0.9 * (context_tokens - instructions - options.max_output_tokens - AROUND_THE_DATA))
    if room < LEAST_WINDOW:
        raise OptionError(
            f"ask model '{options.model}' for pairs",
            f"it reads {context_tokens} tokens, and instructions and answer leave {max(0, room)} of them for the log",
            "Name a model with a larger context, or lower the limit of its answer.",
        )
    return replace(options, window_tokens=min(options.window_tokens, room))

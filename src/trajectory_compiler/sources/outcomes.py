"""Did a call succeed? What the log says, else what its response says.

A call without a response has no outcome, nor has one whose response is an empty text: silence is no success.
Any other response in which no failure is recognised counts as success.
"""

from __future__ import annotations

from trajectory_compiler.model import Json

FAILURE_STARTS = ("Error", "error:", "ERROR")
CRASH_STARTS = ("Traceback (most recent call last)", "<tool_use_error>")
_FLAGS = ("is_error", "isError")
_DETAILS = ("error", "errorCode", "error_code", "exception")
_CODES = ("exit_code", "exitCode", "returncode", "return_code")
_POSITIVE = ("success", "ok")
_TELLING = frozenset((*_FLAGS, *_DETAILS, *_CODES, *_POSITIVE))
_YES = frozenset(
    {"true", "t", "yes", "y", "1", "ok", "success", "successful", "succeeded", "completed", "complete", "done", "passed"}
)
_NO = frozenset(
    {
        "false",
        "f",
        "no",
        "n",
        "0",
        "error",
        "errored",
        "fail",
        "failed",
        "failure",
        "timeout",
        "timed_out",
        "denied",
        "rejected",
    }
    | {"cancelled", "canceled", "aborted", "exception", "crashed"}
)
_NOTHING = frozenset({"", "none", "null", "false", "0", "no", "ok", "unset"})


def shows_failure(response: Json) -> bool:
    """Say whether a response tells of a failure: an error text, an error flag or field, an exit code other than 0."""
    if isinstance(response, str):
        if response.startswith(FAILURE_STARTS):
            return not response[5:6].isalpha()  # "Errors: 0" is none
        return response.startswith(CRASH_STARTS)
    if not isinstance(response, dict) or response.keys().isdisjoint(_TELLING):
        return False
    return (
        any(response.get(key) is True for key in _FLAGS)
        or any(_is_telling(response.get(key)) for key in _DETAILS)
        or any(_is_nonzero(response.get(key)) for key in _CODES)
        or any(response.get(key) is False for key in _POSITIVE)
    )


def outcome(said: Json, response: Json, *, is_error_column: bool) -> bool | None:
    """Return the outcome of a call from what its success column says, else from its response.

    `is_error_column` says that the column names what went wrong (`error`, `is_error`) instead of what went well.
    """
    stated = _reads_as_error(said) if is_error_column else _reads_as_success(said)
    if stated is not None:
        return stated
    is_silent = response is None or (isinstance(response, str) and not response.strip())
    return None if is_silent else not shows_failure(response)


def _reads_as_success(said: Json) -> bool | None:
    if said is None or isinstance(said, bool):
        return said
    if isinstance(said, int | float):
        return _status_code(int(said)) if said == said and abs(said) < 1000 else None
    if isinstance(said, str):
        word = said.strip().lower()
        if word in _YES or word in _NO:
            return word in _YES
        return _status_code(int(word)) if word.isascii() and word.isdigit() and len(word) == 3 else None
    return None


def _status_code(code: int) -> bool | None:
    """Read 0 and 1 as a flag and three digits as an HTTP status."""
    if code in (0, 1):
        return code == 1
    return 200 <= code < 400 if 100 <= code < 600 else None


def _reads_as_error(said: Json) -> bool | None:
    """Take what an error column holds as a failure; an empty one leaves the word to the response."""
    if isinstance(said, bool):
        return not said
    if said is None or (isinstance(said, str) and said.strip().lower() in _NOTHING):
        return None
    return not said if isinstance(said, int | float | list | dict) else False


def _is_telling(value: Json) -> bool:
    return bool(value) and not (isinstance(value, str) and value.strip().lower() in _NOTHING)


def _is_nonzero(value: Json) -> bool:
    if isinstance(value, str):
        return value.strip().lstrip("+-").isdigit() and int(value) != 0
    return isinstance(value, int | float) and value is not False and value != 0

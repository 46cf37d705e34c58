"""What a pass over a log dropped or noticed, counted by reason, with the first places of each.

A drop is data: nothing disappears from a log without a line in `trajc inspect`. Places are line or row numbers and
identifiers; the content of a log never stands here, it may not be redacted yet.
"""

from __future__ import annotations

import msgspec

from trajectory_compiler.model import Finding

PLACES_SHOWN = 5


class Reason(msgspec.Struct, frozen=True):
    """What a reason code means, whether the row is gone (`drops`) or was kept, and what the user can do about it."""

    sentence: str
    drops: bool = True
    action: str = ""


REASONS: dict[str, Reason] = {
    "unreadable_json": Reason("the line is not JSON", action="Look at the line; a writer may have crashed there."),
    "not_an_object": Reason("the line is JSON, but not an object with columns"),
    "invalid_utf8": Reason("the text is not UTF-8", action="Write the log in UTF-8."),
    "nested_too_deep": Reason("the JSON is nested deeper than 200 levels"),
    "row_too_large": Reason("the row is larger than 64 MiB"),
    "wrong_field_count": Reason("the row has more or fewer fields than the header"),
    "unreadable_csv": Reason("the row is not CSV"),
    "no_session_id": Reason("the row has no session id"),
    "no_row_id": Reason("the row has no id, by which pages of rows are asked for"),
    "no_tool": Reason("the row names no tool and is no message", action="Name the column with --column tool=NAME."),
    "system_message": Reason("a system message is no turn"),
    "empty_message": Reason("a message says nothing"),
    "result_without_call": Reason("a result came whose call was not found near it"),
    "truncated": Reason("the compressed file ends early; what came before was read", action="Copy the file again."),
    "damaged": Reason("the compressed file is damaged; what came before was read", action="Copy the file again."),
    "bookkeeping": Reason("the line holds the client's own bookkeeping, no turn"),
    "compacted_summary": Reason("a summary of earlier turns is no turn of its own"),
    "duplicate_of_resumed_session": Reason("a resumed session repeats a line that was read before"),
    "injected_message": Reason("the client wrote this message, not the user"),
    "api_error_message": Reason("the client reported a failed model call, the agent said nothing"),
    "hidden_reasoning": Reason("the service kept the text of the agent's thoughts"),
    "repeated_session": Reason("a session was read before from another file"),
    "prefix_of_next": Reason("the conversation is the beginning of the next one, which was read"),
    "copied_context": Reason("a step was copied from an earlier trajectory for context"),
    "demonstration": Reason("a message of a demonstration is no turn of this session"),
    "other_span": Reason("the span is about no agent, model or tool"),
    "wrapper_span": Reason("the span repeats what the spans inside it tell"),
    "repeated_message": Reason("a model's input repeats messages that were read before"),
    "content_not_captured": Reason(
        "the span holds no content",
        action="Let the instrumentation capture it: OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=true.",
    ),
    "unknown_part": Reason("a part of the record has a form that is not known"),
    "other_format": Reason("the file of the folder is of another format", action="Name that file, or its folder, by itself."),
    "damaged_member": Reason("a member of the archive is damaged", action="Copy the file again."),
    "unreadable_file": Reason("the file could not be read", action="Check its permissions."),
    "number_as_text": Reason("a number that JSON cannot hold (NaN, Infinity, 1e400) was kept as text", drops=False),
    "half_character": Reason("half of a character, cut by the writer, was replaced by U+FFFD", drops=False),
    "naive_stamp": Reason("stamps without a time zone were taken as UTC", drops=False),
    "unusable_stamp": Reason("a stamp could not be read and was left out; its row was kept", drops=False),
    "call_without_result": Reason("a call has no result in the log; it was kept without", drops=False),
    "duplicate_row": Reason("a row with the same id and the same content was read before"),
    "conflicting_id": Reason("a row has the id of an earlier, different row; the first was kept"),
    "stamps_missing_in_part": Reason("some rows of the session have no stamp; it keeps the order of the log", drops=False),
    "too_few_turns": Reason("the session has too few turns", action="Lower --min-turns."),
    "other_agent": Reason("the agent does not occur in the session"),
    "tool_absent": Reason("the tool does not occur in the session"),
    "older_than_since": Reason("the last row of the session is older than --since, or has no stamp"),
    "beyond_limit": Reason("--limit was reached before this session"),
}


class Drops:
    """The tally of one pass. `unit` is what places count: `line` or `row`."""

    def __init__(self, stage: str, unit: str = "row") -> None:
        self.stage = stage
        self.unit = unit
        self._counts: dict[str, int] = {}
        self._places: dict[str, list[str]] = {}

    def add(self, reason: str, place: int | str, count: int = 1) -> None:
        """Count a drop; the first few places of a reason are kept."""
        self._counts[reason] = self._counts.get(reason, 0) + count
        places = self._places.setdefault(reason, [])
        if len(places) < PLACES_SHOWN:
            places.append(place if isinstance(place, str) else f"{self.unit} {place}")

    def merge(self, other: Drops) -> None:
        """Add what another tally of the same pass counted."""
        for reason, count in other._counts.items():
            self._counts[reason] = self._counts.get(reason, 0) + count
            places = self._places.setdefault(reason, [])
            places += other._places[reason][: PLACES_SHOWN - len(places)]

    def count(self, reason: str) -> int:
        """Return how often a reason was counted."""
        return self._counts.get(reason, 0)

    def findings(self) -> tuple[Finding, ...]:
        """Return one finding per reason, in the order in which the reasons were first met."""
        return tuple(
            Finding(stage=self.stage, reason=reason, count=count, detail=_listing(self._places[reason], count))
            for reason, count in self._counts.items()
        )


def _listing(places: list[str], count: int) -> str:
    named = [place for place in places if place]
    rest = count - len(places)
    return ", ".join(named) + (f" and {rest:,} more" if rest > 0 and named else "")

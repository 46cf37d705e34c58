"""The replace pass over one session: every occurrence of a found value becomes its pseudonym."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from trajectory_compiler.model import Json, RawTrajectory, Row, Turn, canonical, json_text, short_hash, turn_object
from trajectory_compiler.redaction.documents import TooDeep, rebuild
from trajectory_compiler.redaction.findings import Document, Findings
from trajectory_compiler.redaction.key_index import Meaning, keyed_span
from trajectory_compiler.redaction.pseudonyms import Pseudonyms


class Replacement:
    """One run over a session: its pseudonyms are numbered in the order in which a reader meets them.

    `changed` holds the documents that differ from the log; all others are shared with the raw trajectory.
    """

    def __init__(self, findings: Findings, key: bytes | None = None) -> None:
        self._found = findings
        self._row_ids: set[str] = set()
        self.pseudonyms = Pseudonyms(findings.reserved, key)
        self.changed: list[Document] = []
        self.at_row = ""

    def turns(self, raw: RawTrajectory, effect: Callable[[Row], bool]) -> tuple[Turn, ...]:
        """Return the redacted turns of a session."""
        return tuple(self._turn(number, row, effect) for number, row in enumerate(raw.rows))

    def session_id(self, raw: RawTrajectory, turns: tuple[Turn, ...]) -> str:
        """Return the session id, redacted. A pseudonym alone would be the id of many sessions: it gets a suffix.

        The suffix is a hash of the first turn as redacted: it lets nobody test guesses, and stays when the session grows.
        """
        text = self._text(raw.session_id)
        if text == raw.session_id:
            return text
        first = [json_text([turn.row_id, turn_object(turn)]) for turn in turns[:1]]
        return f"{text}~{short_hash('session', *first)[:12]}"

    def _turn(self, number: int, row: Row, effect: Callable[[Row], bool]) -> Turn:
        self.at_row = row.id
        agent, tool = self._text(row.agent), self._text(row.tool)
        arguments = self._document((number, "arguments"), row.arguments)
        response = self._document((number, "response"), row.response)
        return Turn(
            index=number,
            row_id=self._row_id(row.id),
            created_at=self._text(row.created_at) if row.created_at else row.created_at,
            agent=agent,
            tool=tool,
            kind=row.kind,
            arguments=arguments,
            response=response,
            ok=row.success,
            effect=effect(row),
            cost_usd=row.cost_usd,
            duration_ms=row.duration_ms,
        )

    def _row_id(self, row_id: str) -> str:
        text = self._text(row_id)
        name, number = text, 2
        while name != row_id and name in self._row_ids:  # two spellings of one address were two ids
            name, number = f"{text}~{number}", number + 1
        self._row_ids.add(name)
        return name

    def _document(self, document: Document, value: Json) -> Json:
        found = self._found
        if document not in found.touched and not (
            found.needles and found.needles.may_occur_in(msgspec.json.encode(value).decode())
        ):
            return value
        self.changed.append(document)
        return rebuild(value, found.policy.limits.max_depth, self._scalar, found.scanner.keys)

    def _scalar(self, value: Json, meaning: Meaning | None) -> Json:
        if self._found.is_unscannable(value):
            return self.pseudonyms.name_unscanned(None if isinstance(value, TooDeep) else value)
        if isinstance(value, str):
            meaning = meaning.fitting(value) if meaning else None
            if meaning and (span := keyed_span(value, meaning)) and self._is_found(value[slice(*span)]):
                start, end = span
                return self._text(value[:start]) + self._name(value[start:end]) + self._text(value[end:])
            return self._text(value)
        if isinstance(value, int | float) and not isinstance(value, bool):
            text = canonical(value) or ""
            meaning = meaning.fitting(text, number=True) if meaning else None
            if meaning and keyed_span(text, meaning, number=True) and self._is_found(text):
                return self._name(text)
            redacted = self._text(text)
            return value if redacted == text else redacted
        return value

    def _text(self, text: str) -> str:
        found = self._found
        if not found.kinds:
            return text
        spans = [(span.start, span.end, text[span.start : span.end]) for span in found.local.get(text, ())]
        here = len(spans)
        for start, end, surface in found.needles.find(text):
            if all(end <= other[0] or start >= other[1] for other in spans[:here]):
                spans.append((start, end, surface))
        if not spans:
            return text
        parts: list[str] = []
        place = 0
        for start, end, surface in sorted(spans):
            parts += (text[place:start], self._name(surface))
            place = end
        return "".join(parts) + text[place:]

    def _is_found(self, surface: str) -> bool:
        return surface in self._found.kinds

    def _name(self, surface: str) -> str:
        kind = self._found.kinds.get(surface)
        return self.pseudonyms.name(kind or "SECRET", surface, self._found.canonical.get(surface))

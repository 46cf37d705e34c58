"""The find pass over one session: which values must not pass, and which documents hold them."""

from __future__ import annotations

import re

import msgspec

from trajectory_compiler.model import Json, RawTrajectory, canonical
from trajectory_compiler.redaction.checks import is_card
from trajectory_compiler.redaction.documents import TooDeep, is_deeper_than, scalars
from trajectory_compiler.redaction.keys import keyed_span
from trajectory_compiler.redaction.needles import Needles
from trajectory_compiler.redaction.policy import Kind
from trajectory_compiler.redaction.scan import LABEL, Scanner, Span

Document = tuple[int, str]  # row number, and "arguments" or "response"
PARTS = ("arguments", "response")
_MIN_CARD_DIGITS = 13
_MIN_PROPAGATED_DIGITS = 6
_MAX_EMBEDDED_DEPTH = 4
_SURROGATE = re.compile("[\ud800-\udfff]")
# Controls that no text holds; layout, terminal colours and the separators of `find -print0` are text.
_STRANGE = re.compile("[\x01-\x08\x0e-\x1a\x1c-\x1f\x7f\ufffd]")
_NOTHING = re.compile("(?!)")
_STAMP = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?")


class Findings:
    """What the find pass knows about one session.

    `kinds` maps each found value, as it was written, to what it is. `local` holds the spans of texts with values too short to
    be looked for elsewhere. `touched` are documents that the replace pass visits even where no found value occurs in them.
    """

    def __init__(self, scanner: Scanner) -> None:
        self.scanner = scanner
        self.policy = scanner.policy
        self.kinds: dict[str, Kind] = {}
        self.local: dict[str, list[Span]] = {}
        self.touched: set[Document] = set()
        self.reserved: set[str] = set()
        self.needles: Needles = Needles(self.policy.limits.min_inside_words)
        self.at_row = ""
        self._clean_texts: set[str] = set()

    def find(self, raw: RawTrajectory) -> None:
        """Collect every value of the session that must not pass."""
        self._find_in_text(raw.session_id)
        for number, row in enumerate(raw.rows):
            self.at_row = row.id
            self._find_in_text(row.id)
            for text in (row.agent, row.tool, row.created_at):
                if text and text not in self._clean_texts and not _STAMP.fullmatch(text) and not self._find_in_text(text):
                    self._clean_texts.add(text)
            self._find_in_document((number, "arguments"), row.arguments)
            self._find_in_document((number, "response"), row.response)

    def mark(self, document: Document, text: str, kind: Kind) -> None:
        """Note that a whole leaf is of this kind because the policy says so of its field; it is looked for elsewhere, too."""
        self.touched.add(document)
        self._add(text, [Span(0, len(text), kind)], keyed=False)

    def is_clean(self, value: Json) -> bool:
        """Scan a redacted document with the same rules. What they find is added for another round."""
        found = self._find_in_scalars(value, depth=0)
        text = LABEL.sub("\x00", msgspec.json.encode(value).decode())
        return not found and next(self.needles.find(text), None) is None

    def is_unscannable(self, value: Json) -> bool:
        """Say whether a scalar must become `<UNSCANNED_n>`: too deep, too long, half a surrogate pair, or binary."""
        if isinstance(value, TooDeep):
            return True
        if not isinstance(value, str):
            return False
        limits = self.policy.limits
        if value.isascii() and value.isprintable() and len(value) <= limits.max_leaf_characters:
            return False
        if not value.isascii() and _SURROGATE.search(value):
            return True
        if not self.policy.rules:
            return False
        if len(value) > limits.max_leaf_characters:
            return True
        if value.isprintable() and "\ufffd" not in value:
            return False
        return len(_STRANGE.findall(value)) > len(value) * limits.max_binary_share

    def _find_in_document(self, document: Document, value: Json) -> None:
        try:
            encoded = msgspec.json.encode(value)
        except (RecursionError, UnicodeEncodeError):
            self.touched.add(document)
        else:
            if b"<" in encoded and b"_" in encoded:
                self.reserved.update(LABEL.findall(encoded.decode()))
            if not self._needs_walk(encoded, value):
                return
        if self._find_in_scalars(value, depth=0):
            self.touched.add(document)

    def _find_in_scalars(self, document: Json, *, depth: int) -> bool:
        found = False
        for value, kind in scalars(document, self.policy.limits.max_depth, keys=self.policy.reads_keys):
            if self._find_in_scalar(value, kind, depth=depth):
                found = True
        return found

    def _needs_walk(self, encoded: bytes, value: Json) -> bool:
        limits = self.policy.limits
        if encoded.count(b"[") + encoded.count(b"{") > limits.max_depth and is_deeper_than(value, limits.max_depth):
            return True
        if not self.policy.rules:
            return False
        if len(encoded) > limits.max_leaf_characters or b"\\u00" in encoded or b"\xef\xbf\xbd" in encoded:
            return True
        return self.scanner.fires(encoded)

    def _find_in_scalar(self, value: Json, kind: Kind | None, *, depth: int) -> bool:
        """Collect what one scalar holds. Says whether it holds anything or cannot be scanned."""
        if self.is_unscannable(value):
            return True
        if isinstance(value, str):
            if kind and (span := keyed_span(value, kind)):
                return self._add(value, [Span(*span, kind)], keyed=True)
            return self._find_in_text(value, depth=depth)
        if isinstance(value, int | float) and not isinstance(value, bool) and self.policy.rules:
            text = canonical(value) or ""
            if kind and (span := keyed_span(text, kind, number=True)):
                return self._add(text, [Span(*span, kind)], keyed=True)
            if len(text) >= _MIN_CARD_DIGITS and text.isdigit() and is_card(text):
                return self._add(text, [Span(0, len(text), "CARD")], keyed=False)
        return False

    def _find_in_text(self, text: str, *, depth: int = 0) -> bool:
        if "<" in text:
            self.reserved.update(LABEL.findall(text))
        spans = self.scanner.spans(text)
        if self.policy.rules and depth < _MAX_EMBEDDED_DEPTH and text[:1] in ("{", "[") and text[-1:] in ("}", "]"):
            spans = spans + self._find_in_embedded(text, depth)
        return self._add(text, spans, keyed=False) if spans else False

    def _find_in_embedded(self, text: str, depth: int) -> list[Span]:
        """Collect what JSON inside a string holds: there, keys are keys and line ends are line ends.

        Returns where, in the text, the values found by their keys stand as whole words.
        """
        try:
            value = msgspec.json.decode(text)
        except (msgspec.DecodeError, RecursionError, UnicodeError):
            return []
        spans: list[Span] = []
        for scalar, kind in scalars(value, self.policy.limits.max_depth, keys=self.policy.reads_keys):
            if self._find_in_scalar(scalar, kind, depth=depth + 1) and kind and (written := canonical(scalar)):
                start, end = keyed_span(written, kind) or (0, 0)
                word = re.compile(rf"(?<![A-Za-z0-9]){re.escape(written[start:end])}(?![A-Za-z0-9])") if end else _NOTHING
                spans.extend(Span(*match.span(), kind) for match in word.finditer(text))
        return spans

    def _add(self, text: str, spans: list[Span], *, keyed: bool) -> bool:
        """Note found values. A short one is replaced where it is: by its key, or by its place in this very text."""
        spans = [span for span in spans if not self.policy.passes(span.kind, text[span.start : span.end])]
        for span in spans:
            surface = text[span.start : span.end]
            if self.kinds.get(surface) != "SECRET":
                self.kinds[surface] = span.kind
            if self._is_propagated(surface):
                self.needles.add(surface)
            elif not keyed:
                self.local[text] = spans
        return bool(spans)

    def _is_propagated(self, surface: str) -> bool:
        shortest = _MIN_PROPAGATED_DIGITS if surface.isdigit() else self.policy.limits.min_propagated
        return len(surface) >= shortest

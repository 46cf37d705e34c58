"""The find pass over one session: which values must not pass, and which documents hold them."""

from __future__ import annotations

import re

import msgspec

from trajectory_compiler.model import Json, RawTrajectory, canonical
from trajectory_compiler.redaction.checks import is_card, normal_form
from trajectory_compiler.redaction.documents import TooDeep, is_deeper_than, scalars
from trajectory_compiler.redaction.encodings import base64_runs, decoded
from trajectory_compiler.redaction.key_index import Meaning, keyed_span
from trajectory_compiler.redaction.names import is_common_word, is_name_word
from trajectory_compiler.redaction.needles import Needles, words_in
from trajectory_compiler.redaction.policy import Kind
from trajectory_compiler.redaction.propagation import (
    account_names,
    add_identifier_forms,
    mail_names,
    person_forms,
    stands_alone,
)
from trajectory_compiler.redaction.scan import LABEL, Scanner, Span
from trajectory_compiler.redaction.tables import table_spans

Document = tuple[int, str]  # row number, and "arguments" or "response"
PARTS = ("arguments", "response")
_MIN_CARD_DIGITS = 13
_MIN_PROPAGATED_DIGITS = 6
_MIN_NAME = 3
_MIN_TABLE = 12  # characters of a text that may be a table, JSON or base64
_MAX_EMBEDDED_DEPTH = 4
_LONGEST_PLAIN = 500
_MAX_PLAIN = 100_000  # texts that are remembered as plain
_SURROGATE = re.compile("[\ud800-\udfff]")
# Controls that no text holds; layout, terminal colours and the separators of `find -print0` are text.
_STRANGE = re.compile("[\x01-\x08\x0e-\x1a\x1c-\x1f\x7f\ufffd]")
_STAMP = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?")


class Findings:
    """What the find pass knows about one session.

    `kinds` maps each found value, as it was written, to what it is. `local` holds the spans of texts with values too short to
    be looked for elsewhere. `touched` are documents that the replace pass visits even where no found value occurs in them.
    `canonical` maps spellings to the normal form of what they are spellings of, where the form alone does not say it.
    """

    def __init__(self, scanner: Scanner) -> None:
        self.scanner = scanner
        self.policy = scanner.policy
        self.kinds: dict[str, Kind] = {}
        self.local: dict[str, list[Span]] = {}
        self.touched: set[Document] = set()
        self.reserved: set[str] = set()
        self.needles: Needles = Needles(self.policy.limits.min_inside_words)
        self.canonical: dict[str, str] = {}
        self.at_row = ""
        self._rescans = False  # the language model reads the log, not what redaction made of it
        self._clean_texts: set[str] = set()
        self._blobs: dict[str, str] = {}
        self._parts: set[str] = set()
        self._spread = set[tuple[str, bool]]()

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
        self._settle()

    def mark(self, document: Document, text: str, kind: Kind) -> None:
        """Note that a whole leaf is of this kind because the policy says so of its field; it is looked for elsewhere, too."""
        self.touched.add(document)
        self._add(text, [Span(0, len(text), kind)], keyed=False)

    def is_clean(self, value: Json) -> bool:
        """Scan a redacted document with the same rules. What they find is added for another round."""
        self._rescans = True
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
        plain = self.scanner.plain
        for value, meaning in scalars(document, self.policy.limits.max_depth, self.scanner.keys):
            if meaning is None and value.__class__ is str and value in plain:
                continue
            if self._find_in_scalar(value, meaning, depth=depth):
                found = True
            elif meaning is None and value.__class__ is str and len(value) <= _LONGEST_PLAIN:
                self._note_plain(value)
        return found

    def _note_plain(self, text: str) -> None:
        """Remember, for all sessions, a text without anything in any layer that could become something."""
        if "<" in text or (self._rescans and self.policy.names == "model") or any(True for _ in base64_runs(text)):
            return
        plain = self.scanner.plain
        if len(plain) >= _MAX_PLAIN:
            plain.clear()
        plain.add(text)

    def _needs_walk(self, encoded: bytes, value: Json) -> bool:
        limits = self.policy.limits
        if encoded.count(b"[") + encoded.count(b"{") > limits.max_depth and is_deeper_than(value, limits.max_depth):
            return True
        if not self.policy.rules:
            return False
        if len(encoded) > limits.max_leaf_characters or b"\\u00" in encoded or b"\xef\xbf\xbd" in encoded:
            return True
        return self.scanner.fires(encoded)

    def _find_in_scalar(self, value: Json, meaning: Meaning | None, *, depth: int) -> bool:
        """Collect what one scalar holds. Says whether it holds anything or cannot be scanned."""
        if self.is_unscannable(value):
            return True
        if isinstance(value, str):
            meaning = meaning.fitting(value) if meaning else None
            if meaning and (span := keyed_span(value, meaning)):
                return self._add(value, [Span(*span, meaning.kind, meaning.spread)], keyed=True)
            return self._find_in_text(value, depth=depth)
        if isinstance(value, int | float) and not isinstance(value, bool) and self.policy.rules:
            text = canonical(value) or ""
            meaning = meaning.fitting(text, number=True) if meaning else None
            if meaning and (span := keyed_span(text, meaning, number=True)):
                return self._add(text, [Span(*span, meaning.kind, meaning.spread)], keyed=True)
            if len(text) >= _MIN_CARD_DIGITS and text.isdigit() and is_card(text):
                return self._add(text, [Span(0, len(text), "CARD")], keyed=False)
        return False

    def _find_in_text(self, text: str, *, depth: int = 0) -> bool:
        spans = self._spans_in(text, depth)
        return self._add(text, spans, keyed=False) if spans else False

    def _spans_in(self, text: str, depth: int) -> list[Span]:
        """Return what stands in a text: by form, by the names before values, and in what the text encodes or lays out."""
        if "<" in text:
            self.reserved.update(LABEL.findall(text))
        spans = self.scanner.spans(text)
        if not self._rescans:
            spans = self.scanner.prose_spans(text, spans)
        if not self.policy.rules or len(text) <= _MIN_TABLE or depth > _MAX_EMBEDDED_DEPTH:
            return spans
        spans = spans + self._find_in_structure(text, depth)
        view = decoded(text) if "%" in text or "&" in text else None
        if view is not None:
            inside = self._find_in_structure(view.text, depth)
            spans += [Span(*view.original(span.start, span.end), span.kind, span.spread) for span in inside]
        return spans

    def _find_in_structure(self, text: str, depth: int) -> list[Span]:
        """Collect what JSON, tables, markup and base64 in a text hold."""
        spans: list[Span] = []
        if text[0] in "{[" and text[-1] in "}]":
            spans = self._find_in_embedded(text, depth)
        elif self.scanner.keys.has_rules:
            spans = [Span(*cell) for cell in table_spans(text, self.scanner.keys)]
        return spans + self._find_in_base64(text, depth)

    def _find_in_base64(self, text: str, depth: int) -> list[Span]:
        """Collect runs of base64 that hold what the rules find; others wait until all values of the session are known."""
        spans: list[Span] = []
        for start, end, meaning in base64_runs(text):
            inside = self._spans_in(meaning, depth + 1)
            if inside and self._add(meaning, inside, keyed=False):
                spans.append(Span(start, end, inside[0].kind))
                if len(inside) == 1 and inside[0].end - inside[0].start == len(meaning):
                    self.canonical[text[start:end]] = normal_form(inside[0].kind, meaning) or meaning
            else:
                self._blobs[text[start:end]] = meaning
        return spans

    def _find_in_embedded(self, text: str, depth: int) -> list[Span]:
        """Collect what JSON inside a string holds: there, keys are keys and line ends are line ends.

        Returns where, in the text, the values found by their keys stand as whole words.
        """
        try:
            value = msgspec.json.decode(text)
        except (msgspec.DecodeError, RecursionError, UnicodeError):
            return []
        spans: list[Span] = []
        for scalar, meaning in scalars(value, self.policy.limits.max_depth, self.scanner.keys):
            if self._find_in_scalar(scalar, meaning, depth=depth + 1) and meaning and (written := canonical(scalar)):
                meaning = meaning.fitting(written)
                start, end = keyed_span(written, meaning) or (0, 0)
                spans.extend(Span(a, b, meaning.kind, meaning.spread) for a, b in words_in(text, written[start:end]))
        return spans

    def _add(self, text: str, spans: list[Span], *, keyed: bool) -> bool:
        """Note found values. A short one is replaced where it is: by its key, or by its place in this very text."""
        spans = [span for span in spans if not self.policy.passes(span.kind, text[span.start : span.end])]
        for span in spans:
            surface = text[span.start : span.end]
            if self.kinds.get(surface) != "SECRET":
                self.kinds[surface] = span.kind
            if keyed and span.kind == "PERSON" and " " not in surface:
                self._parts.add(surface)  # a field of its own: its value keeps apart from the full name
            word = stands_alone(span.kind)
            if (surface, word) in self._spread:
                continue
            if self._is_propagated(surface, span):
                self._spread.add((surface, word))
                self.needles.add(surface, word=word)
                add_identifier_forms(self.needles, span.kind, surface)
            elif not keyed:
                self.local[text] = _apart(spans)
        return bool(spans)

    def _is_propagated(self, surface: str, span: Span) -> bool:
        if not span.spread:
            return False
        if span.kind == "PERSON" and " " not in surface:
            return len(surface) >= _MIN_NAME and not is_common_word(surface) and is_name_word(surface)
        shortest = _MIN_PROPAGATED_DIGITS if surface.isdigit() else self.policy.limits.min_propagated
        return len(surface) >= shortest

    def _settle(self) -> None:
        """Derive from all values of the session what else they look like: people's other names, their accounts, base64."""
        addresses = [surface for surface, kind in self.kinds.items() if kind == "EMAIL"]
        for address in addresses:
            account, name = mail_names(address)
            if account:
                self._note("USERNAME", account)
            if name:
                self._note("PERSON", name)
        people = [surface for surface, kind in self.kinds.items() if kind == "PERSON"]
        canonical_names, shared = person_forms(self.needles, people)
        self.canonical.update((name, normal) for name, normal in canonical_names.items() if name not in self._parts)
        for name in sorted(shared):
            self.kinds.setdefault(name, "PERSON")
        for account in account_names(people):
            self._note("USERNAME", account)
        for blob, meaning in self._blobs.items():
            literal = next((literal for _, _, literal in self.needles.find(meaning)), None)
            if literal is not None:
                self._note(self.kinds.get(literal, "SECRET"), blob)

    def _note(self, kind: Kind, surface: str) -> None:
        if surface not in self.kinds and not self.policy.passes(kind, surface):
            self.kinds[surface] = kind
            self.needles.add(surface, word=stands_alone(kind))


def _apart(spans: list[Span]) -> list[Span]:
    """Return spans without overlaps: the earlier one stays, the longer one of those that begin together."""
    kept: list[Span] = []
    for span in sorted(spans, key=lambda s: (s.start, -s.end)):
        if not kept or span.start >= kept[-1].end:
            kept.append(span)
    return kept

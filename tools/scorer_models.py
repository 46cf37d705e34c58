"""Small local models as scorers, of files that the user has: no model call, no network, no code of the packages they came in.

    word vectors   a `.safetensors` table and a tokenizer: the mean of the vectors of a text's tokens
    sentences      an ONNX encoder of BERT's inputs (`model.onnx`, `tokenizer.json`): the mean of its last hidden state
    entailment     an ONNX classifier of couples, 160 tokens, whose first logit says "follows" (`*.onnx`, `tokenizer.json`)

Turns are longer than such models read, so each is cut into stretches; a scorer takes the best stretch, or the mean over the
turns of each turn's best. What is compared with a stretch is the question with the answer.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

STRETCH = 400  # characters: with a question, about 160 tokens of a log's identifiers and punctuation
STEP = 300
Matches = Callable[[str, Sequence[str]], Sequence[float]]


def scorers_of_files(
    words: Path | None, sentences: Path | None, entailment: Path | None
) -> dict[str, Callable[[str, str, Sequence[str]], float]]:
    """Return the scorers whose files are named, each in its two ways of adding up."""
    found: dict[str, Callable[[str, str, Sequence[str]], float]] = {}
    for name, place, load in (
        ("word vectors", words, _words),
        ("sentences", sentences, _sentences),
        ("entailment", entailment, _entailment),
    ):
        if place is not None:
            matches = load(place)
            found[f"{name}, best stretch"] = _best(matches)
            found[f"{name}, mean of turns"] = _mean(matches)
    return found


def stretches(turn: str) -> list[str]:
    """Cut a turn into overlapping stretches."""
    return [turn[at : at + STRETCH] for at in range(0, max(1, len(turn) - (STRETCH - STEP)), STEP)]


def _best(matches: Matches) -> Callable[[str, str, Sequence[str]], float]:
    def score(question: str, answer: str, turns: Sequence[str]) -> float:
        return max(matches(f"{question} {answer}", [part for turn in turns for part in stretches(turn)]))

    return score


def _mean(matches: Matches) -> Callable[[str, str, Sequence[str]], float]:
    def score(question: str, answer: str, turns: Sequence[str]) -> float:
        return sum(max(matches(f"{question} {answer}", stretches(turn))) for turn in turns) / len(turns)

    return score


def _cosines(embed: Callable[[Sequence[str]], Any]) -> Matches:
    def matches(said: str, parts: Sequence[str]) -> Sequence[float]:
        vectors = embed([said, *parts])
        return [float(value) for value in vectors[1:] @ vectors[0]]

    return matches


def _unit(vectors: np.ndarray) -> np.ndarray:
    lengths: np.ndarray = np.linalg.norm(vectors, axis=-1, keepdims=True)
    unit: np.ndarray = vectors / np.maximum(lengths, 1e-9)
    return unit


def _words(folder: Path) -> Matches:
    tokenizer = Tokenizer.from_file(str(next(folder.rglob("*tokenizer*.json"))))
    tokenizer.no_padding()
    table = _table(next(folder.rglob("*.safetensors")))

    def embed(texts: Sequence[str]) -> np.ndarray:
        coded = [tokenizer.encode(text, add_special_tokens=False).ids or [0] for text in texts]
        return _unit(np.stack([table[ids].mean(axis=0) for ids in coded]))

    return _cosines(embed)


def _table(place: Path) -> np.ndarray:
    """Read the one half-precision matrix of a .safetensors file: a length, a JSON header, the numbers."""
    data = place.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = {name: entry for name, entry in json.loads(data[8 : 8 + length]).items() if name != "__metadata__"}
    (entry,) = header.values()
    kind = {"F16": np.float16, "F32": np.float32}[entry["dtype"]]
    begin, end = entry["data_offsets"]
    flat: np.ndarray = np.frombuffer(data[8 + length + begin : 8 + length + end], dtype=kind)
    return flat.reshape(entry["shape"]).astype(np.float32)


def _session(folder: Path) -> tuple[Any, Any]:
    """Return a one-thread ONNX session and its tokenizer."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(next(folder.rglob("*.onnx"))), options)
    return session, Tokenizer.from_file(str(next(folder.rglob("tokenizer.json"))))


def _sentences(folder: Path) -> Matches:
    session, tokenizer = _session(folder)
    tokenizer.enable_truncation(256)
    tokenizer.enable_padding()

    def embed(texts: Sequence[str]) -> np.ndarray:
        coded = tokenizer.encode_batch(list(texts))
        ids = np.array([one.ids for one in coded], dtype=np.int64)
        mask = np.array([one.attention_mask for one in coded], dtype=np.int64)
        given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        hidden = session.run(None, given)[0]
        return _unit((hidden * mask[..., None]).sum(axis=1) / mask.sum(axis=1, keepdims=True))

    return _cosines(embed)


def _entailment(folder: Path) -> Matches:
    session, tokenizer = _session(folder)
    tokenizer.enable_truncation(160, strategy="only_first")  # of the premise: the hypothesis stays whole
    tokenizer.enable_padding(length=160)

    def matches(said: str, parts: Sequence[str]) -> Sequence[float]:
        found = []
        for part in parts:
            one = tokenizer.encode(part, said[-300:])
            given = {"input_ids": np.array([one.ids]), "attention_mask": np.array([one.attention_mask])}
            follows, not_so = session.run(None, given)[0][0]
            found.append(float(follows - not_so))
        return found

    return matches

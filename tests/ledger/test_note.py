"""Signed notes and checkpoints: the published examples, key files, and everything that must be refused."""

from __future__ import annotations

import base64
import random
import stat
import sys
from pathlib import Path

import pytest

from trajectory_compiler.errors import MissingExtraError, RefusedError, SealError
from trajectory_compiler.ledger.checkpoint import Checkpoint, open_checkpoint, parse_checkpoint
from trajectory_compiler.ledger.note import (
    Signer,
    new_signer,
    open_note,
    parse_signer,
    parse_verifier,
    read_signer,
    read_verifier,
    write_signer,
)

# The example of the specification (c2sp.org/signed-note) and that of Go's golang.org/x/mod/sumdb/note.
C2SP_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
C2SP_NOTE = (
    "This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1E"
    "RYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)
GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_SIGNER = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
GO_NOTE = (
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
CHECKPOINT = Checkpoint("trajc/audit-1", 42, bytes(range(32)), ("sealed_at 2026-03-01T09:00:00Z", "snapshot 7:9:8"))


def signer_of(seed: int, name: str = "trajc/audit-1") -> Signer:
    """Return a key that is the same in every run."""
    return new_signer(name, random.Random(seed).randbytes)


def test_published_notes_are_opened_and_made() -> None:
    """Both published examples hold, and the published private key signs the same bytes."""
    assert open_note(C2SP_NOTE, parse_verifier(C2SP_KEY)) == "This is an example message.\n"
    signer = parse_signer(GO_SIGNER)
    assert str(signer.verifier) == GO_KEY
    assert signer.sign(open_note(GO_NOTE, signer.verifier)) == GO_NOTE


def test_a_checkpoint_comes_back() -> None:
    """What was signed is what is read, extension lines by their first word included."""
    signer = signer_of(1)
    opened = open_checkpoint(CHECKPOINT.signed(signer), signer.verifier)
    assert opened == CHECKPOINT
    assert (opened.said("snapshot"), opened.said("nothing")) == ("7:9:8", None)


def test_other_signatures_beside_ours_are_passed_over() -> None:
    """A witness may add its line before or after ours."""
    signer, witness = signer_of(1), signer_of(2, "witness.example")
    note = CHECKPOINT.signed(signer)
    line = CHECKPOINT.signed(witness).rpartition("\n\n")[2]
    text, _, own = note.rpartition("\n\n")
    for lines in (own + line, line + own):
        assert open_checkpoint(f"{text}\n\n{lines}", signer.verifier) == CHECKPOINT
    with pytest.raises(RefusedError, match=r"the key 'third' .* did not sign it"):
        open_checkpoint(note, signer_of(3, "third").verifier)


def test_every_changed_byte_is_refused() -> None:
    """A note with any one of its bytes changed is no note of this key."""
    signer = signer_of(1)
    note = CHECKPOINT.signed(signer).encode()
    refused = 0
    for place in range(len(note)):
        mutated = note[:place] + bytes([note[place] ^ 1]) + note[place + 1 :]
        try:
            open_checkpoint(mutated.decode("utf-8", "surrogateescape"), signer.verifier)
        except RefusedError:
            refused += 1
    assert refused == len(note)


@pytest.mark.parametrize(
    "note",
    [
        "",
        "\n",
        "text\n",
        "text\n\n",
        "text\n\n— name\n",
        "text\n\n— name !!!!\n",
        "text\n\n— name AAAA\n",
        "text\n\n-- name AAAAAAAA\n",
        "te\txt\n\n— name AAAAAAAA\n",
        "text\n\n— name AAAAAAAA",
        "text\n\n" + "— name AAAAAAAA\n" * 101,
        "x" * (1 << 20) + "\n\n— name AAAAAAAA\n",
        "te\udc80xt\n\n— name AAAAAAAA\n",
    ],
)
def test_malformed_notes_are_refused(note: str) -> None:
    """What is no signed note is refused in a sentence."""
    with pytest.raises(RefusedError, match="Cannot accept a signed note"):
        open_note(note, signer_of(1, "name").verifier)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a\n1\n",
        "a\n1\nAA==\n",
        "a\n-1\n" + "A" * 43 + "=\n",
        "a\n01\n" + "A" * 43 + "=\n",
        "a\n1\n" + "A" * 43 + "=",
        "a\n1\n\n\n",
    ],
)
def test_signed_text_that_is_no_checkpoint_is_refused(text: str) -> None:
    """A signature alone makes no checkpoint."""
    with pytest.raises(RefusedError, match="Cannot accept a checkpoint"):
        parse_checkpoint(text)


def test_a_key_file_is_private_and_comes_back(tmp_path: Path) -> None:
    """The key file has mode 0600 and is never overwritten; one that others may read is refused; no text shows the seed."""
    signer, path = signer_of(1), tmp_path / "folder" / "key"
    public = write_signer(path, signer)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_signer(path) == signer
    assert read_verifier(str(public)) == read_verifier(public.read_text()) == signer.verifier
    assert base64.b64encode(signer.seed).decode() not in repr(signer)
    with pytest.raises(SealError, match="File exists"):
        write_signer(path, signer)
    path.chmod(0o640)
    with pytest.raises(SealError, match="chmod 600"):
        read_signer(path)


@pytest.mark.parametrize("text", ["", "x", "PRIVATE+KEY+a+b+c", "a+00000000+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"])
def test_malformed_keys_are_refused(text: str, tmp_path: Path) -> None:
    """What is no key, or a public key whose id is another's, is refused in a sentence."""
    path = tmp_path / "key"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(SealError, match="Cannot read a signing key"):
        read_signer(path)
    with pytest.raises(SealError, match="Cannot read a public key"):
        read_verifier(str(path))
    with pytest.raises(SealError, match="No such file"):
        read_verifier(str(tmp_path / "absent"))


def test_a_key_name_must_fit_into_a_line() -> None:
    """A name with a space or a plus sign would be read otherwise than it was written."""
    for name in ("a b", "a+b", ""):
        with pytest.raises(SealError, match="no spaces and no"):
            new_signer(name)


def test_without_the_extra_the_sentence_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without `cryptography`, the message says what to install."""
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.asymmetric", None)
    with pytest.raises(MissingExtraError, match=r"trajectory-compiler\[ledger\]"):
        signer_of(1).sign("text\n")

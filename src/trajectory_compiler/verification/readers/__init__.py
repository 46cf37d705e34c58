"""Readers answer a question from the turns that they are shown, and the gates for prose are made of what they answer.

views.py       what each gate shows: no turn, the supporting ones, all but one, a window, the others, everything
reader.py      a reader, and the one that asks a model
judging.py     grading: by type, word for word, then by a judge
gates.py       the readings of a pair, cheap ones first, up to the first that fails
scripted.py    readers whose behaviour is known, to test the gates with
faults.py      known faults planted into proved pairs
calibration.py how many of them a verifier finds
"""

from trajectory_compiler.verification.readers.gates import ReaderProof, ReadingOptions, read_pair
from trajectory_compiler.verification.readers.judging import Grader, Judge
from trajectory_compiler.verification.readers.reader import Asked, ModelReader, Reader, ReaderAnswer

__all__ = [
    "Asked",
    "Grader",
    "Judge",
    "ModelReader",
    "Reader",
    "ReaderAnswer",
    "ReaderProof",
    "ReadingOptions",
    "read_pair",
]

"""The Merkle tree of RFC 6962 (Certificate Transparency): roots, and short proofs about them.

A tree of n leaves has one root. Whoever holds the root can be shown in about log2(n) hashes that a leaf is in the tree
(*inclusion*) or that an earlier root belongs to the beginning of the same tree (*consistency*).

    leaf(data)        = SHA-256(0x00 || data)
    node(left, right) = SHA-256(0x01 || left || right)
    root(D[0:n])      = node(root(D[0:k]), root(D[k:n])), k the largest power of two below n

The tree grows at its right edge, so `Growth` holds less than 256 hashes for each 8 levels: ten million leaves need some
hundreds. Of the nodes only those at heights 8, 16, ... are worth keeping: everything between is 255 hashes away.

Sources: RFC 6962 section 2.1 (the hashes and the proofs), RFC 9162 section 2.1.3 and 2.1.4 (how proofs are checked).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

HASH_BYTES = 32
TILE_HEIGHT = 8
TILE = 1 << TILE_HEIGHT
EMPTY_ROOT = hashlib.sha256(b"").digest()


class Node(NamedTuple):
    """The root of a complete subtree: the `number`-th, from 0, of those with 2**height leaves."""

    height: int
    number: int
    hash: bytes


class Hashes(Protocol):
    """Where a tree's hashes are kept. Heights are multiples of 8; height 0 are the leaves."""

    def hashes(self, height: int, begin: int, end: int) -> list[bytes]:
        """Return the hashes of the nodes with these numbers, `end` exclusive."""


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of a leaf."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of(hashes: Sequence[bytes]) -> bytes:
    """Return the root over hashes of one height. Cost: one hash less than there are."""
    if not hashes:
        return EMPTY_ROOT
    row = list(hashes)
    while len(row) > 1:  # an odd last one moves up unchanged, which is the tree of the RFC
        paired = [hashlib.sha256(b"\x01" + left + right).digest() for left, right in zip(row[::2], row[1::2], strict=False)]
        row = [*paired, row[-1]] if len(row) % 2 else paired
    return row[0]


class Growth:
    """A tree that only grows. Start it empty, or from the right edge that `Growth.at` reads back."""

    def __init__(self) -> None:
        self.size = 0
        self._rows: list[list[bytes]] = [[]]

    @classmethod
    def at(cls, size: int, kept: Hashes) -> Growth:
        """Return the tree of the first `size` leaves that are kept somewhere."""
        growth = cls()
        growth.size = size
        height, count = 0, size
        growth._rows = []
        while True:
            growth._rows.append(kept.hashes(height, count - count % TILE, count))
            count //= TILE
            height += TILE_HEIGHT
            if not count:
                return growth

    def extend(self, leaves: Sequence[bytes]) -> Iterator[Node]:
        """Append leaf hashes; yield each node at height 8, 16, ... that they complete."""
        begin = 0
        while begin < len(leaves):
            row = self._rows[0]
            taken = leaves[begin : begin + TILE - len(row)]
            row.extend(taken)
            begin += len(taken)
            self.size += len(taken)
            yield from self._carry()

    def _carry(self) -> Iterator[Node]:
        for level in range(len(self._rows)):
            if len(self._rows[level]) < TILE:
                return
            height = (level + 1) * TILE_HEIGHT
            made = Node(height, (self.size >> height) - 1, root_of(self._rows[level]))
            self._rows[level] = []
            if level + 1 == len(self._rows):
                self._rows.append([])
            self._rows[level + 1].append(made.hash)
            yield made

    def root(self) -> bytes:
        """Return the root of everything appended so far."""
        right: bytes | None = None
        for row in self._rows:  # from the leaves up: what is left over on the right is combined with what stands to its left
            peaks = list(_peaks(row))
            for peak in reversed(peaks):
                right = peak if right is None else node_hash(peak, right)
        return EMPTY_ROOT if right is None else right


def _peaks(row: Sequence[bytes]) -> Iterator[bytes]:
    """Yield the roots of the complete subtrees that a row splits into, the largest first."""
    begin = 0
    while begin < len(row):
        width = 1 << ((len(row) - begin).bit_length() - 1)
        yield root_of(row[begin : begin + width])
        begin += width


def root_at(size: int, kept: Hashes) -> bytes:
    """Return the root of the first `size` leaves from hashes that are kept."""
    return _range_root(0, size, kept) if size else EMPTY_ROOT


def inclusion_proof(index: int, size: int, kept: Hashes) -> list[bytes]:
    """Return the audit path of a leaf in the tree of the first `size` leaves (PATH of RFC 6962).

    Raises: ValueError: there is no such leaf.
    """
    if not 0 <= index < size:
        raise ValueError(f"no leaf {index} in a tree of {size}")
    path = []
    begin, end = 0, size
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if index < middle:
            path.append(_range_root(middle, end, kept))
            end = middle
        else:
            path.append(_range_root(begin, middle, kept))
            begin = middle
    return path[::-1]


def consistency_proof(old: int, new: int, kept: Hashes) -> list[bytes]:
    """Return the proof that the first `old` leaves are the beginning of the first `new` ones (PROOF of RFC 6962).

    Raises: ValueError: the sizes are not 0 < old <= new.
    """
    if not 0 < old <= new:
        raise ValueError(f"no proof from {old} to {new} leaves")
    path = []
    begin, end = 0, new
    while end != old:
        middle = begin + _split(end - begin)
        if old <= middle:
            path.append(_range_root(middle, end, kept))
            end = middle
        else:
            path.append(_range_root(begin, middle, kept))
            begin = middle
    if begin:  # the old tree's own root is known to the reader unless it was split on the way
        path.append(_range_root(begin, end, kept))
    return path[::-1]


def includes(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Say whether a path proves that a leaf hash stands at `index` in the tree with this size and root."""
    if not 0 <= index < size or not _are_hashes((leaf, root, *path)):
        return False
    number, last, reached = index, size - 1, leaf
    for step in path:
        if last == 0:
            return False
        if number % 2 or number == last:
            reached = node_hash(step, reached)
            while not number % 2 and number:
                number, last = number >> 1, last >> 1
        else:
            reached = node_hash(reached, step)
        number, last = number >> 1, last >> 1
    return last == 0 and reached == root


def is_consistent(old: int, new: int, path: Sequence[bytes], roots: tuple[bytes, bytes]) -> bool:
    """Say whether a path proves that the tree of `old` leaves and the first root is the beginning of that of `new` leaves."""
    old_root, new_root = roots
    if not 0 < old <= new or not _are_hashes((*roots, *path)):
        return False
    if old == new:
        return not path and old_root == new_root
    steps = list(path) if old & (old - 1) else [old_root, *path]
    if not steps:
        return False
    number, last = old - 1, new - 1
    while number % 2:
        number, last = number >> 1, last >> 1
    old_reached = new_reached = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if number % 2 or number == last:
            old_reached, new_reached = node_hash(step, old_reached), node_hash(step, new_reached)
            while not number % 2 and number:
                number, last = number >> 1, last >> 1
        else:
            new_reached = node_hash(new_reached, step)
        number, last = number >> 1, last >> 1
    return last == 0 and old_reached == old_root and new_reached == new_root


def _are_hashes(values: Sequence[bytes]) -> bool:
    return all(len(value) == HASH_BYTES for value in values)


def _split(width: int) -> int:
    """Return the largest power of two below a width of two or more."""
    return 1 << ((width - 1).bit_length() - 1)


def _range_root(begin: int, end: int, kept: Hashes) -> bytes:
    """Return the root over leaves `begin` to `end`; `begin` is a multiple of a power of two that is at least the width."""
    width = end - begin
    if width < TILE:
        return root_of(kept.hashes(0, begin, end))
    height = (width.bit_length() - 1) // TILE_HEIGHT * TILE_HEIGHT
    if width == 1 << (width.bit_length() - 1):
        return root_of(kept.hashes(height, begin >> height, end >> height))
    middle = begin + _split(width)
    return node_hash(_range_root(begin, middle, kept), _range_root(middle, end, kept))

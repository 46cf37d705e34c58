"""The Merkle tree, held to published vectors and to the definition."""

from __future__ import annotations

import base64
import hashlib
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trajectory_compiler.ledger import merkle

# The reference vectors of Certificate Transparency: inputs, node hashes and roots as in `testonly/constants.go`, leaf and node
# of `rfc6962/rfc6962_test.go`, golden roots of `compact/range_test.go`, github.com/transparency-dev/merkle v0.0.2.
INPUTS = [
    bytes.fromhex(text) for text in "|00|10|2021|3031|40414243|5051525354555657|606162636465666768696a6b6c6d6e6f".split("|")
]
ROOTS = """
    e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
    6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d
    fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125
    aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77
    d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7
    4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4
    76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef
    ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c
    5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328""".split()
GOLDEN = {
    10: "VjWMPSYNtCuCNlF/RLnQy6HcwSk6CIipfxm+hettA+4=",
    15: "j4SulYmocFuxdeyp12xXCIgK6PekBcxzAIj4zbQzNEI=",
    16: "c+4Uc6BCMOZf/v3NZK1kqTUJe+bBoFtOhP+P3SayKRE=",
    100: "dUh9hYH88p0CMoHkdr1wC2szbhcLAXOejWpINIooKUY=",
    255: "SmdsuKUqiod3RX2jyF2M6JnbdE4QuTwwipfAowI4/i0=",
}
INCLUSION = {
    (0, 1): "",
    (0, 2): "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
    (1, 2): "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    (2, 3): "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    (1, 5): """6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d
        5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e
        bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b""",
    (0, 8): """96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7
        5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e
        6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4""",
    (5, 8): """bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b
        ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0
        d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7""",
}
CONSISTENCY = {
    (1, 1): "",
    (1, 8): """96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7
        5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e
        6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4""",
    (6, 8): """0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a
        ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0
        d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7""",
    (2, 5): """5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e
        bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b""",
}


class Kept:
    """Leaf hashes and the nodes that `Growth` gave out: what a store keeps."""

    def __init__(self, leaves: list[bytes], step: int = 100_000) -> None:
        growth = merkle.Growth()
        self.rows = {0: leaves}
        for begin in range(0, len(leaves), step):
            for node in growth.extend(leaves[begin : begin + step]):
                row = self.rows.setdefault(node.height, [])
                assert node.number == len(row)
                row.append(node.hash)
        self.root = growth.root()

    def hashes(self, height: int, begin: int, end: int) -> list[bytes]:
        """Return kept hashes; one that is not there is a defect of the tree."""
        if begin == end:
            return []
        assert end <= len(self.rows[height])
        return self.rows[height][begin:end]


def leaves_of(count: int) -> list[bytes]:
    """Return leaf hashes, each of two bytes, as the golden roots take them."""
    return [merkle.leaf_hash(bytes([index & 0xFF, index >> 8 & 0xFF])) for index in range(count)]


def defined_root(leaves: list[bytes]) -> bytes:
    """Return the root exactly as RFC 6962 defines it."""
    if len(leaves) <= 1:
        return leaves[0] if leaves else hashlib.sha256(b"").digest()
    half = max(1 << power for power in range(len(leaves).bit_length()) if 1 << power < len(leaves))
    return hashlib.sha256(b"\x01" + defined_root(leaves[:half]) + defined_root(leaves[half:])).digest()


def flipped(value: bytes, place: int) -> bytes:
    """Return a hash with one bit changed."""
    changed = bytearray(value)
    changed[place // 8 % len(value)] ^= 1 << place % 8
    return bytes(changed)


def test_published_leaf_and_node() -> None:
    """A leaf and an inner node hash as the reference implementation hashes them."""
    assert merkle.leaf_hash(b"L123456").hex() == "395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56"
    assert merkle.node_hash(b"N123", b"N456").hex() == "aa217fe888e47007fa15edab33c2b492a722cb106c64667fc2b044444de66bbb"


@pytest.mark.parametrize("size", range(9))
def test_published_roots(size: int) -> None:
    """Trees of 0 to 8 leaves have the published roots, grown and read back."""
    kept = Kept([merkle.leaf_hash(data) for data in INPUTS[:size]])
    assert kept.root.hex() == merkle.root_at(size, kept).hex() == ROOTS[size]


@pytest.mark.parametrize("size", GOLDEN)
def test_published_roots_of_larger_trees(size: int) -> None:
    """Larger trees have the published roots."""
    assert Kept(leaves_of(size)).root == base64.b64decode(GOLDEN[size])


@pytest.mark.parametrize(("index", "size"), INCLUSION)
def test_published_inclusion_proofs(index: int, size: int) -> None:
    """The published audit paths are made and accepted."""
    kept = Kept([merkle.leaf_hash(data) for data in INPUTS])
    path = merkle.inclusion_proof(index, size, kept)
    assert [step.hex() for step in path] == INCLUSION[index, size].split()
    assert merkle.includes(merkle.leaf_hash(INPUTS[index]), index, size, path, bytes.fromhex(ROOTS[size]))


@pytest.mark.parametrize(("old", "new"), CONSISTENCY)
def test_published_consistency_proofs(old: int, new: int) -> None:
    """The published consistency proofs are made and accepted."""
    kept = Kept([merkle.leaf_hash(data) for data in INPUTS])
    path = merkle.consistency_proof(old, new, kept)
    assert [step.hex() for step in path] == CONSISTENCY[old, new].split()
    assert merkle.is_consistent(old, new, path, (bytes.fromhex(ROOTS[old]), bytes.fromhex(ROOTS[new])))


@pytest.mark.parametrize("size", [255, 256, 257, 511, 513, 1000, 65_535, 65_536, 66_000])
def test_a_large_tree_is_the_defined_one_however_it_grows(size: int) -> None:
    """Appended at once, in odd pieces, or taken up again half way: one root, that of the definition."""
    leaves = leaves_of(size)
    whole, pieces = Kept(leaves), Kept(leaves, step=97)
    assert whole.root == pieces.root == defined_root(leaves) == merkle.root_at(size, whole)
    assert whole.rows == pieces.rows
    half = merkle.Growth.at(size * 3 // 5, whole)
    assert half.root() == defined_root(leaves[: size * 3 // 5])
    list(half.extend(leaves[size * 3 // 5 :]))
    assert (half.size, half.root()) == (size, whole.root)


def test_every_proof_of_small_trees_holds() -> None:
    """Every leaf of every tree up to 40 leaves, and every earlier size: proved, and by no proof of another place."""
    leaves = leaves_of(40)
    kept = Kept(leaves)
    roots = [defined_root(leaves[:size]) for size in range(41)]
    for size in range(1, 41):
        for index in range(size):
            path = merkle.inclusion_proof(index, size, kept)
            accepted = [place for place in range(size) if merkle.includes(leaves[index], place, size, path, roots[size])]
            assert accepted == [index]
        for old in range(1, size + 1):
            proof = merkle.consistency_proof(old, size, kept)
            assert merkle.is_consistent(old, size, proof, (roots[old], roots[size]))


@given(st.integers(2, 700), st.data())
def test_proofs_over_stored_nodes_hold_and_mutated_ones_do_not(size: int, data: st.DataObject) -> None:
    """Proofs that pass through kept nodes hold; with one bit, one step or one size changed they do not."""
    leaves = leaves_of(size)
    kept = Kept(leaves)
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size - 1))
    path, proof = merkle.inclusion_proof(index, size, kept), merkle.consistency_proof(old, size, kept)
    roots = (merkle.root_at(old, kept), kept.root)
    assert merkle.includes(leaves[index], index, size, path, kept.root)
    assert merkle.is_consistent(old, size, proof, roots)
    bit = data.draw(st.integers(0, 255))
    step = data.draw(st.integers(0, len(path) - 1))
    assert not merkle.includes(
        leaves[index], index, size, [*path[:step], flipped(path[step], bit), *path[step + 1 :]], kept.root
    )
    assert not merkle.includes(leaves[index], index, size, path[:-1], kept.root)
    assert not merkle.includes(leaves[index], index, size, [*path, kept.root], kept.root)
    assert not merkle.includes(flipped(leaves[index], bit), index, size, path, kept.root)
    assert not merkle.is_consistent(old, size, proof, (flipped(roots[0], bit), roots[1]))
    assert not merkle.is_consistent(old, size, proof, (roots[0], flipped(roots[1], bit)))
    assert not merkle.is_consistent(old, size, [*proof, kept.root], roots)
    assert not merkle.is_consistent(old, size, proof[1:], roots)


def test_no_proof_of_what_is_not_there() -> None:
    """Places outside the tree have no proof, and hashes of another length prove nothing."""
    kept = Kept(leaves_of(5))
    for index, size in ((5, 5), (-1, 5), (0, 0)):
        with pytest.raises(ValueError, match="no leaf"):
            merkle.inclusion_proof(index, size, kept)
    for old, new in ((0, 5), (5, 4)):
        with pytest.raises(ValueError, match="no proof"):
            merkle.consistency_proof(old, new, kept)
    assert not merkle.includes(b"", 0, 1, [], b"")
    assert not merkle.is_consistent(1, 1, [], (b"", b""))
    assert not merkle.is_consistent(0, 5, [], (merkle.EMPTY_ROOT, kept.root))


def test_memory_of_a_growing_tree_is_bounded() -> None:
    """A tree of 300,000 leaves holds less than 256 hashes for each 8 levels."""
    growth = merkle.Growth()
    for _ in range(300):
        list(growth.extend([random.Random(0).randbytes(32)] * 1000))
    assert sum(map(len, growth._rows)) < 3 * merkle.TILE

"""Files made from a store, by what the store noted and what their manifests say: exports, pages, copies, and what came of them.

The store cannot erase a file that was handed on; it can say which ones there are. Whoever makes something of an export (an
adapter, a model, another data set) notes an action whose detail names, under `made_from`, the file or the sha256 of the
manifest that it was made from; several stand on lines of their own, and what was made of that in turn is found, too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Literal

import msgspec

from trajectory_compiler.exports.request import Manifest
from trajectory_compiler.store import Action, Store

MADE_FROM = "made_from"
PAGE = "page"
Certainty = Literal["holds it", "may hold it"]


class DerivedFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file or model that holds, or may hold, something of some sessions, and what is to be done about it by hand.

    `kind` is as the store noted it: export, page, copy, train and the like. `why` says how that is known.
    """

    kind: str
    target: str
    certainty: Certainty
    why: str
    exists: bool
    made_at: str


def files_with(store: Store, pairs: Collection[str], digests: Collection[str]) -> tuple[DerivedFile, ...]:
    """Return what was made from sessions, by the ids of their pairs and the digests of their stored forms.

    A file whose manifest lists none of them is left out; one whose manifest is gone or was changed may hold it.
    Cost: one reading of each manifest.
    """
    actions = store.actions()
    found: dict[str, DerivedFile] = {}
    names: set[str] = set()
    for action, written in _last_of_each(actions):
        judged = _judged(action, written, frozenset(pairs), frozenset(digests))
        if judged is None:
            continue
        certainty, why = judged
        found[action.target] = _file(action, certainty, why)
        names |= {action.target, action.detail.get("manifest_sha256", "")} - {""}
    _add_made_from(actions, found, names)
    return tuple(sorted(found.values(), key=lambda file: (file.made_at, file.kind, file.target)))


def _last_of_each(actions: Iterable[Action]) -> list[tuple[Action, frozenset[str]]]:
    """Return the last of the actions that wrote a file of one name, and the digests of all manifests that it ever had.

    What was there before was overwritten; which of two that were written in one second came last, only the manifest says.
    """
    last: dict[str, Action] = {}
    written: dict[str, set[str]] = {}
    for action in actions:
        if action.kind in ("export", PAGE, "vault"):
            last[action.target] = action
            written.setdefault(action.target, set()).add(action.detail.get("manifest_sha256", ""))
    return [(action, frozenset(written[target])) for target, action in last.items()]


def _judged(
    action: Action, written: frozenset[str], pairs: frozenset[str], digests: frozenset[str]
) -> tuple[Certainty, str] | None:
    if action.kind == PAGE:
        shown = set(action.detail.get("pairs", "").split())
        return ("holds it", "the page shows a pair of it") if shown & pairs else None
    if action.kind == "vault":
        return "may hold it", f"a redacted copy of a log, '{action.detail.get('copy', '')}', was made beside this vault"
    manifest = Path(action.target + ".manifest.json")
    try:
        data = manifest.read_bytes()
        listed = msgspec.json.decode(data, type=Manifest)
    except (OSError, msgspec.DecodeError):
        return "may hold it", "its manifest is not beside it any more"
    if hashlib.sha256(data).hexdigest() not in written:
        return "may hold it", "its manifest was changed since it was written"
    count = len(pairs.intersection(listed.pairs))
    if count:
        return "holds it", f"{count} of its {listed.records} pairs"
    return ("holds it", "pieces of it stand in contexts of other sessions") if digests.intersection(listed.lenders) else None


def _add_made_from(actions: Iterable[Action], found: dict[str, DerivedFile], names: set[str]) -> None:
    """Add what was made from files that are found, and from that in turn."""
    made = [action for action in actions if action.detail.get(MADE_FROM)]
    while True:
        new = [a for a in made if a.target not in found and names.intersection(a.detail[MADE_FROM].split("\n"))]
        if not new:
            return
        for action in new:
            found[action.target] = _file(action, "holds it", "it was made from a file that does")
            names |= {action.target, action.detail.get("manifest_sha256", "")} - {""}


def _file(action: Action, certainty: Certainty, why: str) -> DerivedFile:
    target = action.detail.get("copy", "") if action.kind == "vault" else action.target
    return DerivedFile(
        kind="copy" if action.kind == "vault" else action.kind,
        target=target or action.target,
        certainty=certainty,
        why=why,
        exists=Path(target or action.target).exists(),
        made_at=action.created_at,
    )

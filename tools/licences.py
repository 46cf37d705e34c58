"""The licence table and the bill of materials, from the metadata of what is installed.

`python -m tools.licences` writes `docs/licences.md` and `docs/sbom.cdx.json` (CycloneDX 1.5). Run it after `make test` has
installed the extras. A package counts when it is reached from the project's own requirements, the optional parts included;
what only the tests and checks use is listed apart, direct requirements only, since it is never shipped.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT = "trajectory-compiler"
SHIPPED_EXTRAS = ("postgres", "parquet", "ner", "ledger", "vault", "otel", "llm", "local")
DEVELOPMENT_EXTRAS = ("test", "bench", "check")
_CLASSIFIER = re.compile(r"^License :: (?:OSI Approved :: )?(.*)$")
_STRONG_COPYLEFT = re.compile(r"(?<![\w])(?:A?GPL|(?:Affero )?General Public License)", re.IGNORECASE)
_LESSER = re.compile(r"LGPL|Lesser General Public License|Library or Lesser", re.IGNORECASE)
_SHORT = {
    "MIT License": "MIT",
    "BSD License": "BSD",
    "Apache Software License": "Apache-2.0",
    "Python Software Foundation License": "PSF-2.0",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "GNU Lesser General Public License v3 (LGPLv3)": "LGPL-3.0",
    "GNU Library or Lesser General Public License (LGPL)": "LGPL",
}


@dataclass(frozen=True)
class Part:
    """One installed package. `use` is `core`, the name of an extra, or `development`."""

    name: str
    version: str
    licence: str
    use: str
    home: str

    @property
    def strong_copyleft(self) -> bool:
        """A GPL or AGPL without the choice of a weaker licence."""
        choices = re.split(r"\s+OR\s+", self.licence)
        return all(_STRONG_COPYLEFT.search(choice) and not _LESSER.search(choice) for choice in choices)


def shipped_parts() -> list[Part]:
    """Return every package that an installation with all optional parts holds, the project itself left out."""
    uses: dict[str, str] = {}
    for use in ("core", *SHIPPED_EXTRAS):
        extra = "" if use == "core" else use
        for name in sorted(_closure(PROJECT, extra)):
            uses.setdefault(name, use)
    uses.pop(PROJECT, None)
    return [_part(name, use) for name, use in sorted(uses.items())]


def development_parts() -> list[Part]:
    """Return the direct requirements of the tests, benchmarks and checks that are not shipped."""
    shipped = {part.name for part in shipped_parts()}
    names = {name for extra in DEVELOPMENT_EXTRAS for name, _ in _requirements(PROJECT, extra)} - shipped - {PROJECT}
    return [_part(name, "development") for name in sorted(names) if _installed(name)]


def _closure(name: str, extra: str) -> set[str]:
    seen: set[tuple[str, str]] = set()
    waiting = [(name, extra)]
    while waiting:
        place = waiting.pop()
        if place in seen or not _installed(place[0]):
            continue
        seen.add(place)
        for required, extras in _requirements(*place):
            waiting += [(required, inner) for inner in ("", *extras)]
    return {name for name, _ in seen}


def _requirements(name: str, extra: str) -> Iterable[tuple[str, tuple[str, ...]]]:
    """Yield what a package requires here, on this Python and platform, with the extras that it asks for."""
    for line in metadata.requires(name) or ():
        requirement = Requirement(line)
        marker = requirement.marker
        if marker is None or marker.evaluate({"extra": extra}):
            yield canonicalize_name(requirement.name), tuple(sorted(requirement.extras))


def _installed(name: str) -> bool:
    try:
        metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def _part(name: str, use: str) -> Part:
    meta = metadata.metadata(name)
    return Part(name=name, version=metadata.version(name), licence=_licence(meta), use=use, home=_home(meta))


def _licence(meta: metadata.PackageMetadata) -> str:
    """Return the SPDX expression, else what the classifiers say, else a short licence field."""
    if expression := _first(meta, "License-Expression"):
        return expression
    named = [m.group(1) for c in meta.get_all("Classifier") or () if (m := _CLASSIFIER.match(c))]
    if named:
        return " OR ".join(sorted(_SHORT.get(name, name) for name in named))
    text = _first(meta, "License").strip().partition("\n\n")[0]  # some packages put the whole text there
    text = _SHORT.get(text, text)
    return text if text and len(text) <= 60 and "\n" not in text else "unknown"


def _home(meta: metadata.PackageMetadata) -> str:
    lines: list[str] = meta.get_all("Project-URL") or []
    urls = dict(line.split(", ", 1) for line in lines if ", " in line)
    by_label = {label.lower().replace("-", " "): url.strip() for label, url in urls.items()}
    for label in ("source", "source code", "repository", "github", "homepage", "home"):
        if label in by_label:
            return by_label[label]
    return _first(meta, "Home-page") or next(iter(by_label.values()), "")


def _first(meta: metadata.PackageMetadata, key: str) -> str:
    values: list[str] = meta.get_all(key) or []
    return values[0] if values else ""


def table(shipped: Iterable[Part], development: Iterable[Part]) -> str:
    """Return the page `docs/licences.md`. It names no versions: they are in the bill of materials."""
    lines = [
        "# Licences of what this project uses",
        "",
        "Written by `make docs` from the metadata of the installed packages; `docs/sbom.cdx.json` is the same as a CycloneDX",
        "bill of materials, with versions. The project itself is MIT. A test holds that no package is under the GPL or AGPL;",
        "psycopg's LGPL is a library licence and fits. Nothing of these packages is copied into this repository.",
        "",
        "## Shipped: the core and the optional parts",
        "",
        "| package | licence | needed by | source |",
        "|---|---|---|---|",
        *(f"| {part.name} | {part.licence} | {part.use} | {part.home} |" for part in shipped),
        "",
        "## Used by tests, benchmarks and checks only",
        "",
        "| package | licence | source |",
        "|---|---|---|",
        *(f"| {part.name} | {part.licence} | {part.home} |" for part in development),
        "",
    ]
    return "\n".join(lines)


def bill_of_materials(parts: Iterable[Part]) -> str:
    """Return a CycloneDX 1.5 document of the shipped packages, without stamps, so that equal inputs give equal bytes."""
    own = {"type": "application", "name": PROJECT, "version": metadata.version(PROJECT), "licenses": [{"expression": "MIT"}]}
    components = [
        {
            "type": "library",
            "bom-ref": f"pkg:pypi/{part.name}@{part.version}",
            "name": part.name,
            "version": part.version,
            "purl": f"pkg:pypi/{part.name}@{part.version}",
            "licenses": [{"license": {"name": part.licence}}],
        }
        for part in parts
    ]
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": own},
        "components": components,
    }
    return json.dumps(document, indent=2) + "\n"


def main() -> int:
    """Write both files; exit 1 where a package may not be shipped."""
    docs = Path(__file__).resolve().parents[1] / "docs"
    shipped = shipped_parts()
    (docs / "licences.md").write_text(table(shipped, development_parts()), encoding="utf-8")
    (docs / "sbom.cdx.json").write_text(bill_of_materials(shipped), encoding="utf-8")
    refused = [f"{part.name}: {part.licence}" for part in shipped if part.strong_copyleft or part.licence == "unknown"]
    print("\n".join(refused) or f"docs/licences.md: {len(shipped)} packages, none under the GPL")
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())

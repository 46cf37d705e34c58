"""Licences of what an installation holds."""

from __future__ import annotations

import json
from pathlib import Path

from tools.licences import Part, bill_of_materials, development_parts, shipped_parts, table


def part(licence: str) -> Part:
    """Return a package under this licence."""
    return Part(name="example", version="1", licence=licence, use="core", home="")


def test_nothing_shipped_is_under_the_gpl() -> None:
    """No package of the core or of an optional part is under the GPL or AGPL, and each says what it is under."""
    shipped = shipped_parts()
    assert {"click", "rich", "msgspec", "psycopg", "pyarrow"} <= {item.name for item in shipped}
    assert [item for item in shipped if item.strong_copyleft or item.licence == "unknown"] == []


def test_the_gpl_is_told_from_its_lesser_sister() -> None:
    """GPL and AGPL are refused, LGPL passes, and so does a choice that includes a permissive licence."""
    refused = ["GPL-3.0-only", "AGPL-3.0", "GNU General Public License v3 (GPLv3)", "GNU Affero General Public License v3"]
    admitted = [
        "LGPL-3.0-only",
        "GNU Lesser General Public License v3",
        "MIT",
        "GPL-2.0 OR MIT",
        "MPL-2.0 AND (Apache-2.0 OR MIT)",
    ]
    assert [licence for licence in refused if not part(licence).strong_copyleft] == []
    assert [licence for licence in admitted if part(licence).strong_copyleft] == []


def test_the_table_and_the_bill_of_materials_name_every_shipped_package(root: Path) -> None:
    """`docs/licences.md` and `docs/sbom.cdx.json` hold what is installed: after a change of dependencies, `make docs`."""
    page = (root / "docs" / "licences.md").read_text()
    bill = json.loads((root / "docs" / "sbom.cdx.json").read_text())
    components = {item["name"] for item in bill["components"]}
    missing = [item.name for item in shipped_parts() if f"| {item.name} |" not in page or item.name not in components]
    assert missing == []


def test_the_bill_of_materials_is_cyclonedx_and_the_same_each_time() -> None:
    """Equal inputs give equal bytes, in the form that readers of such bills expect."""
    parts = shipped_parts()
    bill = json.loads(bill_of_materials(parts))
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.5")
    assert all(item["purl"].startswith("pkg:pypi/") for item in bill["components"])
    assert bill_of_materials(parts) == bill_of_materials(parts)
    assert table(parts, development_parts()) == table(parts, development_parts())

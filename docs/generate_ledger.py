"""Write what the ledger's pages take from the code: `python docs/generate_ledger.py`. A test keeps both current."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

from trajectory_compiler.ledger.row_schema import row_schema
from trajectory_compiler.ledger.schema import COLUMNS

PAGE = Path(__file__).with_name("ledger-schema.md")
SCHEMA = Path(__file__).with_name("ledger-row.schema.json")
_TABLE = re.compile(r"(?<=<!-- columns: written by docs/generate_ledger.py -->\n).*?(?=<!-- end of columns -->)", re.DOTALL)


def schema() -> str:
    """Return the JSON Schema as it should be now."""
    return json.dumps(row_schema(), indent=2) + "\n"


def page() -> str:
    """Return the page with its table of columns as it should be now."""
    lines = ["", "| column | PostgreSQL | SQLite | set by | what it holds |", "|---|---|---|---|---|"]
    lines += [f"| `{c.name}` | {c.postgres or 'none'} | {c.sqlite or 'none'} | {c.set_by} | {c.about} |" for c in COLUMNS]
    table = "\n".join([*lines, "", ""])
    return _TABLE.sub(lambda _: table, PAGE.read_text(encoding="utf-8"))


if __name__ == "__main__":
    SCHEMA.write_text(schema(), encoding="utf-8")
    PAGE.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"wrote {SCHEMA.name} and {PAGE.name}\n")

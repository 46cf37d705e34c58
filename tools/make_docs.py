"""Write the generated pages anew: `python -m tools.make_docs`, which is what `make docs` runs."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

from tools import demo_output, licences

DOCS = Path(__file__).resolve().parents[1] / "docs"
GENERATORS = ("generate_cli.py", "generate_ledger.py")


def main() -> int:
    """Write the references, the demo's output in the README, the licence table and the bill of materials."""
    for generator in GENERATORS:
        runpy.run_path(str(DOCS / generator), run_name="__main__")
    demo_output.main()
    return licences.main()


if __name__ == "__main__":
    sys.exit(main())

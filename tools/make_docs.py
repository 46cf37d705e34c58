"""Write the generated pages anew: `python -m tools.make_docs`, which is what `make docs` runs."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

from tools import demo_output, licences

COMMAND_REFERENCE = Path(__file__).resolve().parents[1] / "docs" / "generate_cli.py"


def main() -> int:
    """Write the command reference, the demo's output in the README, the licence table and the bill of materials."""
    runpy.run_path(str(COMMAND_REFERENCE), run_name="__main__")
    demo_output.main()
    return licences.main()


if __name__ == "__main__":
    sys.exit(main())

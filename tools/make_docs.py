"""Write the generated pages anew: `python -m tools.make_docs`, which is what `make docs` runs."""

from __future__ import annotations

import sys

from tools import licences


def main() -> int:
    """Write every generated page; return the exit code of the first that refuses."""
    return licences.main()


if __name__ == "__main__":
    sys.exit(main())

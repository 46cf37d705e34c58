"""`python -m benchmarks`: run every suite and print a table each.

Figures of two machines, or of a busy and a quiet one, compare by the ratio to the floor, which is measured in the same run.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from pathlib import Path

import msgspec

from benchmarks.measure import ChildFailedError
from benchmarks.report import printed
from benchmarks.suites import FULL, QUICK, SUITES, Table


def main(arguments: list[str] | None = None) -> int:
    """Run the suites that were asked for; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small logs, about a minute in all")
    parser.add_argument("--json", action="store_true", help="print the measures as JSON")
    parser.add_argument("--only", choices=sorted(SUITES), action="append", help="run this suite alone (may be repeated)")
    parser.add_argument("--limit", type=float, metavar="SECONDS", help="stop a single measurement after this long")
    options = parser.parse_args(arguments)
    scale = QUICK if options.quick else FULL
    if options.limit:
        scale = msgspec.structs.replace(scale, limit_seconds=options.limit)
    tables: list[Table] = []
    with tempfile.TemporaryDirectory(prefix="trajc-bench-") as folder:
        for name in options.only or SUITES:
            try:
                tables.append(SUITES[name](Path(folder), scale))
            except ChildFailedError as error:
                print(f"Cannot measure '{name}': the measured process failed.\n{error}", file=sys.stderr)
                return 1
            if not options.json:
                print(printed(tables[-1]), flush=True)
    if options.json:
        sys.stdout.buffer.write(msgspec.json.encode({"machine": machine(), "tables": tables}) + b"\n")
    return 0


def machine() -> dict[str, str | int]:
    """Say what the figures were measured on."""
    return {
        "system": platform.system(),
        "processor": platform.machine(),
        "cores": os.cpu_count() or 1,
        "python": platform.python_version(),
    }


if __name__ == "__main__":
    sys.exit(main())

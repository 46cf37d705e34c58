"""The size rules, measured: `python -m tools.check_sizes` prints what it found and exits 1 where a rule is broken.

- a file has at most 500 lines (the median is printed: about 150 is the aim);
- a function has at most 60 lines, its decorators not counted, and at most 6 parameters, `self` and `cls` not counted. A
  command of the command line is exempt from the second: click hands every option over as a parameter;
- no module or folder is named `utils`, `helpers` and the like: such names say nothing and gather everything;
- the proof checker stays small: everything that `verification/proof.py` is made of, found by its imports, is at most three
  files and 600 lines, and takes from the rest of the project only the program type, the types and the errors.
"""

from __future__ import annotations

import ast
import statistics
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

FILE_LINES = 500
FUNCTION_LINES = 60
PARAMETERS = 6
KERNEL_FILES = 3
KERNEL_LINES = 600
BANNED_NAMES = frozenset({"base", "common", "helper", "helpers", "manager", "managers", "misc", "util", "utils"})
FOLDERS = ("src", "tests", "tools", "benchmarks", "examples")
PACKAGE = "trajectory_compiler"
KERNEL_ROOT = f"{PACKAGE}.verification.proof"
KERNEL_MAY_USE = frozenset({f"{PACKAGE}.dataflow.program", f"{PACKAGE}.model", f"{PACKAGE}.errors"})


@dataclass
class Report:
    """What was measured, and which rules are broken where."""

    files: int = 0
    median_lines: float = 0
    kernel: dict[str, int] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)


def measure(root: Path) -> Report:
    """Measure every Python file under the code folders of a checkout."""
    report = Report()
    paths = [path for folder in FOLDERS for path in sorted((root / folder).rglob("*.py"))]
    lengths = []
    for path in paths:
        text = path.read_text(encoding="utf-8")
        place = path.relative_to(root)
        lines = text.count("\n")
        if path.name != "__init__.py":
            lengths.append(lines)
        if lines > FILE_LINES:
            report.broken.append(f"{place}: {lines} lines, at most {FILE_LINES}")
        report.broken += [f"{place}: the name '{name}' says nothing" for name in _banned(place)]
        report.broken += [f"{place}:{problem}" for problem in _long_functions(ast.parse(text))]
    report.files = len(paths)
    report.median_lines = statistics.median(lengths) if lengths else 0
    _measure_kernel(root / "src", report)
    return report


def _banned(place: Path) -> list[str]:
    return sorted(BANNED_NAMES.intersection((*place.parts[:-1], place.stem)))


def _long_functions(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        lines = (node.end_lineno or node.lineno) - node.lineno + 1
        if lines > FUNCTION_LINES:
            yield f"{node.lineno}: {node.name} has {lines} lines, at most {FUNCTION_LINES}"
        parameters = _parameters(node)
        if parameters > PARAMETERS and not _is_command(node):
            yield f"{node.lineno}: {node.name} takes {parameters} parameters, at most {PARAMETERS}"


def _parameters(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    positional = [*node.args.posonlyargs, *node.args.args]
    bound = bool(positional) and positional[0].arg in ("self", "cls")
    return len(positional) - bound + len(node.args.kwonlyargs)


def _is_command(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    calls = (d.func if isinstance(d, ast.Call) else d for d in node.decorator_list)
    return any((c.attr if isinstance(c, ast.Attribute) else getattr(c, "id", "")) in ("command", "group") for c in calls)


def _measure_kernel(source: Path, report: Report) -> None:
    """Follow the imports of the proof checker through the project and judge what they reach."""
    waiting = [KERNEL_ROOT]
    while waiting:
        module = waiting.pop()
        path = source / Path(*module.split(".")).with_suffix(".py")
        if module in report.kernel or not path.is_file():
            continue
        text = path.read_text(encoding="utf-8")
        report.kernel[module] = text.count("\n")
        for used in sorted(_project_imports(ast.parse(text), source)):
            if used.startswith(f"{PACKAGE}.verification"):
                waiting.append(used)
            elif used not in KERNEL_MAY_USE:
                report.broken.append(f"{module}: the proof checker may not import {used}")
    total = sum(report.kernel.values())
    if total > KERNEL_LINES or len(report.kernel) > KERNEL_FILES:
        size = f"{total} lines in {len(report.kernel)} files"
        report.broken.append(f"the proof checker has {size}, at most {KERNEL_LINES} in {KERNEL_FILES}")


def _project_imports(tree: ast.Module, source: Path) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith(PACKAGE))
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith(PACKAGE):
            module = node.module or ""
            for alias in node.names:
                inner = f"{module}.{alias.name}"
                yield inner if (source / Path(*inner.split(".")).with_suffix(".py")).is_file() else module


def main() -> int:
    """Print the figures and every broken rule; return the exit code."""
    report = measure(Path(__file__).resolve().parents[1])
    kernel = " + ".join(f"{module.rsplit('.', 1)[1]} {lines}" for module, lines in report.kernel.items())
    print(f"sizes: {report.files} files, median {report.median_lines:g} lines; proof checker {kernel or 'absent'}")
    for problem in report.broken:
        print(problem)
    if report.broken:
        print(f"{len(report.broken)} size rules broken")
    return 1 if report.broken else 0


if __name__ == "__main__":
    sys.exit(main())

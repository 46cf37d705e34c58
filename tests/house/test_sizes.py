"""The tool that measures the size rules."""

from __future__ import annotations

from pathlib import Path

from tools.check_sizes import Report, measure


def report_of(root: Path, files: dict[str, str]) -> Report:
    """Measure a checkout that consists of these files."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return measure(root)


def test_small_files_pass(tmp_path: Path) -> None:
    """A file within every rule is counted and nothing is reported."""
    report = report_of(tmp_path, {"src/one.py": "def add(a, b):\n    return a + b\n"})
    assert (report.files, report.median_lines, report.broken) == (1, 2, [])


def test_a_long_file_is_reported(tmp_path: Path) -> None:
    """501 lines are one too many, 500 are not."""
    report = report_of(tmp_path, {"src/long.py": "x = 1\n" * 501, "tests/fits.py": "x = 1\n" * 500})
    assert report.broken == ["src/long.py: 501 lines, at most 500"]


def test_a_long_function_is_reported_where_it_starts(tmp_path: Path) -> None:
    """A function of 61 lines is named with its place, inside a class too."""
    body = "class C:\n    def long(self):\n" + "        x = 1\n" * 60
    assert report_of(tmp_path, {"src/a.py": body}).broken == ["src/a.py:2: long has 61 lines, at most 60"]


def test_many_parameters_are_reported_except_for_commands(tmp_path: Path) -> None:
    """Seven parameters are too many, keyword-only ones included; `self` does not count, and a command may have them."""
    text = (
        "def wide(a, b, c, *, d, e, f, g): ...\n"
        "class C:\n    def six(self, a, b, c, d, e, f): ...\n"
        "@cli.command('x')\ndef command(a, b, c, d, e, f, g): ...\n"
    )
    assert report_of(tmp_path, {"src/a.py": text}).broken == ["src/a.py:1: wide takes 7 parameters, at most 6"]


def test_names_that_say_nothing_are_reported(tmp_path: Path) -> None:
    """`utils.py` and a folder `common` are refused."""
    report = report_of(tmp_path, {"src/utils.py": "", "src/common/a.py": ""})
    assert report.broken == ["src/common/a.py: the name 'common' says nothing", "src/utils.py: the name 'utils' says nothing"]


def test_the_kernel_is_followed_through_its_imports(tmp_path: Path) -> None:
    """What the proof checker is made of is found by its imports, measured, and may not reach into the enumeration."""
    folder = "src/trajectory_compiler/verification"
    report = report_of(
        tmp_path,
        {
            f"{folder}/proof.py": "from trajectory_compiler.verification.evaluate import run\n" + "x = 1\n" * 300,
            f"{folder}/evaluate.py": "from trajectory_compiler.dataflow.index import SessionIndex\n" + "x = 1\n" * 300,
            "src/trajectory_compiler/dataflow/index.py": "",
        },
    )
    assert {name.rsplit(".", 1)[1]: lines for name, lines in report.kernel.items()} == {"proof": 301, "evaluate": 301}
    assert report.broken == [
        "trajectory_compiler.verification.evaluate: the proof checker may not import trajectory_compiler.dataflow.index",
        "the proof checker has 602 lines in 2 files, at most 600 in 3",
    ]


def test_this_project_has_a_kernel_to_measure(root: Path) -> None:
    """The checker is found where the rule looks for it."""
    assert measure(root).kernel

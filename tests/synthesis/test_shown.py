"""How a turn is shown: in full where it fits, else the lines that count, and never so that content looks like structure."""

from __future__ import annotations

from tests.building import turn
from trajectory_compiler.synthesis.shown import ELISION, MAX_LINE_CHARACTERS, excerpt, outline, show


def test_a_turn_reads_line_by_line() -> None:
    """Head, arguments and response, each scalar on its line under its place, strings without escapes."""
    shown = show(turn(12, "get_order", {"order_reference": "ORD-1"}, {"legs": [{"gate": 'B"2'}], "paid": True, "gone": None}))
    assert shown.split("\n") == [
        "#012 2026-03-01T09:02:00Z clerk get_order",
        "arguments",
        "  order_reference: ORD-1",
        "response",
        '  legs/0/gate: B"2',
        "  paid: true",
    ]


def test_no_line_of_a_value_can_look_like_the_head_of_a_turn() -> None:
    """Only heads begin in the first column, whatever line breaks a text holds."""
    text = "fine\n#013 clerk run_shell\rarguments\u2028#014 clerk\x85response\x0b#015"
    lines = show(turn(12, "note\n#016 x", {"a\n#017": text}, text)).splitlines()
    assert [line for line in lines if not line.startswith("  ")] == [lines[0], "arguments", "response"]


def test_an_excerpt_keeps_what_counts() -> None:
    """Of a long output remain the lines with a shared value, the error, the exit code; the rest is an elision."""
    noise = [f"step {i} of the build went on without anything to tell" for i in range(400)]
    noise[200] = "linking libfoo-2.7.so for TRK-307"
    noise[301] = "error: symbol not found"
    shown = excerpt(turn(5, "run_shell", {"command": "make"}, "\n".join([*noise, "exit code: 2"])), {"TRK-307"}, 600)
    assert len(shown) < 900
    for line in ("command: make", "TRK-307", "error: symbol not found", "exit code: 2", ELISION):
        assert line in shown


def test_a_line_without_end_is_cut_around_its_values() -> None:
    """A line of 100,000 characters shows its beginning and where the shared value stands."""
    text = f"start {'x ' * 40_000}here is ORD-44017 at last{' y' * 10_000}"
    shown = excerpt(turn(5, "read", {}, text), {"ORD-44017"}, 1_000)
    assert "start" in shown
    assert "here is ORD-44017 at last" in shown
    assert len(shown) < 4 * MAX_LINE_CHARACTERS


def test_the_outline_of_a_turn_is_one_line() -> None:
    """Number, tool, the argument that names something; failed calls say so; long or broken texts are cut."""
    assert outline(turn(3, "get_order", {"limit": 5, "order": "ORD-1"}, {}), {"ORD-1"}) == "#003 get_order ORD-1"
    assert outline(turn(4, "ping", {}, {}, ok=False)) == "#004 ping (failed)"
    line = outline(turn(5, "write", {"text": "a\n#006 b " * 100}, {}))
    assert "\n" not in line
    assert line.endswith(ELISION)

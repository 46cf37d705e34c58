"""The page: everything escaped, nothing loaded, evidence marked, drops explained."""

from __future__ import annotations

import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest

from tests.building import session
from tests.store.samples import pair as ticket_pair
from tests.store.samples import session as ticket_session
from trajectory_compiler.exports.page import PageReport, code_spans, render_page
from trajectory_compiler.model import Evidence, Pair, Trajectory
from trajectory_compiler.store import Drop

EVIL = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">&amp;</pre></style>"
REPORT = PageReport(
    source="log",
    version="0.0",
    sessions=3,
    turns=1234,
    pairs=2310,
    families={"composition": 2300, "recall": 10},
    drops=(
        Drop(stage="proof", reason="necessary", count=1500, sessions=3),
        Drop(stage="proof", reason="distant", count=7, sessions=2),
        Drop(stage="sessions", reason="too_few_turns", count=4, sessions=0),
        Drop(stage="sources", reason="number_as_text", count=5, sessions=0),
        Drop(stage="someday", reason="odd_thing", count=1, sessions=1),
    ),
    blocked=2,
)


class Elements(HTMLParser):
    """Collects the elements of a page and the text of its marks."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.addresses: list[str] = []
        self.handlers: list[str] = []
        self.marks: list[tuple[str, str]] = []
        self._mark: str | None = None
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element and where it would load from."""
        given = dict(attrs)
        self.names.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src", "action", "data")]
        self.handlers += [name for name, _ in attrs if name.startswith("on")]
        self._mark = given.get("class") if tag == "mark" else None

    def handle_data(self, data: str) -> None:
        """Note the text of a mark."""
        if self._mark is not None:
            self.marks.append((self._mark, data))
            self._mark = None


def evil() -> tuple[Pair, Trajectory]:
    """Return a pair whose every text is an attack, on a session that is one too."""
    trajectory = session(
        ("get", {"q": EVIL, EVIL: 1}, {"a": EVIL}),
        ("other", {}, EVIL),
        (f"tool{EVIL}", {}, EVIL, {"agent": EVIL}),
        session_id=EVIL,
    )
    pair = msgspec.structs.replace(
        ticket_pair(ticket_session(), supporting=(0, 2)),
        question=f"What? `{EVIL}`",
        answer=EVIL,
        session_id=EVIL,
        source=EVIL,
        evidence=(Evidence(turn=0, path="/response/a", quote=EVIL), Evidence(turn=2, path="/response", quote=EVIL)),
    )
    return pair, trajectory


def test_log_text_is_text_wherever_it_stands() -> None:
    """Scripts, handlers and closing tags in a log come out as words; the page itself has no script and loads nothing."""
    page = render_page(msgspec.structs.replace(REPORT, source=EVIL), [evil()])
    elements = Elements(page)
    assert not {"script", "img", "iframe", "object", "link", "base", "form"} & set(elements.names)
    assert elements.handlers == []
    assert all(address.startswith("#") for address in elements.addresses)
    assert "default-src 'none'" in page
    assert page.count("</style>") == 1


@pytest.mark.skipif(shutil.which("chromium") is None, reason="Chromium is not installed")
def test_a_browser_runs_nothing_of_a_log(tmp_path: Path) -> None:
    """Opened in Chromium, a page of attacks keeps its title and its elements."""
    file = tmp_path / "page.html"
    file.write_text(render_page(REPORT, [evil()]), encoding="utf-8")
    flags = (
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        f"--user-data-dir={tmp_path / 'profile'}",
    )
    done = subprocess.run(
        ["chromium", *flags, "--dump-dom", file.as_uri()], capture_output=True, text=True, timeout=120, check=True
    )
    assert "<title>1 proved pairs from log</title>" in done.stdout
    assert "<img" not in done.stdout


def test_evidence_is_marked_by_what_it_is_to_the_question() -> None:
    """The answer, a value on the way and what the question names each get their mark, inside the turn's own text."""
    trajectory = ticket_session(turns=8)
    pair = msgspec.structs.replace(
        ticket_pair(trajectory, supporting=(1, 4)),
        question="Who owns the ticket that `T-1` led to?",
        answer="owner-4",
        evidence=(
            Evidence(turn=1, path="/arguments/ticket", quote="T-1"),
            Evidence(turn=1, path="/response/next", quote="T-2"),
            Evidence(turn=4, path="/response/owner", quote="owner-4"),
        ),
    )
    page = render_page(REPORT, [(pair, trajectory)])
    marks = Elements(page).marks
    assert [mark for mark in marks if mark[1] in ("T-1", "T-2", "owner-4")] == [
        ("named", "T-1"), ("step", "T-2"), ("answer", "owner-4"),
    ]  # fmt: skip
    assert "2 turns between" in page
    assert "#001, #004 of a session of 8" in page
    assert "<code>T-1</code>" in page


def test_a_withheld_turn_is_not_shown() -> None:
    """What an unanswerable pair leaves out stays out of the page, too."""
    trajectory = ticket_session(turns=8)
    pair = msgspec.structs.replace(ticket_pair(trajectory, supporting=(1, 4)), qa_type="unanswerable", withheld_turns=(4,))
    page = render_page(REPORT, [(pair, trajectory)])
    assert "This turn is withheld" in page
    assert "owner-4" not in page.replace(pair.answer, "")


def test_the_counts_and_the_drops_are_said_in_words() -> None:
    """The page counts what is stored, not what is shown, and gives every reason in words with what can be done."""
    page = render_page(REPORT, [])
    assert "2,310" in page
    assert "1,512" in page  # all drops
    assert "answer can be guessed" in page
    assert "Lower --min-turns." in page
    assert "odd thing" in page
    assert "was kept as text (kept)" in page  # a repair is told, not counted as a drop
    assert "No pair was proved" in page
    assert page.index("composition") < page.index("recall")


def test_a_pair_with_hundreds_of_turns_stays_readable() -> None:
    """Of many supporting turns the first and the last are shown, the rest counted."""
    trajectory = ticket_session(turns=300)
    pair = ticket_pair(trajectory, supporting=tuple(range(0, 300, 2)))
    page = render_page(REPORT, [(pair, trajectory)])
    assert page.count('<li class="turn">') == 12
    assert "138 more supporting turns are not shown" in page


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("plain", [(False, "plain")]),
        ("see `a` and `b`", [(False, "see "), (True, "a"), (False, " and "), (True, "b")]),
        ("a stray ` mark", [(False, "a stray ` mark")]),
    ],
)
def test_backticks_set_code(text: str, spans: list[tuple[bool, str]]) -> None:
    """What a question quotes is set as code; a single backtick is only a backtick."""
    assert code_spans(text) == spans

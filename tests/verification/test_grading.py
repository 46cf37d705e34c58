"""Grading by rules: the forms in which people write a right answer, and the wrong ones that look like it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from trajectory_compiler.model import AnswerType, decimal_text
from trajectory_compiler.verification.grading import grade, token_f1

RIGHT: list[tuple[AnswerType, str, str]] = [
    *(("amount", "1204.5", form) for form in ("1,204.50", "£1,204.50", "$ 1204.5", "1204.50 GBP", "1.204,50 €", "1 204.50")),
    *(("amount", "1204.5", form) for form in ("The total is $1,204.50.", '"1204.5"', "**1,204.50**", "total: 1204.5 USD")),
    *(
        ("number", "5", form)
        for form in ("5.", "5 calls", "five", "Five calls", "5 (five)", "It was called 5 times.", "5.0", "- 5")
    ),
    *(("number", "-5", form) for form in ("−5", "minus 5", "-5.0", "negative 5")),
    *(("number", "5 ms", form) for form in ("5", "5ms", "5 milliseconds", "It took 5 ms.")),
    ("number", "833.0", "833"),
    *(
        ("date", "2024-05-21", form)
        for form in ("May 21, 2024", "21 May 2024", "21st May 2024", "2024/05/21", "On 2024-05-21.")
    ),
    *(("date", "2024-05-21", form) for form in ("2024-05-21T10:00:00Z", "May 21st, 2024", "`2024-05-21`")),
    *(
        ("date", "2024-05-21T09:00:10Z", form)
        for form in ("2024-05-21 09:00:10", "2024-05-21T11:00:10+02:00", "21 May 2024 at 09:00:10")
    ),
    *(
        ("identifier", "HAT076", form)
        for form in ("`HAT076`", '"HAT076".', "flight HAT076", "The flight is HAT076.", "id=HAT076")
    ),
    *(("identifier", "<USERNAME_4>", form) for form in ("USERNAME_4", "`<USERNAME_4>`")),
    *(("path", ".env", form) for form in ("`.env`", '".env"', ".env.")),
    *(("path", "/a/b.go", form) for form in ("/a/b.go", "`/a/b.go`.", "The file is /a/b.go")),
    ("path", "/a/b", "/a/b/"),
    ("url", "https://x.io/a", "https://x.io/a/"),
    *(("tool", "get_user", form) for form in ("get user", "GetUser", "`get_user`", "the get_user")),
    *(
        ("list", '["a b","c1","d"]', form)
        for form in ("d, c1, a b", "a b, c1 and d", "a b; d; c1.", '["d","a b","c1"]', "- d\n- a b\n- c1")
    ),
    *(
        ("list", '["a b","c1","d"]', form)
        for form in ("The values are: A b, c1, and d.", "['a b', 'c1', 'd']", "1. d\n2. a b\n3. c1")
    ),
    ("list", '["salt and pepper","x"]', "x, salt and pepper"),
    ("list", '["1204.5","2"]', "2.0; 1,204.50"),
    *(
        ("change", "65 -> 166", form)
        for form in ("from 65 to 166", "65 → 166", "It rose from $65 to $166.", "to 166 from 65", "65=>166")
    ),
    *(
        ("change", "economy -> basic_economy", form)
        for form in ("from economy to basic economy", "changed from Economy to basic_economy")
    ),
    ("change", "ready to ship -> sent", "from ready to ship to sent"),
    *(("text", "Premium Gold", form) for form in ("premium gold", "The Premium Gold.", "“premium gold”")),
    ("text", "basic_economy", "basic economy"),
    ("text", "true", "Yes."),
    ("text", "rm ./entire", "`rm ./entire`"),
]
WRONG: list[tuple[AnswerType, str, str]] = [
    *(
        ("number", "5", form)
        for form in ("6", "-5", "5 or six", "5 or 6", "5..7", "5-7", "5/7", "5 .7", "5 or .7", "5 or 7k", "5 or v7")
    ),
    *(
        ("number", "5", form)
        for form in ("not 5", "It isn't 5", "5+", "~5", ">5", "5?", "more than 5", "at least 5", "5 or so", "5 or 0x10")
    ),
    *(
        ("number", "5", form)
        for form in ("5 thousand", "5k", "5 million", "55", "0.5", "5e1", "5½", "5 and a half", "twice 5", "5 plus one")
    ),
    *(
        ("number", "5", form)
        for form in ("", "none", "five or six", "fifty", "twenty five", "about 5", "5, 6", "between 5 and 9", "5 to 7")
    ),
    *(("number", "-5", form) for form in ("5", "five")),
    *(("number", "5 ms", form) for form in ("5 s", "5 s, not ms", "5 minutes")),
    *(
        ("amount", "4711", form)
        for form in ("4711 or 4712", "4,711.5", "47.11", "471", "4711, 4712", "1 4711", "4711 vs. 12", "$4711.01")
    ),
    *(("amount", "1204.5", form) for form in ("1204", "1,2045", "12.045", "1.204", "120450", "1205", "1,204.5 and 3 more")),
    *(
        ("date", "2024-05-21", form)
        for form in ("2024-05-22", "2024-05-210", "12024-05-21", "not 2024-05-21", "2024-05-21 or 22 May 2024")
    ),
    *(
        ("date", "2024-05-21", form)
        for form in ("before 2024-05-21", "2024-05-21 to 2024-05-23", "2024-05", "May 12, 2024", "21 May 2023")
    ),
    *(("date", "2024-05-21", form) for form in ("by 2024-05-21", "2024-05-21 or later", "June 21, 2024", "2024-05-21 or 22")),
    *(("date", "2024-05-21T09:00:10Z", form) for form in ("2024-05-21", "2024-05-21T09:00:11Z", "2024-05-21T09:00:10+02:00")),
    *(("date", "15:00", form) for form in ("15.00", "16:00", "15 00", "15:00:30")),
    *(
        ("identifier", "HAT076", form)
        for form in (
            "HAT077",
            "HAT76",
            "hat076",
            "HAT076 or ORD",
            "not HAT076",
            "HAT076, ORD",
            "HAT076-B",
            "Auth approach, HAT076",
        )
    ),
    *(
        ("identifier", "HAT076", form)
        for form in ("HAT076 or something else", "HAT076 HAT077", "any flight but HAT076", "HAT0766", "HAT")
    ),
    *(("identifier", "ann", form) for form in ("not ann", "ann or bob", "joann", "ann, bob")),
    *(("path", "gitignore", form) for form in (".gitignore", "gitignore.md", "/gitignore")),
    *(("path", "/", form) for form in (".", "''", "//a")),
    *(
        ("path", "/a/b.go", form)
        for form in ("b.go", "/a/b.g", "/a/b.go.bak", "/a/c.go", "/a/b.go and /a/c.go", "/a/B.go", "/a/b.go:12")
    ),
    *(("url", "https://x.io/a", form) for form in ("http://x.io/a", "https://x.io/b", "https://x.io")),
    *(("tool", "get_user", form) for form in ("user_get", "get_users", "get", "get_user or set_user", "not get_user")),
    ("tool", "**", "--"),
    *(
        ("list", '["a","b"]', form)
        for form in ("a", "a, b, c", "a, a, b", "a or b", "anything except: a, b", "a, b or c", "a, b (not c)")
    ),
    *(("list", form, answer) for form, answer in (('["a","**"]', "a"), ('["-5","7"]', "5, 7"), ('["/a","/b"]', "a, b"))),
    *(
        ("change", "65 -> 166", form)
        for form in ("166 -> 65", "65", "166", "from 65 to 167", "65 -> x -> 166", "65 to 100 to 166")
    ),
    *(
        ("change", "65 -> 166", form)
        for form in ("not from 65 to 166", "from 65 to 166 or 167", "from 65 to about 166", "from 65 to 65")
    ),
    *(("change", "-5 -> 5", form) for form in ("5 -> -5", "5 -> 5")),
    *(("change", "a -> b", form) for form in ("b -> a", "from a to not b", "from a to b or c")),
    *(("text", "3 bags", form) for form in ("4 bags", "3 or 4 bags", "nothing of it")),
    ("text", "false", "Yes"),
    ("abstention", "The log does not say.", "5"),
]
OPEN: list[tuple[str, str]] = [
    ("Premium Gold", "the premium gold plan"),
    ("economy", "not economy"),
    ("economy", "basic economy"),
    ("flight from ORD to LAX", "flight from LAX to ORD"),
    ("**/*hook*", "hook"),
    ("./entire version", "entire version"),
    ("plan A", "plan"),
    ("gofmt -w .", "gofmt -w"),
    ("go build ./cmd/...", "go build ./cmd/.."),
    ("a < b", "a > b"),
    ("sold at -x", "sold at x"),
    ("LAX", "LAX or JFK"),
]
SINGLE: tuple[AnswerType, ...] = ("number", "amount", "date", "identifier", "path", "url")


def is_right(kind: AnswerType, gold: str, answer: str) -> bool:
    """Say whether the rules call an answer right."""
    verdict = grade(gold, answer, kind)
    return verdict is not None and verdict.right


@pytest.mark.parametrize(("kind", "gold", "answer"), RIGHT)
def test_right_in_the_forms_that_people_write(kind: AnswerType, gold: str, answer: str) -> None:
    """The right value is right with separators, signs, units, quotes, in words, in another order, in a short sentence."""
    assert is_right(kind, gold, answer)


@pytest.mark.parametrize(("kind", "gold", "answer"), WRONG)
def test_wrong_by_rule(kind: AnswerType, gold: str, answer: str) -> None:
    """Another value, a second one, a hedge, a denial and a near miss are wrong, and no judge is asked."""
    verdict = grade(gold, answer, kind)
    assert verdict is not None
    assert not verdict.right


@pytest.mark.parametrize(("gold", "answer"), OPEN)
def test_free_text_with_shared_words_is_left_to_a_judge(gold: str, answer: str) -> None:
    """Neither right nor wrong by rule: other order, other signs, more words, a denial."""
    assert grade(gold, answer, "text") is None


@pytest.mark.parametrize("kind", ["number", "date", "identifier", "text", "list", "change"])
def test_nothing_said_is_wrong(kind: AnswerType) -> None:
    """White space is an empty answer."""
    verdict = grade("5", " \n", kind)
    assert verdict is not None
    assert (verdict.right, verdict.grader, verdict.credit) == (False, "empty", 0.0)


numbers = st.decimals(-(10**7), 10**7, places=2, allow_nan=False, allow_infinity=False)
identifiers = st.from_regex(r"[A-Z]{2,4}-?[0-9]{2,6}", fullmatch=True)
paths = st.from_regex(r"(/[a-z_]{1,8}){1,4}\.(go|py|md)", fullmatch=True)
words = st.from_regex(r"[a-z]{3,9}( [a-z]{3,9}){0,2}", fullmatch=True).filter(
    lambda text: not {"and", "the"} & set(text.split())
)
days = st.dates(date(1990, 1, 1), date(2099, 12, 31))


@given(numbers, st.sampled_from(["{}", "£{}", "{} USD", "The amount is {}.", '"{}"', "${}", "{} in all"]))
def test_a_number_is_itself_in_every_form(number: Decimal, form: str) -> None:
    """With or without separators, trailing zeros, signs and words around it."""
    gold = decimal_text(number)
    assert is_right("amount", gold, form.format(f"{number:,.2f}"))
    assert is_right("number", gold, form.format(gold))


@given(
    numbers,
    numbers,
    st.sampled_from(["{b}", "{a} or {b}", "{a}, {b}", "{b} ({a})", "{a}/{b}", "{a}..{b}", "not {a}", "{a} to {b}"]),
)
def test_no_other_number_is_right(one: Decimal, other: Decimal, form: str) -> None:
    """Another number, both, a range, a denial."""
    assume(one != other)
    gold = decimal_text(one)
    assert not is_right("number", gold, form.format(a=gold, b=decimal_text(other)))
    assert not is_right("amount", gold, form.format(a=f"{one:,}", b=f"{other:,}"))


@given(numbers, st.sampled_from([1, -1, 10, Decimal("0.01"), 100]))
def test_no_near_miss_is_right(number: Decimal, step: Decimal) -> None:
    """A number beside it, a digit more."""
    gold = decimal_text(number)
    assert not is_right("number", gold, decimal_text(number + step))
    assert not is_right("number", gold, f"{number:.2f}7")


@given(days, days)
def test_a_day_is_itself_and_no_other(one: date, other: date) -> None:
    """In the forms of an ISO date, of a stamp, in words; another day in none of them."""
    gold, forms = one.isoformat(), ("{:%Y-%m-%d}", "{:%Y-%m-%d}T10:11:12Z", "{:%d %B %Y}", "{:%B %d, %Y}", "on {:%Y/%m/%d}.")
    assert all(is_right("date", gold, form.format(one)) for form in forms)
    assume(one != other)
    assert not any(is_right("date", gold, form.format(other)) for form in forms)
    assert not any(is_right("date", gold, f"{gold} or {form.format(other)}") for form in forms)


@given(st.one_of(identifiers, paths), st.one_of(identifiers, paths))
def test_a_name_is_itself_and_no_other(one: str, other: str) -> None:
    """To the letter: quoted, in a sentence; not beside another, not denied, not cut, not longer."""
    for kind in ("identifier", "path", "url"):
        assert all(is_right(kind, one, form.format(one)) for form in ("`{}`", "{}.", "it is {}"))
        assert not is_right(kind, one, f"not {one}")
        assert not is_right(kind, one, one[:-1])
        assert not is_right(kind, one, f"{one}0")
        if one != other:
            assert not any(is_right(kind, one, form.format(other, one)) for form in ("{}", "{1} or {0}", "{1}, {0}", "{1} {0}"))


@given(st.lists(st.one_of(words, identifiers), min_size=2, max_size=5), st.one_of(words, identifiers), st.randoms())
def test_a_list_has_no_order_and_no_more_items(items: list[str], more: str, random: object) -> None:
    """Any order, JSON or commas or lines; not one less, not one more."""
    gold = msgspec.json.encode(items).decode()
    turned = items[::-1]
    forms = (
        ", ".join(turned),
        "; ".join(turned),
        f"{', '.join(turned[:-1])} and {turned[-1]}",
        "\n".join(f"- {i}" for i in turned),
    )
    assert all(is_right("list", gold, form) for form in forms)
    assert not is_right("list", gold, ", ".join(items[:-1]))
    assert not is_right("list", gold, ", ".join([*items, more]))
    assert not is_right("list", gold, " or ".join(items))


sides = st.one_of(
    numbers.map(decimal_text), identifiers, words.filter(lambda text: not {"to", "into", "from"} & set(text.split()))
)


@given(sides, sides, sides)
def test_a_change_has_two_sides_in_order(old: str, new: str, third: str) -> None:
    """`a -> b` and `from a to b` are right, the reverse, one side and a third state are not."""
    assume(len({text.casefold() for text in (old, new, third)}) == 3)
    gold = f"{old} -> {new}"
    assert all(is_right("change", gold, form.format(old, new)) for form in ("{} -> {}", "from {} to {}", "{} → {}", "{} to {}"))
    wrong = (
        "{1} -> {0}",
        "from {1} to {0}",
        "{0}",
        "{1}",
        "{0} -> {2}",
        "{2} to {1}",
        "{0} -> {2} -> {1}",
        "{0} to {1} or {2}",
    )
    assert not any(is_right("change", gold, form.format(old, new, third)) for form in wrong)


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_two_texts_can_be_graded(gold: str, answer: str) -> None:
    """No input breaks a rule, a credit lies between 0 and 1, and what is right has all of it."""
    assert 0 <= token_f1(gold, answer) <= 1
    for kind in (*SINGLE, "text", "tool", "list", "change"):
        verdict = grade(gold, answer, kind)
        if verdict is not None:
            assert 0 <= verdict.credit <= 1
            assert verdict.credit == 1 or not verdict.right
            assert answer.strip() or not verdict.right


@pytest.mark.parametrize(
    ("gold", "answer", "f1"), [("x b c", "b c d", 2 / 3), ("the cat", "cat", 1.0), ("x", "y", 0.0), ("", "", 0.0)]
)
def test_token_f1_is_squads(gold: str, answer: str, f1: float) -> None:
    """Worked examples: articles count for nothing."""
    assert token_f1(gold, answer) == pytest.approx(f1)

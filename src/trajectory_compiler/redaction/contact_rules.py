"""The rules for payment cards, e-mail addresses and phone numbers, in order of priority."""

from __future__ import annotations

from trajectory_compiler.redaction.policy import Rule

# A value may start after a character that is no part of a word, after an escape that was left in the text (`\n07700 ...`,
# code and JSON inside strings) or after a percent escape (`%3Dbob%40example.com`).
_START = r"(?:(?<![\w.+%\\-])|(?<=\\[nrt])|(?<=%[0-9A-Fa-f]{2}))"
_SPACE = "[ \u00a0\u2011.-]"

RULES: tuple[Rule, ...] = (
    Rule(
        name="card",
        kind="CARD",
        gates=(r"[0-9]{4}[ -]?[0-9]{4}(?:[ -]?[0-9]{4}[ -]?[0-9]{4}|[0-9]{2}[ -]?[0-9]{4})",),
        shortest=14,
        pattern=r"(?:(?<![\w.:/-])(?<!bytes=)(?<!size=)(?<!offset=)|(?<=\\[nrt]))"
        r"(?P<value>[2-6][0-9]{3}(?P<s>[ -]?)[0-9]{4}(?P=s)[0-9]{4}(?P=s)[0-9]{4}(?:(?P=s)[0-9]{1,3})?"
        r"|3[0-9]{3}[ -]?[0-9]{6}[ -]?[0-9]{4,5})"
        r"(?![\w-]|\.[0-9])",
        check="card",
        examples=(
            ("card 4111 1111 1111 1111 exp 09/28", "4111 1111 1111 1111"),
            ("5555555555554444", "5555555555554444"),
            ("amex 3782-822463-10005.", "3782-822463-10005"),
            (r"line\n5500-0055-5555-5559", "5500-0055-5555-5559"),
            ("4111 1111 1111 1111 123", "4111 1111 1111 1111"),
        ),
        counter_examples=(
            "4111 1111 1111 1112",
            "1702614954123456",
            "trace 41111111-1111-1111-1111-111111111111",
            "sha 4111111111111111ab",
            "at 1678886400000 ms",
            "read bytes=5294648302166871 offset=0xbcd9504b",
        ),
    ),
    Rule(
        name="email",
        kind="EMAIL",
        gates=(r"@[^\s\"@]{1,700}\.", r"%40[^\s\"@]{1,700}\."),
        pattern=_START
        + r"(?P<value>[\w][\w.+'-]{0,127}(?:@|%40)(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,8}[^\W\d_]{2,24})(?![\w-])",
        check="email",
        examples=(
            ("mail Amy.O'Connor+todo@mail.example.co.uk, please", "Amy.O'Connor+todo@mail.example.co.uk"),
            (r"To:\nbob@example.com", "bob@example.com"),
            ("?user=bob%40example.com&x=1", "bob%40example.com"),
            ("mailto:bob@example.com.", "bob@example.com"),
            ("From: Zoë <zoë@exämple.org>", "zoë@exämple.org"),
        ),
        counter_examples=(
            "git@github.com:acme/app.git",
            "@pytest.fixture",
            r"x\n@app.route",
            "lodash@4.17.21",
            "icon@2x.png",
            "uses: actions/checkout@v4",
            "user@localhost",
        ),
    ),
    Rule(
        name="phone_international",
        kind="PHONE",
        gates=(r"\+[ (]{0,2}[0-9][^a-zA-Z\"]{6}",),
        shortest=9,
        pattern=r"(?<![\w.+-])(?<![0-9]:)(?P<value>\+ ?(?:\([0-9]{1,4}\)|[0-9]{1,15})"
        rf"(?:{_SPACE}{{0,2}}\([0-9]{{1,5}}\){_SPACE}{{0,2}}[0-9]{{1,12}}|{_SPACE}{{1,2}}[0-9]{{1,12}}){{0,5}})"
        r"(?!\w|[.:,][0-9])",
        check="phone_international",
        examples=(
            ("ring +44 (0)7700 900123 today", "+44 (0)7700 900123"),
            ("+447700900456", "+447700900456"),
            ("+1 (212) 555-0142", "+1 (212) 555-0142"),
            ("tel:+49 30 12345678.", "+49 30 12345678"),
            ("+44 7700 900123 2 items", "+44 7700 900123"),
        ),
        counter_examples=(
            "2026-01-22T05:17:19+00:00",
            "Tue Jan 20 11:00:00 2026 +1100",
            "@@ -10,7 +10,12 @@",
            "+20240515",
            "03:00:00+1",
            "+1234567890123456",
        ),
    ),
    Rule(
        name="phone_national",
        kind="PHONE",
        gates=(r"0(?<![0-9A-Zac-mo-qsu-z_./+%-]0)[12357][0-9]{1,4}[^A-Za-z\",:]{0,4}[0-9]{3}",),
        shortest=10,
        pattern=r"(?:(?<![\w./+%\\-])(?<![0-9]:)|(?<=\\[nrt]))"
        r"(?P<value>(?:\(0[12357][0-9]{1,4}\)|0[12357][0-9]{1,4})" + _SPACE.replace(".", "") + r"?[0-9]{3,9}"
        r"(?:" + _SPACE.replace(".", "") + r"[0-9]{3,4}){0,2})(?!\w|[.:/-][0-9])",
        check="phone_national",
        examples=(
            ("Tel: 01632 960123", "01632 960123"),
            ("(020) 7946 0958", "(020) 7946 0958"),
            ("0131-496-0123", "0131-496-0123"),
            ("text 07700900123.", "07700900123"),
            (r"thanks\n07700 900 123", "07700 900 123"),
            ("07700 900123 1234 logged", "07700 900123"),
            ("tel:0161 496 0123-Fax", "0161 496 0123"),
        ),
        counter_examples=(
            "01234567890",
            "2024-05-15 07:00:12",
            "v01.234567.890",
            "order 0012345678",
            "-rw-r--r-- 0755 1234",
            "0x07700900123",
            "198.51.100.07",
        ),
    ),
    Rule(
        name="phone_labelled",
        kind="PHONE",
        gates=("0(?<![0-9]0)[12357][0-9]{8}",),
        pattern=r"(?<![A-Za-z])(?i:tel|telephone|phone|mobile|fax|call|ring)(?i: no| number)?"
        r"[.:]{0,2} {0,2}(?P<value>0[12357][0-9]{8,9})(?!\w|[.:/-][0-9])",
        shortest=13,
        examples=(
            ("tel:01632960123", "01632960123"),
            ("Phone no.: 01632960123, please", "01632960123"),
            ("call 02079460958.", "02079460958"),
        ),
        counter_examples=("recall 01632960123", "call 0123456", "tel:2026-05-04", "telephone 01632960123456"),
    ),
    Rule(
        name="phone_0044",
        kind="PHONE",
        gates=('0044[^A-Za-z"]{9}',),
        pattern=r"(?<![\w.+-])(?P<value>0044[ -]?(?:\(0\) ?)?[1-9][0-9]{1,9}(?:[ -][0-9]{3,6}){0,2})(?!\w|[.:/-][0-9])",
        check="phone_0044",
        shortest=13,
        examples=(("ring 0044 7700 900123 now", "0044 7700 900123"), ("00441632960123", "00441632960123")),
        counter_examples=("0044", "id 00440000000001", "0044 12 34", "x00447700900123"),
    ),
)

"""Secrets in text that are recognised by the name before them: `DB_PASSWORD=...`, `"apiKey": "..."`, `--token ...`.

The name decides by the same table as a JSON key. The value must look like one: code is full of `token = next_token()`
and `password: string`, which are no secrets.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from trajectory_compiler.redaction.checks import is_opaque, is_varied
from trajectory_compiler.redaction.keys import PSEUDONYM, is_no_secret, kind_of_key

STEMS: tuple[str, ...] = (
    "password",
    "passwd",
    "passphrase",
    "passwort",
    "kennwort",
    "contrase",
    "mot de passe",
    "mot_de_passe",
    "motdepasse",
    "mdp",
    "hasło",
    "haslo",
    "wachtwoord",
    "senha",
    "clave",
    "parola d",
    "passcode",
    "pwd",
    "_pass",
    "-pass",
    "_pw",
    "secret",
    "token",
    "apikey",
    "api_key",
    "api-key",
    "api key",
    "access_key",
    "accesskey",
    "access-key",
    "private_key",
    "privatekey",
    "accountkey",
    "account_key",
    "auth_key",
    "signing_key",
    "encryption_key",
    "credential",
    "authorization",
    "cookie",
    "cvv",
    "cvc",
    "otp",
)
_WORDS_ABROAD = "kennwort|contrase|mdp|has[łl]o|wachtw|senha|clave"
_FIRST_LOOKS = tuple(
    map(
        re.compile,
        (
            "pass",
            "pwd",
            "secret",
            "token",
            "key",
            "credential",
            "authoriz",
            "cookie",
            "cv[vcn2]",
            "otp",
            _WORDS_ABROAD,
        ),
    )
)
_TAIL = re.compile(
    r"(?P<rest>\w{0,20})(?:\\{0,3}[\"'`]|\])?"
    r"(?:[ ](?:for|of|on|to|für|pour|du|para|per|dla|voor)[ ][^\n:=\"'0-9]{2,30}(?=[:=][ ]))?"  # passphrase for visitors: ...
    r"(?P<sep>(?:[ \t]{4,24}(?==))?\s{0,3}(?::=|=>|=(?!=)|:(?![:/]))\s{0,3}|"
    r"\s{1,3}(?:is now|is|was|to|as|will be|should be|est|ist|lautet|es|è|jest)\s{1,3}|%3[DdAa]|[ \t]{1,24})"
    r"(?:(?:bearer|basic|token)\s{1,3})?"
    r"(?:(?P<quote>\\{0,3}[\"'`])(?P<quoted>[^\"'`\n\\]{1,400})(?=\\{0,3}[\"'`])|(?P<plain>[^\s\"'`,<>{}\[\]|\\]{4,400}))",
    re.IGNORECASE,
)
_NAME_CHARACTERS = re.compile(r"[\w.-]{0,60}\Z")
_CODE = re.compile(
    r"[A-Za-z_]\w*(?:(?:\.|::|->)\w+)+\W*"  # settings.token, Config::token
    r"|[\w.]*\(.*|.*[()]"  # next_token(), (token)
    r"|[a-z]+(?:[A-Z][a-z]+)+;?"  # sessionToken
    r"|(?!(?=(?:[^A-Z]*[A-Z]){4})(?=\D*\d|(?:[^A-Z]*[A-Z]){8})[A-Za-z0-9+/=]{30,}\Z)"  # a path, no base64
    r"(?:\.{0,2}/.*|\w+/\w+[/\w.-]*)",
    re.DOTALL,
)
_WORDS_BETWEEN = frozenset("to as TO AS est ist es è jest lautet".split())
_NEXT_PARAMETER = re.compile(r";|&[\w.-]+=")
_PASSWORD_STEMS = ("pass", "pwd", "kennwort", "contrase", "mdp", "hasło", "haslo", "wachtwoord", "senha")

EXAMPLES: tuple[tuple[str, str], ...] = (
    ("SMTP_PASSWORD=$*Y%GeFa57h\nX=1", "$*Y%GeFa57h"),
    ("SMTP_PASSWORD=Summer!23?\n", "Summer!23?"),
    ("User ID=svc;Password=Council123?;Encrypt=yes", "Council123?"),
    ("'USER': 'app', 'PASSWORD': 'Liverpool2024', 'H'", "Liverpool2024"),
    (r"{\"password\": \"sapiente-itaque-quas\"}", "sapiente-itaque-quas"),
    ("GET /v1/users?token=9KGw4nkXeasmQrGzUauia0qXrh8DsQ6L&x=1", "9KGw4nkXeasmQrGzUauia0qXrh8DsQ6L"),
    ("aws_secret_access_key = 1X3X0ebqket0TmuburTXFLJLkRt4JbVn351KVhY4", "1X3X0ebqket0TmuburTXFLJLkRt4JbVn351KVhY4"),
    ('apiKey: "abc123def456",', "abc123def456"),
    ("curl --password hunter22 https://example.com", "hunter22"),
    ("The password is Tr0ub4dor&3", "Tr0ub4dor&3"),
    ("password: correcthorse\n", "correcthorse"),
    ("contraseña = lichen-trombone-688\n", "lichen-trombone-688"),
    ("le mot de passe est Trombone2024!", "Trombone2024!"),
    ('passwort: "Quartz!bobbin394"', "Quartz!bobbin394"),
    ("Wi-Fi passphrase for visitors: copper-kestrel-392. Ann", "copper-kestrel-392"),
    ("secret_key       = CtdhVwtoGafnEBAiuWXuFaqrHANmLaOccQeN/FPN", "CtdhVwtoGafnEBAiuWXuFaqrHANmLaOccQeN/FPN"),
    ("Key         Value\ndb_password Saffron-lantern37#\n", "Saffron-lantern37#"),
    ("SMTP_PASS=Lantern-gravel80#\n", "Lantern-gravel80#"),
    ("she has reset her password to Velvet-lantern76# since", "Velvet-lantern76#"),
)
COUNTER_EXAMPLES: tuple[str, ...] = (
    "token = nextToken()",
    "use the token to start again, the secret to success",
    "first_pass=1204ms second_pass=99ms1 test_pass: 12of14",
    "password: string;",
    "max_tokens=4096",
    "total_tokens: 12345",
    "const token = process.env.API_TOKEN1",
    "if token == 'abc12345':",
    "the secret to success is practice",
    "le mot de passe est incorrect",
    "das Passwort ist abgelaufen",
    "password=${DB_PASSWORD}",
    "password: <SECRET_1>",
    "token_type: bearer1234",
    "nextToken=eyJ2IjoxfQ123",
    "credentials: missing",
    'the token is set to "<USERNAME_2>/cli" here',
    "see docs/token 2024-05-12 for details",
    "secret = settings.load_secret2",
    "arn:aws:secretsmanager:us-east-1:123837392027:secret:retrieve-secret-11-mekIRl",
)


def assigned_secrets(text: str) -> Iterator[tuple[int, int]]:
    """Yield where, in a text, values stand that a secret's name introduces.

    Cost: one substring search per stem, one anchored match per hit.
    """
    lowered = text.lower()
    if not any(stem.search(lowered) for stem in _FIRST_LOOKS):
        return
    if len(lowered) != len(text):  # a few letters grow in lower case; positions must agree
        lowered = "".join(c.lower() if c.isascii() else c for c in text)
    for stem in STEMS:
        place = lowered.find(stem)
        while place >= 0:
            end = place + len(stem)
            match = _TAIL.match(text, end)
            if match and (span := _secret_span(text, place, match)):
                yield span
            place = lowered.find(stem, end)


def _secret_span(text: str, place: int, match: re.Match[str]) -> tuple[int, int] | None:
    before = _NAME_CHARACTERS.search(text, max(0, place - 60), place)
    prefix = before.group() if before else ""
    name = prefix + text[place : match.end("rest")]
    # A name that goes on after its colon is a resource: `arn:aws:secretsmanager:eu-west-1:123:secret:db-9aF3kd`.
    if kind_of_key(name) != "SECRET" or (text[max(0, place - 1) : place] == ":" and match["sep"] == ":"):
        return None
    group = "quoted" if match["quoted"] is not None else "plain"
    start, end = match.span(group)
    separator = match["sep"]
    if group == "plain":
        if separator.isspace() and not prefix.startswith("--") and not _is_column(text, place - len(prefix), start, end):
            return None
        end = start + len(_bare(text[start:end]))
    elif separator.isspace():
        return None
    if group == "plain" and separator.strip() in _WORDS_BETWEEN and not _is_typed(text[start:end]):
        return None  # `a token to use`
    plausible = _is_plausible(text[start:end], name.lower(), quoted=group == "quoted", whole_line=_ends_line(text, end))
    return (start, end) if plausible else None


def _is_random(value: str) -> bool:
    """Say whether a run of letters is no word: as long as a key, its capitals in the middle of it, and mixed as in one."""
    capitals = sum(before.islower() and letter.isupper() for before, letter in pairwise(value))
    return len(value) >= 32 and capitals >= 6 and is_varied(value) and value.isascii() and not _CODE.fullmatch(value)


def _is_column(text: str, name: int, start: int, end: int) -> bool:
    """Say whether a name starts a line and its value, which is no word, ends it: a list in two columns, a `.netrc`."""
    begins_line = name == 0 or text[name - 1] in "\r\n" or text.startswith("\\n", name - 2)
    return begins_line and _ends_line(text, end) and _is_typed(text[start:end])


def _bare(value: str) -> str:
    """Cut what ends a bare value in connection strings, statements and sentences."""
    value = _NEXT_PARAMETER.split(value, maxsplit=1)[0]
    return value.rstrip(".:)") if not value.startswith("$") else value.rstrip(".:")


def _ends_line(text: str, end: int) -> bool:
    return end == len(text) or text[end] in "\r\n;" or text.startswith(("\\n", "\\r"), end)


def _is_typed(value: str) -> bool:
    """Say whether a word is none of a sentence's: it holds a digit or a sign beside letters."""
    return len(value) >= 6 and (is_opaque(value) or any(c in "!@#$%^&*?" for c in value[:-1]))


def _is_plausible(value: str, name: str, *, quoted: bool, whole_line: bool) -> bool:
    value = PSEUDONYM.sub("", value)  # what was redacted before proves nothing about what is left
    if not value or is_no_secret(value) or value.lower() in name:
        return False
    names_password = any(stem in name for stem in _PASSWORD_STEMS)
    has_space = any(c.isspace() for c in value)
    if quoted and names_password:
        return not has_space and len(value) >= 4
    if quoted:
        return not has_space and len(value) >= 8 and is_opaque(value)
    if _CODE.fullmatch(value) and not (names_password and whole_line):
        return False
    if names_password:
        return len(value) >= 4 and (
            is_opaque(value) or any(c in "!@#$%^&*?" for c in value) or (whole_line and len(value) >= 6)
        )
    return (len(value) >= 8 and (is_opaque(value) or _is_random(value))) or (
        name.endswith(("cvv", "cvc", "otp")) and value.isdigit()
    )

"""A second labelled log, made up here: other tools, templates, names and languages than the log that the rules were tuned on.

Written after the last change of the rules; what the rules do on it the first time is what the report says. Labels are written
into the text as they are made, between two characters that no text holds, and taken out again once the row is JSON.
"""

from __future__ import annotations

import base64
import random
import string
from collections.abc import Callable, Iterator
from urllib.parse import quote

import msgspec

from benchmarks.redaction.labelled import Label, LabelledRow

_OPEN, _MIDDLE, _CLOSE = "\ue000", "\ue001", "\ue002"
_GIVEN = (
    "Ngozi Oluwaseun Siân Rhodri Aoife Ciarán Wei Xiuying Haruto Yuki Fatima Yusuf Leyla Mehmet Jürgen Anneliese Søren "
    "Astrid Łukasz Zofia Théo Amélie Íñigo Lucía Matteo Chiara Dimitrios Eleni Andrei Ioana Priyanka Arjun Thanh Linh "
    "Kwame Abena Moses Ruth"
).split()
_FAMILY = (
    "Adeyemi Okonkwo Llewellyn Prydderch Ó_Briain Mac_Giolla Zhang Huang Tanaka Kobayashi Al-Rashid Haddad Yıldırım "
    "Öztürk Müller Schröder Sørensen Lindqvist Wójcik Dąbrowska Lefèvre Dubois García_Márquez Etxeberria Rossi De_Luca "
    "Papadopoulos Ionescu Krishnamurthy Banerjee Nguyễn Trần Mensah Boateng Featherstonehaugh Blenkinsop"
).split()
_STREETS = (
    "Acacia Avenue|Old Kent Road|St Mary's Close|Gas Street|Heol y Deri|Ynys Terrace|Mill Lane|Sandringham Crescent|"
    "Castle Hill|Bishop's Walk|The Ridgeway|Cowgate|Lower Addiscombe Road|Queen's Drive|Whitehouse Mews"
).split("|")
_TOWNS = "Aberystwyth|Hebden Bridge|Leamington Spa|Croydon|Stornoway|Llanelli|Bury St Edmunds|Newry|Penzance|Kirkcaldy".split(
    "|"
)
_ABROAD = (
    "Lindenstraße 14, 10969 Berlin|23 rue des Lilas, 69003 Lyon|Calle de Alcalá 45, 28014 Madrid|"
    "ul. Floriańska 3, 31-019 Kraków|Via Garibaldi 27, 20121 Milano|Prinsengracht 263, 1016 GV Amsterdam|"
    "Storgatan 9, 411 24 Göteborg"
).split("|")
_AREAS = "AB BN CF CR DY EH G HX IV L LS M NE NR OX PL RG SW1 TR WV".split()
_HOSTS = (
    "posteo.example.de mailbox.example.org orange.example.fr tiscali.example.co.uk proton.example.ch uni.example.edu".split()
)
_WORDS = "orchid lantern gravel saffron pebble meteor willow cinder harbour velvet compass thistle".split()
_SESSIONS = 60


class Person:
    """Somebody who does not exist, with everything that the log may say of them."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self.given = rng.choice(_GIVEN)
        self.family = rng.choice(_FAMILY).replace("_", " ")
        self.name = f"{self.given} {self.family}"
        plain = "".join(c for c in (self.given[0] + self.family).lower() if c in string.ascii_lowercase)
        self.user = f"{plain}{rng.randint(2, 99)}"
        self.mail = f"{self.user}@{rng.choice(_HOSTS)}"
        self.born = (rng.randint(1938, 2006), rng.randint(1, 12), rng.randint(1, 28))
        self.street = f"{rng.randint(1, 240)} {rng.choice(_STREETS)}"
        self.town = rng.choice(_TOWNS)
        letters = "ABDEFGHJLNPQRSTUWXYZ"
        area = rng.choice(_AREAS)
        outward = area + rng.choice("ABEHMNPRVWXY") if area == "SW1" else area + str(rng.randint(1, 28))
        self.postcode = f"{outward} {rng.randint(1, 9)}{rng.choice(letters)}{rng.choice(letters)}"
        self.phone = rng.choice(("+44 7{} {}", "07{} {}", "020 {} {}")).format(
            f"{rng.randint(300, 999)}" if rng.random() < 0.5 else f"{rng.randint(7000, 9999)}", f"{rng.randint(100000, 999999)}"
        )
        self.phone = f"07{rng.randint(300, 999)} {rng.randint(100000, 999999)}" if "020" in self.phone else self.phone
        self.nhs = _nhs(rng)
        letters = f"{rng.choice('ABCEGHJKLMNPRSTWXYZ')}{rng.choice('ABCEGHJKLMPRSTWXYZ')}"
        self.nino = f"{letters}{rng.randint(100000, 999999)}{rng.choice('ABCD')}"
        if self.nino[:2] in ("BG", "GB", "NK", "KN", "TN", "NT", "ZZ"):
            self.nino = "JW" + self.nino[2:]

    def date(self, form: str) -> str:
        """Return the date of birth in one of the log's forms."""
        year, month, day = self.born
        months = "January February March April May June July August September October November December".split()
        return {
            "iso": f"{year}-{month:02d}-{day:02d}",
            "dots": f"{day:02d}.{month:02d}.{year}",
            "slashes": f"{day:02d}/{month:02d}/{year}",
            "words": f"{day} {months[month - 1]} {year}",
            "american": f"{months[month - 1]} {day}, {year}",
        }[form]


def rows(seed: int = 20_261, sessions: int = _SESSIONS) -> Iterator[LabelledRow]:
    """Yield the rows of the log, session by session: the same for the same seed."""
    rng = random.Random(seed)
    for number in range(sessions):
        people = [Person(rng) for _ in range(2)]
        session = f"zx-{rng.getrandbits(48):012x}"
        for turn in range(rng.randint(6, 12)):
            tool, make = rng.choice(_TEMPLATES)
            arguments, response = make(rng, people[turn % 2], people[(turn + 1) % 2])
            row = {"id": f"{number}-{turn}", "session_id": session, "tool": tool, "arguments": arguments, "response": response}
            yield _labelled(session, msgspec.json.encode(row).decode())


def _labelled(session: str, marked: str) -> LabelledRow:
    raw: list[str] = []
    labels: list[Label] = []
    length = 0
    for part in marked.split(_OPEN):
        value, closed, rest = part.partition(_CLOSE)
        if not closed:
            raw.append(part)
            length += len(part)
            continue
        kind, _, text = value.partition(_MIDDLE)
        labels.append(Label(length, length + len(text), kind))
        raw += (text, rest)
        length += len(text) + len(rest)
    return LabelledRow(session, "".join(raw), tuple(labels))


def _is(kind: str, value: str) -> str:
    return f"{_OPEN}{kind}{_MIDDLE}{value}{_CLOSE}"


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _nhs(rng: random.Random) -> str:
    while True:
        digits = [rng.randint(0, 9) for _ in range(9)]
        check = 11 - sum(d * w for d, w in zip(digits, range(10, 1, -1), strict=True)) % 11
        if check != 10:
            text = "".join(map(str, digits)) + str(check % 11)
            return f"{text[:3]} {text[3:6]} {text[6:]}"


def _iban(rng: random.Random) -> str:
    country, length = rng.choice((("DE", 18), ("FR", 23), ("NL", 14), ("GB", 18), ("ES", 20)))
    letters = "BUKB" if country == "GB" else "INGB" if country == "NL" else ""
    body = letters + "".join(str(rng.randint(0, 9)) for _ in range(length - len(letters)))
    number = int("".join(str(int(c, 36)) for c in f"{body}{country}00"))
    plain = f"{country}{98 - number % 97:02d}{body}"
    return " ".join(plain[i : i + 4] for i in range(0, len(plain), 4)) if rng.random() < 0.5 else plain


def _card(rng: random.Random) -> str:
    digits = [int(c) for c in rng.choice(("4539", "5412", "2223"))] + [rng.randint(0, 9) for _ in range(11)]
    total = sum(d if i % 2 else (d * 2 - 9 if d > 4 else d * 2) for i, d in enumerate(digits))
    text = "".join(map(str, digits)) + str(-total % 10)
    return " ".join(text[i : i + 4] for i in range(0, 16, 4)) if rng.random() < 0.5 else text


def _key(rng: random.Random) -> str:
    tail = "".join(rng.choice(string.ascii_letters + string.digits) for _ in range(36))
    return rng.choice((f"ghp_{tail}", f"sk_live_{tail[:24]}", f"AKIA{tail[:16].upper()}", f"glpat-{tail[:20]}", f"npm_{tail}"))


def _word(rng: random.Random) -> str:
    return f"{rng.choice(_WORDS).capitalize()}-{rng.choice(_WORDS)}{rng.randint(10, 99)}{rng.choice('!?#*')}"


def _ip(rng: random.Random) -> str:
    return f"{rng.randint(11, 223)}.{rng.randint(0, 254)}.{rng.randint(1, 254)}.{rng.randint(1, 254)}"


Made = tuple[object, object]


def _ticket(rng: random.Random, a: Person, b: Person) -> Made:
    comment = (
        f"{_is('PERSON', a.name)} rang this morning. She has moved to {_is('ADDRESS', a.street)}, {_is('ADDRESS', a.town)} "
        f"{_is('POSTCODE', a.postcode)} and wants the rebate paid to sort code {_is('SORT_CODE', _sort(rng))}, "
        f"account no. {_is('ACCOUNT', str(rng.randint(10**7, 10**8 - 1)))}. Reassigned to {_is('PERSON', b.name)}."
    )
    return {"issue": f"HOU-{rng.randint(100, 999)}"}, {
        "comments": [{"author": _is("PERSON", b.name), "body": comment}],
        "state": "open",
    }


def _german(rng: random.Random, a: Person, b: Person) -> Made:
    body = (
        f"Sehr geehrte Frau {_is('PERSON', a.family)},\n\nIhre neue Anschrift ist {_is('ADDRESS', rng.choice(_ABROAD).split(',')[0])}. "
        f"Geboren am {_is('DOB', a.date('dots'))}. Ihre IBAN lautet {_is('IBAN', _iban(rng))}.\n\n"
        f"Mit freundlichen Grüßen\n{_is('PERSON', b.name)}\nTel. {_is('PHONE', '+49 30 ' + str(rng.randint(1000000, 9999999)))}"
    )
    return {"folder": "Posteingang"}, {"to": _is("EMAIL", a.mail), "subject": "Ihre Unterlagen", "text": body}


def _french(rng: random.Random, a: Person, b: Person) -> Made:
    body = (
        f"Bonjour {_is('PERSON', a.given)},\nMerci de confirmer votre date de naissance : {_is('DOB', a.date('slashes'))}. "
        f"Vous pouvez me joindre au {_is('PHONE', '+33 6 ' + ' '.join(f'{rng.randint(10, 99)}' for _ in range(4)))}.\n\n"
        f"Cordialement,\n{_is('PERSON', b.name)}"
    )
    return {"id": rng.randint(1, 999)}, {"from": f"{_is('PERSON', b.name)} <{_is('EMAIL', b.mail)}>", "body": body}


def _spanish(rng: random.Random, a: Person, b: Person) -> Made:
    body = (
        f"Estimada {_is('PERSON', a.name)},\n\nSu domicilio: {_is('ADDRESS', 'Calle de Alcalá ' + str(rng.randint(2, 99)))}. "
        f"Fecha de nacimiento: {_is('DOB', a.date('slashes'))}.\n\nUn saludo,\n{_is('PERSON', b.name)}"
    )
    return {}, body


def _chat(rng: random.Random, a: Person, b: Person) -> Made:
    lines = [
        f"[09:{rng.randint(10, 59)}] {_is('PERSON', a.name)}: hiya, it's {_is('PERSON', a.given)} about the boiler",
        f"[09:{rng.randint(10, 59)}] {_is('PERSON', b.name)}: thanks, what's your postcode? {_is('POSTCODE', a.postcode)}?",
        f"[10:{rng.randint(10, 59)}] {_is('PERSON', a.name)}: yes and my NI number is {_is('NINO', a.nino)}",
        f"[10:{rng.randint(10, 59)}] {_is('PERSON', a.name)}: ring me on {_is('PHONE', a.phone)}",
    ]
    return {"channel": "repairs"}, {"messages": "\n".join(lines)}


def _psql(rng: random.Random, a: Person, b: Person) -> Made:
    rows = [
        f" {rng.randint(1, 99)} | {_is('PERSON', p.name)} | {_is('DOB', p.date('iso'))} | {_is('NHS', p.nhs)} | {_is('EMAIL', p.mail)}"
        for p in (a, b)
    ]
    head = " id | full_name | date_of_birth | nhs_no | email_address\n----+-----------+---------------+--------+--------------"
    sql = f"select * from tenants where last_name = '{_is('PERSON', a.family)}'"
    return {"command": f'psql -c "{sql}"'}, {"stdout": "\n".join([head, *rows, "(2 rows)"])}


def _export(rng: random.Random, a: Person, b: Person) -> Made:
    lines = ["forename\tsurname\tdob\tpostcode\tmobile\tvehicle_reg"]
    for p in (a, b):
        area = "ABCDEFGHKLMNOPRSVWXY"
        reg = f"{rng.choice(area)}{rng.choice(area)}{rng.choice((17, 68, 71))} {rng.choice('ABCDEFGHJK')}XT"
        cells = (
            ("PERSON", p.given),
            ("PERSON", p.family),
            ("DOB", p.date("slashes")),
            ("POSTCODE", p.postcode),
            ("PHONE", p.phone),
        )
        lines.append("\t".join([*(_is(kind, value) for kind, value in cells), _is("VRM", reg)]))
    return {"path": "export.tsv"}, "\n".join(lines)


def _config(rng: random.Random, a: Person, b: Person) -> Made:
    text = (
        f"database:\n  host: {_is('IP', _ip(rng))}\n  user: ledger\n  password: {_is('PASSWORD', _word(rng))}\n"
        f'smtp:\n  passwd: "{_is("PASSWORD", _word(rng))}"\nstripe:\n  secret_key: {_is("API_KEY", _key(rng))}\n'
        f"redis: redis://:{_is('PASSWORD', _word(rng).replace('#', 'x').replace('?', 'q'))}@cache:6379/0\n# maintained by {_is('EMAIL', b.mail)}\n"
    )
    return {"file": f"/home/{_is('USERNAME', a.user)}/deploy/values.yaml"}, text


def _http(rng: random.Random, a: Person, b: Person) -> Made:
    token = ".".join(
        base64.urlsafe_b64encode(_json(part).encode()).decode().rstrip("=")
        for part in ({"alg": "RS256"}, {"sub": rng.randint(1, 10**9), "scope": "all"}, {"s": rng.getrandbits(80)})
    )
    url = f"https://api.example.org/find?name={_is('PERSON', quote(a.name))}&email={_is('EMAIL', quote(a.mail))}&page=2"
    payload = {
        "applicant": {
            "firstName": _is("PERSON", a.given),
            "lastName": _is("PERSON", a.family),
            "birthDate": _is("DOB", a.date("iso")),
        },
        "address": {"line1": _is("ADDRESS", a.street), "town": _is("ADDRESS", a.town), "postCode": _is("POSTCODE", a.postcode)},
        "taxReference": _is("UTR", str(rng.randint(10**9, 10**10 - 1))),
        "cardNumber": _is("CARD", _card(rng)),
    }
    return {"url": url, "headers": {"authorization": f"Bearer {_is('JWT', token)}"}, "body": _json(payload)}, {"status": 201}


def _letter(rng: random.Random, a: Person, b: Person) -> Made:
    text = (
        f"Re: {_is('PERSON', a.name)}, DOB {_is('DOB', a.date('words'))}, NHS number {_is('NHS', a.nhs)}\n\n"
        f"Dear Dr {_is('PERSON', b.family)},\n\nI reviewed this patient, who lives at {_is('ADDRESS', a.street)}, {_is('ADDRESS', a.town)}, "
        f"{_is('POSTCODE', a.postcode)}. {_is('PERSON', a.given)} was born on {_is('DOB', a.date('american'))} and takes ramipril.\n"
        f"Council tax account {_is('COUNCIL_TAX', str(rng.randint(700000000, 799999999)))} is in arrears.\n\n"
        f"Yours sincerely,\n{_is('PERSON', b.name)}\nConsultant"
    )
    return {"document": rng.randint(1000, 9999)}, text


def _audit(rng: random.Random, a: Person, b: Person) -> Made:
    text = (
        f'{_is("IP", _ip(rng))} - {_is("USERNAME", a.user)} [12/Mar/2026:10:00:0{rng.randint(0, 9)} +0000] "GET /t?mail={_is("EMAIL", quote(b.mail))} HTTP/2" 200\n'
        f"sshd[812]: Accepted password for {_is('USERNAME', b.user)} from {_is('IP', _ip(rng))} port 50{rng.randint(100, 999)} ssh2\n"
        f"dhcpd: DHCPACK on {_is('IP', _ip(rng))} to {_is('MAC', ':'.join(f'{rng.randint(0, 255):02x}' for _ in range(6)))} via eth0"
    )
    return {"cmd": "tail /var/log/all"}, {"stdout": text, "code": 0}


def _minutes(rng: random.Random, a: Person, b: Person) -> Made:
    text = (
        f"Attendees: {_is('PERSON', a.name)}, {_is('PERSON', b.name)}\n1. {_is('PERSON', a.given)} presented the budget.\n"
        f"2. {_is('PERSON', b.name)} agreed to send the figures to {_is('PERSON', a.name)} by Friday.\n3. Next meeting in {_is('ADDRESS', a.town)}."
    )
    text = text.replace(_is("ADDRESS", a.town), "the annexe")
    return {"page": "minutes"}, {"content": text}


def _html(rng: random.Random, a: Person, b: Person) -> Made:
    text = (
        f"<table><tr><td>Name</td><td>{_is('PERSON', a.name)}</td></tr><tr><td>E-mail</td><td>{_is('EMAIL', a.mail.replace('@', '&#64;'))}</td></tr>"
        f"<tr><td>Passport no</td><td>{_is('PASSPORT', str(rng.randint(10**8, 10**9 - 1)))}</td></tr></table>"
    )
    return {"url": "https://intranet.example.org/card"}, text


def _plain(rng: random.Random, a: Person, b: Person) -> Made:
    del a, b
    notes = (
        "Bin collection moves to Tuesday in Hebden Bridge.",
        f"build {rng.getrandbits(32):08x} finished in {rng.randint(10, 900)} ms",
        "The Planning Committee approved the Local Plan under Regulation 19.",
        f"invoice INV-{rng.randint(10000, 99999)} total £{rng.randint(10, 999)}.{rng.randint(10, 99)}",
        f"etag 'W/{rng.getrandbits(64):016x}' version 3.{rng.randint(0, 30)}.{rng.randint(0, 9)}",
    )
    return {"query": rng.choice(notes)}, {"items": rng.sample(notes, 3), "next": None}


def _sort(rng: random.Random) -> str:
    return rng.choice(("-", " ", "")).join(f"{rng.randint(4, 89):02d}" for _ in range(3))


_TEMPLATES: tuple[tuple[str, Callable[[random.Random, Person, Person], Made]], ...] = (
    ("jira.comment", _ticket),
    ("imap.fetch", _german),
    ("imap.read", _french),
    ("imap.reply", _spanish),
    ("whatsapp.history", _chat),
    ("terminal", _psql),
    ("files.read", _export),
    ("files.cat", _config),
    ("fetch", _http),
    ("letters.get", _letter),
    ("terminal.run", _audit),
    ("wiki.page", _minutes),
    ("browser.text", _html),
    ("search", _plain),
)

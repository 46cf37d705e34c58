"""What stands around people in the third log: secrets, which must go, and look-alikes of personal data, which must stay."""

from __future__ import annotations

import base64
import random
import re
import string
from datetime import date, timedelta
from uuid import UUID

from benchmarks.redaction.third_log_marks import as_json, marked

# Vendors' keys: {A20} is twenty capitals and digits, {x32} hex digits, {m36} letters and digits, {b40} base64, {d12} digits.
_KEYS = {
    "aws_id": "AKIA{U16}",
    "aws_secret": "{b40}",
    "github": "ghp_{m36}|gho_{m36}|github_pat_{m22}_{m59}",
    "gitlab": "glpat-{m20}|glrt-{m20}",
    "slack": "xoxb-{d12}-{d13}-{m24}|xoxp-{d12}-{d12}-{d13}-{x32}",
    "slack_hook": "https://hooks.slack.com/services/T{U10}/B{U10}/{m24}",
    "stripe": "sk_live_{m24}|rk_live_{m24}|sk_live_51{m97}",
    "stripe_hook": "whsec_{m32}",
    "sendgrid": "SG.{m22}.{m43}",
    "twilio": "{x32}",
    "openai": "sk-proj-{m48}|sk-{m48}",
    "anthropic": "sk-ant-api03-{m93}AA",
    "google": "AIza{m35}",
    "npm": "npm_{m36}",
    "pypi": "pypi-AgEIcHlwaS5vcmc{m80}",
    "digitalocean": "dop_v1_{x64}",
    "huggingface": "hf_{m34}",
    "mailgun": "key-{x32}",
    "telegram": "{d10}:AA{m33}",
    "shopify": "shpat_{x32}",
    "vault": "hvs.{m24}|hvs.CAESI{m90}",
    "grafana": "glsa_{m32}_{x8}",
    "databricks": "dapi{x32}",
    "azure": "{b86}==",
    "sentry": "{x32}",
    "datadog": "{x32}",
    "linear": "lin_api_{m40}",
    "notify": "live_key-{u}-{u}",
    "doppler": "dp.st.prd.{m40}",
    "plain": "{m32}|{x40}|{m48}",
}
_ALPHABETS = {
    "U": string.ascii_uppercase + "234567",
    "x": "0123456789abcdef",
    "m": string.ascii_letters + string.digits,
    "b": string.ascii_letters + string.digits + "+/",
    "d": string.digits,
}
_WORDS = "kestrel copper trombone ladder juniper puffin marble otter paprika gantry lichen bobbin walrus quartz".split()
_PEM = ("RSA PRIVATE KEY", "EC PRIVATE KEY", "OPENSSH PRIVATE KEY", "PRIVATE KEY", "ENCRYPTED PRIVATE KEY")

_PRODUCTS = (
    "Dyson V15 Detect|Worcester Bosch Greenstar 4000|Marshall Emberton II|Baxi Duo-tec 28|Henry vacuum HVR160|"
    "Victoria sponge tin 20 cm|Charlotte Tilbury gift set|Bosch Serie 6 washer|Barbour jacket size M|Philips Hue starter kit|"
    "Laura Ashley wallpaper, 3 rolls|Stanley flask 1.4 l"
).split("|")
_PROGRAMS = (
    "Oracle Linux 9.4|Jenkins 2.462.1|Julia 1.10|Hugo 0.128|Travis CI|Ada Lovelace GPU driver 555.42|Jasper Reports 7.0|"
    "Apache Cassandra 4.1|Ubuntu 24.04 Noble Numbat|Gatsby 5.13|Pascal compiler 3.2.2"
).split("|")
_STREETISH = (
    "the Wall Street Journal piece|the Abbey Road remaster|Downing Street briefing notes|the High Street voucher scheme|"
    "Sesame Street bedding|swim lane 3 of the board|the road map for Q3|Silk Road trade module|the fast lane of the queue|"
    "Coronation Street repeats|memory lane slideshow|Easy Street theme"
).split("|")
_REMARKS = (
    "please mark as resolved, will follow up in May|the April release moved to June|rose bushes by the gate were not in scope|"
    "ISO 27001:2022 control A.8.12 applies|see RFC 9110 section 15.5.2|the job took 3,481 ms on 16 cores|"
    "bill of materials rev. C attached|Grace period of 14 days applies|sunny spells, 19 degrees|page 12 of 48|"
    "Bank holiday on 25 May 2026, lines closed|chip EM4305 tags are out of stock|ISBN 978-0-14-103614-4 went back|"
    "HTTP 504 after 30000 ms|frank feedback was welcome|pat. pending|Chrome 126.0.6478.127 on Windows 10.0.19045"
).split("|")


class Secrets:
    """Makes keys, passwords, tokens and private keys."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def key(self, vendor: str) -> str:
        """Return an API key of a vendor, marked."""
        return marked("API_KEY", self._filled(self._rng.choice(_KEYS[vendor].split("|"))))

    def password(self) -> str:
        """Return a password as a person or a generator makes them up, marked."""
        first, second = self._rng.sample(_WORDS, 2)
        number = self._rng.randrange(10, 999)
        return marked(
            "PASSWORD",
            self._rng.choice(
                (
                    f"{first.title()}!{second}{number}",
                    f"{first}-{second}-{number}",
                    f"{first.replace('o', '0').replace('e', '3')}_{second.title()}{number}",
                    f"{first.title()}{2020 + number % 7}!",
                    self._filled("{m6}%{m5}+{m4}"),
                    self._filled("{m20}"),
                    self._filled("{m9}$^{m3}"),
                )
            ),
        )

    def jwt(self) -> str:
        """Return a JSON web token with three parts, marked."""
        head = {"alg": self._rng.choice(("HS256", "RS256", "ES256")), "typ": "JWT", "kid": self._filled("{x8}")}
        body = {
            "iss": "https://id.portal.example",
            "sub": self._filled("{x12}"),
            "exp": self._rng.randrange(1_767_000_000, 1_799_000_000),
        }
        return marked("JWT", f"{_base64url(head)}.{_base64url(body)}.{self._filled('{m43}')}")

    def pem(self) -> str:
        """Return a private key in its armour, marked as a whole."""
        name = self._rng.choice(_PEM)
        lines = [self._filled("{b64}") for _ in range(self._rng.randrange(3, 9))]
        lines = [f"-----BEGIN {name}-----", *lines, self._filled("{b30}=="), f"-----END {name}-----"]
        return marked("PRIVATE_KEY", "\n".join(lines))

    def _filled(self, pattern: str) -> str:
        return re.sub(r"\{(\w)(\d*)\}", lambda found: self._drawn(found[1], found[2]), pattern)

    def _drawn(self, alphabet: str, length: str) -> str:
        if alphabet == "u":
            return str(UUID(int=self._rng.getrandbits(128), version=4))
        return "".join(self._rng.choices(_ALPHABETS[alphabet], k=int(length)))


class Harmless:
    """Makes what looks like personal data or a secret and is neither; each use makes another."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    @property
    def order(self) -> str:
        """An order number."""
        return f"{self._rng.choice(('ORD-', 'PO ', 'SO', '#'))}{self._rng.randrange(10**6, 10**8)}"

    @property
    def ticket(self) -> str:
        """A ticket of the helpdesk."""
        return f"{self._rng.choice(('INC', 'REQ', 'CHG'))}{self._rng.randrange(10**5, 10**6):07}"

    @property
    def sha(self) -> str:
        """A commit or a digest."""
        return f"{self._rng.getrandbits(160):040x}" if self._rng.random() < 0.5 else f"sha256:{self._rng.getrandbits(256):064x}"

    @property
    def short_sha(self) -> str:
        """The start of a commit."""
        return f"{self._rng.getrandbits(36):09x}"

    @property
    def uuid(self) -> str:
        """The identifier of a request or a trace."""
        return str(UUID(int=self._rng.getrandbits(128), version=4))

    @property
    def version(self) -> str:
        """The version of a program."""
        return f"{self._rng.randrange(1, 30)}.{self._rng.randrange(20)}.{self._rng.randrange(40)}"

    @property
    def stamp(self) -> str:
        """A Unix time, in seconds or milliseconds."""
        return str(self._rng.randrange(1_760_000_000, 1_790_000_000) * self._rng.choice((1, 1000)))

    @property
    def day(self) -> str:
        """A day of the year 2026 that is nobody's birth date."""
        day = date(2026, 1, 2) + timedelta(days=self._rng.randrange(360))
        forms = (f"{day:%d/%m/%Y}", f"{day:%Y-%m-%d}", f"{day.day} {day:%B} {day.year}", f"{day:%a} {day.day} {day:%b}")
        return self._rng.choice(forms)

    @property
    def amount(self) -> str:
        """A sum of money without its currency."""
        return f"{self._rng.randrange(4, 4000):,}.{self._rng.randrange(100):02}"

    @property
    def count(self) -> str:
        """A number of things or milliseconds."""
        return str(self._rng.randrange(2, 90_000))

    @property
    def product(self) -> str:
        """A thing whose name may look like a person's."""
        return self._rng.choice(_PRODUCTS)

    @property
    def program(self) -> str:
        """A program whose name may look like a person's."""
        return self._rng.choice(_PROGRAMS)

    @property
    def street_like(self) -> str:
        """Something that is called after a street and is none."""
        return self._rng.choice(_STREETISH)

    @property
    def remark(self) -> str:
        """A clause of office talk."""
        return self._rng.choice(_REMARKS)


def _base64url(value: object) -> str:
    return base64.urlsafe_b64encode(as_json(value).encode()).decode().rstrip("=")

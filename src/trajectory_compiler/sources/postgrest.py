"""A table behind PostgREST, as Supabase serves it: `https://PROJECT.supabase.co/rest/v1/TABLE`, where no database port is open.

Pages of 1,000 rows are asked for by what the last row held (keyset), never by OFFSET, which grows slower with every page and
skips rows when others are deleted. Pages are no snapshot: a row that arrives behind the reader is seen by the next pass. The
database's own connection string is many times faster and sees one moment; this is the fall-back.

The key comes from the environment (`KEY_NAMES`) and goes nowhere but into the request. No message shows it, nor what the server
said, which may quote rows.
"""

from __future__ import annotations

import http.client
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import msgspec

from trajectory_compiler.config import SourceOptions
from trajectory_compiler.errors import SourceError
from trajectory_compiler.model import Json
from trajectory_compiler.sources.documents import UnreadableError, parse
from trajectory_compiler.sources.findings import Drops
from trajectory_compiler.sources.mapped import MappedSource, first_of
from trajectory_compiler.sources.mapping import SAMPLE_ROWS, Record, guess_mapping

ADDRESSES = ("https://", "http://")
KEY_NAMES = ("SUPABASE_KEY", "SUPABASE_SERVICE_ROLE_KEY", "POSTGREST_TOKEN")
PAGE_ROWS = 1000
TRIES = 7
TIMEOUT_SECONDS = 60
LONGEST_WAIT_SECONDS = 60.0
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_CODE = re.compile(r"[0-9A-Z]{5}|PGRST[0-9A-Z]{1,4}")
_SHORT = 1 << 16
_decode_page = msgspec.json.Decoder(list[msgspec.Raw]).decode
Sleep = Callable[[float], None]


def open_postgrest(
    location: str, options: SourceOptions, environment: Mapping[str, str], sleep: Sleep = time.sleep
) -> MappedSource:
    """Open a table by its address. Raises SourceError, MappingError."""
    service, table = _service(location, options, environment, sleep)
    goal = f"read '{table}' over REST"
    sample = first_of(
        record for _, record in _records(service.page({"select": "*", "limit": str(SAMPLE_ROWS)}), 1, Drops("sources"))
    )
    if not sample:
        raise SourceError(
            goal, "the table is empty, or its policies show this key no row", "Give the key the right to read it."
        )
    mapping = guess_mapping(table, sample, options.columns)
    columns = (mapping.columns["session_id"], mapping.column("created_at"), mapping.column("id"))
    if columns[2] is None:
        raise SourceError(goal, "no column is known to hold a row id, and pages need one", "Name it with --column id=NAME.")
    return MappedSource(
        options.name or table, "PostgREST", RestReader(service, (columns[0], columns[1], columns[2])), mapping, ordered=True
    )


class RestReader:
    """Reads a table page by page; `row 17` is the 17th row in the order of session, stamp and id."""

    unit = "row"

    def __init__(self, service: Service, key: tuple[str, str | None, str]) -> None:
        self._service = service
        self._key = key

    def records(self, drops: Drops) -> Iterator[tuple[int, Record]]:
        """Yield the row number, from 1, and the values of each row."""
        number = 1
        for page in self._pages("*"):
            yield from _records(page, number, drops)
            number += len(page)
        session, _, row_id = self._key
        for reason, without in (
            ("no_session_id", {_name(session): "is.null"}),
            ("no_row_id", {_name(session): "not.is.null", _name(row_id): "is.null"}),
        ):
            if count := self._service.count(without):
                drops.add(reason, "", count)

    def column_values(self, column: str) -> Iterator[Json]:
        """Ask for one column and for those that the pages need."""
        names = dict.fromkeys(_name(name) for name in (column, *self._key) if name)
        for page in self._pages(",".join(names)):
            for _, record in _records(page, 1, Drops("sources")):
                yield record.get(column)

    def _pages(self, select: str) -> Iterator[list[msgspec.Raw]]:
        """Yield pages until one is empty: a server may give fewer rows a page than were asked for."""
        session, stamp, row_id = self._key
        order = [f"{_name(session)}.asc", *([f"{_name(stamp)}.asc.nullslast"] if stamp else []), f"{_name(row_id)}.asc"]
        asked = [("select", select), ("order", ",".join(order)), ("limit", str(PAGE_ROWS))]
        asked += [(_name(session), "not.is.null"), (_name(row_id), "not.is.null")]
        after: list[tuple[str, str]] = []
        while page := self._service.page([*asked, *after]):
            yield page
            last = parse(bytes(page[-1]), lambda _reason: None)
            after = [("or", after_row(self._key, last))]


def after_row(key: tuple[str, str | None, str], row: Record) -> str:
    """Return the filter for the rows that come after a row in the order of session, stamp (those without last) and id."""
    session, stamp, row_id = (_name(name) if name else "" for name in key)
    same, later = f"{session}.eq.{_quoted(row[key[0]])}", f"{row_id}.gt.{_quoted(row[key[2]])}"
    ways = [f"{session}.gt.{_quoted(row[key[0]])}"]
    if key[1] is None:
        ways.append(f"and({same},{later})")
    elif row[key[1]] is None:
        ways.append(f"and({same},{stamp}.is.null,{later})")
    else:
        at = _quoted(row[key[1]])
        ways += [f"and({same},or({stamp}.gt.{at},{stamp}.is.null))", f"and({same},{stamp}.eq.{at},{later})"]
    return f"({','.join(ways)})"


class Service:
    """One table of a PostgREST server. A request that the server is too busy for is sent again, `TRIES` times in all."""

    def __init__(self, address: str, table: str, key: str | None, sleep: Sleep) -> None:
        self._address = address
        self._goal = f"read '{table}' over REST"
        self._headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
        if key:
            self._headers |= {"apikey": key, "Authorization": f"Bearer {key}"}
        self._sleep = sleep
        self._open = urllib.request.build_opener(_NoRedirect()).open

    def page(self, query: Any) -> list[msgspec.Raw]:
        """Return the rows that a query gives, each as its JSON text. Raises SourceError."""
        body, _ = self._ask("GET", query, {})
        try:
            return _decode_page(body)
        except msgspec.DecodeError:
            raise SourceError(self._goal, "the server answers with no list of rows", "Check that it is PostgREST.") from None

    def count(self, query: Any) -> int:
        """Return how many rows a query would give."""
        _, told = self._ask("HEAD", {"select": "*", **query}, {"Prefer": "count=exact"})
        total = told.rpartition("/")[2]
        return int(total) if total.isdigit() else 0

    def _ask(self, method: str, query: Any, more: dict[str, str]) -> tuple[bytes, str]:
        address = f"{self._address}?{urlencode(query, quote_via=quote)}"
        wait = 1.0
        for left in reversed(range(TRIES)):
            request = urllib.request.Request(address, headers=self._headers | more, method=method)  # noqa: S310  # http or https
            try:
                with self._open(request, timeout=TIMEOUT_SECONDS) as answer:
                    return answer.read(), answer.headers.get("Content-Range", "")
            except urllib.error.HTTPError as error:
                with error:
                    if not left or (error.code != 429 and error.code < 500):
                        raise self._refused(error) from None
                    asked = error.headers.get("Retry-After", "")
                    self._sleep(min(LONGEST_WAIT_SECONDS, float(asked) if asked.isdigit() else wait))
            except (OSError, http.client.HTTPException):
                if not left:
                    seen = f"the server gave no answer in {TRIES} tries"
                    raise SourceError(self._goal, seen, "Check the address and the connection, then run again.") from None
                self._sleep(wait)
            wait = min(LONGEST_WAIT_SECONDS, 2 * wait)
        raise AssertionError("the last try returns or raises")

    def _refused(self, error: urllib.error.HTTPError) -> SourceError:
        """Return the refusal by its status and code; what else the server says may quote rows."""
        if error.code in (401, 403):
            return SourceError(
                self._goal, f"the server refuses the key ({error.code})", f"Put one that may read it into {KEY_NAMES[0]}."
            )
        if error.code == 404:
            return SourceError(self._goal, "the server has no such table", "Write the address as https://HOST/rest/v1/TABLE.")
        try:
            code = str(msgspec.json.decode(error.read(_SHORT)).get("code", ""))
        except (msgspec.DecodeError, AttributeError, OSError):
            code = ""
        shown = f", code {code}" if _CODE.fullmatch(code) else ""
        return SourceError(
            self._goal,
            f"the server answers with status {error.code}{shown}",
            "Check the table, its columns and the rights of this key.",
        )


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would take the key to another place: it ends as a refusal with its status."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _service(location: str, options: SourceOptions, environment: Mapping[str, str], sleep: Sleep) -> tuple[Service, str]:
    goal = "read a log over REST"
    parts = urlsplit(location)
    if parts.username or parts.password or parts.query:
        raise SourceError(goal, "the address holds more than a place", f"Leave it out and put the key into {KEY_NAMES[0]}.")
    if options.query is not None:
        raise SourceError(goal, "REST takes no query", "Use --table, or the database's own connection string.")
    path = parts.path.rstrip("/")
    if parts.hostname and parts.hostname.endswith(".supabase.co") and not path.startswith("/rest/"):
        path = f"/rest/v1{path}"
    base, _, table = path.rpartition("/")
    if options.table is not None:
        base, table = (path if table in ("v1", "") else base), options.table
    elif not table or path.endswith("/rest/v1"):
        raise SourceError(goal, "the address names no table", "Add it: https://HOST/rest/v1/TABLE, or name it with --table.")
    key = next((environment[name] for name in KEY_NAMES if environment.get(name)), None)
    if key and parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise SourceError(goal, "the key would travel unencrypted", "Write https:// in the address.")
    address = f"{parts.scheme}://{parts.netloc}{base}/{quote(table, safe='%')}"
    return Service(address, table, key, sleep), table


def _records(page: list[msgspec.Raw], first: int, drops: Drops) -> Iterator[tuple[int, Record]]:
    for number, text in enumerate(page, first):
        try:
            record = parse(bytes(text), lambda reason, number=number: drops.add(reason, number))  # type: ignore[misc]
        except UnreadableError as error:
            drops.add(error.reason, number)
            continue
        yield number, record


def _name(column: str) -> str:
    """Return a column as PostgREST's filters and orders write it."""
    return column if _PLAIN_NAME.fullmatch(column) else _in_quotes(column)


def _quoted(value: Json) -> str:
    """Return a value inside a logical filter, where commas, dots and brackets would end it."""
    return _in_quotes(value if isinstance(value, str) else msgspec.json.encode(value).decode())


def _in_quotes(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'

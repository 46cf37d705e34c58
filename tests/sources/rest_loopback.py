"""A loopback that answers as PostgREST does, over a real PostgreSQL: its grammar of filters, its limits, its refusals.

No Python package carries the PostgREST binary, so its rules are rebuilt from its documentation: at most `max_rows` rows an
answer, whatever `limit` says; `col=op.value`, `or=(...)`, `and(...)` with quoted names and values; `order=col.asc.nullslast`;
rows as `json_agg` writes them; 206 where there are more; `Prefer: count=exact`; errors as `{"code": ...}`. Comparison and order
are PostgreSQL's own. It is stricter in one thing: `offset` is refused, so that no reader can depend on it.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

KEY = "sb_secret_k-e-y"
_TOKEN = re.compile(r'"((?:[^"\\]|\\.)*)"|([^",().]+)')
_COMPARISONS = {"eq": "=", "gt": ">", "gte": ">=", "lt": "<", "lte": "<=", "neq": "<>"}


class RefusedQueryError(Exception):
    """The query breaks PostgREST's grammar."""


class Logic:
    """Reads `(a.eq."x",and(b.gt.1,c.not.is.null))` into SQL."""

    def __init__(self, text: str, sql: Any) -> None:
        self._text, self._at, self._sql = text, 0, sql

    def tree(self, word: str) -> Any:
        """Read a list in brackets, whose members `word` joins."""
        self._expect("(")
        members = [self._member()]
        while self._text[self._at : self._at + 1] == ",":
            self._at += 1
            members.append(self._member())
        self._expect(")")
        return self._sql.SQL("({})").format(self._sql.SQL(f" {word} ").join(members))

    def whole(self, word: str) -> Any:
        """Read all of the text."""
        tree = self.tree(word)
        if self._at != len(self._text):
            raise RefusedQueryError
        return tree

    def _member(self) -> Any:
        for word in ("and", "or"):
            if self._text.startswith(f"{word}(", self._at):
                self._at += len(word)
                return self.tree(word.upper())
        column = self._token()
        self._expect(".")
        operator = self._token()
        negated = operator == "not"
        if negated:
            self._expect(".")
            operator = self._token()
        self._expect(".")
        start = self._at
        value = self._token() if self._text[start : start + 1] == '"' else self._bare()
        return condition(self._sql, column, operator, value, negated=negated)

    def _bare(self) -> str:
        found = re.compile(r"[^,()]*").match(self._text, self._at)
        assert found is not None
        self._at = found.end()
        return found[0]

    def _token(self) -> str:
        found = _TOKEN.match(self._text, self._at)
        if found is None:
            raise RefusedQueryError
        self._at = found.end()
        return found[2] if found[1] is None else re.sub(r"\\(.)", r"\1", found[1])

    def _expect(self, mark: str) -> None:
        if not self._text.startswith(mark, self._at):
            raise RefusedQueryError
        self._at += len(mark)


def condition(sql: Any, column: str, operator: str, value: str, *, negated: bool) -> Any:
    """Return one comparison as SQL."""
    if operator == "is":
        if value not in ("null", "true", "false"):
            raise RefusedQueryError
        found = sql.SQL("{} IS " + value.upper()).format(sql.Identifier(column))
    elif operator in _COMPARISONS:
        found = sql.SQL("{} " + _COMPARISONS[operator] + " {}").format(sql.Identifier(column), sql.Literal(value))
    else:
        raise RefusedQueryError
    return sql.SQL("NOT ({})").format(found) if negated else found


def _unquoted(name: str) -> str:
    return re.sub(r"\\(.)", r"\1", name[1:-1]) if name.startswith('"') else name


def statement(sql: Any, table: str, query: Sequence[tuple[str, str]], max_rows: int) -> tuple[Any, Any]:
    """Return the SELECT of a request, and its conditions. Raises RefusedQueryError."""
    terms, order, limit, columns = [], [], max_rows, sql.SQL("*")
    for name, value in query:
        if name == "select":
            columns = (
                sql.SQL("*") if value == "*" else sql.SQL(",").join(sql.Identifier(_unquoted(c)) for c in value.split(","))
            )
        elif name == "limit":
            limit = min(limit, int(value))
        elif name == "order":
            for term in value.split(","):
                found = re.fullmatch(r'("(?:[^"\\]|\\.)*"|[^".]+)(\.asc|\.desc)?(\.nullsfirst|\.nullslast)?', term)
                if found is None:
                    raise RefusedQueryError
                words = [
                    (found[2] or ".asc")[1:].upper(),
                    {".nullsfirst": "NULLS FIRST", ".nullslast": "NULLS LAST"}.get(found[3], ""),
                ]
                order.append(sql.SQL("{} " + " ".join(words)).format(sql.Identifier(_unquoted(found[1]))))
        elif name in ("or", "and"):
            terms.append(Logic(value, sql).whole(name.upper()))
        elif name == "offset":
            raise RefusedQueryError
        else:
            operator, _, operand = value.partition(".")
            negated = operator == "not"
            if negated:
                operator, _, operand = operand.partition(".")
            terms.append(condition(sql, _unquoted(name), operator, operand, negated=negated))
    where = sql.SQL(" WHERE {}").format(sql.SQL(" AND ").join(terms)) if terms else sql.SQL("")
    ordered = sql.SQL(" ORDER BY {}").format(sql.SQL(", ").join(order)) if order else sql.SQL("")
    select = sql.SQL("SELECT {} FROM {}{}{} LIMIT {}").format(
        columns, sql.Identifier(table), where, ordered, sql.Literal(limit)
    )
    return select, where


class Loopback:
    """What the server was asked, and what it is told to answer first: a status for each of the next requests."""

    def __init__(self, database: str, max_rows: int) -> None:
        self.database, self.max_rows = database, max_rows
        self.asked: list[list[tuple[str, str]]] = []
        self.script: list[int] = []
        self.address = ""

    def answer(self, method: str, target: str, headers: Any) -> tuple[int, dict[str, str], bytes]:
        """Return status, headers and body."""
        psycopg = pytest.importorskip("psycopg")
        from psycopg import sql  # noqa: PLC0415

        if self.script:
            status = self.script.pop(0)
            return status, {"Retry-After": "3"} if status == 429 else {}, b"<html>busy</html>"
        if headers.get("Authorization") != f"Bearer {KEY}" or headers.get("apikey") != KEY:
            return 401, {}, b'{"code":"PGRST301","message":"no"}'
        parts = urlsplit(target)
        table = parts.path.removeprefix("/rest/v1/")
        query = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
        self.asked.append(query)
        try:
            select, where = statement(sql, table, query, self.max_rows)
            with psycopg.connect(self.database) as connection:
                rows = sql.SQL("SELECT coalesce(json_agg(page), '[]')::text, count(*) FROM ({}) AS page").format(select)
                text, count = connection.execute(rows).fetchone()
                total = "*"
                if headers.get("Prefer") == "count=exact":
                    total = str(
                        connection.execute(
                            sql.SQL("SELECT count(*) FROM {}{}").format(sql.Identifier(table), where)
                        ).fetchone()[0]
                    )
        except RefusedQueryError:
            return 400, {}, b'{"code":"PGRST100","message":"unexpected"}'
        except psycopg.errors.UndefinedTable:
            return 404, {}, b'{"code":"PGRST205","message":"no table"}'
        except psycopg.Error as error:
            return 400, {}, json.dumps({"code": error.sqlstate, "message": str(error)}).encode()
        ranged = f"0-{count - 1}/{total}" if count else f"*/{total}"
        status = 206 if total.isdigit() and int(total) > count else 200
        return status, {"Content-Range": ranged, "Content-Type": "application/json"}, b"" if method == "HEAD" else text.encode()


@contextmanager
def serving(database: str, max_rows: int = 1000) -> Iterator[Loopback]:
    """Serve the tables of a database on a free port while the block lasts."""
    loopback = Loopback(database, max_rows)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # http.server's name
            status, headers, body = loopback.answer(self.command, self.path, self.headers)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            if 300 <= status < 400:
                self.send_header("Location", "/rest/v1/elsewhere")
            self.end_headers()
            self.wfile.write(body)

        do_HEAD = do_GET  # noqa: N815

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listening.daemon_threads = True
    loopback.address = f"http://127.0.0.1:{listening.server_port}/rest/v1"
    threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield loopback
    finally:
        listening.shutdown()
        listening.server_close()

"""A loopback server of models: strict about what it is sent, scripted in what it answers.

    with serving(Gemini(), answer='{"word": "yes"}', script=["rate_limited", "ok"]) as server:
        ProviderOptions(base_url=server.base_url)

A dialect checks every request against its public reference and answers a malformed one with the provider's own error body,
so a request that a real provider would refuse fails the test. The script says what happens to each accepted request in turn;
its last entry is repeated. Without a script every request is answered.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal, Protocol, runtime_checkable

Scenario = Literal[
    "ok",
    "rate_limited",
    "quota",
    "server_error",
    "unavailable",
    "slow",
    "trickle",
    "hang_up",
    "garbage",
    "malformed",
    "wrong_shape",
    "empty",
    "refusal",
    "blocked",
    "truncated",
    "no_usage",
    "cached",
]
GOOD_KEY = "key-for-tests"
RETRY_AFTER_SECONDS = 7
CONTEXT_CHARACTERS = 40_000  # of one request: longer ones overflow the context of every model here
SLOW_SECONDS = 3.0
TRICKLE_SECONDS = 0.1


@dataclass(frozen=True)
class Response:
    """What goes back: a status, a body (bytes as they are, all else as JSON), further headers."""

    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)


class Refused(Exception):  # noqa: N818  # a control value: the answer to a request that is not in the protocol
    """A request that the provider would refuse."""

    def __init__(self, response: Response) -> None:
        super().__init__(str(response.body))
        self.response = response


class Asked(Protocol):
    """What a dialect read out of a request: all that a scripted answer depends on."""

    @property
    def model(self) -> str:
        """Return the model's name."""

    @property
    def prompt(self) -> str:
        """Return the last text of the user."""

    @property
    def characters(self) -> int:
        """Return how long all texts are together."""


@dataclass(frozen=True)
class Question:
    """`Asked`, as data."""

    model: str
    prompt: str
    characters: int


class Dialect(Protocol):
    """One provider's protocol."""

    name: str
    base_path: str
    models: tuple[str, ...]

    def read(self, path: str, headers: dict[str, str], body: Any) -> Question:
        """Read a request. Raises Refused, with the provider's own body, for one that is not in the protocol."""

    def failure(self, scenario: Scenario) -> Response:
        """Return the provider's body for a failure."""

    def answer(self, question: Question, text: str, scenario: Scenario) -> Response:
        """Return an answer of the provider that holds a text."""


@runtime_checkable
class WithBatches(Protocol):
    """A protocol that has a batch API, too."""

    def batch_response(self, method: str, path: str, headers: dict[str, str], data: bytes) -> Response | None:
        """Answer a request of the batch API, or return None for one that is none. Raises Refused."""


class Server:
    """What a test sees of a server: where it listens and what it was asked."""

    def __init__(self, dialect: Dialect, answer: str | Callable[[str], str], script: Sequence[Scenario]) -> None:
        self.dialect = dialect
        self.script = list(script) or ["ok"]
        self.questions: list[Question] = []
        self.refusals: list[Response] = []
        self.under_way = 0
        self.most_under_way = 0
        self.port = 0
        self.lock = threading.Lock()
        self._answer = answer

    @property
    def base_url(self) -> str:
        """Return what a client is told."""
        return f"http://127.0.0.1:{self.port}{self.dialect.base_path}"

    def respond(self, method: str, path: str, headers: dict[str, str], data: bytes) -> tuple[Response, Scenario]:
        """Return the answer to a request, and the scenario that it is part of."""
        try:
            if isinstance(self.dialect, WithBatches):
                with self.lock:
                    found = self.dialect.batch_response(method, path, headers | {"base": self.base_url}, data)
                if found is not None:
                    return found, "ok"
            body = json.loads(data)
            question = self.dialect.read(path, headers, body)
        except Refused as refused:
            with self.lock:
                self.refusals.append(refused.response)
            return refused.response, "ok"
        with self.lock:
            scenario = self.script[min(len(self.questions), len(self.script) - 1)]
            self.questions.append(question)
        if scenario in ("rate_limited", "quota", "server_error", "unavailable"):
            return self.dialect.failure(scenario), scenario
        text = self._answer if isinstance(self._answer, str) else self._answer(question.prompt)
        text = {"malformed": '{"word": "ye', "wrong_shape": '{"word": 7}', "empty": ""}.get(scenario, text)
        return self.dialect.answer(question, text[: len(text) // 2] if scenario == "truncated" else text, scenario), scenario


@contextmanager
def serving(
    dialect: Dialect, answer: str | Callable[[str], str] = '{"word": "yes"}', script: Sequence[Scenario] = ()
) -> Iterator[Server]:
    """Serve on a free loopback port while the block lasts. `answer` is the model's text, or a function of the prompt."""
    server = Server(dialect, answer, script)
    listening = ThreadingHTTPServer(("127.0.0.1", 0), _handler(server))
    listening.daemon_threads = True
    server.port = listening.server_port
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        listening.shutdown()
        listening.server_close()


def _handler(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:  # http.server's name
            with server.lock:
                server.under_way += 1
                server.most_under_way = max(server.most_under_way, server.under_way)
            try:
                self._answer()
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True  # whoever asked did not wait
            finally:
                with server.lock:
                    server.under_way -= 1

        do_GET = do_DELETE = do_POST  # noqa: N815

        def _answer(self) -> None:
            data = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {key.lower(): value for key, value in self.headers.items()}
            response, scenario = server.respond(self.command, self.path, headers, data)
            if scenario == "hang_up":
                self.close_connection = True
                return
            if scenario == "slow":
                time.sleep(SLOW_SECONDS)
            sent = response.body if isinstance(response.body, bytes) else json.dumps(response.body).encode()
            sent = b"<html>502 Bad Gateway</html>" if scenario == "garbage" else sent
            self.send_response(response.status)
            self.send_header("content-type", "text/html" if scenario == "garbage" else "application/json")
            self.send_header("content-length", str(len(sent)))
            for key, value in response.headers.items():
                self.send_header(key, value)
            self.end_headers()
            if scenario != "trickle":
                self.wfile.write(sent)
                return
            for byte in sent:  # always alive, never done: only a limit on the whole call ends this
                self.wfile.write(bytes([byte]))
                self.wfile.flush()
                time.sleep(TRICKLE_SECONDS)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # http.server's name
            """Say nothing."""

    return Handler


def refuse_unknown_keys(body: dict[str, Any], allowed: frozenset[str], refused: Callable[[str], Refused]) -> None:
    """Raise where a request holds what its reference does not."""
    unknown = sorted(set(body) - allowed)
    if unknown:
        raise refused(f"Unknown name {unknown[0]!r}: Cannot find field.")


def is_closed_object(schema: Any) -> bool:
    """Say whether every object of a schema lists all its fields as required and allows no others, as strict modes demand."""
    if isinstance(schema, list):
        return all(is_closed_object(item) for item in schema)
    if not isinstance(schema, dict):
        return True
    if "$ref" in schema:
        return False
    if schema.get("type") == "object":
        properties = schema.get("properties", {})
        if schema.get("additionalProperties") is not False or set(schema.get("required", ())) != set(properties):
            return False
        return all(is_closed_object(child) for child in properties.values())
    return all(is_closed_object(child) for key, child in schema.items() if key in ("items", "anyOf", "prefixItems"))

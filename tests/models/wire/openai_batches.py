"""OpenAI's batches: a file of requests to the Responses API, a job, a file of results.

Shapes: https://platform.openai.com/docs/api-reference/batch (job, lines of input and output),
https://platform.openai.com/docs/api-reference/files (upload, content) and
https://platform.openai.com/docs/api-reference/responses/create (request with `text.format`, output items, `usage`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, Literal

from tests.models.wire.chat_completions import ChatCompletions, error_response, malformed
from tests.models.wire.server import GOOD_KEY, Question, Refused, Response, is_closed_object, refuse_unknown_keys

Outcome = Literal["ok", "error", "missing"]
_TOP = frozenset(
    {"model", "input", "instructions", "text", "max_output_tokens", "include", "reasoning", "temperature", "store"}
)
_PART = re.compile(rb'name="(purpose|file)".*?\r\n\r\n(.*?)\r\n--', re.DOTALL)


class OpenAIBatches(ChatCompletions):
    """OpenAI with jobs that run for so many looks; a request's outcome depends on its prompt."""

    def __init__(
        self,
        looks: int = 0,
        answer: Callable[[str], str] = lambda _: '{"word": "yes"}',
        outcome: Callable[[str], Outcome] = lambda _: "ok",
    ) -> None:
        self.looks = looks
        self.files: dict[str, bytes] = {}
        self.jobs: dict[str, str] = {}
        self._answer = answer
        self._outcome = outcome

    def batch_response(self, method: str, path: str, headers: dict[str, str], data: bytes) -> Response | None:
        """Answer uploads, jobs and downloads."""
        if not path.startswith(("/v1/files", "/v1/batches")):
            return None
        if headers.get("authorization") != f"Bearer {GOOD_KEY}":
            raise Refused(error_response(401, "Incorrect API key provided.", "invalid_request_error", "invalid_api_key"))
        if path == "/v1/files":
            return self._upload(data)
        if path == "/v1/batches":
            return self._create(json.loads(data))
        _, _, kind, name, *_ = path.split("/")
        if name not in (self.files if kind == "files" else self.jobs):
            raise Refused(error_response(404, f"No such object: {name}", "invalid_request_error"))
        if kind == "files":
            return Response(200, {"id": name, "deleted": True} if method == "DELETE" else self.files[name])
        self.looks -= 1
        return Response(200, self._job(name, "completed" if self.looks < 0 else "in_progress"))

    def _upload(self, data: bytes) -> Response:
        parts = dict(_PART.findall(data))
        if parts.get(b"purpose") != b"batch":
            raise malformed("'purpose' is a required property")
        name = f"file-in{len(self.files)}"
        self.files[name] = parts[b"file"]
        body = {
            "id": name,
            "object": "file",
            "bytes": len(data),
            "created_at": 1,
            "filename": "batch.jsonl",
            "purpose": "batch",
        }
        return Response(200, body | {"status": "processed"})

    def _create(self, body: dict[str, Any]) -> Response:
        if body.get("endpoint") != "/v1/responses" or body.get("completion_window") != "24h":
            raise malformed("endpoint and completion_window are required")
        lines = [json.loads(line) for line in self.files[body["input_file_id"]].splitlines()]
        name = f"batch_{len(self.jobs)}"
        self.jobs[name] = body["input_file_id"]
        self.files[f"file-out-{name}"] = b"\n".join(filter(None, map(self._result, lines)))
        return Response(200, self._job(name, "validating"))

    def _result(self, line: dict[str, Any]) -> bytes:
        if set(line) != {"custom_id", "method", "url", "body"} or (line["method"], line["url"]) != ("POST", "/v1/responses"):
            raise malformed("a line needs custom_id, method POST, url /v1/responses and body")
        question = self._read_line(line["body"])
        outcome = self._outcome(question.prompt)
        if outcome == "missing":
            return b""
        error = error_response(500, "The server had an error.", "server_error").body
        status, body = (200, self._response(question)) if outcome == "ok" else (500, error)
        response = {"status_code": status, "request_id": "r1", "body": body}
        return json.dumps({"id": "l1", "custom_id": line["custom_id"], "response": response, "error": None}).encode()

    def _read_line(self, body: dict[str, Any]) -> Question:
        refuse_unknown_keys(body, _TOP, malformed)
        shape = body["text"]["format"]
        if shape["type"] != "json_schema" or (shape.get("strict") and not is_closed_object(shape["schema"])):
            raise malformed("text.format: all fields must be required, no others allowed")
        if body.get("store") is not False:
            raise malformed("these tests ask that nothing is kept at the provider")
        texts = [str(item["content"]) for item in body["input"]]
        if body["input"][-1]["role"] != "user" or body["model"] not in self.models:
            raise malformed("input or model")
        return Question(body["model"], texts[-1], sum(map(len, texts)))

    def _response(self, question: Question) -> dict[str, Any]:
        content = {"type": "output_text", "text": self._answer(question.prompt), "annotations": []}
        message = {"type": "message", "id": "m1", "role": "assistant", "status": "completed", "content": [content]}
        details = {"input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}}
        return {
            "id": "resp_1",
            "object": "response",
            "created_at": 1_790_000_000,
            "status": "completed",
            "model": question.model,
            "output": [message],
            "parallel_tool_calls": True,
            "tool_choice": "auto",
            "tools": [],
            "usage": {"input_tokens": 100, "output_tokens": 20, "total_tokens": 120} | details,
        }

    def _job(self, name: str, status: str) -> dict[str, Any]:
        job: dict[str, Any] = {
            "id": name,
            "object": "batch",
            "endpoint": "/v1/responses",
            "input_file_id": self.jobs[name],
            "completion_window": "24h",
            "status": status,
            "created_at": 1_790_000_000,
        }
        return job | ({"output_file_id": f"file-out-{name}"} if status == "completed" else {})

"""Google's Gemini API with its batch mode: a file of requests, a job, a file of results.

Shapes: https://ai.google.dev/gemini-api/docs/batch-api (JSONL of `key` and `request`, results of `key` and `response` or
`error`), https://ai.google.dev/api/batch-api (`batchGenerateContent`, states) and https://ai.google.dev/api/files (resumable
upload, download).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, Literal

from tests.models.wire.gemini import Gemini, error_response
from tests.models.wire.server import GOOD_KEY, Refused, Response

State = Literal["PENDING", "RUNNING", "SUCCEEDED", "FAILED", "EXPIRED"]
Outcome = Literal["ok", "error", "missing"]
_STAMP = "2026-11-24T12:00:00Z"


class GeminiBatches(Gemini):
    """Gemini with jobs that pass through given states, one at each look; a request's outcome depends on its prompt."""

    def __init__(
        self,
        states: Sequence[State] = ("SUCCEEDED",),
        answer: Callable[[str], str] = lambda _: '{"word": "yes"}',
        outcome: Callable[[str], Outcome] = lambda _: "ok",
    ) -> None:
        self.states = list(states)
        self.files: dict[str, bytes] = {}
        self.jobs: dict[str, str] = {}
        self.looks = 0
        self._answer = answer
        self._outcome = outcome

    def batch_response(self, method: str, path: str, headers: dict[str, str], data: bytes) -> Response | None:
        """Answer uploads, jobs and downloads."""
        if path.startswith("/upload/v1beta/files"):
            return self._upload(path, headers, data)
        if path.endswith(":batchGenerateContent"):
            self._check_key(headers)
            return self._create(path, json.loads(data))
        if path.startswith("/v1beta/batches/"):
            self._check_key(headers)
            return self._job(path.removeprefix("/v1beta/"))
        if path.startswith("/v1beta/files/"):
            self._check_key(headers)
            name = path.removeprefix("/v1beta/").partition(":")[0]
            if name not in self.files:
                raise Refused(error_response(404, "NOT_FOUND", "Requested entity was not found."))
            return Response(200, {}) if method == "DELETE" else Response(200, self.files[name])
        return None

    @staticmethod
    def _check_key(headers: dict[str, str]) -> None:
        if headers.get("x-goog-api-key") != GOOD_KEY:
            raise Refused(error_response(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key."))

    def _upload(self, path: str, headers: dict[str, str], data: bytes) -> Response:
        if headers.get("x-goog-upload-command") == "start":
            self._check_key(headers)
            address = f"{headers['base']}/upload/v1beta/files?upload_id=1"
            return Response(200, {}, {"x-goog-upload-url": address, "x-goog-upload-status": "active"})
        if headers.get("x-goog-upload-command") != "upload, finalize" or "upload_id" not in path:
            raise Refused(error_response(400, "INVALID_ARGUMENT", "Unknown upload command."))
        name = f"files/in{len(self.files)}"
        self.files[name] = data
        return Response(200, {"file": {"name": name, "state": "ACTIVE"}}, {"x-goog-upload-status": "final"})

    def _create(self, path: str, body: dict[str, Any]) -> Response:
        model = path.removeprefix("/v1beta/models/").partition(":")[0]
        source = body["batch"]["inputConfig"]["fileName"]
        lines = [json.loads(line) for line in self.files[source].splitlines()]
        for line in lines:
            if set(line) != {"key", "request"}:
                raise Refused(error_response(400, "INVALID_ARGUMENT", "Each line needs key and request."))
            headers = {"x-goog-api-key": GOOD_KEY}
            self.read(f"/v1beta/models/{model}:generateContent", headers, line["request"])
        name = f"batches/b{len(self.jobs)}"
        self.jobs[name] = model
        self.files[f"files/out-{name[8:]}"] = b"\n".join(filter(None, (self._result(model, line) for line in lines)))
        return Response(200, self._operation(name, "PENDING"))

    def _result(self, model: str, line: dict[str, Any]) -> bytes:
        question = self.read(f"/v1beta/models/{model}:generateContent", {"x-goog-api-key": GOOD_KEY}, line["request"])
        outcome = self._outcome(question.prompt)
        if outcome == "missing":
            return b""
        if outcome == "error":
            return json.dumps({"key": line["key"], "error": {"code": 13, "message": "Internal error."}}).encode()
        response = self.answer(question, self._answer(question.prompt), "ok").body
        return json.dumps({"key": line["key"], "response": response}).encode()

    def _job(self, name: str) -> Response:
        if name not in self.jobs:
            raise Refused(error_response(404, "NOT_FOUND", "Requested entity was not found."))
        state = self.states[min(self.looks // 2, len(self.states) - 1)]  # the library looks twice: status, then results
        self.looks += 1 if state == "SUCCEEDED" else 2
        return Response(200, self._operation(name, state))

    def _operation(self, name: str, state: State) -> dict[str, Any]:
        metadata: dict[str, Any] = {
            "@type": "type.googleapis.com/google.ai.generativelanguage.v1main.GenerateContentBatch",
            "model": f"models/{self.jobs[name]}",
            "state": f"BATCH_STATE_{state}",
            "createTime": _STAMP,
            "name": name,
        }
        operation: dict[str, Any] = {"name": name, "metadata": metadata}
        if state == "SUCCEEDED":
            output = {"responsesFile": f"files/out-{name[8:]}"}
            metadata["output"] = output
            operation |= {"done": True, "response": output}
        elif state in ("FAILED", "EXPIRED"):
            operation |= {"done": True, "error": {"code": 13, "message": "The job failed."}}
        return operation

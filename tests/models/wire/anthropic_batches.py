"""Anthropic's messages with their batches: a list of requests, a job, a file of results.

Shapes: https://docs.anthropic.com/en/api/creating-message-batches,
https://docs.anthropic.com/en/api/retrieving-message-batches and
https://docs.anthropic.com/en/api/retrieving-message-batch-results (JSONL of `custom_id` and `result`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, Literal

from tests.models.wire.anthropic_messages import AnthropicMessages, malformed
from tests.models.wire.server import Response

Outcome = Literal["ok", "error", "missing"]
_STAMP = "2026-11-24T12:00:00Z"
_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")


class AnthropicBatches(AnthropicMessages):
    """Anthropic with jobs that run for so many looks; a request's outcome depends on its prompt."""

    def __init__(
        self,
        looks: int = 0,
        answer: Callable[[str], str] = lambda _: '{"word": "yes"}',
        outcome: Callable[[str], Outcome] = lambda _: "ok",
    ) -> None:
        self.looks = looks
        self.results: dict[str, bytes] = {}
        self._answer = answer
        self._outcome = outcome

    def batch_response(self, method: str, path: str, headers: dict[str, str], data: bytes) -> Response | None:
        """Answer jobs and their results."""
        place = path.partition("?")[0]
        if not place.startswith("/v1/messages/batches"):
            return None
        if method == "POST":
            return self._create(headers, json.loads(data))
        name = place.split("/")[4]
        if name not in self.results:
            raise malformed("batch not found")
        if place.endswith("/results"):
            return Response(200, self.results[name], {"content-type": "application/x-jsonl"})
        self.looks -= 1
        return Response(200, self._batch(name, headers["base"], is_done=self.looks < 0))

    def _create(self, headers: dict[str, str], body: dict[str, Any]) -> Response:
        lines = []
        for request in body["requests"]:
            if set(request) != {"custom_id", "params"} or not _ID.fullmatch(request["custom_id"]):
                raise malformed("requests: each needs a custom_id of 1 to 64 characters and params")
            question = self.read("/v1/messages", headers, request["params"])
            outcome = self._outcome(question.prompt)
            if outcome == "missing":
                continue
            error = {"type": "error", "error": {"type": "api_error", "message": "Internal server error"}}
            result = {"type": "succeeded", "message": self.answer(question, self._answer(question.prompt), "ok").body}
            result = result if outcome == "ok" else {"type": "errored", "error": error}
            lines.append(json.dumps({"custom_id": request["custom_id"], "result": result}).encode())
        name = f"msgbatch_{len(self.results)}"
        self.results[name] = b"\n".join(lines)
        return Response(200, self._batch(name, headers["base"], is_done=False))

    @staticmethod
    def _batch(name: str, base: str, *, is_done: bool) -> dict[str, Any]:
        return {
            "id": name,
            "type": "message_batch",
            "processing_status": "ended" if is_done else "in_progress",
            "request_counts": {"processing": 0, "succeeded": 0, "errored": 0, "canceled": 0, "expired": 0},
            "ended_at": _STAMP if is_done else None,
            "created_at": _STAMP,
            "expires_at": "2026-11-25T12:00:00Z",
            "archived_at": None,
            "cancel_initiated_at": None,
            "results_url": f"{base}/v1/messages/batches/{name}/results" if is_done else None,
        }

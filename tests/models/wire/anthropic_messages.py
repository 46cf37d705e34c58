"""Anthropic's messages.

Shapes: https://docs.anthropic.com/en/api/messages (request, content blocks, `stop_reason`, `usage`);
schema in the request: https://docs.claude.com/en/docs/build-with-claude/structured-outputs (`output_config.format`);
errors: https://docs.anthropic.com/en/api/errors (`type`, `error.type`, `request_id`; 529 is `overloaded_error`).
"""

from __future__ import annotations

from typing import Any

from tests.models.wire.server import (
    CONTEXT_CHARACTERS,
    GOOD_KEY,
    RETRY_AFTER_SECONDS,
    Question,
    Refused,
    Response,
    Scenario,
    is_closed_object,
    refuse_unknown_keys,
)

_TOP = frozenset(
    {
        "model",
        "messages",
        "max_tokens",
        "system",
        "stream",
        "temperature",
        "output_config",
        "top_p",
        "top_k",
        "stop_sequences",
        "metadata",
        "thinking",
    }
)


def _error(status: int, kind: str, message: str, headers: dict[str, str] | None = None) -> Response:
    body = {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"}
    return Response(status, body, headers or {})


def malformed(message: str) -> Refused:
    """Return the refusal of a request that is not in the protocol."""
    return Refused(_error(400, "invalid_request_error", message))


class AnthropicMessages:
    """The dialect of `api.anthropic.com`."""

    name = "anthropic"
    base_path = ""
    models: tuple[str, ...] = ("claude-haiku-4-5", "claude-3-5-haiku-latest")

    def read(self, path: str, headers: dict[str, str], body: Any) -> Question:
        """Read a request, or refuse it as Anthropic does."""
        if path.partition("?")[0] != "/v1/messages":
            raise Refused(_error(404, "not_found_error", "Not found"))
        if "anthropic-version" not in headers:
            raise malformed("anthropic-version: header is required")
        if GOOD_KEY not in (headers.get("x-api-key"), headers.get("authorization", "").removeprefix("Bearer ")):
            raise Refused(_error(401, "authentication_error", "invalid x-api-key"))
        refuse_unknown_keys(body, _TOP, malformed)
        if body.get("model") not in self.models:
            raise Refused(_error(404, "not_found_error", f"model: {body.get('model')}"))
        if not isinstance(body.get("max_tokens"), int) or body["max_tokens"] < 1:
            raise malformed("max_tokens: Field required")
        output = body.get("output_config")
        if output is not None:
            if body["model"] == "claude-3-5-haiku-latest":
                raise malformed("output_config.format: this model does not support structured outputs.")
            if output["format"]["type"] != "json_schema" or not is_closed_object(output["format"]["schema"]):
                raise malformed("output_config.format.schema: all fields must be required, no others allowed.")
        texts = self._texts(body.get("messages"))
        characters = sum(len(text) for _, text in texts) + len(str(body.get("system", "")))
        if characters > CONTEXT_CHARACTERS:
            raise malformed(f"prompt is too long: {characters} tokens > {CONTEXT_CHARACTERS} maximum")
        return Question(body["model"], texts[-1][1], characters)

    @staticmethod
    def _texts(messages: Any) -> list[tuple[str, str]]:
        if not isinstance(messages, list) or not messages:
            raise malformed("messages: Field required")
        texts = []
        for number, message in enumerate(messages):
            if message.get("role") not in ("user", "assistant"):
                raise malformed(f"messages.{number}.role: Input should be 'user' or 'assistant'")
            blocks = message["content"] if isinstance(message["content"], list) else [{"text": message["content"]}]
            text = "".join(block["text"] for block in blocks)
            if not text.strip():
                raise malformed(f"messages.{number}: text content blocks must be non-empty")
            texts.append((message["role"], text))
        if texts[0][0] != "user":
            raise malformed("messages: first message must use the 'user' role")
        return texts

    def failure(self, scenario: Scenario) -> Response:
        """Return a failure in Anthropic's error object."""
        if scenario == "rate_limited":
            headers = {"retry-after": str(RETRY_AFTER_SECONDS)}
            return _error(429, "rate_limit_error", "This request would exceed your organization's rate limit.", headers)
        if scenario == "quota":
            return _error(402, "billing_error", "There is a problem with your billing.")
        if scenario == "unavailable":
            return _error(529, "overloaded_error", "Overloaded")
        return _error(500, "api_error", "Internal server error")

    def answer(self, question: Question, text: str, scenario: Scenario) -> Response:
        """Return a message object."""
        stop = {"truncated": "max_tokens", "refusal": "refusal", "blocked": "refusal"}.get(scenario, "end_turn")
        body: dict[str, Any] = {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": question.model,
            "content": [] if scenario in ("refusal", "blocked") or not text else [{"type": "text", "text": text}],
            "stop_reason": stop,
            "stop_sequence": None,
        }
        if scenario == "cached":
            body["usage"] = {"input_tokens": 60, "cache_read_input_tokens": 40, "output_tokens": 50}
        elif scenario != "no_usage":
            body["usage"] = {"input_tokens": 100, "output_tokens": 20}
        return Response(200, body)

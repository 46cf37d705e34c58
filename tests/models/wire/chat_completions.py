"""OpenAI's chat completions, which llama.cpp, vLLM, Ollama and most gateways speak, too.

Shapes: https://platform.openai.com/docs/api-reference/chat/create (request, `response_format`, `refusal`, `usage`);
schema rules: https://platform.openai.com/docs/guides/structured-outputs (strict mode: all fields required, no others);
errors: https://platform.openai.com/docs/guides/error-codes (`message`, `type`, `param`, `code`).
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
        "stream",
        "max_completion_tokens",
        "max_tokens",
        "response_format",
        "temperature",
        "seed",
        "reasoning_effort",
        "n",
        "top_p",
        "user",
    }
)
_REASONING = ("gpt-5-mini",)  # these refuse max_tokens and a temperature


def _error(status: int, message: str, kind: str, code: str | None = None, headers: dict[str, str] | None = None) -> Response:
    return Response(status, {"error": {"message": message, "type": kind, "param": None, "code": code}}, headers or {})


def _malformed(message: str) -> Refused:
    return Refused(_error(400, message, "invalid_request_error", "invalid_value"))


class ChatCompletions:
    """The dialect of `api.openai.com/v1`."""

    name = "openai"
    base_path = "/v1"
    models: tuple[str, ...] = ("gpt-5-mini", "gpt-4o-mini", "qwen")

    def read(self, path: str, headers: dict[str, str], body: Any) -> Question:
        """Read a request, or refuse it as OpenAI does."""
        if path != "/v1/chat/completions":
            raise Refused(_error(404, f"Invalid URL (POST {path})", "invalid_request_error"))
        if headers.get("authorization") != f"Bearer {GOOD_KEY}":
            message = (
                "Incorrect API key provided: k***. You can find your API key at https://platform.openai.com/account/api-keys."
            )
            raise Refused(_error(401, message, "invalid_request_error", "invalid_api_key"))
        refuse_unknown_keys(body, _TOP, _malformed)
        if body.get("model") not in self.models:
            message = f"The model `{body.get('model')}` does not exist or you do not have access to it."
            raise Refused(_error(404, message, "invalid_request_error", "model_not_found"))
        if body["model"] in _REASONING and ("max_tokens" in body or "temperature" in body):
            raise Refused(_error(400, "Unsupported parameter.", "invalid_request_error", "unsupported_parameter"))
        self._check_format(body.get("response_format"))
        texts = self._texts(body.get("messages"))
        characters = sum(len(text) for _, text in texts)
        if characters > CONTEXT_CHARACTERS:
            message = f"This model's maximum context length is {CONTEXT_CHARACTERS} tokens. Your messages have {characters}."
            raise Refused(_error(400, message, "invalid_request_error", "context_length_exceeded"))
        return Question(body["model"], texts[-1][1], characters)

    @staticmethod
    def _check_format(given: Any) -> None:
        if not isinstance(given, dict) or given.get("type") != "json_schema":
            raise _malformed("These tests ask for a schema in every request.")
        inner = given.get("json_schema", {})
        if not inner.get("name") or inner.get("schema", {}).get("type") != "object":
            raise _malformed("Invalid schema for response_format: schema must be a JSON Schema of type object.")
        if inner.get("strict") and not is_closed_object(inner["schema"]):
            raise _malformed("Invalid schema for response_format: all fields must be required, no others allowed.")

    @staticmethod
    def _texts(messages: Any) -> list[tuple[str, str]]:
        if not isinstance(messages, list) or not messages:
            raise _malformed("Invalid type for 'messages': expected a non-empty array.")
        for number, message in enumerate(messages):
            if message.get("role") not in ("system", "developer", "user", "assistant"):
                raise _malformed(f"Invalid value for messages[{number}].role.")
            if not isinstance(message.get("content"), str):
                raise _malformed(f"Invalid type for messages[{number}].content.")
        return [(message["role"], message["content"]) for message in messages]

    def failure(self, scenario: Scenario) -> Response:
        """Return a failure in OpenAI's error object."""
        if scenario == "rate_limited":
            headers = {"retry-after": str(RETRY_AFTER_SECONDS)}
            return _error(429, "Rate limit reached for requests.", "requests", "rate_limit_exceeded", headers)
        if scenario == "quota":
            message = "You exceeded your current quota, please check your plan and billing details."
            return _error(429, message, "insufficient_quota", "insufficient_quota")
        if scenario == "unavailable":
            return _error(503, "The engine is currently overloaded, please try again later.", "server_error")
        return _error(500, "The server had an error while processing your request.", "server_error")

    def answer(self, question: Question, text: str, scenario: Scenario) -> Response:
        """Return a chat completion object."""
        message: dict[str, Any] = {"role": "assistant", "content": text, "refusal": None}
        if scenario == "refusal":
            message.update(content=None, refusal="I'm sorry, I can't help with that.")
        finish = {"truncated": "length", "blocked": "content_filter"}.get(scenario, "stop")
        body: dict[str, Any] = {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1_790_000_000,
            "model": question.model,
            "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": finish}],
        }
        if scenario == "cached":
            details = {"prompt_tokens_details": {"cached_tokens": 40}, "completion_tokens_details": {"reasoning_tokens": 30}}
            body["usage"] = {"prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150} | details
        elif scenario != "no_usage":
            body["usage"] = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
        return Response(200, body)

"""Google's Gemini API, `models.generateContent`.

Shapes: https://ai.google.dev/api/generate-content (request, candidates, finishReason, promptFeedback, usageMetadata);
errors: https://ai.google.dev/gemini-api/docs/troubleshooting and https://cloud.google.com/apis/design/errors
(`google.rpc.Status` with `RetryInfo` and `ErrorInfo` details); schema in the request: https://ai.google.dev/gemini-api/docs/structured-output.
"""

from __future__ import annotations

import re
from typing import Any

from tests.models.wire.server import (
    CONTEXT_CHARACTERS,
    GOOD_KEY,
    RETRY_AFTER_SECONDS,
    Question,
    Refused,
    Response,
    Scenario,
    refuse_unknown_keys,
)

_PATH = re.compile(r"/v1beta/models/([^:/]+):generateContent")
_TOP = frozenset(
    {"contents", "systemInstruction", "generationConfig", "safetySettings", "tools", "toolConfig", "cachedContent"}
)
_CONFIG = frozenset(
    {
        "temperature",
        "topP",
        "topK",
        "candidateCount",
        "maxOutputTokens",
        "stopSequences",
        "seed",
        "responseMimeType",
        "responseSchema",
        "responseJsonSchema",
        "responseModalities",
        "thinkingConfig",
    }
)
_TYPE = "type.googleapis.com/google.rpc."


def error_response(status: int, name: str, message: str, details: tuple[dict[str, Any], ...] = ()) -> Response:
    """Return a `google.rpc.Status`."""
    body: dict[str, Any] = {"code": status, "message": message, "status": name}
    if details:
        body["details"] = list(details)
    return Response(status, {"error": body})


def _malformed(message: str) -> Refused:
    return Refused(error_response(400, "INVALID_ARGUMENT", f"Invalid JSON payload received. {message}"))


class Gemini:
    """The dialect of `generativelanguage.googleapis.com`."""

    name = "google"
    base_path = ""
    models: tuple[str, ...] = ("gemini-3.5-flash-lite", "gemini-3.5-flash")

    def read(self, path: str, headers: dict[str, str], body: Any) -> Question:
        """Read a request, or refuse it as Google does."""
        found = _PATH.fullmatch(path)
        if found is None:
            raise Refused(error_response(404, "NOT_FOUND", "Requested entity was not found."))
        if headers.get("x-goog-api-key") != GOOD_KEY:
            reason = {"@type": f"{_TYPE}ErrorInfo", "reason": "API_KEY_INVALID", "domain": "googleapis.com"}
            message = "API key not valid. Please pass a valid API key."
            raise Refused(error_response(400, "INVALID_ARGUMENT", message, (reason,)))
        if found.group(1) not in self.models:
            message = f"models/{found.group(1)} is not found for API version v1beta, or is not supported for generateContent."
            raise Refused(error_response(404, "NOT_FOUND", message))
        refuse_unknown_keys(body, _TOP, _malformed)
        config = body.get("generationConfig", {})
        refuse_unknown_keys(config, _CONFIG, _malformed)
        if "responseJsonSchema" in config and config.get("responseMimeType") != "application/json":
            raise _malformed("responseJsonSchema requires responseMimeType application/json.")
        texts = self._texts(body)
        characters = sum(len(text) for _, text in texts) + len(str(body.get("systemInstruction", "")))
        if characters > CONTEXT_CHARACTERS:
            message = (
                f"The input token count ({characters}) exceeds the maximum number of tokens allowed ({CONTEXT_CHARACTERS})."
            )
            raise Refused(error_response(400, "INVALID_ARGUMENT", message))
        return Question(found.group(1), texts[-1][1], characters)

    @staticmethod
    def _texts(body: dict[str, Any]) -> list[tuple[str, str]]:
        contents = body.get("contents")
        if not isinstance(contents, list) or not contents:
            raise _malformed("contents is not specified.")
        texts = []
        for number, content in enumerate(contents):
            if content.get("role") not in ("user", "model") or not content.get("parts"):
                raise _malformed(f"contents[{number}] needs a role (user, model) and parts.")
            texts.append((content["role"], "".join(part["text"] for part in content["parts"])))
        if texts[-1][0] != "user":
            raise _malformed("Please ensure that the last turn is of role user.")
        return texts

    def failure(self, scenario: Scenario) -> Response:
        """Return a failure in `google.rpc.Status`."""
        if scenario == "rate_limited":
            wait = {"@type": f"{_TYPE}RetryInfo", "retryDelay": f"{RETRY_AFTER_SECONDS}s"}
            return error_response(429, "RESOURCE_EXHAUSTED", "Resource has been exhausted (e.g. check quota).", (wait,))
        if scenario == "quota":
            violation = {"quotaMetric": "generativelanguage.googleapis.com/generate_content_free_tier_requests"}
            violation["quotaId"] = "GenerateRequestsPerDayPerProjectPerModel-FreeTier"
            failure = {"@type": f"{_TYPE}QuotaFailure", "violations": [violation]}
            return error_response(429, "RESOURCE_EXHAUSTED", "You exceeded your current quota.", (failure,))
        if scenario == "unavailable":
            return error_response(503, "UNAVAILABLE", "The model is overloaded. Please try again later.")
        return error_response(500, "INTERNAL", "An internal error has occurred. Please retry.")

    def answer(self, question: Question, text: str, scenario: Scenario) -> Response:
        """Return a GenerateContentResponse."""
        usage = {"promptTokenCount": 100, "candidatesTokenCount": 20, "totalTokenCount": 120}
        if scenario == "cached":
            usage |= {"cachedContentTokenCount": 40, "thoughtsTokenCount": 30, "totalTokenCount": 150}
        finish = {"refusal": "SAFETY", "truncated": "MAX_TOKENS"}.get(scenario, "STOP")
        candidate: dict[str, Any] = {"finishReason": finish, "index": 0}
        if scenario != "refusal":
            candidate["content"] = {"parts": [{"text": text}], "role": "model"}
        body: dict[str, Any] = {"candidates": [candidate], "modelVersion": question.model, "responseId": "r-1"}
        if scenario == "blocked":
            del body["candidates"]
            body["promptFeedback"] = {"blockReason": "PROHIBITED_CONTENT"}
        if scenario != "no_usage":
            body["usageMetadata"] = usage
        return Response(200, body)

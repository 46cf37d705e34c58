"""The names that logs give to the columns a turn is made of, best first, compared without case and punctuation.

The first name of a role is its own; names after `WEAK` are words that may well mean something else.
"""

from __future__ import annotations

import re
from typing import Literal

Role = Literal[
    "session_id",
    "tool",
    "id",
    "created_at",
    "agent",
    "arguments",
    "response",
    "cost",
    "duration",
    "success",
    "call_id",
    "kind",
    "content",
]
WEAK = "|"
SYNONYMS: dict[Role, str] = {
    "session_id": """session_id session sessionuuid session_key conversation_id conversation thread_id trace_id trajectory_id
        episode_id chat_id dialog_id dialogue_id run_id run_uuid | thread trace run task_id group_id""",
    "tool": """tool tool_name toolname function_name function action_name tool_call_name api_name
        | action operation method command name event_name span_name""",
    "id": """id row_id uuid event_id entry_id log_id message_id step_id span_id record_id turn_id rowid
        | seq sequence step idx index number""",
    "created_at": """created_at timestamp ts event_time occurred_at logged_at started_at start_time called_at inserted_at
        created datetime date_time time_stamp timestamp_ms time_ms epoch epoch_ms unix_time | time date start at""",
    "agent": "agent agent_name agent_id actor bot bot_name assistant_name | model model_name service user_agent",
    "arguments": """arguments args tool_arguments tool_args tool_input input inputs params parameters kwargs request_parameters
        action_input function_arguments input_json arguments_json args_json | request payload data body query""",
    "response": """response result results tool_response tool_result tool_output output outputs observation return_value
        returned response_elements response_json output_json result_json | reply answer returns""",
    "cost": "cost_usd cost total_cost price_usd cost_dollars total_cost_usd | price usd spend",
    "duration": """duration_ms duration latency_ms latency elapsed_ms elapsed duration_s duration_seconds latency_s
        latency_seconds elapsed_s elapsed_seconds duration_us latency_us duration_ns execution_time execution_time_ms
        runtime_ms took_ms response_time_ms | took runtime""",
    "success": """success succeeded ok is_success successful is_error error failed has_error error_code error_message exception
        status status_code | state outcome""",
    "call_id": "call_id tool_call_id tool_use_id toolcallid invocation_id function_call_id",
    "kind": "kind role row_type event_type message_type step_type entry_type | type",
    "content": "content message text message_text | body utterance",
}
ERROR_COLUMNS = frozenset({"iserror", "error", "failed", "haserror", "errorcode", "errormessage", "exception"})
_MILLISECONDS = {"ns": 1e-6, "nanos": 1e-6, "us": 1e-3, "micros": 1e-3, "ms": 1.0, "millis": 1.0, "milliseconds": 1.0}
_MILLISECONDS |= {"s": 1000.0, "sec": 1000.0, "secs": 1000.0, "seconds": 1000.0, "second": 1000.0, "minutes": 60_000.0}
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def plain(name: str) -> str:
    """Return a column name without case and punctuation: `sessionId`, `session-id` and `Session ID` are one name."""
    return "".join(character for character in name.lower() if character.isalnum())


def _ranked(names: str) -> dict[str, float]:
    strong, _, weak = names.partition(WEAK)
    ranks = {plain(name): 0.95 - 0.005 * place for place, name in enumerate(strong.split())}
    ranks |= {plain(name): 0.6 - 0.02 * place for place, name in enumerate(weak.split())}
    ranks[plain(strong.split()[0])] = 1.0
    return ranks


RANKS: dict[Role, dict[str, float]] = {role: _ranked(names) for role, names in SYNONYMS.items()}
ROLES: tuple[Role, ...] = tuple(SYNONYMS)


def unit_in_milliseconds(column: str) -> float | None:
    """Return how many milliseconds the unit in a column's name has (`latency_s`: 1000), or None where it names none."""
    words = [word.lower() for word in _WORDS.findall(column)]
    return _MILLISECONDS.get(words[-1]) if words else None

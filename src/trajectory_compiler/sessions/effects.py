"""Does a tool change the world? A guess from its name; shown by `trajc inspect`, overridable tool by tool.

iam.PutRolePolicy, book_reservation, email_send, TodoWrite   effects
ec2.DescribeVpcs, get_update_status, Read, search_flights    not
Bash, run_query, execute                                     not by name: a shell may do anything or nothing
"""

from __future__ import annotations

import re
from collections.abc import Mapping

EFFECT_VERBS = frozenset(
    """
    accept activate add allocate append apply approve archive assign associate attach authorize ban buy cancel change close
    configure create deactivate decline delete deploy deregister detach disable disassociate dismiss drop edit enable escalate
    grant insert install invite launch lock merge modify notify pay pin provision publish purchase push put reassign reboot
    refund register reject release remove rename reopen replace reply reschedule reset restart restore resume revert revoke
    rotate save send set ship sign start stop submit subscribe suspend terminate transfer trash unassign unblock uninstall
    unlock unsubscribe untag update upgrade upload upsert void withdraw write
    """.split()
)
NOUNS_TOO = frozenset(
    "block book commit complete email exchange mark message move order patch place post return share tag".split()
)
READ_VERBS = frozenset(
    """
    analyze ask browse calculate check compare compute count describe detect diff download estimate evaluate explain fetch
    filter find get glob grep head inspect is list load lookup ls look parse peek plan preview print query read recall render
    retrieve review scan search select show sort summarize test think validate verify view watch web
    """.split()
)
_ABOUT = READ_VERBS | frozenset("status history details detail info id ids summary".split())
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_NAMESPACE = re.compile(r"^mcp__.+?__(?=.)")


def is_effect(tool: str, overrides: Mapping[str, bool] | None = None) -> bool:
    """Say whether a tool's name promises a change to the world. `overrides` decides the tools that it names."""
    if overrides is not None and tool in overrides:
        return overrides[tool]
    words = words_of(tool)
    for place, word in enumerate(words):
        rest = words[place + 1 :]
        if word in EFFECT_VERBS or (word in NOUNS_TOO and _ABOUT.isdisjoint(rest)):
            return True
        if word in READ_VERBS:  # `search_and_replace` changes, `get_update_status` does not
            return rest[:1] == ["and"] and not EFFECT_VERBS.isdisjoint(rest[1:2])
    return False


def words_of(tool: str) -> list[str]:
    """Split a tool's name into lower-case words: camel case, snake case and dots alike; MCP server names are left off."""
    return [word.lower() for word in _WORDS.findall(_NAMESPACE.sub("", tool))]

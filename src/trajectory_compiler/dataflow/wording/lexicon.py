"""Words: how names of tools and fields become English.

A verb has a base form, a past form and the preposition that joins its object to an argument. Anything unknown is quoted as
it stands in the log, which is plain if not pretty.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from trajectory_compiler.dataflow.fields import snake


class Verb(NamedTuple):
    """Base and past form, the preposition before arguments, and whether its object is new (`created a ticket`)."""

    base: str
    past: str
    preposition: str = "with"
    new: bool = False


def _regular(*verbs: str, preposition: str = "with", new: bool = False) -> dict[str, Verb]:
    return {verb: Verb(verb, _past(verb), preposition, new) for verb in verbs}


def _past(verb: str) -> str:
    if verb.endswith("e"):
        return verb + "d"
    if verb.endswith("y") and verb[-2] not in "aeiou":
        return verb[:-1] + "ied"
    return verb + "ed"


VERBS: dict[str, Verb] = {
    "get": Verb("look up", "looked up", "for"),
    "fetch": Verb("fetch", "fetched", "for"),
    "read": Verb("read", "read", "for"),
    "retrieve": Verb("retrieve", "retrieved", "for"),
    "load": Verb("load", "loaded", "for"),
    "lookup": Verb("look up", "looked up", "for"),
    "describe": Verb("describe", "described", "for"),
    "show": Verb("show", "showed", "for"),
    "list": Verb("list", "listed", "for"),
    "search": Verb("search for", "searched for", "with"),
    "find": Verb("look for", "looked for", "with"),
    "query": Verb("query", "queried", "for"),
    "check": Verb("check", "checked", "for"),
    "head": Verb("check", "checked", "for"),
    "count": Verb("count", "counted", "for"),
    "inspect": Verb("inspect", "inspected", "for"),
    "view": Verb("view", "viewed", "for"),
    "resolve": Verb("resolve", "resolved", "for"),
    "validate": Verb("validate", "validated", "for"),
    "verify": Verb("verify", "verified", "for"),
    "compare": Verb("compare", "compared", "for"),
    "scan": Verb("scan", "scanned", "for"),
    "probe": Verb("probe", "probed", "for"),
    "ping": Verb("ping", "pinged", "for"),
    "test": Verb("test", "tested", "for"),
    "monitor": Verb("monitor", "monitored", "for"),
    "put": Verb("put", "put", "for"),
    "cancel": Verb("cancel", "cancelled"),
    "set": Verb("set", "set"),
    "run": Verb("run", "ran", new=True),
    "send": Verb("send", "sent", new=True),
    "write": Verb("write", "wrote", new=True),
    "make": Verb("make", "made", new=True),
    "buy": Verb("buy", "bought", new=True),
    "pay": Verb("pay", "paid"),
    "begin": Verb("begin", "began"),
    "split": Verb("split", "split"),
    "cut": Verb("cut", "cut"),
    "stop": Verb("stop", "stopped"),
    "submit": Verb("submit", "submitted", new=True),
    "plan": Verb("plan", "planned"),
    "tag": Verb("tag", "tagged"),
    "ship": Verb("ship", "shipped"),
    "drop": Verb("drop", "dropped"),
    "commit": Verb("commit", "committed"),
    "transfer": Verb("transfer", "transferred"),
    "refer": Verb("refer", "referred"),
    "undo": Verb("undo", "undid"),
    "do": Verb("do", "did"),
    "give": Verb("give", "gave"),
    "take": Verb("take", "took"),
    "withdraw": Verb("withdraw", "withdrew"),
    "hold": Verb("hold", "held"),
    "bump": Verb("bump", "bumped"),
    "edit": Verb("edit", "edited"),
    **_regular(
        "create", "add", "book", "open", "register", "allocate", "start", "post", "schedule", "raise", "record", "issue",
        "order", "request", "log", "draft", "generate", "import", "upload", "invite", new=True,
    ),
    **_regular(
        "update", "delete", "modify", "change", "remove", "attach", "detach", "associate", "disassociate", "assume",
        "authorize", "revoke", "terminate", "release", "enable", "disable", "restart", "reboot", "rotate", "restore", "approve",
        "reject", "assign", "reassign", "close", "reopen", "resolve", "escalate", "merge", "move", "rename", "copy", "archive",
        "label", "mark", "complete", "refund", "charge", "apply", "install", "upgrade", "deploy", "publish", "replace", "reset",
        "confirm", "decline", "accept", "acknowledge", "mute", "silence", "notify", "forward", "reply", "export", "download",
        "invoke", "deregister", "configure", "provision", "port", "patch", "lock", "unlock", "process", "adjust", "correct",
        "calculate", "evaluate", "remind", "chase", "save", "sync", "execute", "call", "trigger", "flag", "snooze", "pin",
        "allot", "amend", "void", "reconcile", "review", "finish", "pause", "resume", "redeem", "exchange", "redirect",
    ),
}  # fmt: skip

SPECIAL: dict[str, tuple[Verb, str, str]] = {
    "Read": (Verb("read", "read"), "a file", "file_path"),
    "Edit": (Verb("edit", "edited"), "a file", "file_path"),
    "MultiEdit": (Verb("edit", "edited"), "a file", "file_path"),
    "Write": (Verb("write", "wrote"), "a file", "file_path"),
    "NotebookEdit": (Verb("edit", "edited"), "a notebook", "notebook_path"),
    "Bash": (Verb("run", "ran"), "a shell command", "command"),
    "Grep": (Verb("search the code for", "searched the code for"), "a pattern", "pattern"),
    "Glob": (Verb("look for files matching", "looked for files matching"), "a pattern", "pattern"),
    "LS": (Verb("list", "listed"), "a folder", "path"),
    "WebFetch": (Verb("fetch", "fetched"), "a web page", "url"),
    "WebSearch": (Verb("search the web for", "searched the web for"), "something", "query"),
    "Task": (Verb("start", "started"), "a sub-agent", "description"),
    "Agent": (Verb("start", "started"), "a sub-agent", "description"),
    "Skill": (Verb("use", "used"), "a skill", "skill"),
    "TaskCreate": (Verb("create", "created"), "a task", "subject"),
    "TaskUpdate": (Verb("update", "updated"), "a task", "taskId"),
    "TodoWrite": (Verb("write", "wrote"), "its to-do list", ""),
    "calculate": (Verb("do", "did"), "a calculation", "expression"),
}

JOINERS: dict[tuple[str, str], str] = {
    ("Bash", "description"): "described as",
    ("Grep", "path"): "in",
    ("Glob", "path"): "under",
    ("Grep", "glob"): "in files matching",
    ("Task", "description"): "described as",
}

FIELD_NOUNS: dict[str, str] = {
    "/response/file/numLines": "number of lines returned",
    "/response/file/totalLines": "length in lines of the whole file",
    "/response/numLines": "number of matching lines",
    "/response/numFiles": "number of matching files",
    "/response/totalToolUseCount": "number of tool calls of the sub-agent",
    "/response/totalTokens": "number of tokens of the sub-agent",
    "/response/stdout": "output",
    "/response/stderr": "error output",
    "/response/bytes": "size in bytes",
    "/arguments/questions/0/header": "header of the question",
}

DATES: dict[str, str] = {
    "opened": "opening date",
    "created": "creation date",
    "closed": "closing date",
    "updated": "date of the last update",
    "modified": "date of the last change",
    "started": "start date",
    "ended": "end date",
    "due": "due date",
    "published": "publication date",
    "expires": "expiry date",
    "latest": "latest version",
}

_CAPITALS = {
    word.lower(): word
    for word in """
    ID IDs URL URI API ARN VPC IP CIDR DNS SQL JSON CSV HTML HTTP TLS SSL SSH MFA AWS IAM EC2 S3 SSM RDS DB
    PDF VAT SIP NAT ACL AMI KMS SKU CVE CPU GB MB UK US EU SLA PO ISBN DOI OTP PIN SMS UUID OS UI
""".split()
}
_IRREGULAR = {
    "dob": "date of birth",
    "num": "number",
    "qty": "quantity",
    "amt": "amount",
    "addr": "address",
    "desc": "description",
    "onestop": "one-stop",
}
_SPOKEN = frozenset(("NAT", "SIP", "VAT", "PIN", "SKU", "MAC", "LAN", "RAM"))
_UNCOUNTABLE = frozenset(
    """
    details information status mail data metadata credentials credit feedback access code text content
    history stdout stderr permission settings attributes
""".split()
)


def words_of(name: str) -> list[str]:
    """Split a tool or field name into words: `ec2.DescribeRouteTables` gives describe, route, tables."""
    last = re.split(r"__|[.:/]", name)[-1]
    last = re.sub(r"(?<=[a-z])\d{6,}\w*$", "", last)
    return [word for word in snake(last).split("_") if word]


def readable(words: list[str]) -> str:
    """Join words as English: abbreviations in capitals, a few short forms spelled out."""
    return " ".join(_CAPITALS.get(word) or _IRREGULAR.get(word) or word for word in words)


def article(noun: str) -> str:
    """Put `a` or `an` before a singular countable noun, nothing before others."""
    last = noun.rsplit(" ", maxsplit=1)[-1].lower()
    if is_plural(noun) or last in _UNCOUNTABLE or last.endswith("ing"):
        return noun
    first = noun.split(" ", 1)[0]
    spelled = first.isupper() and first not in _SPOKEN
    vowel = first[0] in "AEFHILMNORSX" if spelled else first[0].lower() in "aeiou"
    vowel = vowel and not first.lower().startswith(("user", "uni", "use", "one", "eu", "url", "uri", "uu", "uk", "us "))
    return f"{'an' if vowel else 'a'} {noun}"


def is_plural(noun: str) -> bool:
    """Say whether a noun is a plural, by its ending."""
    last = noun.rsplit(" ", maxsplit=1)[-1].lower()
    return last.endswith("s") and not last.endswith(("ss", "us", "is", "address", "status"))


def was(noun: str) -> str:
    """Return the verb of a noun: "was the price", "were the free hours"."""
    return "were" if is_plural(noun.split(" of ", maxsplit=1)[0]) else "was"


def was_it(noun: str) -> str:
    """Return what speaks of a noun again: "was it", "were they"."""
    return "were they" if was(noun) == "were" else "was it"


def plural(noun: str) -> str:
    """Return the plural of a noun."""
    if noun == "person" or noun.endswith(" person"):
        return f"{noun.removesuffix('person')}people"
    if is_plural(noun) or noun.rsplit(" ", maxsplit=1)[-1].lower() in _UNCOUNTABLE:
        return noun
    if noun.endswith(("s", "x", "ch", "sh")):
        return noun + "es"
    if noun.endswith("y") and noun[-2:-1].lower() not in "aeiou":
        return noun[:-1] + "ies"
    return noun + "s"


def singular(word: str) -> str:
    """Return the singular of a plural, by its ending."""
    if word == "ids":
        return "id"
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes")):
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


ORDINALS = ("zeroth", "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")

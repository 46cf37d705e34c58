"""The Python API: a log in, proved pairs out, nothing kept.

    >>> from trajectory_compiler import CompileOptions, compile_log
    >>> pairs = list(compile_log("agent_log.jsonl", CompileOptions()))   # doctest: +SKIP
    >>> pairs[0].question, pairs[0].answer, pairs[0].supporting_turns    # doctest: +SKIP

`trajc compile` does the same and keeps what it made in a store.
"""

from __future__ import annotations

from collections.abc import Iterator

from trajectory_compiler.config import CompileOptions
from trajectory_compiler.errors import OptionError
from trajectory_compiler.model import Pair
from trajectory_compiler.pipeline.snapshot import take_snapshot
from trajectory_compiler.pipeline.work import Job, compile_all, worker_count
from trajectory_compiler.redaction import load_policy
from trajectory_compiler.sessions import open_sessions
from trajectory_compiler.sources import open_source


def compile_log(source: str, options: CompileOptions | None = None) -> Iterator[Pair]:
    """Yield the proved pairs of a log, session by session in the order of the log.

    `source` is what `trajc compile` takes: a file, a folder of Claude Code sessions, or a database URL. The log is read twice:
    once for the statistics, once to compile. Memory is bounded by the largest session, not by the log.
    Raises: InputError: the log cannot be used. OptionError: the policy asks for log-stable pseudonyms, which need the key of a
    store. Sessions that cannot be redacted are left out.
    """
    options = options or CompileOptions()
    policy = load_policy(options.policy, options.policy_reason)
    if policy.scope == "log":
        seen = "the policy's scope is 'log', which needs a store's key"
        raise OptionError("compile without a store", seen, "Use `trajc compile`, or scope 'session'.")
    sessions = open_sessions(open_source(source, options.source), options.sessions)
    snapshot = take_snapshot(sessions, lambda _: None)
    for outcome in compile_all(sessions, Job(snapshot, options, policy), worker_count(options.workers, snapshot.sessions)):
        yield from outcome.pairs

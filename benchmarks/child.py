"""One measurement in a process of its own: `python -m benchmarks.child JOB` prints what it cost as JSON.

Imports happen before the clock starts, the store is opened within it.
"""

from __future__ import annotations

import cProfile
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import msgspec
import orjson

from benchmarks.measure import Job, Measure
from benchmarks.renaming import copy_of
from trajectory_compiler.config import CompileOptions, DataflowOptions, SessionOptions, SourceOptions
from trajectory_compiler.pipeline import compile_into
from trajectory_compiler.sessions import open_sessions
from trajectory_compiler.sources import open_source
from trajectory_compiler.sources.undecoded import TextSource
from trajectory_compiler.store import Store

_PACKAGE = "trajectory_compiler"
_UNIT = 1 if sys.platform == "darwin" else 1024  # ru_maxrss: bytes on macOS, KiB elsewhere


def floor(job: Job) -> dict[str, int]:
    """Read the file and parse every line, nothing more."""
    rows = 0
    with Path(job.log.path).open("rb") as file:
        for line in file:
            orjson.loads(line)
            rows += 1
    return {"rows": rows}


def inspect(job: Job) -> dict[str, int]:
    """Read and map every row, group the rows into sessions."""
    rows = sessions = 0
    for raw in open_sessions(open_source(job.log.path, SourceOptions()), SessionOptions(min_turns=1)):
        rows += len(raw.rows)
        sessions += 1
    return {"rows": rows, "sessions": sessions}


def texts(job: Job) -> dict[str, int]:
    """Read a database's log and group it into sessions, nothing decoded."""
    return _texts(job, named=False)


def digests(job: Job) -> dict[str, int]:
    """Do the same and name each session by its text, which is what skipping an unchanged one takes."""
    return _texts(job, named=True)


def _texts(job: Job, *, named: bool) -> dict[str, int]:
    source = open_source(job.log.path, SourceOptions())
    if not isinstance(source, TextSource):
        raise TypeError("only a database hands over undecoded sessions")
    rows = sessions = 0
    for text in source.session_texts():
        rows += len(text.rows)
        sessions += bool(text.digest) if named else 1
    return {"rows": rows, "sessions": sessions}


def compile_log(job: Job) -> dict[str, int]:
    """Compile the log into a new store, proofs included."""
    with tempfile.TemporaryDirectory(dir=Path(job.log.path).parent) as folder:
        store = Store.open(Path(folder) / "store.db", create=True)
        chosen = DataflowOptions(max_pairs=job.max_pairs)
        options = CompileOptions(policy=job.policy, workers=job.workers, dataflow=chosen)
        summary = compile_into(store, job.log.path, options)
        counts = {"rows": summary.rows, "sessions": summary.sessions, "pairs": summary.proved}
        if job.per_copy:
            copies = Counter(copy_of(pair.session_id) for pair in store.facts())
            counts |= {"fewest": min(copies.values(), default=0), "most": max(copies.values(), default=0)}
        store.close()
    return counts


PASSES = {
    "take_snapshot": "statistics pass (reads the log once)",
    "redact_and_name": "redaction",
    "enumerate_candidates": "enumeration",
    "prove": "proofs",
    "save_sessions": "store",
}


def profile(job: Job) -> dict[str, int]:
    """Compile in one process under the profiler and return each pass's share in thousandths, by its one entry function."""
    profiler = cProfile.Profile()
    counts = profiler.runcall(compile_log, job)
    total = 0.0
    shares = dict.fromkeys(PASSES.values(), 0.0)
    for entry in profiler.getstats():
        code = entry.code
        if not isinstance(code, str):
            total += entry.inlinetime
            name = PASSES.get(code.co_name)
            if name and _PACKAGE in code.co_filename and not code.co_filename.endswith("pipeline/session.py"):
                shares[name] = max(shares[name], entry.totaltime)
        else:
            total += entry.inlinetime
    if not all(shares.values()):
        raise LookupError(f"passes whose entry functions were renamed: {[name for name in shares if not shares[name]]}")
    return {"pairs": counts["pairs"], **{name: round(1000 * share / total) for name, share in shares.items()}}


JOBS: dict[str, Callable[[Job], dict[str, int]]] = {
    "floor": floor,
    "inspect": inspect,
    "compile": compile_log,
    "profile": profile,
    "texts": texts,
    "digests": digests,
}


def main() -> None:
    """Run the job that the first argument describes and print its measure."""
    job = msgspec.json.decode(sys.argv[1], type=Job)
    wall, cpu = time.perf_counter(), _cpu_seconds()
    counts = JOBS[job.kind](job)
    measure = Measure(
        job=job,
        counts=counts,
        wall_seconds=time.perf_counter() - wall,
        cpu_seconds=_cpu_seconds() - cpu,
        peak_bytes=_peak_bytes(),
        worker_peak_bytes=resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * _UNIT,
    )
    sys.stdout.buffer.write(msgspec.json.encode(measure))


def _cpu_seconds() -> float:
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _peak_bytes() -> int:
    """Return the most memory that this process had.

    On Linux `ru_maxrss` starts from what the parent had when it started this process, so the kernel's own mark is read there.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        line = next((line for line in status.read_text().splitlines() if line.startswith("VmHWM:")), "")
        if line:
            return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _UNIT


if __name__ == "__main__":
    main()

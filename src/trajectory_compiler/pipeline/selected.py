"""The stored sessions that a compile run selected, as the stages after it read them: which wait, and each with its index."""

from __future__ import annotations

from trajectory_compiler.dataflow.index import SessionIndex
from trajectory_compiler.errors import StoreError
from trajectory_compiler.model import Trajectory
from trajectory_compiler.pipeline.run import RunSummary
from trajectory_compiler.pipeline.session import Corpus, index_of
from trajectory_compiler.pipeline.snapshot import load_snapshot
from trajectory_compiler.redaction.keyfile import key_path, load_key
from trajectory_compiler.store import Store, StoredSession


class SelectedSessions:
    """The sessions of one compile run. `snapshot_digest` names the statistics that their indexes rest on.

    Raises: StoreError: the store holds no statistics of the log.
    """

    def __init__(self, store: Store, compiled: RunSummary) -> None:
        self._store = store
        self._source = compiled.source
        snapshot = load_snapshot(store, compiled.source, load_key(key_path(store.path), create=False))
        if snapshot is None:  # the compile run that came first has just made one
            raise StoreError("read the value statistics", "the store holds none", "Run `trajc compile LOG` first.")
        self._corpus = Corpus(snapshot.document_frequency, snapshot.sessions)
        self.snapshot_digest = snapshot.digest()
        self.sessions = [s for s in store.sessions(compiled.source) if s.raw_digest in compiled.selected]

    def waiting(self, origin: str, key: str) -> list[StoredSession]:
        """Return the sessions, as they are now, that the stage of this origin has not done under this key."""
        done = self._store.stage_keys(self._source, origin)
        return [session for session in self.sessions if done.get(session.session_id) != (session.digest, key)]

    def index(self, trajectory: Trajectory) -> SessionIndex:
        """Index a session by the statistics of its log."""
        return index_of(trajectory, self._corpus)

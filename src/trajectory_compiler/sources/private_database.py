"""A temporary database for rows that are not redacted yet: kept from other users, and gone with the process.

The folder has mode 0700, the file 0600, and the file is unlinked as soon as it is open: whatever ends the process, the file
system takes it back.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
from pathlib import Path


def private_database() -> sqlite3.Connection:
    """Return a connection to a new, nameless database in the temporary folder. Raises: OSError, sqlite3.Error: no room."""
    folder = Path(tempfile.mkdtemp(prefix="trajc-"))  # 0700
    path = folder / "rows.db"
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        for pragma in ("journal_mode=OFF", "synchronous=OFF", "locking_mode=EXCLUSIVE", "cache_size=-65536"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("CREATE TABLE opened (x)")  # opens the file for good, so that its name is no longer needed
    finally:
        path.unlink(missing_ok=True)
        folder.rmdir()
    return connection

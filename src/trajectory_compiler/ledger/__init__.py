"""The append-only log itself: the table, its guards, its seals, and the recorder that writes it."""

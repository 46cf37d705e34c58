"""The dataflow compiler: from one redacted session to candidate questions, each a program with a wording."""

"""The question families: each a pass from a session index to drafts of programs. One file a family or a kindred pair."""

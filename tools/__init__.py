"""Commands for whoever works on the project: the size rules, the licence table, the quality sample."""

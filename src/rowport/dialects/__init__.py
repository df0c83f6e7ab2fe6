"""Foreign APIs over the one engine: one folder for each."""

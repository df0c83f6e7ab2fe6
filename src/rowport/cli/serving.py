"""`rowport serve`: everything in one command."""

"""The workers: processes that plan imports and load their chunks."""

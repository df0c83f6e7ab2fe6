"""How bytes become rows: one module for each format, found by its name."""

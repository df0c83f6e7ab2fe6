"""Rowport: bulk import that can say, of every row, what became of it."""

__version__ = "0.1.0"

"""JSON as tables: where its objects begin and end, and what their values are as text."""

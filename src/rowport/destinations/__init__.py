"""Where rows go: one module for each kind, found by its name."""

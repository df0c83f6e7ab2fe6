"""Where bytes come from: one module for each kind, found by its name."""

"""The pure heart: detect, map, validate, dedupe, plan.  Arrow in, outcomes out, no I/O."""

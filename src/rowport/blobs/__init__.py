"""Where uploads, staged chunks and results are kept."""

"""`python -m rowport.cli`: the command line without an installed script."""

from __future__ import annotations

from rowport.cli import main

main()

"""`python -m rowport.cli`: the command line without an installed script."""

from __future__ import annotations

from rowport.cli import main

if __name__ == "__main__":  # the API's processes import this module again
    main()

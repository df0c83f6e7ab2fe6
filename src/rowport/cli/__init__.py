"""The command line: `rowport`."""

from __future__ import annotations

import sys
from typing import NoReturn

from rowport.cli.app import run


def main() -> NoReturn:
    """Run the command line and end the process with its exit status."""
    sys.exit(run(sys.argv[1:]))

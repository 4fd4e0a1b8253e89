"""`python -m jobs.backfill` does what `churn backfill` does, with the same options and exit codes."""

from __future__ import annotations

import sys

from churn.cli import main

if __name__ == "__main__":
    main(["backfill", *sys.argv[1:]])

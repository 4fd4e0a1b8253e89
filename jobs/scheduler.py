"""`python -m jobs.scheduler` does what `churn scheduler` does, with the same options and exit codes."""

from __future__ import annotations

import sys

from churn.cli import main

if __name__ == "__main__":
    main(["scheduler", *sys.argv[1:]])

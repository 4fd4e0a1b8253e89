"""`python -m jobs.nightly` does what `churn nightly` does, with the same options and exit codes."""

from __future__ import annotations

import sys

from churn.cli import main

if __name__ == "__main__":
    main(["nightly", *sys.argv[1:]])

"""`python -m jobs.train` does what `churn train` does, with the same options and exit codes."""

from __future__ import annotations

import sys

from churn.cli import main

if __name__ == "__main__":
    main(["train", *sys.argv[1:]])

"""`python -m churn` is the `churn` command."""

from __future__ import annotations

from churn.cli import main

if __name__ == "__main__":
    main()

"""`churn forget`: erases a customer everywhere, provably."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from churn.edge import clock, configured
from churn.errors import UsageError
from churn.terminal import print_lines, progress_for


def forget(
    customer_id: Annotated[str, typer.Argument(metavar="CUSTOMER_ID", help="The id as the source has it.")],
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask on a terminal.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count what would be erased; write nothing.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for a job that holds the warehouse.")] = False,
) -> None:
    """Erase a customer everywhere, and keep them out; prints the proof, and what is left to do by hand."""
    from churn.forgetting import forget as erase
    from churn.forgetting import forgotten_lines, preview, preview_lines
    from churn.running import Job
    from churn.windows import business_today

    settings = configured()
    progress = progress_for(sys.stderr, clock)
    try:
        job = Job(settings, business_today(clock(), settings.business.timezone), clock, progress, wait=wait)
        if dry_run:
            print_lines(preview_lines(preview(job, customer_id)))
            return
        if not yes and sys.stdin.isatty():
            _ask()
        print_lines(forgotten_lines(erase(job, customer_id)))
    finally:
        progress.close()


def _ask() -> None:
    if not typer.confirm("Erase this customer from the warehouse for good?", err=True):
        raise UsageError("Nothing was erased.", "Answer y, or give --yes.")

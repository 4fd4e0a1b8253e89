"""`churn report` and `churn profile`: a night, or a source, as one file that opens anywhere."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Annotated

import typer

from churn.edge import clock, configured, parsed_date
from churn.errors import UsageError


def profile(
    output: Annotated[
        Path, typer.Option("--output", "-o", help="File to write; - is stdout.", show_default=True)
    ] = Path("profile.html"),
    as_of: Annotated[
        str | None,
        typer.Option(
            "--as-of",
            metavar="DATE",
            help="Day that silence is counted up to; default today, or the day after the last payment or use.",
        ),
    ] = None,
    patience: Annotated[
        int, typer.Option("--patience", min=1, metavar="SECONDS", help="Longest that one question may take.")
    ] = 300,
) -> None:
    """Look at the source through the mapping, before any model: what is in it, and what should count as churn.

    Needs no warehouse. Everything is counted in the source; no row leaves it.
    """
    _refuse_without_charts()
    from churn.connections import open_source
    from churn.profiling import page_of
    from churn.profiling import profile as look_at
    from churn.reporting import written

    settings, now = configured(), clock()
    day = None if as_of is None else parsed_date(as_of, settings)
    page = page_of(look_at(open_source(settings), settings, now, day, patience), settings, now)
    _tell(written(page, output))


def report(
    as_of: Annotated[
        str | None, typer.Option("--as-of", metavar="DATE", help="Night; default the latest published one.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write; - is stdout; default report_DATE.html.")
    ] = None,
) -> None:
    """Write a published night as one page that needs no network, and prints well.

    Of an older night it shows what the warehouse keeps night by night, and says what it doesn't.
    """
    _refuse_without_charts()
    from churn.reporting import write_report

    settings = configured()
    night = None if as_of is None else parsed_date(as_of, settings)
    _tell(write_report(settings, night, output, at=clock()))


def _tell(path: Path | None) -> None:
    if path is None:
        sys.stdout.flush()
    else:
        typer.echo(f"Wrote {path}.", err=True)


def _refuse_without_charts() -> None:
    if any(importlib.util.find_spec(name) is None for name in ("babel", "jinja2", "plotly")):
        raise UsageError("The reports are not installed.", "Install them with `pip install 'churn[dashboard]'`.")

"""`churn export`: published nights to a file, to stdout, to a folder, or to a table of the company's choice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from churn.config import Settings
from churn.edge import clock, configured, parsed_date
from churn.errors import UsageError

if TYPE_CHECKING:
    from churn.export import Exported, Format
    from churn.night_rows import Selection


@dataclass(frozen=True)
class _Nights:
    """Which nights are asked for: one, or a span."""

    as_of: str | None
    first: str | None
    last: str | None

    @property
    def is_span(self) -> bool:
        return self.first is not None or self.last is not None

    def one(self, settings: Settings) -> date | None:
        return None if self.as_of is None else parsed_date(self.as_of, settings)

    def span(self, settings: Settings) -> tuple[date, date]:
        if self.first is None:
            raise UsageError("--to needs --from.", "Give the first night, too.")
        if self.as_of is not None:
            raise UsageError("--as-of is one night, --from the first of many.", "Leave one of them out.")
        first, last = parsed_date(self.first, settings), parsed_date(self.last, settings)
        if self.last is None and first > last:
            raise UsageError(f"--from {first} is after today, {last}.", "Give an earlier night.")
        return first, last


def export(
    what: Annotated[Literal["at-risk", "scores", "segments"], typer.Argument(help="What to export.")],
    as_of: Annotated[
        str | None, typer.Option("--as-of", metavar="DATE", help="Night; default the latest published one.")
    ] = None,
    first: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="DATE", help="First night of many: one file each, into the folder that --output names."
        ),
    ] = None,
    last: Annotated[str | None, typer.Option("--to", metavar="DATE", help="Last night of many; default today.")] = None,
    fmt: Annotated[Literal["csv", "parquet", "jsonl"], typer.Option("--format", help="Format of the file.")] = "csv",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File, or with --from a folder; default stdout.")
    ] = None,
    table: Annotated[
        str | None,
        typer.Option(
            "--table",
            metavar="SCHEMA.TABLE",
            help="Write the at-risk list into this table instead, in the database of activation.url; "
            "what it holds of that night is replaced.",
        ),
    ] = None,
    include_holdout: Annotated[
        bool, typer.Option("--include-holdout", help="Keep the holdout group in the at-risk list.")
    ] = False,
) -> None:
    """Write what is published to a file, a folder, a table or stdout; the holdout is left out unless asked for.

    Customers who have opted out since the list was frozen are never in it. With --from, a night that is already there,
    whole, is left alone: an export that was cut off goes on where it stopped.
    """
    from churn.night_rows import Selection

    nights = _Nights(as_of, first, last)
    selection = Selection(what, holdout=include_holdout and what == "at-risk")
    if table is not None:
        if output is not None or nights.is_span:
            raise UsageError("--table takes neither --output nor --from and --to.", "Give --as-of for another night.")
        _to_table(configured(), selection, nights, table)
    elif nights.is_span:
        _to_folder(configured(), selection, nights, fmt, output)
    else:
        _to_file(configured(), selection, nights, fmt, output)


def _to_file(settings: Settings, selection: Selection, nights: _Nights, fmt: Format, output: Path | None) -> None:
    from churn.connections import open_warehouse
    from churn.export import export as run_export

    night = nights.one(settings)
    done = run_export(open_warehouse(settings, job="export"), selection, night, fmt, output, at=clock())
    typer.echo(_line(done), err=True)


def _to_folder(settings: Settings, selection: Selection, nights: _Nights, fmt: Format, output: Path | None) -> None:
    from churn.connections import open_warehouse
    from churn.export import export_nights

    if output is None:
        raise UsageError("--from writes one file a night, so it needs a folder.", "Give --output FOLDER.")
    span = nights.span(settings)
    warehouse = open_warehouse(settings, job="export")
    for done in export_nights(warehouse, selection, span, fmt, output, at=clock()):
        typer.echo(_line(done), err=True)


def _line(done: Exported) -> str:
    where = f" to {done.output}" if done.output else ""
    return f"{done.rows:,} rows{where}" if done.is_new else f"{done.rows:,} rows already in {done.output}"


def _to_table(settings: Settings, selection: Selection, nights: _Nights, table: str) -> None:
    from churn.activation import Destination, activate, open_activation
    from churn.connections import open_warehouse
    from churn.night_rows import reading

    if selection.what != "at-risk":
        raise UsageError(f"--table takes the at-risk list, not {selection.what}.", "Say `churn export at-risk`.")
    into = Destination.parse(table)
    warehouse = open_warehouse(settings, job="export")
    with reading(warehouse, selection, nights.one(settings)) as night:
        rows = activate(warehouse, open_activation(settings), night, into, at=clock())
        typer.echo(f"{rows:,} rows of {night.as_of} to {into}", err=True)

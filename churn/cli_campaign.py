"""`churn campaign`: what was sent, what came of it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from churn.edge import clock, configured, parsed_date
from churn.errors import LockedError, UsageError
from churn.terminal import print_lines, print_table, progress_for
from churn.windows import business_today

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from churn.campaigns import Recording, Request, Withdrawal
    from churn.running import Job, JobRun

campaign_app = typer.Typer(no_args_is_help=True, help="What was sent, and what came of it.")

JOB = "campaign"
_CHUNK_BYTES = 1 << 18


@campaign_app.command("record")
def record(
    campaign: Annotated[str, typer.Option("--campaign", metavar="NAME", help="Campaign that it was sent for.")],
    file: Annotated[Path | None, typer.Option("--file", help="CSV file in UTF-8 with a line of column names.")] = None,
    table: Annotated[
        str | None, typer.Option("--table", metavar="SCHEMA.TABLE", help="Table of the warehouse, instead of a file.")
    ] = None,
    sent_on: Annotated[
        str | None,
        typer.Option("--sent-on", metavar="DATE", help="Day on which it was sent, for rows that don't say so."),
    ] = None,
    as_of: Annotated[
        str | None,
        typer.Option(
            "--as-of",
            metavar="DATE",
            help="Day on which the customers entered a campaign that was drawn elsewhere; default what each row says.",
        ),
    ] = None,
    accept_refused: Annotated[
        bool, typer.Option("--accept-refused", help="Record the good rows even if more than 5 % are refused.")
    ] = False,
    drawn_elsewhere: Annotated[
        bool,
        typer.Option("--drawn-elsewhere", help="Begin a campaign of another tool although its sheet has no holdout."),
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done; write nothing.")] = False,
) -> None:
    """Record what was really sent, and to whom; the same file twice adds nothing. Then renew the results."""
    from churn.campaigns import Request
    from churn.campaigns.telling import recording_lines

    with _job() as job:
        request = Request(
            campaign,
            job.today,
            sent_on=None if sent_on is None else parsed_date(sent_on, job.settings),
            entered_on=None if as_of is None else parsed_date(as_of, job.settings),
            accept_refused=accept_refused,
            drawn_elsewhere=drawn_elsewhere,
        )
        recording = record_sheet(job, request, file=file, table=table, dry_run=dry_run)
    print_lines(recording_lines(recording, dry_run=dry_run))


@campaign_app.command("withdraw")
def withdraw(
    campaign: Annotated[str, typer.Option("--campaign", metavar="NAME", help="Campaign that was drawn elsewhere.")],
) -> None:
    """Delete a campaign that `record` began by mistake: its members, contacts, outcomes, results and recordings."""
    with _job() as job:
        gone = withdraw_campaign(job, campaign)
    typer.echo(
        f"Withdrew campaign {gone.campaign}: {gone.members:,} members, {gone.contacts:,} contacts, "
        f"{gone.recordings:,} recordings."
    )


@campaign_app.command("results")
def results(
    campaign: Annotated[
        str | None, typer.Option("--campaign", metavar="NAME", help="One campaign; default all of them.")
    ] = None,
    fmt: Annotated[Literal["table", "json"], typer.Option("--format", help="How to print it.")] = "table",
) -> None:
    """Show what came of each campaign by assignment: retention, revenue, cost and return, with 95 % intervals."""
    from churn.campaigns.telling import COLUMNS, json_value, result_tables

    with _job() as job:
        note = renew_results(job)
        rows = stored_results(job, campaign)
    if note:
        typer.echo(note, err=True)
    if fmt == "json":
        typer.echo(json.dumps(rows, default=json_value, ensure_ascii=False, indent=2))
    elif rows:
        for title, cells, lines in result_tables(rows, job.settings.business.currency):
            print_table(title, COLUMNS, cells)
            print_lines(lines)
    else:
        typer.echo("There is no campaign yet: the first published list begins one.")


# --- what they do -------------------------------------------------------------------------------------------------


def record_sheet(job: Job, request: Request, *, file: Path | None, table: str | None, dry_run: bool) -> Recording:
    """Record a file or a table under the writer lock and renew the results; a dry run takes it all back.

    Raises
    ------
    UsageError
        Both or neither of the two are given, the file is not there, or the campaign is not.
    DataContractError
        It can't be read, or too many of its rows are refused.
    """
    from churn.connections import open_warehouse
    from churn.migrate import require_current
    from churn.running import running

    if (file is None) == (table is None):
        raise UsageError("Say what was sent: either --file or --table.", "Give one of the two.")
    if dry_run:
        warehouse = open_warehouse(job.settings, job=JOB)
        with warehouse.begin() as reader, warehouse.begin() as connection:
            require_current(connection)
            with connection.begin_nested() as savepoint:
                recording = _recorded(job, request, reader, connection, file=file, table=table, run_id=0)
                savepoint.rollback()
            return recording
    with running(job, JOB) as current:
        with (
            current.stage("record") as report,
            current.warehouse.begin() as reader,
            current.warehouse.begin() as connection,
        ):
            recording = _recorded(job, request, reader, connection, file=file, table=table, run_id=current.run.run_id)
            _renew(current, connection)
            report(recording.rows_used)
        return recording


def withdraw_campaign(job: Job, campaign: str) -> Withdrawal:
    """Delete a campaign that was drawn elsewhere, under the writer lock.

    Raises
    ------
    UsageError
        There is no such campaign, or it is one of the nightly lists.
    """
    from churn import campaigns
    from churn.running import running

    with (
        running(job, JOB) as current,
        current.stage("withdraw") as report,
        current.warehouse.begin() as connection,
    ):
        gone = campaigns.withdraw(connection, campaign)
        report(gone.members)
        current.require_lock()
    return gone


def renew_results(job: Job) -> str:
    """Measure what has matured and renew the results; return why that was not possible, or an empty text."""
    from churn.running import running

    try:
        with (
            running(job, JOB) as current,
            current.stage("results") as report,
            current.warehouse.begin() as connection,
        ):
            report(_renew(current, connection))
    except LockedError as error:
        return f"Shown as last computed, not renewed: {error.message}"
    return ""


def stored_results(job: Job, campaign: str | None) -> list[dict[str, Any]]:
    """Return the rows of `bi.campaign_results`, the whole campaign before its arms.

    Raises
    ------
    UsageError
        There is no such campaign.
    """
    import sqlalchemy as sa

    from churn.connections import open_warehouse
    from churn.migrate import require_current

    query = sa.text("select * from bi.campaign_results order by campaign, arm <> 'all', arm")
    with open_warehouse(job.settings, job=JOB).begin() as connection:
        require_current(connection)
        rows = [dict(row) for row in connection.execute(query).mappings()]
    wanted = [row for row in rows if campaign in (None, row["campaign"])]
    if campaign is not None and not wanted:
        known = ", ".join(sorted({row["campaign"] for row in rows})) or "none yet"
        raise UsageError(f"There is no campaign {campaign}; there are {known}.", "Name one of them.")
    return wanted


def _recorded(
    job: Job, request: Request, reader: Connection, connection: Connection, *,
    file: Path | None, table: str | None, run_id: int,
) -> Recording:  # fmt: skip
    from churn import campaigns

    with _opened(reader, file, table) as (chunks, source):
        sheet = campaigns.open_sheet(chunks, source, job.settings.business.timezone)
        return campaigns.record(connection, job.settings, sheet, request, run_id, at=job.clock())


@contextmanager
def _opened(reader: Connection, file: Path | None, table: str | None) -> Iterator[tuple[Iterator[bytes], str]]:
    """Give what was sent in pieces, with what messages call it."""
    from churn.campaigns import table_chunks

    if file is None:
        yield table_chunks(reader, table or ""), f"table {table}"
        return
    try:
        stream = file.open("rb")
    except OSError as error:
        raise UsageError(f"{file} can't be read: {error.strerror or error}.", "Check --file.") from error
    with stream:
        yield iter(lambda: stream.read(_CHUNK_BYTES), b""), file.name


def _renew(current: JobRun, connection: Connection) -> int:
    from churn import campaigns

    job = current.job
    known = campaigns.data_through(connection, job.settings, job.as_of)
    campaigns.measure_outcomes(connection, job.settings, known, current.run.run_id)
    current.require_lock()
    return campaigns.store_results(connection, job.settings, job.as_of, current.run.run_id, at=job.clock())


@contextmanager
def _job() -> Iterator[Job]:
    from churn.running import Job

    settings = configured()
    progress = progress_for(sys.stderr, clock)
    try:
        yield Job(settings, business_today(clock(), settings.business.timezone), clock, progress)
    finally:
        progress.close()

"""`churn extract`, `train`, `nightly`, `backfill` and `scheduler`: the jobs."""

from __future__ import annotations

import importlib.util
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from churn.edge import clock, configured, options, parsed_date
from churn.errors import StoppedError, UsageError
from churn.terminal import print_table, progress_for

if TYPE_CHECKING:
    from churn.config import Settings
    from churn.running import Job

AsOf = Annotated[
    str | None,
    typer.Option("--as-of", metavar="DATE", help="Business date, such as 2026-11-21; default today."),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done; write nothing.")]
Wait = Annotated[
    bool, typer.Option("--wait", help="Wait while another job is writing, where it would end with exit code 17.")
]
_OVER = b"\0"

Fresh = Annotated[
    bool, typer.Option("--fresh", help="Start over, even where a run of the night was cut off and could go on.")
]


@contextmanager
def _job(
    name: str, as_of: str | None, *, wait: bool = False, dry_run: bool = False, again: str | None = None
) -> Iterator[Job]:
    from churn.alerts import watching
    from churn.running import Job

    settings = configured()
    progress = progress_for(sys.stderr, clock)
    try:
        job = Job(settings, parsed_date(as_of, settings), clock, progress, wait=wait)
        if dry_run:
            yield job
            return
        with _stoppable(), watching(settings, clock, name, job.as_of, again=again):
            yield job
    finally:
        progress.close()


@contextmanager
def _stoppable() -> Iterator[None]:
    """End the job in order when it is told to stop: its transaction rolls back, the ledger says so."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, _frame: FrameType | None) -> None:
        raise StoppedError(
            f"The job was told to stop ({signal.Signals(number).name}); what is published stays as it was.",
            "Run the same command again: it goes on after the last whole stage.",
        )

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with _statements_cancelled():
            yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _statements_cancelled() -> Iterator[None]:
    """End the statement that a signal finds running: the handler itself is called only once it has ended."""
    from churn.warehouse import cancel_statements

    heard, told = socket.socketpair()
    told.setblocking(False)
    before = signal.set_wakeup_fd(told.fileno(), warn_on_full_buffer=False)

    def watch() -> None:
        while heard.recv(1) not in (b"", _OVER):
            cancel_statements()

    watcher = threading.Thread(target=watch, name="signals", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        told.send(_OVER)
        watcher.join()
        heard.close()
        told.close()


def extract(as_of: AsOf = None, dry_run: DryRun = False, wait: Wait = False) -> None:
    """Bring staging up to date with the source."""
    from churn.pipeline import run_extract
    from churn.previews import preview_extract

    with _job("extract", as_of, wait=wait, dry_run=dry_run) as job:
        if dry_run:
            columns, rows = preview_extract(job)
            print_table("Would read", columns, rows)
            return
        report = run_extract(job)
    print_table(
        "Extracted",
        ["entity", "mode", "read", "used", "quarantined", "changed", "deleted", "late"],
        [
            [
                counts.entity,
                counts.mode,
                counts.rows_read,
                counts.rows_used,
                counts.rows_quarantined,
                counts.rows_changed,
                counts.rows_deleted,
                counts.late_rows,
            ]
            for counts in report.entities.values()
        ],
    )


def train(
    as_of: AsOf = None,
    dry_run: DryRun = False,
    wait: Wait = False,
    search: Annotated[
        int,
        typer.Option("--search", min=0, metavar="N", help="Try N configurations inside the training period first."),
    ] = 0,
    unless_trained: Annotated[
        bool, typer.Option("--unless-trained", help="Do nothing where a training as of that date is done already.")
    ] = False,
) -> None:
    """Train the churn model on past snapshots, test it out of time, and promote it if it is better."""
    from churn.beginning import TrainedAlreadyError
    from churn.pipeline import run_train
    from churn.previews import preview_train

    with _job("train", as_of, wait=wait, dry_run=dry_run) as job:
        if dry_run:
            for line in preview_train(job):
                typer.echo(line)
            return
        try:
            report = run_train(job, search=search, only_if_none=unless_trained)
        except TrainedAlreadyError as done:
            typer.echo(str(done))
            return
    print_table(f"Out of time: {report.span}", *report.table())
    for line in (*report.clv, *report.notes):
        typer.echo(f"- {line}")


def nightly(
    as_of: AsOf = None,
    dry_run: DryRun = False,
    wait: Wait = False,
    fresh: Fresh = False,
    recompute: Annotated[bool, typer.Option("--recompute", help="Compute kept features anew.")] = False,
    replace_list: Annotated[bool, typer.Option("--replace-list", help="Freeze a new at-risk list.")] = False,
    unless_published: Annotated[
        bool, typer.Option("--unless-published", help="Do nothing where the night is published already.")
    ] = False,
) -> None:
    """Extract, compute features, segment, score, value, list, check and publish one night."""
    from churn.beginning import NightOptions
    from churn.pipeline import run_nightly
    from churn.previews import preview_nightly

    with _job("nightly", as_of, wait=wait, dry_run=dry_run) as job:
        if dry_run:
            for line in preview_nightly(job):
                typer.echo(line)
            return
        how = NightOptions(
            recompute=recompute, replace_list=replace_list, fresh=fresh, unless_published=unless_published
        )
        summary = run_nightly(job, how)
    if not summary.is_new:
        typer.echo(summary.notes[0])
        return
    people = f"{summary.customers:,} customer{'' if summary.customers == 1 else 's'}"
    typer.echo(f"Published {people} for {summary.as_of} (run {summary.run_id}, model {summary.model_version}).")
    for note in _reported(job.settings, summary.as_of):
        typer.echo(f"- {note}")


def _reported(settings: Settings, as_of: date) -> list[str]:
    """Write and mail the report of a published night, where `[report]` asks for one; return what is to be said."""
    if settings.report.folder is None and not settings.report.mail:
        return []
    if any(importlib.util.find_spec(name) is None for name in ("babel", "jinja2", "plotly")):
        return [f"The report of {as_of} was not made: it needs `pip install 'churn[dashboard]'`."]
    from churn.reporting import nightly_report

    return nightly_report(settings, as_of, clock)


def backfill(
    first: Annotated[str, typer.Option("--from", metavar="DATE", help="First night.")],
    last: Annotated[str, typer.Option("--to", metavar="DATE", help="Last night.")],
    jobs: Annotated[int, typer.Option("--jobs", min=1, max=32, help="Nights whose features are made at a time.")] = 1,
    fresh: Annotated[bool, typer.Option("--fresh", help="Run published nights once more, too.")] = False,
    replace_list: Annotated[bool, typer.Option("--replace-list", help="Freeze new at-risk lists.")] = False,
    dry_run: DryRun = False,
    wait: Wait = False,
) -> None:
    """Run past nights that are not published yet, in order; run again, it goes on where it ended."""
    from churn.backfill import nights_to_run, run_backfill

    settings = configured()
    span = parsed_date(first, settings), parsed_date(last, settings)
    if span[0] > span[1]:
        raise UsageError(f"--from {first} is after --to {last}.", "Give the earlier date first.")
    again = f"churn backfill --from {span[0]} --to {span[1]}"
    again += " --fresh" * fresh + " --replace-list" * replace_list
    with _job("backfill", last, wait=wait, dry_run=dry_run, again=again) as job:
        if dry_run:
            nights = nights_to_run(job, *span, fresh=fresh)
            typer.echo(f"Would run {len(nights)} nights{f', {nights[0]} to {nights[-1]}' if nights else ''}.")
            return
        report = run_backfill(job, *span, jobs=jobs, fresh=fresh, replace_lists=replace_list)
    for note in report.notes:
        typer.echo(f"- {note}")
    typer.echo(f"Published {len(report.nights)} nights; {report.left_alone} were published already.")


def scheduler(
    healthy: Annotated[
        bool,
        typer.Option("--healthy", help="Only say whether the scheduler of this folder is well: exit code 0, else 1."),
    ] = False,
) -> None:
    """Run the nightly and the training job by their cron times, until stopped."""
    from churn.scheduling import read_health, run_forever

    settings = configured()
    if not healthy:
        run_forever(settings, options.config, clock)
        return
    health = read_health(settings)
    if health is None or not health.is_alive(clock()):
        typer.echo("No scheduler is at work in this folder." if health is None else f"Last seen {health.alive_at}.")
        raise typer.Exit(1)
    typer.echo(" ".join(health.why) or "The scheduler is well.")
    raise typer.Exit(0 if health.healthy else 1)

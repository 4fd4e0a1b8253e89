"""Past nights, each as it would have been run: one extraction, then night after night in order."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from datetime import date

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from churn import monitoring, publish
from churn.beginning import NightOptions, PublishedAlreadyError, extract_stage, prepare, unless_published
from churn.connections import open_warehouse
from churn.extract import ExtractionReport
from churn.features.snapshot import SnapshotRequest, build_snapshot
from churn.migrate import require_current
from churn.partitions import ensure_month
from churn.pipeline import run_night
from churn.running import Job, JobRun, running
from churn.schema import campaign_lists, published
from churn.scoring import NightSummary

JOB = "backfill"


@dataclass(frozen=True)
class BackfillReport:
    """What a backfill did.

    Attributes
    ----------
    nights : tuple of NightSummary
        Published by it, ascending.
    left_alone : int
        Nights of the span that were published before.
    notes : tuple of str
    """

    nights: tuple[NightSummary, ...]
    left_alone: int
    notes: tuple[str, ...]


def nights_to_run(job: Job, first: date, last: date, *, fresh: bool) -> list[date]:
    """Return the nights of a span, both ends included, that a backfill would run, ascending."""
    job.refuse_the_future()
    with open_warehouse(job.settings, job=JOB).begin() as connection:
        require_current(connection)
        return publish.days_between(first, last) if fresh else publish.unpublished(connection, first, last)


def run_backfill(
    job: Job, first: date, last: date, *, jobs: int = 1, fresh: bool = False, replace_lists: bool = False
) -> BackfillReport:
    """Run every night of a span that is not published, in order, each as of its own date.

    The source is read once, at the start. The lock is given back between two nights, so that tonight's need not wait
    for all of them. Run again, it leaves alone what is published, and so goes on where it ended.

    Parameters
    ----------
    job : Job
        Its `as_of` is the last night.
    first, last : date
        Both are run.
    jobs : int
        Nights whose features are computed at the same time; everything else depends on the night before.
    fresh : bool
        Run nights that are published once more; their lists stay frozen.
    replace_lists : bool
        Freeze new ones, where nobody was contacted by the old.
    """
    nights = nights_to_run(job, first, last, fresh=fresh)
    left_alone = (last - first).days + 1 - len(nights)
    if not nights:
        return BackfillReport((), left_alone, ())
    with running(job, JOB) as current:
        extraction = extract_stage(current)
        _make_snapshots(current, extraction, nights, jobs)
    done: list[NightSummary] = []
    started = time.monotonic()
    for number, night in enumerate(nights, start=1):
        options = NightOptions(replace_list=replace_lists, unless_published=not fresh)
        summary = _run(replace(job, as_of=night), extraction, options)
        if not summary.is_new:
            left_alone += 1
            continue
        done.append(summary)
        each = (time.monotonic() - started) / number
        job.progress.note(
            f"Night {night} is published, {number} of {len(nights)}; {_words(each)} a night, "
            f"about {_words(each * (len(nights) - number))} left."
        )
    return BackfillReport(tuple(done), left_alone, _notes(job, nights))


def _run(job: Job, extraction: ExtractionReport, how: NightOptions) -> NightSummary:
    try:
        with running(replace(job, wait=True), JOB, admit=unless_published(job, how)) as current:
            prepare(current, how)
            return run_night(current, extraction, how)
    except PublishedAlreadyError as done:
        return done.night


def _make_snapshots(current: JobRun, extraction: ExtractionReport, nights: Sequence[date], jobs: int) -> None:
    """Compute the features of nights that have none, several nights at a time."""
    if jobs == 1:
        return
    job = current.job
    with current.stage("features") as report:
        with current.warehouse.begin() as connection:
            wanted = [night for night in nights if _lacks_snapshot(current, connection, night)]
        for night in wanted:
            with current.warehouse.begin() as connection:
                ensure_month(connection, "feature_snapshots", night)
        pool = ThreadPoolExecutor(jobs)
        try:
            made = [pool.submit(_make_snapshot, current, extraction, night) for night in wanted]
            for number, one in enumerate(as_completed(made), start=1):
                one.result()
                job.progress.advanced("snapshots", number)
        finally:
            # Those that have begun end; a stop or an error waits for no others.
            pool.shutdown(cancel_futures=True)
        report(sum(one.result() for one in made))


def _lacks_snapshot(current: JobRun, connection: Connection, night: date) -> bool:
    definition = current.job.settings.churn.definition
    return monitoring.reusable_snapshot(connection, night, definition) is None


def _make_snapshot(current: JobRun, extraction: ExtractionReport, night: date) -> int:
    def work(connection: Connection) -> int:
        return build_snapshot(
            connection,
            SnapshotRequest.of(current.job.settings, extraction, night),
            run_id=current.run.run_id,
            origin="captured" if night == current.started_on else "reconstructed",
            created_at=current.run.started_at,
        ).customers

    return current.transaction(work, what=f"Features of {night}")


def _notes(job: Job, nights: Sequence[date]) -> tuple[str, ...]:
    """Say what the lists of past nights count as; of rehearsals there is nothing to say."""
    past = [night for night in nights if night < job.today]
    listed, out = campaign_lists.c, published.c
    query = (
        sa.select(listed.as_of_date)
        .join(published, (out.as_of_date == listed.as_of_date) & (out.list_run_id == listed.run_id))
        .where(listed.as_of_date.in_(past), ~listed.is_rehearsal)
    )
    with open_warehouse(job.settings, job=JOB).begin() as connection:
        sent = sorted(set(connection.scalars(query)))
    if not sent:
        return ()
    return (
        f"The lists of {sent[0]} to {sent[-1]} count as sent. Where nobody was contacted by them, set "
        "retention.live_from to the first night whose list is sent, and run them again with --fresh --replace-list.",
    )


def _words(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min"

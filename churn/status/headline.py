"""The first three lines: what became of the night that is due, what is published, and what to run next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from churn.alerts import kept_alerts, open_alerts
from churn.config import Settings
from churn.errors import ChurnError
from churn.ledger import NIGHT_JOBS
from churn.publish import PublishedNight, latest_published
from churn.schema import published
from churn.sqlfiles import read_sql
from churn.status.causes import Open, dead_runs, fail_alerts
from churn.status.commands import again
from churn.status.times import ago, latest_due, missed_nights

SILENT = timedelta(minutes=2)
"""How old a heartbeat is when its run is taken for dead."""

LATE = timedelta(minutes=10)
"""How late a night may start before it is missing."""

_BAD = ("failed", "died")


@dataclass(frozen=True)
class Picture:
    """What the first lines are made of.

    Attributes
    ----------
    now : datetime
        UTC.
    due_at : datetime or None
        When a night was due last, in the business's zone.
    night : PublishedNight or None
        The latest published.
    running : sequence
        Runs that say that they are at work, the latest first.
    last_runs : sequence
        The last run of the night that is due, and the last of any other night; the latest first.
    missed : sequence of date
        Nights before the one that is due which were not published.
    dead : set of int
        Runs among `running` whose process is gone.
    failed_jobs : sequence
        The last run of each other job, where it failed or died; the latest first.
    alerts : sequence of Open
        Failures that are open, those of this machine among them.
    """

    now: datetime
    due_at: datetime | None
    night: PublishedNight | None
    running: Sequence[Any]
    last_runs: Sequence[Any]
    missed: Sequence[date]
    dead: frozenset[int] = frozenset()
    failed_jobs: Sequence[Any] = ()
    alerts: Sequence[Open] = ()

    @property
    def due(self) -> date | None:
        """The night that is due."""
        return None if self.due_at is None else self.due_at.date()

    def missed_lines(self) -> list[str]:
        """Say which earlier nights are missing."""
        if not self.missed:
            return []
        shown = ", ".join(str(day) for day in self.missed[:5]) + (", …" if len(self.missed) > 5 else "")
        return [f"Missed nights: {len(self.missed)} ({shown}): {_backfill(self.missed)}"]


def look(connection: Connection, settings: Settings, now: datetime) -> Picture:
    """Read what the first lines are made of."""
    due_at = latest_due(settings, now)
    night = latest_published(connection)
    due = due_at.date() if due_at is not None else now.astimezone(ZoneInfo(settings.business.timezone)).date()
    known = set(connection.scalars(sa.select(published.c.as_of_date)))
    running, dead = dead_runs(connection)
    return Picture(
        now,
        due_at,
        night,
        running,
        connection.execute(read_sql("status/night_runs.sql").statement, {"due": due}).all(),
        missed_nights(settings, known, due),
        dead,
        connection.execute(read_sql("status/failed_jobs.sql").statement).all(),
        fail_alerts(open_alerts(connection), kept_alerts(settings.home)),
    )


def headline(picture: Picture, settings: Settings) -> list[str]:
    """Return the three lines."""
    state, command = _state(picture)
    return [state, _published(picture), f"Do next: {command}" if command else "Do next: nothing."]


def unreachable(settings: Settings, error: ChurnError) -> list[str]:
    """Return the three lines where the warehouse can't be looked at."""
    return [
        f"BROKEN: the warehouse can't be looked at: {error.message}",
        "Published: unknown until then; what was published stays as it is.",
        f"Do next: {error.hint or 'mend it.'} Then `churn doctor`.",
    ]


def _state(picture: Picture) -> tuple[str, str]:
    at_work = [run for run in picture.running if run.job in NIGHT_JOBS]
    if at_work:
        return _at_work(picture, at_work[0])
    if picture.night is None:
        return _before_the_first(picture)
    if picture.due is None or picture.night.as_of >= picture.due:
        return _good(picture, picture.night)
    of_due = next((run for run in picture.last_runs if run.is_due), None)
    if of_due is not None:
        return f"BROKEN: the night of {picture.due} was not published: {_cause(of_due)}", again(of_due, picture.missed)
    return _not_started(picture, picture.night, picture.due)


def _at_work(picture: Picture, run: Any) -> tuple[str, str]:
    silent = picture.now - run.alive_at
    where = f"stage {run.stage or 'none yet'}" + (f", {run.host} (process {run.pid})" if run.host else "")
    command = again(run, picture.missed)
    if run.run_id in picture.dead:
        return (
            f"BROKEN: the night of {run.as_of_date}: run {run.run_id} died in {where}; its last sign of life was "
            f"{ago(silent.total_seconds())} ago.",
            f"{command} (it goes on after the last whole stage)",
        )
    if silent > SILENT:
        return (
            f"BROKEN: the night of {run.as_of_date}: run {run.run_id} has been silent for {ago(silent.total_seconds())}"
            f" in {where}: it died or hangs.",
            f"{command} takes over where it died; where it hangs, end its process first.",
        )
    since = run.stage_started_at or run.started_at
    return (
        f"AT WORK: the night of {run.as_of_date}: run {run.run_id}, {where}, for "
        f"{ago((picture.now - since).total_seconds())}; alive {ago(silent.total_seconds())} ago.",
        "wait; `churn status` shows how far it is.",
    )


def _before_the_first(picture: Picture) -> tuple[str, str]:
    failed = next((run for run in picture.last_runs if run.status in _BAD), None)
    if failed is not None:
        return f"BROKEN: the night of {failed.as_of_date} was not published: {_cause(failed)}", again(failed)
    if picture.failed_jobs or picture.alerts:
        told, command = _troubles(picture, [])[0]
        return f"EMPTY: no night yet, and {told}", command
    return "EMPTY: no night yet.", "churn train, then churn nightly, or leave both to churn scheduler"


def _good(picture: Picture, night: PublishedNight) -> tuple[str, str]:
    bad = [run for run in picture.last_runs if run.status in _BAD and run.run_id >= night.run_id]
    troubles = _troubles(picture, bad)
    if not troubles:
        return f"OK: the night of {night.as_of} is published.", ""
    told, command = troubles[0]
    return f"LOOK: the night of {night.as_of} is published, but {told}", command


def _troubles(picture: Picture, bad: Sequence[Any]) -> list[tuple[str, str]]:
    """Return what is wrong beside the published night, the gravest first, each with what to run."""
    found = [(_ended_badly(run), again(run, picture.missed)) for run in bad]
    found += [(f"churn {run.job} as of {run.as_of_date}: {_cause(run)}", again(run)) for run in picture.failed_jobs]
    found += [(f"an alert is open: {alert.told}", alert.command) for alert in picture.alerts]
    if picture.missed:
        count = len(picture.missed)
        nights = "1 earlier night is" if count == 1 else f"{count} earlier nights are"
        found.append((f"{nights} missing, the first {picture.missed[0]}.", _backfill(picture.missed)))
    return found


def _ended_badly(run: Any) -> str:
    told = "ended badly after it was published" if run.published_run_id == run.run_id else "was not published"
    return f"the last run, of {run.as_of_date}, {told}: {_cause(run)}"


def _not_started(picture: Picture, night: PublishedNight, due: date) -> tuple[str, str]:
    when = f"{picture.due_at:%H:%M %Z}" if picture.due_at else ""
    command = f"churn nightly --as-of {due}"
    if picture.due_at is not None and picture.now - picture.due_at < LATE:
        return f"DUE: the night of {due} is due since {when} and has not started.", f"wait for it, or {command}"
    failed = next((run for run in picture.last_runs if run.status in _BAD), None)
    if failed is not None and failed.run_id > night.run_id:
        return (
            f"BROKEN: the night of {due} was due at {when} and no run was started; the last one, of "
            f"{failed.as_of_date}: {_cause(failed)}",
            again(failed, picture.missed),
        )
    return (
        f"BROKEN: the night of {due} was not published: it was due at {when} and no run was started.",
        f"{command}; see that `churn scheduler` runs (churn doctor)",
    )


def _backfill(missed: Sequence[date]) -> str:
    return f"churn backfill --from {missed[0]} --to {missed[-1]}"


def _cause(run: Any) -> str:
    stage = f" in stage {run.stage}" if run.stage else ""
    code = f" with exit code {run.exit_code}" if run.exit_code is not None else ""
    error = " ".join((run.error or "no message").split())
    return f"run {run.run_id} {run.status}{stage}{code}: {error}"


def _published(picture: Picture) -> str:
    night = picture.night
    if night is None:
        return "Published: nothing yet."
    age = ago((picture.now - night.published_at).total_seconds())
    return f"Published: {night.as_of}, run {night.run_id}, at {night.published_at:%Y-%m-%d %H:%M} UTC, {age} ago."

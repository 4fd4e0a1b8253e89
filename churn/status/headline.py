"""The first three lines: what became of the night that is due, what is published, and what to run next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from churn.alerts import command_after
from churn.config import Settings
from churn.errors import ChurnError
from churn.ledger import NIGHT_JOBS
from churn.publish import PublishedNight, latest_published
from churn.schema import published
from churn.sqlfiles import read_sql
from churn.status.times import ago, latest_due, missed_nights

SILENT = timedelta(minutes=2)
"""How old a heartbeat is when its run is taken for dead."""

LATE = timedelta(minutes=10)
"""How late a night may start before it is missing."""

_CUT_OFF = 75


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
    """

    now: datetime
    due_at: datetime | None
    night: PublishedNight | None
    running: Sequence[Any]
    last_runs: Sequence[Any]
    missed: Sequence[date]

    @property
    def due(self) -> date | None:
        """The night that is due."""
        return None if self.due_at is None else self.due_at.date()

    def missed_lines(self) -> list[str]:
        """Say which earlier nights are missing."""
        if not self.missed:
            return []
        shown = ", ".join(str(day) for day in self.missed[:5]) + (", …" if len(self.missed) > 5 else "")
        command = f"churn backfill --from {self.missed[0]} --to {self.missed[-1]}"
        return [f"Missed nights: {len(self.missed)} ({shown}): {command}"]


def look(connection: Connection, settings: Settings, now: datetime) -> Picture:
    """Read what the first lines are made of."""
    due_at = latest_due(settings, now)
    night = latest_published(connection)
    due = due_at.date() if due_at is not None else now.astimezone(ZoneInfo(settings.business.timezone)).date()
    known = set(connection.scalars(sa.select(published.c.as_of_date)))
    return Picture(
        now,
        due_at,
        night,
        connection.execute(read_sql("status/running_runs.sql").statement).all(),
        connection.execute(read_sql("status/night_runs.sql").statement, {"due": due}).all(),
        missed_nights(settings, known, due),
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
    if picture.due is None or (picture.night is not None and picture.night.as_of >= picture.due):
        return _good(picture)
    of_due = next((run for run in picture.last_runs if run.is_due), None)
    if of_due is not None:
        return f"BROKEN: the night of {picture.due} was not published: {_cause(of_due)}", _again(of_due)
    return _not_started(picture, picture.due)


def _at_work(picture: Picture, run: Any) -> tuple[str, str]:
    silent = picture.now - run.alive_at
    where = f"stage {run.stage or 'none yet'}" + (f", {run.host} (process {run.pid})" if run.host else "")
    if silent > SILENT:
        return (
            f"BROKEN: the night of {run.as_of_date}: run {run.run_id} has been silent for {ago(silent.total_seconds())}"
            f" in {where}: it died or hangs.",
            f"{command_after(run.job, run.as_of_date, _CUT_OFF)} takes over where it died; where it hangs, end its "
            "process first.",
        )
    since = run.stage_started_at or run.started_at
    return (
        f"AT WORK: the night of {run.as_of_date}: run {run.run_id}, {where}, for "
        f"{ago((picture.now - since).total_seconds())}; alive {ago(silent.total_seconds())} ago.",
        "wait; `churn status` shows how far it is.",
    )


def _good(picture: Picture) -> tuple[str, str]:
    if picture.night is None:
        failed = next((run for run in picture.last_runs if run.status in ("failed", "died")), None)
        if failed is not None:
            return f"BROKEN: the night of {failed.as_of_date} was not published: {_cause(failed)}", _again(failed)
        return "EMPTY: no night was published yet.", "churn nightly"
    last = picture.last_runs[0] if picture.last_runs else None
    if last is not None and last.status in ("failed", "died") and last.run_id > picture.night.run_id:
        told = f"the night of {picture.night.as_of} is published, but the last run, of {last.as_of_date}, is not"
        return f"LOOK: {told}: {_cause(last)}", _again(last)
    return f"OK: the night of {picture.night.as_of} is published.", ""


def _not_started(picture: Picture, due: date) -> tuple[str, str]:
    when = f"{picture.due_at:%H:%M %Z}" if picture.due_at else ""
    command = f"churn nightly --as-of {due}"
    if picture.due_at is not None and picture.now - picture.due_at < LATE:
        return f"DUE: the night of {due} is due since {when} and has not started.", f"wait for it, or {command}"
    failed = next((run for run in picture.last_runs if run.status in ("failed", "died")), None)
    after = picture.night is None or (failed is not None and failed.run_id > picture.night.run_id)
    if failed is not None and after:
        return (
            f"BROKEN: the night of {due} was due at {when} and no run was started; the last one, of "
            f"{failed.as_of_date}: {_cause(failed)}",
            _again(failed),
        )
    what = "BROKEN" if picture.night is not None else "EMPTY"
    return (
        f"{what}: the night of {due} was not published: it was due at {when} and no run was started.",
        f"{command}; see that `churn scheduler` runs (churn doctor)",
    )


def _cause(run: Any) -> str:
    stage = f" in stage {run.stage}" if run.stage else ""
    code = f" with exit code {run.exit_code}" if run.exit_code is not None else ""
    error = " ".join((run.error or "no message").split())
    return f"run {run.run_id} {run.status}{stage}{code}: {error}"


def _again(run: Any) -> str:
    return command_after(run.job, run.as_of_date, run.exit_code if run.status == "failed" else _CUT_OFF)


def _published(picture: Picture) -> str:
    night = picture.night
    if night is None:
        return "Published: nothing yet."
    age = ago((picture.now - night.published_at).total_seconds())
    return f"Published: {night.as_of}, run {night.run_id}, at {night.published_at:%Y-%m-%d %H:%M} UTC, {age} ago."

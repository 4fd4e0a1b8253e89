"""What the scheduler knows of itself, for everybody who asks; all its threads write here."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from churn.config import Settings, next_runs, triggers
from churn.scheduling.figures import Figures
from churn.scheduling.healthfile import DEAD_AFTER, AtWork, Health, Outcome
from churn.scheduling.times import latest_due

# Figures that are older say nothing about the warehouse of now.
FIGURES_KEEP = timedelta(minutes=2)


@dataclass
class Board:
    """The state of the scheduler.

    Attributes
    ----------
    settings : Settings
    started_at : datetime
    pid : int
    host : str
    changed : callable
        Called when a job has begun or ended.
    """

    settings: Settings
    started_at: datetime
    pid: int
    host: str
    alive_at: datetime | None = None
    stopping: bool = False
    stopped: bool = False
    at_work: AtWork | None = None
    last: dict[str, Outcome] = field(default_factory=dict)
    figures: Figures | None = None
    warehouse_error: str | None = None
    published: date | None = None
    changed: Callable[[], None] = lambda: None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def beat(self, now: datetime) -> None:
        """Keep when the loop came by."""
        self.alive_at = now

    def begin(self, work: AtWork) -> None:
        """Keep which job is at work."""
        with self._lock:
            self.at_work = work
        self.changed()

    def finish(self, outcome: Outcome) -> None:
        """Keep what became of a job."""
        with self._lock:
            self.at_work = None
            self.last = {**self.last, outcome.job: outcome}
        self.changed()

    def saw_published(self, night: date | None) -> None:
        """Keep the latest published night that anybody has seen."""
        with self._lock:
            if night is not None and (self.published is None or night > self.published):
                self.published = night

    def read(self, figures: Figures) -> None:
        """Keep what the warehouse said."""
        self.figures, self.warehouse_error = figures, None
        self.saw_published(figures.published)

    def unread(self, error: str) -> None:
        """Keep why the warehouse could not be read."""
        self.warehouse_error = error

    def warehouse_up(self, now: datetime) -> bool:
        """Say whether the warehouse answered the last time, and lately."""
        if self.figures is None or self.warehouse_error is not None:
            return False
        return now - self.figures.read_at <= FIGURES_KEEP

    def overdue(self, now: datetime) -> date | None:
        """Return the night that should have been published by now and isn't.

        A night is given the time that a late start is given. Where nothing was ever published, nights count from the
        start of the scheduler on.
        """
        patience = timedelta(seconds=self.settings.schedule.misfire_grace_seconds)
        due = latest_due(triggers(self.settings)["nightly"], now - patience, timedelta(days=400))
        if due is None or (self.published is None and due < self.started_at):
            return None
        return due.date() if self.published is None or self.published < due.date() else None

    def why_not(self, now: datetime) -> list[str]:
        """List what is wrong, a sentence each."""
        found = []
        if self.alive_at is None or abs(now - self.alive_at) > DEAD_AFTER:
            found.append(f"The scheduler's loop has not come by since {self.alive_at or self.started_at:%H:%M:%S} UTC.")
        night = self.overdue(now)
        if night is not None:
            found.append(f"The night of {night} is overdue: run `churn status` for the cause.")
        return found

    def health(self, now: datetime) -> dict[str, Any]:
        """Return what the health file and `/healthz` say."""
        why = self.why_not(now)
        health = Health(
            alive_at=self.alive_at or self.started_at,
            started_at=self.started_at,
            pid=self.pid,
            host=self.host,
            stopping=self.stopping,
            stopped=self.stopped,
            healthy=not why,
            why=why,
            next_runs=dict(next_runs(self.settings, now)),
            at_work=self.at_work,
            last=self.last,
        )
        remark = None if self.warehouse_error is None else f"The warehouse can't be read: {self.warehouse_error}"
        return {**health.model_dump(mode="json"), "remark": remark}

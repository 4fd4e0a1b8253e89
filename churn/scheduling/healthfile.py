"""The file in which the scheduler says that it is alive, what it does and what it will do."""

from __future__ import annotations

import json
import os
import tempfile
from contextlib import suppress
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from churn.config import Settings

HEALTH_FILE = "scheduler.json"
REFRESH_SECONDS = 15.0
# Three refreshes late, and one for good measure.
DEAD_AFTER = timedelta(seconds=60)


class AtWork(BaseModel):
    """The job at work."""

    model_config = ConfigDict(frozen=True)

    job: str
    as_of: date
    since: datetime
    pid: int


class Outcome(BaseModel):
    """What became of a job; a negative exit code is the signal that ended it."""

    model_config = ConfigDict(frozen=True)

    job: str
    as_of: date
    started_at: datetime
    finished_at: datetime
    exit_code: int
    aborted: bool = False

    @property
    def seconds(self) -> float:
        """How long the job took."""
        return (self.finished_at - self.started_at).total_seconds()


class Health(BaseModel):
    """What the health file says.

    Attributes
    ----------
    alive_at : datetime
        When the scheduler's loop came by last.
    started_at : datetime
    pid : int
    host : str
    stopping : bool
        It was told to stop, and lets the job at work finish.
    stopped : bool
        It has stopped.
    healthy : bool
    why : list of str
        What is wrong, a sentence each; empty where nothing is.
    next_runs : dict of str to datetime
        By job.
    at_work : AtWork, optional
    last : dict of str to Outcome
        By job.
    """

    alive_at: datetime
    started_at: datetime
    pid: int
    host: str
    stopping: bool = False
    stopped: bool = False
    healthy: bool = True
    why: list[str] = []
    next_runs: dict[str, datetime] = {}
    at_work: AtWork | None = None
    last: dict[str, Outcome] = {}

    def is_alive(self, now: datetime) -> bool:
        """Say whether the scheduler's loop has come by lately, and goes on."""
        return not self.stopped and abs(now - self.alive_at) <= DEAD_AFTER


def health_path(settings: Settings) -> Path:
    """Return where the health file is."""
    return settings.home / HEALTH_FILE


def read_health(settings: Settings) -> Health | None:
    """Read the health file; None where there is none, or it isn't one."""
    try:
        return Health.model_validate_json(health_path(settings).read_bytes())
    except (OSError, ValidationError):
        return None


def write_health(settings: Settings, content: dict[str, Any]) -> None:
    """Replace the health file in one step.

    Raises
    ------
    OSError
        The folder can't be written.
    """
    path = health_path(settings)
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(json.dumps(content, indent=1) + "\n")
        Path(name).replace(path)
    except OSError:
        with suppress(OSError):
            Path(name).unlink()
        raise

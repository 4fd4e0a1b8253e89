"""A job as a process of its own: started, waited for, ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

JOB_COMMAND = (sys.executable, "-m", "churn")
ABORT_SECONDS = 10.0


class Child(Protocol):
    """A job at work."""

    @property
    def pid(self) -> int:
        """Process id."""

    def wait(self, seconds: float | None = None) -> int | None:
        """Wait until the job has ended and return its exit code; None where it has not in that time."""

    def abort(self) -> None:
        """Ask the job to end at once, and see that it does."""


Start = Callable[[Sequence[str]], Child]


class JobProcess:
    """A job in a process group of its own, so that a Ctrl-C at the terminal reaches the scheduler alone.

    The scheduler then decides whether the job may finish.

    Parameters
    ----------
    command : sequence of str
        Program and arguments; no shell.
    folder : Path
        Folder to work in.
    """

    def __init__(self, command: Sequence[str], folder: Path) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own command
            list(command), cwd=folder, stdin=subprocess.DEVNULL, start_new_session=True
        )

    @property
    def pid(self) -> int:
        """Process id, and id of the group."""
        return self._process.pid

    def wait(self, seconds: float | None = None) -> int | None:
        """Wait until the job has ended; negative is the signal that ended it."""
        with suppress(subprocess.TimeoutExpired):
            return self._process.wait(seconds)
        return None

    def abort(self) -> None:
        """Send SIGTERM to the job, then SIGKILL to whatever is left of its group.

        The job's sessions end with it, and Postgres rolls back what they had begun. A server of the embedded Postgres
        that the job has started has a session of its own and goes on.
        """
        self._process.terminate()
        self.wait(ABORT_SECONDS)
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.wait()


def starter(command: Sequence[str], config: Path | None, folder: Path) -> Start:
    """Return what starts `churn <words>` with the scheduler's own configuration."""
    options = [] if config is None else ["--config", str(config.resolve())]

    def start(words: Sequence[str]) -> Child:
        return JobProcess([*command, *words, *options], folder)

    return start

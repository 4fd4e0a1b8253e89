"""A command of `churn` in a process of its own, on a clock of its own, that can be killed, stopped and woken."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

# Forked from a process that has imported everything and has no threads.
_PROCESSES = multiprocessing.get_context("forkserver")
PRELOADED = ("churn.cli", "churn.pipeline", "churn.scoring", "churn.alerts", "churn.previews", "lightgbm", __name__)
BEFORE, BETWEEN, AFTER = "before the run", "between stages", "after publishing"


@dataclass(frozen=True)
class Clock:
    """A clock that starts at an instant and may jump while it runs; it patches the commands' own.

    Attributes
    ----------
    start : datetime
        What it shows when the command begins.
    jump_after_seconds : float or None
        When it jumps; None never does.
    jump : timedelta
    """

    start: datetime
    jump_after_seconds: float | None = None
    jump: timedelta = timedelta()
    begun: float = field(default_factory=time.monotonic)

    def __call__(self) -> datetime:
        """Return what it shows."""
        elapsed = time.monotonic() - self.begun
        has_jumped = self.jump_after_seconds is not None and elapsed >= self.jump_after_seconds
        return self.start + timedelta(seconds=elapsed) + (self.jump if has_jumped else timedelta())


@dataclass(frozen=True)
class Command:
    """What a child runs.

    Attributes
    ----------
    line : tuple of str
        Arguments of `churn`.
    log : Path
        Gets both its outputs.
    clock : Clock
    lock_timeout : str or None
        Its patience for locks in the warehouse, where the usual minute is too long to wait for.
    """

    line: tuple[str, ...]
    log: Path
    clock: Clock
    lock_timeout: str | None = None


class Child:
    """A command at work.

    Attributes
    ----------
    command : Command
    started : float
        On the monotonic clock.
    """

    def __init__(self, command: Command) -> None:
        self.command = command
        self.started = time.monotonic()
        self._process: BaseProcess = _PROCESSES.Process(target=_run, args=(command,))
        self._process.start()

    def wait(self, seconds: float) -> int | None:
        """Wait for its end at most so long; return its exit code, negative where a signal ended it."""
        self._process.join(seconds)
        return self._process.exitcode

    def send(self, number: signal.Signals) -> None:
        """Send it a signal, unless it has ended."""
        if self._process.pid is not None and self._process.exitcode is None:
            os.kill(self._process.pid, number)

    @property
    def is_alive(self) -> bool:
        """Whether it is still there."""
        return self._process.is_alive()

    def elapsed(self) -> float:
        """Return the seconds since it was started."""
        return time.monotonic() - self.started


def warm_up() -> None:
    """Make the process that children are forked from; it imports everything once."""
    _PROCESSES.set_forkserver_preload(list(PRELOADED))
    idle = _PROCESSES.Process(target=_nothing)
    idle.start()
    idle.join()


def _nothing() -> None:
    return


def _run(command: Command) -> None:
    from churn import cli

    output = os.open(command.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (1, 2):
        os.dup2(output, stream)
    sys.stdout, sys.stderr = os.fdopen(1, "w", closefd=False), os.fdopen(2, "w", closefd=False)
    _patch(command)
    cli.main(list(command.line))


def _patch(command: Command) -> None:
    """Put the clock in the place of the edge's, wherever that was imported to."""
    from churn import edge
    from churn.warehouse import database

    read_by_the_edge = edge.clock
    for name, module in list(sys.modules.items()):
        if name.startswith("churn.") and getattr(module, "clock", None) is read_by_the_edge:
            setattr(module, "clock", command.clock)  # noqa: B010 - any module
    if command.lock_timeout is not None:
        database._WAREHOUSE_SESSION["lock_timeout"] = command.lock_timeout


# ---------------------------------------------------------------- its log


def events(log: Path) -> list[dict[str, Any]]:
    """Return what a command has logged, event by event; a line that was cut off is left out."""
    found = []
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if log.is_file() else ():
        if line.startswith("{"):
            try:
                found.append(json.loads(line))
            except ValueError:
                continue
    return found


def stage_of(logged: Sequence[dict[str, Any]]) -> str:
    """Return the stage that a run was in when its log ended."""
    stage, has_finished = BEFORE, False
    for event in logged:
        if event["event"] == "run started":
            stage, has_finished = BETWEEN, False
        elif event["event"] in ("stage started", "stage finished"):
            stage, has_finished = str(event.get("stage", stage)), event["event"] == "stage finished"
    if not has_finished:
        return stage
    return AFTER if stage == "publish" else BETWEEN


def first_stage(logged: Sequence[dict[str, Any]]) -> str | None:
    """Return the stage that a run began with."""
    return next((str(event["stage"]) for event in logged if event["event"] == "stage started"), None)


def run_id(logged: Sequence[dict[str, Any]]) -> int | None:
    """Return the number of the run, where it came so far."""
    return next((int(event["run_id"]) for event in logged if event["event"] == "run started"), None)


def complaint(log: Path) -> str:
    """Return the last line that is no event: the command's error, where it failed."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.is_file() else []
    said = [line for line in lines if line.strip() and not line.startswith("{")]
    return said[-1][:300] if said else ""

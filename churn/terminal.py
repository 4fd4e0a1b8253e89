"""What the user sees of a running job: progress bars on a terminal, one JSON line an event otherwise."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import date
from typing import Any, TextIO

from rich.console import Console
from rich.progress import Progress as Bars
from rich.progress import SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from churn.ledger import Clock


class BarProgress:
    """Shows each stage as a line that spins while it works and stays when it is done."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bars: Bars | None = None
        self._task: TaskID | None = None

    def run_started(self, job: str, run_id: int, as_of: date) -> None:
        """Print the job's headline."""
        self._console.print(f"[bold]{job}[/] as of {as_of}, run {run_id}", highlight=False)

    def stage_started(self, stage: str) -> None:
        """Start the stage's line."""
        self._bars = Bars(
            SpinnerColumn(finished_text="✓"),
            TextColumn("{task.description:<10}"),
            TextColumn("{task.fields[detail]}"),
            TimeElapsedColumn(),
            console=self._console,
        )
        self._bars.start()
        self._task = self._bars.add_task(stage, total=1, detail="")

    def advanced(self, what: str, rows: int) -> None:
        """Show how far the stage is."""
        if self._bars is not None and self._task is not None:
            self._bars.update(self._task, detail=f"{what} {rows:,}")

    def stage_finished(self, stage: str, rows: int, seconds: float) -> None:
        """Leave the stage's line as done."""
        if self._bars is not None and self._task is not None:
            self._bars.update(self._task, completed=1, detail=f"{rows:,} rows")
        self.close()

    def note(self, text: str) -> None:
        """Print a sentence below."""
        self._console.print(f"  {text}", highlight=False, markup=False)

    def close(self) -> None:
        """Stop drawing, also when the stage failed."""
        if self._bars is not None:
            self._bars.stop()
            self._bars = None


class LogProgress:
    """Writes one JSON object a line: time, event and what belongs to it; no attribute of any customer."""

    def __init__(self, stream: TextIO, clock: Clock) -> None:
        self._stream = stream
        self._clock = clock
        self._context: dict[str, Any] = {}

    def _write(self, event: str, **fields: Any) -> None:
        line = {
            "time": self._clock().isoformat(timespec="milliseconds"),
            "event": event,
            **self._context,
            **fields,
        }
        self._stream.write(json.dumps(line, ensure_ascii=False) + "\n")
        self._stream.flush()

    def run_started(self, job: str, run_id: int, as_of: date) -> None:
        """Log the run, and say on every later line which it is."""
        self._context = {"job": job, "run_id": run_id, "as_of": as_of.isoformat()}
        self._write("run started")

    def stage_started(self, stage: str) -> None:
        """Log the stage's beginning."""
        self._context["stage"] = stage
        self._write("stage started")

    def advanced(self, what: str, rows: int) -> None:
        """Log nothing: a log is no progress bar."""

    def stage_finished(self, stage: str, rows: int, seconds: float) -> None:
        """Log the stage's end."""
        self._write("stage finished", rows=rows, seconds=round(seconds, 3))
        self._context.pop("stage", None)

    def note(self, text: str) -> None:
        """Log a sentence."""
        self._write("note", text=text)

    def close(self) -> None:
        """Nothing to close."""


def progress_for(stream: TextIO, clock: Clock) -> BarProgress | LogProgress:
    """Choose by what stderr is."""
    if stream.isatty():
        return BarProgress(Console(file=stream))
    return LogProgress(stream, clock)


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print a small table to stdout; numbers to the right."""
    table = Table(title=title, title_justify="left", title_style="bold", header_style="bold")
    for index, column in enumerate(columns):
        numeric = bool(rows) and all(isinstance(row[index], int | float) or row[index] is None for row in rows)
        table.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    width = None if sys.stdout.isatty() else 140
    with suppress(BrokenPipeError):
        Console(file=sys.stdout, width=width, highlight=False, markup=False, emoji=False).print(table)


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:,.3f}" if abs(value) < 10 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def figure_text(value: float | None, low: float | None, high: float | None) -> str | None:
    """Return a figure with its interval, as `0.812 [0.790, 0.833]`; None where it is not known."""
    if value is None:
        return None
    if low is None or high is None:
        return _cell(float(value))
    return f"{_cell(float(value))} [{_cell(float(low))}, {_cell(float(high))}]"


def print_lines(lines: Sequence[str]) -> None:
    """Print plain lines to stdout."""
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()

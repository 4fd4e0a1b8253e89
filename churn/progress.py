"""How a job tells what it is doing: to nobody, to a terminal, or to a log; the edge chooses."""

from __future__ import annotations

from datetime import date
from typing import Protocol


class Progress(Protocol):
    """Hears of a job's events. Implementations live at the edge (`churn.terminal`)."""

    def run_started(self, job: str, run_id: int, as_of: date) -> None:
        """Hear that a run has its place in the ledger."""

    def stage_started(self, stage: str) -> None:
        """Hear that a stage begins."""

    def advanced(self, what: str, rows: int) -> None:
        """Hear that `rows` of `what` have been done so far within the stage."""

    def stage_finished(self, stage: str, rows: int, seconds: float) -> None:
        """Hear that a stage ended well."""

    def note(self, text: str) -> None:
        """Hear something that the user should know, in one sentence."""


class Silence:
    """A progress that nobody listens to."""

    def run_started(self, job: str, run_id: int, as_of: date) -> None:
        """Say nothing."""

    def stage_started(self, stage: str) -> None:
        """Say nothing."""

    def advanced(self, what: str, rows: int) -> None:
        """Say nothing."""

    def stage_finished(self, stage: str, rows: int, seconds: float) -> None:
        """Say nothing."""

    def note(self, text: str) -> None:
        """Say nothing."""

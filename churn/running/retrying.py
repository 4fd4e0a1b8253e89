"""The patience of a job with trouble that may pass, and with a ledger that cannot be told."""

from __future__ import annotations

from collections.abc import Callable

from tenacity import RetryCallState, Retrying, stop_after_attempt, wait_exponential, wait_random

from churn.errors import ChurnError, SourceError
from churn.running.job import Job


def retrying(job: Job, what: str, kind: type[ChurnError] = ChurnError) -> Retrying:
    """Return the patience of `[retry]` with errors of a kind: pauses that double, with as much again at random."""
    retry = job.settings.retry

    def tell(state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        pause = state.next_action.sleep if state.next_action else 0.0
        message = error.message if isinstance(error, ChurnError) else ""
        job.progress.note(f"{what}, try {state.attempt_number}: {message} Trying again in {pause:.0f} s.")

    def may_pass(state: RetryCallState) -> bool:
        error = state.outcome.exception() if state.outcome else None
        # A source that was never reached is told at once: mostly its address is wrong.
        is_unknown = isinstance(error, SourceError) and state.attempt_number == 1
        return isinstance(error, kind) and error.may_pass and not is_unknown

    return Retrying(
        retry=may_pass,
        stop=stop_after_attempt(retry.attempts),
        wait=wait_exponential(multiplier=retry.first_pause_seconds, max=retry.longest_pause_seconds)
        + wait_random(0, retry.first_pause_seconds),
        before_sleep=tell,
        reraise=True,
    )


def told_anyway(error: BaseException, tell: Callable[[], None]) -> None:
    """Tell the ledger of an error; where that fails too, the error that came first is the one to be seen."""
    try:
        tell()
    except ChurnError as later:
        error.add_note(f"The ledger could not be told: {later.message}")

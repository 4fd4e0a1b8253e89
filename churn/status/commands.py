"""What to run next after a run, with its dates filled in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from churn.alerts import command_after
from churn.errors import ChecksFailedError, ModelError

_CUT_OFF = 75


def again(run: Any, missed: Sequence[date] = ()) -> str:
    """Return what to run after a run that failed or died.

    Parameters
    ----------
    run : row
        Of the ledger: `run_id`, `job`, `as_of_date`, `status`, `exit_code`.
    missed : sequence of date
        Nights that a backfill makes up for too, ascending.
    """
    code = run.exit_code if run.status == "failed" and run.exit_code is not None else _CUT_OFF
    return _after(run.job, run.as_of_date, code, run.run_id, missed)


def _after(job: str, as_of: date, code: int, run_id: int, missed: Sequence[date]) -> str:
    command = _command(job, as_of, missed)
    if code == ChecksFailedError.exit_code:
        return (
            f"look at bi.data_quality where run_id = {run_id} and status = 'failed', mend the source of the table that "
            f"is named, then {command}"
        )
    if (job, code) == ("train", ModelError.exit_code):
        return "do what it says, then churn train"
    if job == "backfill":
        # The advice is the same as of a night's; the command has the span.
        return command_after("nightly", as_of, code).replace(_command("nightly", as_of), command)
    return command_after(job, as_of, code)


def _command(job: str, as_of: date, missed: Sequence[date] = ()) -> str:
    if job != "backfill":
        return f"churn {job} --as-of {as_of}"
    nights = [as_of, *missed]
    return f"churn backfill --from {min(nights)} --to {max(nights)}"

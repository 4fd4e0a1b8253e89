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
        Of the ledger: `run_id`, `job`, `as_of_date`, `status`, `exit_code`; of a night that failed also `checks`, those
        that stopped it.
    missed : sequence of date
        Nights that a backfill makes up for too, ascending.
    """
    code = run.exit_code if run.status == "failed" and run.exit_code is not None else _CUT_OFF
    if (run.job, code) == ("train", ModelError.exit_code):
        return "do what it says, then churn train"
    checks = run.checks if code == ChecksFailedError.exit_code else ()
    command = _command(run.job, run.as_of_date, missed)
    return command_after(run.job, run.as_of_date, code, again=command, run_id=run.run_id, checks=checks)


def _command(job: str, as_of: date, missed: Sequence[date] = ()) -> str:
    if job != "backfill":
        return f"churn {job} --as-of {as_of}"
    nights = [as_of, *missed]
    return f"churn backfill --from {min(nights)} --to {max(nights)}"

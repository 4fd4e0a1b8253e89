"""What an alert says: what happened, where, and the command to run next."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from churn.alerts.mends import after_checks
from churn.config import Settings
from churn.connections import EMBEDDED_SCHEME
from churn.errors import ChecksFailedError, ChurnError, ConfigError
from churn.extract import QuarantineError
from churn.warehouse import parse_url

LONGEST_TEXT = 1500
NEXT = "\nNext: "
FAIL = "fail"
WARN = "warn"

Standing = Literal["missing", "out", "before"]
"""How a night stands: not published, published by the run that failed, or published by a run before it."""

_COMMANDS = {
    1: "{again} --debug, and report what it prints",
    2: "churn {job} --help",
    10: "churn doctor, mend the key that it names, then {again}",
    11: "churn doctor, mend what it names, then {again}",
    12: "churn doctor, mend the mapping or the source, then {again}",
    13: "churn doctor, leave out the feature that is named, then {again}",
    14: "churn models list, then churn train or churn models rollback --reason TEXT, then {again}",
    15: "churn doctor, mend what it names (churn migrate where it is not migrated), then {again}",
    17: "{again} --wait",
    75: "{again}",
}
_LATER = "churn status"


@dataclass(frozen=True)
class Place:
    """Where a job ran.

    Attributes
    ----------
    host : str
    folder : str
        Folder of churn.toml, where the command to run next is run.
    warehouse : str
        Host and database; no login, no password.
    run_id : int or None
        None where the job failed before it had a run, or the ledger can't be read.
    stage : str or None
    """

    host: str
    folder: str
    warehouse: str
    run_id: int | None = None
    stage: str | None = None

    def __str__(self) -> str:
        """Return it as one line of a message."""
        run = "no run" if self.run_id is None else f"run {self.run_id}"
        stage = "" if self.stage is None else f", stage {self.stage}"
        return f"{self.host}, {self.folder}; warehouse {self.warehouse}; {run}{stage}"


@dataclass(frozen=True)
class Alert:
    """Something to tell, once for each cause.

    Attributes
    ----------
    cause : str
        The same for everything that is told once: job, kind, exit code or check; never a run.
    severity : {"fail", "warn"}
    title : str
    detail : str
        What, where and what to run, a line each.
    """

    cause: str
    severity: str
    title: str
    detail: str


def warehouse_name(settings: Settings) -> str:
    """Name the warehouse by host and database."""
    url = None if settings.warehouse.url is None else settings.warehouse.url.get_secret_value()
    if url is None or url.startswith(EMBEDDED_SCHEME):
        return f"embedded in {settings.home}"
    try:
        parsed = parse_url(url, "warehouse")
    except ConfigError:
        return "unknown, since warehouse.url can't be read"
    host = parsed.host or parsed.query.get("host") or "this machine"
    return f"{host if isinstance(host, str) else ', '.join(host)}/{parsed.database}"


def command_after(
    job: str,
    as_of: date,
    code: int,
    *,
    again: str | None = None,
    run_id: int | None = None,
    checks: Sequence[str] = (),
) -> str:
    """Return what to run next after a job ended with an exit code.

    Parameters
    ----------
    job : str
    as_of : date
        The night that it was at.
    code : int
    again : str, optional
        The command that goes on, where it is not the job's for that night alone: a backfill of several.
    run_id : int, optional
        The run that failed.
    checks : sequence of str
        Names of the checks that stopped it.
    """
    if again is None:
        again = f"churn backfill --from {as_of} --to {as_of}" if job == "backfill" else f"churn {job} --as-of {as_of}"
    if code == ChecksFailedError.exit_code:
        where = "" if run_id is None else f" where run_id = {run_id} and status = 'failed'"
        mend = after_checks(checks, night=f"churn nightly --as-of {as_of}", again=again)
        return f"look at bi.data_quality{where}, {mend}"
    return _COMMANDS.get(code, "{again}").format(job=job, again=again)


def failed(
    job: str,
    as_of: date,
    error: Exception,
    place: Place,
    checks: Sequence[tuple[str, str]] = (),
    *,
    standing: Standing | None = None,
    again: str | None = None,
) -> Alert:
    """Say that a job ended with an error.

    Parameters
    ----------
    job : str
    as_of : date
    error : Exception
        One that is not ours is a defect, with exit code 1; what it says is not repeated.
    place : Place
    checks : sequence of (str, str)
        Names of the checks that failed, and what each found, fit to be told.
    standing : {"missing", "out", "before"}, optional
        How the night stands; without it nothing is said of that.
    again : str, optional
        As of `command_after`.
    """
    code = error.exit_code if isinstance(error, ChurnError) else 1
    names = "".join(f" {name}" for name, _ in checks)
    return _alert(
        f"{job} failed {code}{names}", f"{_subject(job, as_of, standing)} (exit code {code})", _what(error, checks),
        place, command_after(job, as_of, code, again=again, run_id=place.run_id, checks=[name for name, _ in checks]),
    )  # fmt: skip


def died(job: str, as_of: date, code: int, place: Place, *, standing: Standing | None = None) -> Alert:
    """Say that a job ended without a word: it was killed, or it ended before it could speak.

    Parameters
    ----------
    job : str
    as_of : date
    code : int
        What its process returned: negative for a signal.
    place : Place
    standing : {"missing", "out", "before"}, optional
        As of `failed`.
    """
    subject = _subject(job, as_of, standing)
    if 0 < code < 128:
        what = f"It ended with exit code {code}; its log, or the scheduler's, says why."
        command = command_after(job, as_of, code, run_id=place.run_id)
        return _alert(f"{job} failed {code}", f"{subject} (exit code {code})", what, place, command)
    what = f"The process was killed by {_signal(-code if code < 0 else code - 128)}."
    return _alert(f"{job} died", f"{subject} (killed)", what, place, command_after(job, as_of, 75))


def warned(cause: str, title: str, what: str, place: Place, command: str = _LATER) -> Alert:
    """Say that a night was published and something about it looks wrong."""
    return Alert(f"night {cause}", WARN, title, _detail(what, place, command))


def _alert(cause: str, title: str, what: str, place: Place, command: str) -> Alert:
    return Alert(cause, FAIL, title, _detail(what, place, command))


def _detail(what: str, place: Place, command: str) -> str:
    return f"{what[:LONGEST_TEXT]}\nWhere: {place}.{NEXT}{command}"


def _subject(job: str, as_of: date, standing: Standing | None) -> str:
    if standing == "out":
        return f"The night of {as_of} is published, but its run ended badly"
    if job == "nightly" and standing == "before":
        return f"The night of {as_of} was not published anew"
    if job == "nightly" and standing == "missing":
        return f"The night of {as_of} was not published"
    return f"churn {job} as of {as_of} failed"


def _what(error: Exception, checks: Sequence[tuple[str, str]]) -> str:
    """Return what happened, without samples: they may name customers."""
    if isinstance(error, ChecksFailedError):
        found = ": " + "; ".join(told for _, told in checks) if checks else ""
        return f"Checks failed{found}. bi.data_quality has examples. What was published before stays."
    if isinstance(error, QuarantineError):
        counts = "; ".join(f"{count.entity} {count.reason}: {count.rows:,}" for count in error.quarantine)
        return f"Too many source rows can't be used: {counts}. bi.data_quality has examples. {error.hint}".strip()
    if isinstance(error, ChurnError):
        return str(error)
    return f"{type(error).__name__}: a defect of churn."


def _signal(number: int) -> str:
    try:
        return f"signal {signal.Signals(number).name}"
    except ValueError:
        return f"signal {number}"

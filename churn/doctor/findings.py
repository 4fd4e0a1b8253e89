"""One line of the doctor's report, and what both databases are asked alike."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import unquote, urlsplit

from sqlalchemy.engine import Connection

from churn.config import Settings
from churn.errors import ChurnError
from churn.ledger import Clock
from churn.sqlfiles import read_sql
from churn.warehouse import sqlstate

OLDEST_POSTGRES = 15
NEWEST_POSTGRES = 18
MOST_CLOCK_SECONDS = 60
_DENIED = "42501"
_NO_ENTRY = re.compile(r'permission denied for database ("[^"]*"|\w+)')


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's report.

    Attributes
    ----------
    status : {"ok", "warn", "fail"}
    what : str
    mend : str
        What to do; empty where nothing is wrong.
    exit_code : int
        Exit code of a failure; 0 otherwise.
    """

    status: str
    what: str
    mend: str = ""
    exit_code: int = 0


def guarded(what: str, look: Callable[[], list[Finding]], settings: Settings | None = None) -> list[Finding]:
    """Look, and let an error be a finding.

    Parameters
    ----------
    what : str
        Begins with `source` or `warehouse`.
    look : callable
    settings : Settings, optional
        For the login that lacks a right to the whole database.
    """
    try:
        return look()
    except ChurnError as error:
        return [Finding("fail", f"{what}: {error.message}", _mend(what, error, settings), error.exit_code)]


def _mend(what: str, error: ChurnError, settings: Settings | None) -> str:
    """Return what to do; where a right is missing, which one: this is where whoever lacks one is sent."""
    no_entry = _NO_ENTRY.search(error.message)
    if no_entry is not None:
        return f"Let an administrator run: grant connect on database {no_entry[1]} to {_login(what, settings)};"
    if what.startswith("warehouse") and sqlstate(error) == _DENIED:
        return "Run `churn migrate`, or let an administrator make this login a member of roles.churn_job."
    return error.hint


def _login(what: str, settings: Settings | None) -> str:
    section = None if settings is None else settings.warehouse if what.startswith("warehouse") else settings.source
    url = None if section is None or section.url is None else section.url.get_secret_value()
    name = None if url is None else urlsplit(url).username
    return unquote(name) if name else "the login"


def session_findings(connection: Connection, side: str, clock: Clock) -> list[Finding]:
    """Say what kind of session the side's database gives: version, encryption, clock.

    Parameters
    ----------
    connection : sqlalchemy.Connection
    side : {"source", "warehouse"}
    clock : callable
        Gives the current UTC time of this machine.
    """
    session = connection.execute(read_sql("doctor/session.sql").statement).one()
    return [_version(side, session), _encryption(side, session), _clock(side, session.clock, clock())]


def _version(side: str, session: Any) -> Finding:
    what = f"{side}: connected, Postgres {session.version}"
    if OLDEST_POSTGRES <= session.major <= NEWEST_POSTGRES:
        return Finding("ok", what)
    return Finding(
        "warn",
        f"{what}; {OLDEST_POSTGRES} to {NEWEST_POSTGRES} are tested",
        "Upgrade it, or try a whole night on a copy first."
        if session.major < OLDEST_POSTGRES
        else "Try a whole night on a copy first.",
    )


def _encryption(side: str, session: Any) -> Finding:
    if session.is_encrypted:
        return Finding("ok", f"{side}: encrypted ({session.tls_version})")
    if session.is_remote:
        return Finding("warn", f"{side}: not encrypted on the network", f"Set {side}.tls = 'verify-full'.")
    return Finding("ok", f"{side}: not encrypted, on this machine")


def _clock(side: str, there: datetime, here: datetime) -> Finding:
    seconds = (there - here).total_seconds()
    if abs(seconds) <= MOST_CLOCK_SECONDS:
        return Finding("ok", f"{side}: its clock and this machine's agree ({seconds:+.1f} s)")
    return Finding(
        "warn",
        f"{side}: its clock is {abs(seconds):,.0f} s {'ahead of' if seconds > 0 else 'behind'} this machine's",
        "Let both follow a time server (NTP): nights, late rows and heartbeats are told by these clocks.",
    )

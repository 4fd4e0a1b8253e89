"""The driver's errors in our own words: whose database, what happened, what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import psycopg2
from sqlalchemy.exc import DBAPIError

from churn.errors import ChurnError, SourceError, TransientError, WarehouseError

Side = Literal["source", "warehouse", "activation"]

_SIDE_ERROR: dict[Side, type[ChurnError]] = {
    "source": SourceError,
    "warehouse": WarehouseError,
    "activation": WarehouseError,
}
_TRANSIENT_STATES = ("08", "40001", "40P01", "53", "55P03", "57P01", "57P02", "57P03", "25P03")
_TIMEOUT_HINTS: dict[Side, str] = {
    "source": "Give the tables in source/*.sql the indexes that they lack, or raise source.statement_timeout_seconds.",
    "warehouse": "Somebody cancelled it, or statement_timeout is set for the job's login: take that away.",
    "activation": "Somebody cancelled it, or statement_timeout is set for that login: take that away.",
}
# A connection that broke off between two statements, or while rows were copied; the driver gives no SQLSTATE.
_BROKEN_OFF = (
    "connection already closed",
    "server closed the connection",
    "connection not open",
    "no connection to the server",
    "SSL SYSCALL",
    "SSL connection has been closed",
    "EOF detected",
    "could not receive data from server",
    "could not send data to server",
)
# What libpq says when no session came about; there is no SQLSTATE then.
_REFUSED_LOGIN = ("password authentication failed", "no password supplied", "authentication failed for user")
_UNREACHABLE = ("connection to server at", "connection to server on", "could not translate host name", "invalid dsn")
_ENCRYPTION = ("SSL", "certificate", "sslmode", "sslrootcert", "no encryption")
_BUSY = ("starting up", "shutting down", "recovery", "too many clients", "connection slots")


@contextmanager
def translated(side: Side) -> Iterator[None]:
    """Turn the driver's errors into ours: whose database, what happened, what to do."""
    try:
        yield
    except DBAPIError as error:
        raise _translate(error.orig if isinstance(error.orig, psycopg2.Error) else error, side) from error
    except psycopg2.Error as error:
        raise _translate(error, side) from error


def sqlstate(error: BaseException | None) -> str:
    """Return the SQLSTATE behind an error of ours or the driver's; empty where there is none."""
    while error is not None:
        original = getattr(error, "orig", error)
        state = getattr(original, "pgcode", None)
        if state:
            return str(state)
        error = error.__cause__
    return ""


def _translate(error: BaseException, side: Side) -> ChurnError:
    state = sqlstate(error)
    text = " ".join(str(error).split("\n")[0].split()).removeprefix("ERROR: ").strip()
    if not state:
        return _without_state(error, text, side)
    kind = _SIDE_ERROR[side]
    if state in {"28P01", "28000"}:
        return _refused_login(text, side)
    if state.startswith(_TRANSIENT_STATES):
        return TransientError(f"The {side} database broke off or was busy: {text}.", "Run the same command again.")
    if state == "57014":
        return kind(f"The {side} database cut a statement off: {text}.", _TIMEOUT_HINTS[side])
    if state == "25006" and side == "source":
        return kind(
            f"The source is only ever read, and something in the mapping writes: {text}.",
            "Take functions that write out of source/*.sql, and out of the views that it reads.",
        )
    if state == "42501":
        return kind(f"The {side} database denies permission: {text}.", "Run `churn doctor` for the missing grants.")
    if side == "warehouse" and state in {"42P01", "3F000", "42703"}:
        return kind(f"The warehouse lacks a table or column: {text}.", "Run `churn migrate`.")
    return kind(f"The {side} database refused a statement: {text} (SQLSTATE {state}).")


def _without_state(error: BaseException, text: str, side: Side) -> ChurnError:
    """Say what libpq or the driver means where the server did not answer."""
    kind = _SIDE_ERROR[side]
    if _says(text, _REFUSED_LOGIN):
        return _refused_login(text, side)
    if _says(text, _UNREACHABLE) and not _says(text, _BUSY):
        if _says(text, _ENCRYPTION):
            return kind(
                f"No encrypted connection to the {side} database came about: {text}.",
                f"Check {side}.tls, {side}.tls_root_certificate and the host in {side}.url.",
            )
        unreachable = kind(
            f"The {side} database can't be reached: {text}.", f"Check host, port and database in {side}.url."
        )
        # A job that has had it may wait for it to come back; one that never had it ends.
        unreachable.may_pass = True
        return unreachable
    if isinstance(error, psycopg2.OperationalError) or _says(text, _BROKEN_OFF):
        return TransientError(f"The {side} database broke off or was busy: {text}.", "Run the same command again.")
    return kind(f"The {side} database refused a statement: {text} (SQLSTATE none).")


def _refused_login(text: str, side: Side) -> ChurnError:
    return _SIDE_ERROR[side](
        f"The {side} database refused the login: {text}.", f"Check the user and password in {side}.url."
    )


def _says(text: str, phrases: tuple[str, ...]) -> bool:
    return any(phrase in text for phrase in phrases)

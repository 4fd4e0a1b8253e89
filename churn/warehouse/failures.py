"""The driver's errors in our own words: whose database, what happened, what to do."""

from __future__ import annotations

import re
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
HIDDEN = "***"
# Errors that data caused, or a function that raised one: their messages quote what the data say.
_DATA_STATES = ("22", "23", "P0")
# The name of a thing, or else the beginning of a value; a server may speak another language than English.
_QUOTED = re.compile(
    r'\b(?:column|table|relation|constraint|index|partition|domain|type|enum|encoding|parameter) (?:\w+\.)*"[^"]*"'
    r'|["»«„“”]'
)
_CLOSING = '"»«“”'
_BARE = re.compile(r"[^\s\"'<>(),;=]+@[^\s\"'<>(),;=]+|\b0x[0-9a-f]{2}(?: 0x[0-9a-f]{2})*|(?<=out of range: )[-+.:\d]+")
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
_NOT_UNDERSTOOD = ("invalid sslmode", "invalid connection option", "invalid integer value", "invalid port number",
                   "invalid channel_binding", "invalid target_session_attrs", "invalid gssencmode")  # fmt: skip
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


def without_values(message: str) -> str:
    """Return what Postgres says of data without the values, which may be a customer's; names of things stay.

    A value isn't escaped where it is quoted, so all goes from where it begins to the last quotation mark.
    """
    for quoted in _QUOTED.finditer(message):
        if len(quoted[0]) == 1:
            end = max(message.rfind(mark) for mark in _CLOSING)
            rest = message[end:] if end > quoted.start() else message[quoted.start()]
            message = f"{message[: quoted.end()]}{HIDDEN}{rest}"
            break
    return _BARE.sub(HIDDEN, message)


def _message(error: BaseException, state: str) -> str:
    """Return the first line of what the server said; of an error of data its whole message, without the values."""
    line = str(error).split("\n")[0]
    if state.startswith(_DATA_STATES):
        line = without_values(_primary(error) or line)
    return " ".join(line.split()).removeprefix("ERROR: ").strip()


def _primary(error: BaseException) -> str | None:
    """Return the message as the server sent it; a value in it may have several lines."""
    return error.diag.message_primary if isinstance(error, psycopg2.Error) else None


def _translate(error: BaseException, side: Side) -> ChurnError:
    state = sqlstate(error)
    text = _message(error, state)
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
    if _says(text, _NOT_UNDERSTOOD):
        return kind(f"{side}.url has an option that is not understood: {text}.", f"Correct the options in {side}.url.")
    if "permission denied for database" in text:
        return kind(
            f"The {side} database lets this user not connect: {text}.",
            "Let its administrator run `grant connect on database … to …`.",
        )
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

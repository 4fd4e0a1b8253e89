"""Statements sent to the embedded server through its own `psql`, and the command for people."""

from __future__ import annotations

import os
from collections.abc import Mapping
from urllib.parse import quote

from churn.embedded import accounts, binaries
from churn.embedded.layout import Layout
from churn.errors import ConfigError, WarehouseError

_VALUE_VARIABLE = "CHURN_PSQL_VALUE"
_CONNECT_WAIT_S = "10"


def conninfo(layout: Layout, database: str, role: str = "postgres") -> str:
    """Libpq's form of the address over the socket, for psql, pg_dump and BI tools."""
    host, who, where = (quote(str(part), safe="") for part in (layout.socket_dir, role, database))
    return f"postgresql://{who}@/{where}?host={host}&port={layout.port}"


def psql_program(layout: Layout) -> str:
    """Find the server's own `psql`, which speaks its version, else the one on the PATH.

    Raises
    ------
    ConfigError
        If there is neither.
    """
    own = layout.binaries.program("psql")
    if os.access(own, os.X_OK):
        return own
    found = binaries.system_psql()
    if found is None:
        raise ConfigError("There is no `psql` on this machine.", "Install the Postgres client programs.")
    return found


def run_sql(
    layout: Layout, database: str, sql: str, names: Mapping[str, str] | None = None, *, secret: str = ""
) -> str:
    """Run statements as the superuser and give what they print.

    Parameters
    ----------
    layout : Layout
        A running server.
    database : str
        Where to run them.
    sql : str
        Statements; ``:"name"`` and ``:'name'`` stand for quoted identifiers and strings.
    names : mapping, optional
        Their values.
    secret : str, optional
        Value of ``:'secret'``; it is on no command line, in no message and in no log.

    Raises
    ------
    WarehouseError
        If the server can't be reached or refuses a statement.
    """
    variables = {"ON_ERROR_STOP": "1", "VERBOSITY": "terse", **(names or {})}
    options = [f"--set={name}={value}" for name, value in variables.items()]
    command = [
        psql_program(layout),
        "-X",
        "-q",
        "-A",
        "-t",
        *options,
        "-d",
        conninfo(layout, database),
        "-f",
        "-",
    ]
    environment = {"PGCONNECT_TIMEOUT": _CONNECT_WAIT_S, _VALUE_VARIABLE: secret}
    script = f"\\getenv secret {_VALUE_VARIABLE}\n{sql};\n"
    done = accounts.run_as(accounts.current(), command, stdin=script, environment=environment)
    if done.returncode != 0:
        reason = done.stderr.strip().splitlines()[-1:] or ["no reason given"]
        message = f"The embedded Postgres of {layout.home} refuses: {reason[0]}."
        raise WarehouseError(message, "`churn db start` starts it if it is not running.")
    return done.stdout.strip()

"""A Postgres of our own for whoever has none: no installation, no root, no open door.

It runs the programs that the optional extra `embedded` brings, outlives the command that started it, and
belongs to one `.churn` folder. Only the owner reaches it, over a Unix socket in a closed folder that also
checks who calls; other programs of this machine may use TCP on 127.0.0.1 with a password, once asked for.
"""

from __future__ import annotations

from churn.embedded.access import (
    admit,
    close_to_public,
    database_url,
    ensure_database,
    login_password,
    login_roles,
    psql_command,
    set_login,
)
from churn.embedded.server import EmbeddedServer, ServerStatus, allow_tcp, destroy, start, status, stop

__all__ = [
    "EmbeddedServer",
    "ServerStatus",
    "admit",
    "allow_tcp",
    "close_to_public",
    "database_url",
    "destroy",
    "ensure_database",
    "login_password",
    "login_roles",
    "psql_command",
    "set_login",
    "start",
    "status",
    "stop",
]

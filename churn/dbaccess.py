"""Addresses of the embedded Postgres for psql and BI tools."""

from __future__ import annotations

from churn import embedded
from churn.config import Settings
from churn.connections import EMBEDDED_SCHEME, EMBEDDED_WAREHOUSE, warehouse_url
from churn.errors import UsageError


def address(settings: Settings, database: str | None, role: str | None) -> str:
    """Return a libpq URL.

    Parameters
    ----------
    settings : Settings
    database : str or None
        None is the warehouse.
    role : str or None
        None is the owner over the closed socket; a role is reached over TCP with a password, which is made the
        first time and is part of the address.

    Raises
    ------
    UsageError
        The warehouse isn't the embedded Postgres, or TCP was not asked for.
    """
    name = _started(settings, database)
    if role is None:
        return embedded.database_url(settings.home, name, libpq=True)
    if embedded.start(settings.home).tcp_port is None:
        raise UsageError(
            "The embedded Postgres listens on its socket alone.",
            "Run `churn db start --tcp-port 5433` first.",
        )
    password = _password(settings, role)
    embedded.close_to_public(settings.home)
    _admit(settings, name, role)
    bare = embedded.database_url(settings.home, name, role, libpq=True, tcp=True)
    return bare.replace("@", f":{password}@", 1)


def psql(settings: Settings, database: str | None) -> list[str]:
    """Return the command line of an interactive psql."""
    return embedded.psql_command(settings.home, _started(settings, database))


def close_doors(settings: Settings) -> None:
    """Close the embedded Postgres to everybody but the logins of the warehouse; limit the readers among them."""
    roles, url = settings.roles, settings.warehouse.url
    name = EMBEDDED_WAREHOUSE
    if url is not None and url.get_secret_value().startswith(EMBEDDED_SCHEME):
        name = url.get_secret_value().removeprefix(EMBEDDED_SCHEME)
        embedded.ensure_database(settings.home, name)
    embedded.close_to_public(settings.home)
    for role in sorted({roles.bi_reader, roles.marketing_reader, *embedded.login_roles(settings.home)}):
        _admit(settings, name, role)


def _admit(settings: Settings, database: str, role: str) -> None:
    readers = (settings.roles.bi_reader, settings.roles.marketing_reader)
    embedded.admit(settings.home, database, role, limited=role in readers)


def _started(settings: Settings, database: str | None) -> str:
    if database is None and settings.warehouse.url is not None:
        url = settings.warehouse.url.get_secret_value()
        if not url.startswith(EMBEDDED_SCHEME):
            raise UsageError(
                "warehouse.url names a Postgres of your own.",
                "Connect to it as you usually do, or give --database.",
            )
        warehouse_url(settings)
        return url.removeprefix(EMBEDDED_SCHEME)
    embedded.start(settings.home)
    name = database or EMBEDDED_WAREHOUSE
    if database is None:
        embedded.ensure_database(settings.home, name)
    return name


def _password(settings: Settings, role: str) -> str:
    from churn.errors import WarehouseError

    try:
        return embedded.login_password(settings.home, role)
    except WarehouseError:
        embedded.set_login(settings.home, role)
        return embedded.login_password(settings.home, role)

"""From settings to databases: the company's source and the warehouse, embedded or not."""

from __future__ import annotations

from churn import embedded
from churn.config import Settings
from churn.errors import ConfigError
from churn.warehouse import Database, open_database, parse_url

EMBEDDED_SCHEME = "embedded:///"
EMBEDDED_WAREHOUSE = "warehouse"


def source_url(settings: Settings) -> str:
    """Return the source's URL.

    `embedded:///NAME` is the database NAME on the embedded Postgres.

    Raises
    ------
    ConfigError
        `source.url` is not set.
    """
    if settings.source.url is None:
        raise ConfigError(
            "source.url is not set.",
            "Put it into churn.toml or the environment variable CHURN_SOURCE__URL, or try `churn demo`.",
        )
    return _resolved(settings, settings.source.url.get_secret_value())


def warehouse_url(settings: Settings) -> str:
    """Return the warehouse's URL; starts the embedded Postgres where no other is configured."""
    if settings.warehouse.url is not None:
        return _resolved(settings, settings.warehouse.url.get_secret_value())
    return _resolved(settings, EMBEDDED_SCHEME + EMBEDDED_WAREHOUSE)


def _resolved(settings: Settings, url: str) -> str:
    if not url.startswith(EMBEDDED_SCHEME):
        return url
    name = url.removeprefix(EMBEDDED_SCHEME)
    embedded.start(settings.home)
    embedded.ensure_database(settings.home, name)
    return embedded.database_url(settings.home, name)


def open_source(settings: Settings) -> Database:
    """Open the company's database, for reading only."""
    return open_database(source_url(settings), "source")


def open_warehouse(settings: Settings, *, job: str = "churn", as_owner: bool = True) -> Database:
    """Open the warehouse as the role that owns it, where there is one and the login may become it.

    Parameters
    ----------
    settings : Settings
    job : str
        Shown as `application_name`, so that a lock's holder has a name.
    as_owner : bool
        Become `roles.churn_job`; false for `churn migrate`, which makes that role.
    """
    url = warehouse_url(settings)
    if not as_owner:
        return open_database(url, "warehouse", application_name=f"churn {job}")
    return open_database(
        url, "warehouse", application_name=f"churn {job}", role=settings.roles.churn_job, role_optional=True
    )


def redacted(url: str) -> str:
    """Return a URL without its password, fit for a terminal or a log."""
    if url.startswith(EMBEDDED_SCHEME):
        return url
    return parse_url(url, "warehouse").set(drivername="postgresql").render_as_string(hide_password=True)

"""From settings to databases: the company's source and the warehouse, embedded or not."""

from __future__ import annotations

from collections.abc import Mapping

from churn import embedded
from churn.config import Settings
from churn.config.databases import SYSTEM_CERTIFICATES, DatabaseSection
from churn.errors import ConfigError
from churn.warehouse import Database, Side, open_database, parse_url

EMBEDDED_SCHEME = "embedded:///"
EMBEDDED_WAREHOUSE = "warehouse"
_IDLE_READER_SECONDS = 60
_SOON = {"connect_timeout": "3", "tcp_user_timeout": "15000"}


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
            "Put it into churn.toml, the environment variable CHURN_SOURCE__URL or a file that source.url_file names, "
            "or try `churn demo`.",
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
    """Open the company's database, for reading only and within limits."""
    source, url = settings.source, source_url(settings)
    limits = {
        "statement_timeout": source.statement_timeout_seconds,
        "lock_timeout": source.lock_timeout_seconds,
        "idle_in_transaction_session_timeout": source.idle_timeout_seconds,
    }
    return open_database(
        url,
        "source",
        session={name: f"{seconds}s" for name, seconds in limits.items()},
        connection=tls_parameters(settings, "source", url),
    )


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
    return open_database(
        url,
        "warehouse",
        application_name=f"churn {job}",
        role=settings.roles.churn_job if as_owner else None,
        role_optional=True,
        connection=tls_parameters(settings, "warehouse", url),
    )


def open_for_reading(settings: Settings, *, job: str, statement_timeout_seconds: int, kept: int) -> Database:
    """Open the warehouse as the role that reads `bi` and nothing else, for short looks that hold nobody up.

    Parameters
    ----------
    settings : Settings
    job : str
        Shown as `application_name`.
    statement_timeout_seconds : int
    kept : int
        Sessions that are kept open for the next look.
    """
    url = warehouse_url(settings)
    said = parse_url(url, "warehouse").query
    soon = {name: value for name, value in _SOON.items() if name not in said}
    return open_database(
        url,
        "warehouse",
        application_name=f"churn {job}",
        role=settings.roles.bi_reader,
        session={
            "default_transaction_read_only": "on",
            "statement_timeout": f"{statement_timeout_seconds}s",
            "lock_timeout": "500ms",
            "idle_in_transaction_session_timeout": f"{_IDLE_READER_SECONDS}s",
            "work_mem": "32MB",
        },
        connection={**soon, **tls_parameters(settings, "warehouse", url)},
        kept=kept,
    )


def tls_parameters(settings: Settings, side: Side, url: str) -> Mapping[str, str]:
    """Return libpq's parameters for the encryption that `SIDE.tls` and `SIDE.tls_root_certificate` ask for.

    Raises
    ------
    ConfigError
        The URL asks for something else, or there is no such file.
    """
    section: DatabaseSection = getattr(settings, side)
    if section.tls is None:
        return {}
    wanted: dict[str, str] = {"sslmode": section.tls}
    if section.tls_root_certificate is not None:
        wanted["sslrootcert"] = _certificate(settings, side, section.tls_root_certificate)
    said = parse_url(url, side).query
    if any(said.get(name, value) != value for name, value in wanted.items()):
        raise ConfigError(
            f"{side}.url and {side}.tls ask for different encryption.", "Take sslmode and sslrootcert out of the URL."
        )
    return wanted


def _certificate(settings: Settings, side: Side, name: str) -> str:
    if name == SYSTEM_CERTIFICATES:
        return name
    file = settings.base_dir / name
    if not file.is_file():
        raise ConfigError(f"{side}.tls_root_certificate: there is no file {file}.")
    return str(file)

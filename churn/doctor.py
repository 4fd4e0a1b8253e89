"""`churn doctor`: is everything there that a night needs? One finding a line, with the mend."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from churn import registry
from churn.champions import require_usable
from churn.config import ReservedSection, Settings
from churn.connections import open_source, open_warehouse
from churn.errors import ChurnError, ModelError
from churn.extract import describe_source
from churn.migrate import require_current
from churn.risk.boosting import lightgbm
from churn.roles import existing_roles
from churn.schema import watermarks
from churn.warehouse import Database
from churn.windows import business_today

STALE = timedelta(days=2)


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


def examine(settings: Settings, now: datetime) -> list[Finding]:
    """Look at the configuration, the source, the warehouse and the model; never stops at the first trouble."""
    return [
        *_guarded("configuration", lambda: _configuration(settings)),
        *_guarded("LightGBM", _lightgbm),
        *_guarded("source", lambda: _source(settings)),
        *_guarded("warehouse", lambda: _warehouse(settings, now)),
    ]


def _guarded(what: str, look: Callable[[], list[Finding]]) -> list[Finding]:
    try:
        return look()
    except ChurnError as error:
        return [Finding("fail", f"{what}: {error.message}", error.hint, error.exit_code)]


def _configuration(settings: Settings) -> list[Finding]:
    findings = [
        Finding(
            "ok",
            f"configuration: churn by {'contract' if settings.churn.definition == 'contractual' else 'inactivity'}, "
            f"horizon {settings.churn.horizon_days} days, {settings.business.timezone}, {settings.business.currency}",
        )
    ]
    sections = {name: getattr(settings, name) for name in type(settings).model_fields}
    unused = [name for name, value in sections.items() if isinstance(value, ReservedSection) and value.model_extra]
    if unused:
        findings.append(
            Finding(
                "warn",
                f"configuration: {', '.join(unused)}: read, but without effect in this release",
                "Leave out.",
            )
        )
    return findings


def _lightgbm() -> list[Finding]:
    try:
        lightgbm()
    except ModelError as error:
        return [Finding("fail", error.message, error.hint, error.exit_code)]
    return [Finding("ok", "LightGBM and the system's OpenMP library are there")]


def _source(settings: Settings) -> list[Finding]:
    source = open_source(settings)
    with source.connect() as connection:
        version = connection.scalar(sa.text("select current_setting('server_version')"))
        findings = [Finding("ok", f"source: connected, Postgres {version}")]
    codes = {"fail": 12}
    for found in describe_source(source, settings):
        status = "ok" if found.status == "absent" else found.status
        findings.append(
            Finding(
                status,
                f"source {found.entity}: {found.message}",
                found.mend,
                codes.get(found.status, 0),
            )
        )
    return findings


def _warehouse(settings: Settings, now: datetime) -> list[Finding]:
    warehouse = open_warehouse(settings, job="doctor")
    with warehouse.begin() as connection:
        version = connection.scalar(sa.text("select current_setting('server_version')"))
        findings = [Finding("ok", f"warehouse: connected, Postgres {version}")]
        require_current(connection)
        findings.append(Finding("ok", "warehouse: migrated"))
        findings += _roles(connection, settings)
        findings += _freshness(connection, now)
        findings += _model(connection, settings, now)
    return [*findings, *_writable(warehouse)]


def _roles(connection: Connection, settings: Settings) -> list[Finding]:
    wanted = {settings.roles.churn_job, settings.roles.bi_reader, settings.roles.marketing_reader}
    missing = wanted - existing_roles(connection, settings.roles)
    if missing:
        return [Finding("warn", f"warehouse: no role {', '.join(sorted(missing))}", "Run `churn migrate`.")]
    return [Finding("ok", f"warehouse: roles {', '.join(sorted(wanted))}")]


def _freshness(connection: Connection, now: datetime) -> list[Finding]:
    extracted = connection.scalar(sa.select(sa.func.min(watermarks.c.extracted_at)))
    if extracted is None:
        return [Finding("warn", "warehouse: nothing was extracted yet", "Run `churn extract`.")]
    age = now - extracted
    if age > STALE:
        return [Finding("warn", f"warehouse: last extracted {age.days} days ago", "Run `churn extract`.")]
    return [Finding("ok", f"warehouse: last extracted {extracted:%Y-%m-%d %H:%M} UTC")]


def _model(connection: Connection, settings: Settings, now: datetime) -> list[Finding]:
    """Say which model the next night is scored by, and whether it can be."""
    model = registry.champion(connection, registry.CHURN)
    if model is None:
        return [Finding("warn", "model: none; nights are ranked by recency", "Run `churn train`.")]
    try:
        require_usable(connection, settings, model, today=business_today(now, settings.business.timezone))
    except ModelError as error:
        return [Finding("fail", f"model: {error.message}", error.hint, error.exit_code)]
    return [Finding("ok", f"model: {model.model_version}, trained as of {model.trained_as_of}, undamaged")]


def _writable(warehouse: Database) -> list[Finding]:
    with warehouse.begin() as connection:
        denied = connection.execute(
            sa.text(
                "select n.nspname from pg_catalog.pg_namespace as n where n.nspname in ('staging', 'scores', 'ops') "
                "and not pg_catalog.has_schema_privilege(n.oid, 'create')"
            )
        ).scalars()
        missing = sorted(denied)
    if missing:
        return [
            Finding(
                "fail",
                f"warehouse: may not write to {', '.join(missing)}",
                "Grant the role churn_job to this login, or run `churn migrate` as an administrator.",
                15,
            )
        ]
    return [Finding("ok", "warehouse: may write")]

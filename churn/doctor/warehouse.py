"""The warehouse as the doctor finds it: session, migrations, rights, size, freshness, the model, who is forgotten."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from churn import registry, tombstones
from churn.alerts import channels_of, open_alerts
from churn.alerts.causes import FAIL, NEXT
from churn.champions import require_usable
from churn.config import Settings
from churn.connections import EMBEDDED_SCHEME, open_warehouse
from churn.doctor.access import reader_findings
from churn.doctor.findings import Finding, guarded, session_findings
from churn.errors import ModelError
from churn.ledger import Clock
from churn.migrate import require_current
from churn.publish import latest_published
from churn.schema import watermarks
from churn.scoring.risk import no_model
from churn.sqlfiles import read_sql
from churn.warehouse import Database, behind_pooler
from churn.windows import business_today

Look = Callable[[Connection], list[Finding]]

STALE = timedelta(days=2)
OLD_MODEL_DAYS = 95
"""Age from which a model has missed three monthly trainings."""


def warehouse_findings(settings: Settings, clock: Clock) -> list[Finding]:
    """Look at the warehouse.

    Raises
    ------
    WarehouseError
        It can't be reached.
    """
    database = open_warehouse(settings, job="doctor")
    with database.connect() as connection:
        findings = session_findings(connection, "warehouse", clock)
        findings += _login(connection, settings)
    findings += guarded("warehouse", lambda: _pooler(database))
    migrated = guarded("warehouse", lambda: _migrated(database))
    findings += migrated
    if any(found.status == "fail" for found in migrated):
        return findings
    looks: tuple[Look, ...] = (
        _schemas,
        lambda connection: reader_findings(connection, settings.roles),
        lambda connection: _freshness(connection, clock()),
        lambda connection: _model(connection, settings, clock()),
        lambda connection: _forgotten(connection, settings),
        lambda connection: _untold(connection, settings),
    )
    return [*findings, *(found for look in looks for found in _looked(database, look))]


def _looked(database: Database, look: Look) -> list[Finding]:
    def in_transaction() -> list[Finding]:
        with database.begin() as connection:
            return look(connection)

    return guarded("warehouse", in_transaction)


def _login(connection: Connection, settings: Settings) -> list[Finding]:
    session = connection.execute(read_sql("doctor/session.sql").statement).one()
    findings = []
    wanted = settings.roles.churn_job
    if session.role == wanted:
        findings.append(Finding("ok", f"warehouse: login {session.login} works as {wanted}"))
    else:
        findings.append(
            Finding(
                "warn",
                f"warehouse: login {session.login} works as {session.role}, not as {wanted}",
                f"Run `churn migrate`, or let an administrator run: grant {wanted} to {session.login}",
            )
        )
    url = settings.warehouse.url
    is_embedded = url is None or url.get_secret_value().startswith(EMBEDDED_SCHEME)
    if session.is_superuser and not is_embedded:
        findings.append(
            Finding(
                "warn",
                f"warehouse: login {session.login} is a superuser",
                f"Give warehouse.url a login of its own that is a member of {wanted}.",
            )
        )
    return findings


def _pooler(database: Database) -> list[Finding]:
    if behind_pooler(database):
        return [
            Finding(
                "fail",
                "warehouse: a pooler in transaction mode stands before it",
                "Let warehouse.url name the server itself, or a pool in session mode.",
                15,
            )
        ]
    return [Finding("ok", "warehouse: no pooler shares its sessions")]


def _migrated(database: Database) -> list[Finding]:
    with database.begin() as connection:
        require_current(connection)
    return [Finding("ok", "warehouse: migrated")]


def _schemas(connection: Connection) -> list[Finding]:
    """Say whose the schemas are, whether we may write to them, and how big they are."""
    schemas = connection.execute(read_sql("doctor/schemas.sql").statement).all()
    denied = [schema.schema_name for schema in schemas if not schema.is_writable]
    foreign = [f"{schema.schema_name} of {schema.owner}" for schema in schemas if not schema.is_ours]
    findings = []
    if denied:
        findings.append(
            Finding(
                "fail",
                f"warehouse: may not write to {', '.join(denied)}",
                "Grant the role churn_job to this login, or run `churn migrate` as an administrator.",
                15,
            )
        )
    elif foreign:
        findings.append(
            Finding(
                "warn",
                f"warehouse: may write, but the schemas are not ours: {', '.join(foreign)}",
                "Let an administrator run `alter schema … owner to churn_job`.",
            )
        )
    else:
        findings.append(Finding("ok", "warehouse: may write, and owns its schemas"))
    total = sum(schema.bytes for schema in schemas)
    parts = ", ".join(f"{schema.schema_name} {_size(schema.bytes)}" for schema in schemas if schema.bytes)
    return [*findings, Finding("ok", f"warehouse: {_size(total)} on disk ({parts})")]


def _size(count: int) -> str:
    megabytes = count / 1024**2
    return f"{megabytes / 1024:,.1f} GB" if megabytes >= 1024 else f"{megabytes:,.1f} MB"


def _freshness(connection: Connection, now: datetime) -> list[Finding]:
    """Say when staging was brought up to date, and when a night was published last."""
    findings = []
    extracted = connection.scalar(sa.select(sa.func.min(watermarks.c.extracted_at)))
    if extracted is None:
        findings.append(Finding("warn", "warehouse: nothing was extracted yet", "Run `churn extract`."))
    elif now - extracted > STALE:
        age = (now - extracted).days
        findings.append(Finding("warn", f"warehouse: last extracted {age} days ago", "Run `churn extract`."))
    else:
        findings.append(Finding("ok", f"warehouse: last extracted {extracted:%Y-%m-%d %H:%M} UTC"))
    night = latest_published(connection)
    if night is None:
        findings.append(Finding("warn", "warehouse: no night is published yet", "Run `churn nightly`."))
    elif now - night.published_at > STALE:
        findings.append(
            Finding(
                "warn",
                f"warehouse: the latest night, {night.as_of}, was published {(now - night.published_at).days} days ago",
                "`churn status` says why, and what to run.",
            )
        )
    else:
        findings.append(
            Finding("ok", f"warehouse: published {night.as_of}, at {night.published_at:%Y-%m-%d %H:%M} UTC")
        )
    return findings


def _model(connection: Connection, settings: Settings, now: datetime) -> list[Finding]:
    """Say which model the next night is scored by, whether it can be, and how old it is."""
    model = registry.champion(connection, registry.CHURN)
    if model is None:
        told, mend = no_model(connection)
        return [Finding("warn", f"model: none; nights are ranked by recency; {told[0].lower()}{told[1:]}", mend)]
    today = business_today(now, settings.business.timezone)
    try:
        require_usable(connection, settings, model, today=today)
    except ModelError as error:
        return [Finding("fail", f"model: {error.message}", error.hint, error.exit_code)]
    labels = f", labels until {model.labels_end_date}" if model.labels_end_date else ""
    what = f"model: {model.model_version}, trained as of {model.trained_as_of}{labels}, undamaged"
    age = (today - model.trained_as_of).days
    if age > OLD_MODEL_DAYS:
        return [Finding("warn", f"{what}, {age} days old", "Run `churn train`, and see that schedule.train is kept.")]
    return [Finding("ok", what)]


def _forgotten(connection: Connection, settings: Settings) -> list[Finding]:
    """See that whoever was forgotten is still recognised; where the key is missing, that is an error of its own."""
    known = tombstones.load(connection, settings)
    if known is None:
        return []
    return [Finding("ok", f"warehouse: {len(known.digests):,} customers are forgotten, and their key is there")]


def _untold(connection: Connection, settings: Settings) -> list[Finding]:
    channels = [channel.name for channel in channels_of(settings)]
    found = open_alerts(connection)
    untold = sum(any(alert.word_for(name) for name in channels) for alert in found)
    failures = [
        Finding(
            "warn",
            f"alerts: open since {alert.opened_at:%Y-%m-%d %H:%M} UTC: {alert.title}",
            alert.detail.rpartition(NEXT)[2] or "`churn status` says what to run.",
        )
        for alert in found
        if alert.severity == FAIL
    ]
    if untold:
        return [
            Finding(
                "warn",
                f"alerts: {untold} of {len(found)} open causes could not be told everywhere",
                "They are told again with the next run; `churn status` lists them.",
            ),
            *failures,
        ]
    return failures or [Finding("ok", f"alerts: {len(found)} open")]

"""Whether the reading roles may do what they should, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.engine import Connection

from churn.config import RolesSection
from churn.doctor.findings import Finding
from churn.roles import MARKETING_VIEWS, existing_roles
from churn.sqlfiles import read_sql

SHOWN = 3


def reader_findings(connection: Connection, roles: RolesSection) -> list[Finding]:
    """Look at the roles and their rights."""
    wanted = {roles.churn_job, roles.bi_reader, roles.marketing_reader}
    existing = existing_roles(connection, roles)
    missing = wanted - existing
    findings = [
        Finding("warn", f"warehouse: no role {', '.join(sorted(missing))}", "Run `churn migrate`.")
        if missing
        else Finding("ok", f"warehouse: roles {', '.join(sorted(wanted))}")
    ]
    for reader, views in ((roles.bi_reader, ()), (roles.marketing_reader, MARKETING_VIEWS)):
        if reader in existing:
            findings += _too_little(connection, reader, views)
    return [*findings, *_too_much(connection, roles)]


def _too_little(connection: Connection, reader: str, views: tuple[str, ...]) -> list[Finding]:
    query = read_sql("doctor/unreadable_views.sql").statement
    lacking = connection.scalars(query, {"reader": reader, "views": list(views)}).all()
    if not lacking:
        return []
    return [Finding("warn", f"warehouse: {reader} can't read {_shown(lacking)}", "Run `churn migrate`.")]


def _too_much(connection: Connection, roles: RolesSection) -> list[Finding]:
    query = read_sql("doctor/reader_rights.sql").statement
    params = {"churn_job": roles.churn_job, "readers": [roles.bi_reader, roles.marketing_reader]}
    found: dict[str, list[str]] = {}
    for row in connection.execute(query, params):
        found.setdefault(row.reader, []).append(row.problem)
    return [
        Finding(
            "warn",
            f"warehouse: {reader} {_shown(problems)}",
            "Revoke it: readers see schema bi and nothing else.",
        )
        for reader, problems in found.items()
    ]


def _shown(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")

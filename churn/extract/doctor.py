"""What `churn doctor` says about the mapping: columns, types, size, and whether bounds reach the table."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from churn.config import Settings
from churn.errors import DataContractError, SourceError
from churn.extract.contract import ENTITIES, USAGE_EVENTS
from churn.extract.estimates import explained
from churn.extract.mapping import MappedEntity, describe, load_mappings
from churn.extract.times import Clocks
from churn.sqlfiles import read_sql
from churn.warehouse import Database, sqlstate

Status = Literal["ok", "warn", "fail", "absent"]

_DENIED = "42501"
_WORD = re.compile(r"[^\W\d][\w$]*")
_QUOTED_NAME = re.compile(r'"([^"]+)"')
_MARKER = datetime(1987, 6, 5, 4, 3, 21, tzinfo=UTC)
_MARKER_TEXTS = ("1987-06-05", "1987-06-04", "1987-06-06")
_SCANS = ("Scan", "Index")
_NOT_SCANS = ("Subquery Scan", "CTE Scan", "WorkTable Scan")
_CONDITIONS = ("Filter", "Index Cond", "Recheck Cond", "Remote SQL")


@dataclass(frozen=True)
class Finding:
    """What was found about one entity's mapping.

    Attributes
    ----------
    entity : str
    status : {"ok", "warn", "fail", "absent"}
        `absent`: not mapped, and not required.
    message, mend : str
        The mend is empty where there is nothing to do.
    rows : int or None
        Postgres's estimate of the rows that the SELECT gives.
    exit_code : int
        Of a failure.
    """

    entity: str
    status: Status
    message: str
    mend: str = ""
    rows: int | None = None
    exit_code: int = DataContractError.exit_code


def describe_source(source: Database, settings: Settings) -> list[Finding]:
    """Look at every mapping without reading a row.

    Raises
    ------
    SourceError
        The source can't be reached.
    """
    try:
        mappings = load_mappings(settings)
    except DataContractError as error:
        return [Finding("mapping", "fail", error.message, error.hint)]
    findings = []
    for name in ENTITIES:
        if name not in mappings:
            findings.append(Finding(name, "absent", "not mapped: its features are left out"))
            continue
        try:
            with source.connect() as connection:
                findings.append(_look_at(connection, describe(connection, mappings[name]), settings))
        except DataContractError as error:
            findings.append(Finding(name, "fail", error.message, error.hint))
        except SourceError as error:
            if sqlstate(error) != _DENIED:
                raise
            mend = missing_grants(source, mappings[name].query) or error.hint
            findings.append(Finding(name, "fail", error.message, mend, exit_code=error.exit_code))
    return findings


def missing_grants(source: Database, query: str) -> str:
    """Return the SQL by which an administrator lets this login read what a mapping means; empty where all is there."""
    words = sorted({word.lower() for word in _WORD.findall(query)} | set(_QUOTED_NAME.findall(query)))
    with source.connect() as connection:
        login = connection.execute(sa.text("select quote_ident(current_user)")).scalar_one()
        lacking = connection.execute(read_sql("doctor/missing_grants.sql").statement, {"words": words}).all()
    grants = "; ".join(f"grant {row.privilege} on {row.thing} to {login}" for row in lacking)
    return f"Let an administrator run: {grants};" if grants else ""


def _look_at(connection: Connection, entity: MappedEntity, settings: Settings) -> Finding:
    whole = explained(connection, entity, sa.select(entity.subquery()))
    estimate = int(whole["Plan Rows"])
    if _gives_nothing(whole):
        return Finding(
            entity.name,
            "warn",
            "the SELECT gives 0 rows, whatever the table holds: its condition is always false",
            f"Mend the where of {entity.mapping.file}.",
            0,
        )
    columns = ", ".join(entity.types)
    bounded = _bounded_column(entity)
    if bounded is None or _reaches_a_scan(connection, entity, bounded, settings):
        return Finding(entity.name, "ok", f"about {estimate:,} rows with {columns}", rows=estimate)
    return Finding(
        entity.name,
        "warn",
        f"a bound on {bounded} does not reach the table, so every night reads about {estimate:,} rows",
        f"In {entity.mapping.file}, keep {bounded} a plain column, without limit, distinct or windows.",
        estimate,
    )


def _gives_nothing(plan: dict[str, Any]) -> bool:
    """Say whether Postgres knows without looking that there is no row: it reads no table then."""
    nodes = list(_nodes(plan))
    reads = any(word in node["Node Type"] for node in nodes for word in _SCANS if node["Node Type"] not in _NOT_SCANS)
    return not reads and any(node.get("One-Time Filter") == "false" for node in nodes)


def _bounded_column(entity: MappedEntity) -> str | None:
    if entity.name == USAGE_EVENTS.name:
        return "occurred_at"
    return "updated_at" if entity.has("updated_at") else None


def _reaches_a_scan(connection: Connection, entity: MappedEntity, column: str, settings: Settings) -> bool:
    """Say whether the bound that extraction puts on a column is applied where rows are first read."""
    clocks = Clocks.of(settings, _MARKER)
    rows = entity.subquery()
    bound = clocks.raw_bound(_MARKER, entity.types[column])
    plan = explained(connection, entity, sa.select(sa.func.count()).where(rows.c[column] >= bound))
    bounded = [node for node in _nodes(plan) if _has_marker(node)]
    return bool(bounded) and all(
        any(word in node["Node Type"] for word in _SCANS) and node["Node Type"] not in _NOT_SCANS for node in bounded
    )


def _has_marker(node: dict[str, Any]) -> bool:
    conditions = [str(node.get(key, "")) for key in _CONDITIONS]
    return any(text in condition for text in _MARKER_TEXTS for condition in conditions)


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from _nodes(part)

"""What `churn doctor` says about the mapping: columns, types, size, and whether bounds reach the table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from churn.config import Settings
from churn.errors import DataContractError
from churn.extract.contract import ENTITIES, USAGE_EVENTS
from churn.extract.estimates import explained
from churn.extract.mapping import MappedEntity, describe, load_mappings
from churn.extract.times import Clocks
from churn.warehouse import Database

Status = Literal["ok", "warn", "fail", "absent"]

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
    """

    entity: str
    status: Status
    message: str
    mend: str = ""
    rows: int | None = None


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
        with source.connect() as connection:
            try:
                findings.append(_look_at(connection, describe(connection, mappings[name]), settings))
            except DataContractError as error:
                findings.append(Finding(name, "fail", error.message, error.hint))
    return findings


def _look_at(connection: Connection, entity: MappedEntity, settings: Settings) -> Finding:
    estimate = int(explained(connection, entity, sa.select(entity.subquery()))["Plan Rows"])
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

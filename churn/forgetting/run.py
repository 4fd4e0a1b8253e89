"""`churn forget`: a customer leaves every table, a tombstone keeps them out, and nothing is found of them after."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import Connection

from churn.connections import open_warehouse
from churn.errors import UsageError, WarehouseError
from churn.forgetting.catalogue import Place, models_naming, places
from churn.forgetting.traces import Traces
from churn.migrate import require_current
from churn.running import Job, running
from churn.schema import customer_keys, tombstones
from churn.sqlfiles import read_sql
from churn.tombstones import ForgetKey, key_for_forgetting

JOB = "forget"
LONGEST_ID = 200
_NAMELESS = ("ops.campaign_members", "ops.campaign_contacts", "ops.campaign_outcomes")


@dataclass(frozen=True)
class Exported:
    """A file or table outside the warehouse's schemas that may hold the customer."""

    target: str
    what: str
    fmt: str
    as_of: date
    exported_at: datetime


@dataclass(frozen=True)
class Forgotten:
    """What was erased, and what is left to do by hand.

    Attributes
    ----------
    was_known : bool
        Whether the warehouse knew the customer.
    erased : dict of str to int
        Rows deleted, made nameless or blanked, by table.
    searched : int
        Tables that were searched afterwards, in the same transaction; nothing was found.
    digest_prefix : str
        First 12 hexadecimal digits of the tombstone.
    exported : tuple of Exported
    models : tuple of str
        Models whose text names the customer.
    """

    was_known: bool
    erased: dict[str, int]
    searched: int
    digest_prefix: str
    exported: tuple[Exported, ...]
    models: tuple[str, ...]


def forget(job: Job, customer_id: str) -> Forgotten:
    """Erase a customer from staging, scores and ops in one transaction, under the writer lock.

    Done twice, or for an id that nobody knows, it leaves a tombstone all the same: whoever comes under that id later is
    kept out.

    Parameters
    ----------
    job : Job
    customer_id : str
        1 to 200 characters.

    Raises
    ------
    UsageError
        No customer can have this id.
    ConfigError
        The key of the tombstones is missing or another.
    WarehouseError
        Something would be left; then nothing is erased.
    """
    _refuse_impossible(customer_id)
    found: list[Forgotten] = []
    with running(job, JOB) as current:

        def work(connection: Connection) -> int:
            key = key_for_forgetting(connection, job.settings)
            done = _forget(connection, customer_id, key, run_id=current.run.run_id, at=job.clock())
            found.append(done)
            return sum(done.erased.values())

        current.step(JOB, work)
    return found[-1]


def preview(job: Job, customer_id: str) -> dict[str, int]:
    """Count, by table, the rows that are the customer's or name them; nothing is written."""
    _refuse_impossible(customer_id)
    with open_warehouse(job.settings, job=JOB).begin() as connection:
        require_current(connection)
        traces = _traces(connection, customer_id)
        found = {place.name: place.count(connection, traces) for place in places(connection)}
    return {name: rows for name, rows in found.items() if rows}


def _refuse_impossible(customer_id: str) -> None:
    if not 1 <= len(customer_id) <= LONGEST_ID or "\x00" in customer_id:
        raise UsageError(f"A customer id has 1 to {LONGEST_ID} characters.", "Give it as the source has it.")


def _traces(connection: Connection, customer_id: str) -> Traces:
    query = sa.select(customer_keys.c.customer_key).where(customer_keys.c.customer_id == customer_id)
    return Traces(customer_id, connection.scalar(query))


def _forget(connection: Connection, customer_id: str, key: ForgetKey, *, run_id: int, at: datetime) -> Forgotten:
    traces = _traces(connection, customer_id)
    everywhere = places(connection)
    exported = tuple(_exported(connection, traces))
    erased = _erased(connection, traces, everywhere)
    _refuse_remains(connection, traces, everywhere)
    digest = key.digest(customer_id)
    _bury(connection, {"digest": digest, "key_mark": key.mark, "forgotten_at": at, "run_id": run_id, "rows": erased})
    models = () if traces.customer_key is None else tuple(models_naming(connection, traces))
    was_known = traces.customer_key is not None
    return Forgotten(was_known, erased, len(everywhere), digest.hex()[:12], exported, models)


def _exported(connection: Connection, traces: Traces) -> Iterator[Exported]:
    if traces.customer_key is not None:
        values = {"customer_key": traces.customer_key}
        for row in connection.execute(read_sql("forget/exported.sql").statement, values):
            yield Exported(row.target, row.what, row.format, row.as_of_date, row.exported_at)


def _erased(connection: Connection, traces: Traces, everywhere: list[Place]) -> dict[str, int]:
    """Take the customer out of every table; return the rows by table."""
    counts = dict.fromkeys((place.name for place in everywhere), 0)
    counts["ops.quarantine"] += _without_samples(connection, traces)
    if traces.customer_key is not None:
        values = {"customer_key": traces.customer_key}
        for name in _NAMELESS:
            table = sa.table(name.removeprefix("ops."), sa.column("customer_key"), schema="ops")
            own = sa.select(sa.func.count()).select_from(table).where(table.c.customer_key == traces.customer_key)
            counts[name] += connection.execute(own).scalar_one()
        for name in ("nameless", "close_ranks", "snapshot_counts"):
            connection.execute(read_sql(f"forget/{name}.sql").statement, values)
    for place in everywhere:
        counts[place.name] += place.erase_rows(connection, traces)
    for place in everywhere:
        counts[place.name] += place.blank_texts(connection, traces)
    return {name: rows for name, rows in counts.items() if rows}


def _without_samples(connection: Connection, traces: Traces) -> int:
    """Take the customer's samples out of the quarantine; return the reasons that had any."""
    values: dict[str, Any] = {"customer_id": traces.customer_id, "json_pattern": traces.json_pattern, "row_keys": []}
    if traces.customer_key is not None:
        own = read_sql("forget/own_rows.sql").statement
        values["row_keys"] = list(connection.execute(own, {"customer_key": traces.customer_key}).scalars())
    return connection.execute(read_sql("forget/quarantine.sql").statement, values).rowcount


def _refuse_remains(connection: Connection, traces: Traces, everywhere: list[Place]) -> None:
    found = [place.name for place in everywhere if place.count(connection, traces)]
    if found:
        raise WarehouseError(
            f"The customer would still be found in {', '.join(found)}; nothing was erased.",
            "This is a defect of churn: report it with the names of these tables.",
        )


def _bury(connection: Connection, row: dict[str, Any]) -> None:
    """Set the tombstone; one that stands is renewed only where something of the customer was there again."""
    statement = insert(tombstones).values(row)
    changes = {name: row[name] for name in ("forgotten_at", "run_id", "rows")} if row["rows"] else None
    key = [tombstones.c.digest]
    connection.execute(
        statement.on_conflict_do_update(index_elements=key, set_=changes)
        if changes
        else statement.on_conflict_do_nothing(index_elements=key)
    )

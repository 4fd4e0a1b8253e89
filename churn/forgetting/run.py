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
from churn.tombstones import ForgetKey, key_for_forgetting, load

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
    kept : tuple of str
        Columns of `staging` whose keys or labels name the customer in rows of others: the source has them so.
    is_plain : bool
        Whether the id is a number or a short word, which texts may hold for something else.
    """

    was_known: bool
    erased: dict[str, int]
    searched: int
    digest_prefix: str
    exported: tuple[Exported, ...]
    models: tuple[str, ...]
    kept: tuple[str, ...] = ()
    is_plain: bool = False


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
        No customer can have this id, or one that differs in case or blanks alone has.
    ConfigError
        The key of the tombstones is missing or another.
    WarehouseError
        Something would be left; then nothing is erased.
    """
    _refuse_impossible(customer_id)
    with open_warehouse(job.settings, job=JOB).begin() as connection:
        require_current(connection)
        # Before the run begins: the ledger keeps errors, and this one names a customer.
        _refuse_other_spelling(connection, job, customer_id)
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
        _refuse_other_spelling(connection, job, customer_id)
        traces = _traces(connection, customer_id)
        found = {place.name: place.count(connection, traces) for place in places(connection)}
    return {name: rows for name, rows in found.items() if rows}


def _refuse_impossible(customer_id: str) -> None:
    if not 1 <= len(customer_id) <= LONGEST_ID or "\x00" in customer_id:
        raise UsageError(f"A customer id has 1 to {LONGEST_ID} characters.", "Give it as the source has it.")


def _traces(connection: Connection, customer_id: str) -> Traces:
    query = sa.select(customer_keys.c.customer_key).where(customer_keys.c.customer_id == customer_id)
    traces = Traces(customer_id, connection.scalar(query))
    if traces.customer_key is None:
        return traces
    rows = connection.execute(read_sql("forget/own_rows.sql").statement, {"customer_key": traces.customer_key})
    return traces.of_rows(rows.scalars())


def _refuse_other_spelling(connection: Connection, job: Job, customer_id: str) -> None:
    """Refuse an id that nobody has, where one has it but for case or blanks; not one that was forgotten before."""
    values = {"customer_id": customer_id}
    alike = list(connection.execute(read_sql("forget/spellings.sql").statement, values).scalars())
    if not alike or customer_id in alike:
        return
    stones = load(connection, job.settings)
    if stones is not None and stones.forgotten([customer_id]):
        return
    raise UsageError(
        f"Nobody has this id, but {', '.join(map(repr, alike))} is alike; nothing was erased.",
        "Give the id as the source has it, with its case and blanks.",
    )


def _forget(connection: Connection, customer_id: str, key: ForgetKey, *, run_id: int, at: datetime) -> Forgotten:
    traces = _traces(connection, customer_id)
    everywhere = places(connection)
    exported = tuple(_exported(connection, traces))
    erased = _erased(connection, traces, everywhere)
    _refuse_remains(connection, traces, everywhere)
    digest = key.digest(customer_id)
    _bury(connection, {"digest": digest, "key_mark": key.mark, "forgotten_at": at, "run_id": run_id, "rows": erased})
    was_known = traces.customer_key is not None
    return Forgotten(
        was_known,
        erased,
        len(everywhere),
        digest.hex()[:12],
        exported,
        models=tuple(models_naming(connection, traces)) if was_known else (),
        kept=tuple(name for place in everywhere for name in place.kept(connection, traces)),
        is_plain=not traces.is_distinctive,
    )


def _exported(connection: Connection, traces: Traces) -> Iterator[Exported]:
    if traces.customer_key is not None:
        values = {"customer_key": traces.customer_key}
        for row in connection.execute(read_sql("forget/exported.sql").statement, values):
            yield Exported(row.target, row.what, row.format, row.as_of_date, row.exported_at)


def _erased(connection: Connection, traces: Traces, everywhere: list[Place]) -> dict[str, int]:
    """Take the customer out of every table; return the rows by table."""
    counts = dict.fromkeys((place.name for place in everywhere), 0)
    for name, rows in _without_samples(connection, traces).items():
        counts[name] += rows
    if traces.customer_key is not None:
        values = {"customer_key": traces.customer_key}
        for name in _NAMELESS:
            table = sa.table(name.removeprefix("ops."), sa.column("customer_key"), schema="ops")
            own = sa.select(sa.func.count()).select_from(table).where(table.c.customer_key == traces.customer_key)
            counts[name] += connection.execute(own).scalar_one()
        for file in ("nameless", "close_ranks", "snapshot_counts"):
            connection.execute(read_sql(f"forget/{file}.sql").statement, values)
    for place in everywhere:
        counts[place.name] += place.erase_rows(connection, traces)
    needles = {"needle": traces.customer_id, "json_needle": traces.json_id, "pattern": traces.value_pattern}
    emptied = connection.execute(read_sql("forget/attributes.sql").statement, needles).one()
    counts["staging.customers"] += emptied.versions
    counts["staging.customer_attributes"] += emptied.attribute_values
    for place in everywhere:
        counts[place.name] += place.blank_texts(connection, traces)
    return {name: rows for name, rows in counts.items() if rows}


def _without_samples(connection: Connection, traces: Traces) -> dict[str, int]:
    """Take samples of quarantined rows out of the quarantine and of old errors; return the rows by table."""
    values = {"customer_id": traces.customer_id, "json_pattern": traces.json_pattern}
    reasons = connection.execute(read_sql("forget/quarantine.sql").statement, values).rowcount
    told = connection.execute(read_sql("forget/error_samples.sql").statement).one()
    return {
        "ops.quarantine": reasons,
        "ops.runs": told.run_errors,
        "ops.run_stages": told.stage_errors,
        "ops.alerts": told.alert_texts,
    }


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

"""What the statements of `sql/profile/` read: relations made of the user's SELECTs, set in front of each statement.

They stand there as common table expressions, since nothing can be kept in a source that is only read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from churn.extract.contract import FRACTIONS, NUMBERS
from churn.extract.mapping import MappedEntity
from churn.extract.times import Clocks
from churn.sqlfiles import SqlFile, read_sql
from churn.warehouse import literal_sql, quoted

TIME_COLUMNS = {
    "customers": "signed_up_at",
    "subscriptions": "started_at",
    "payments": "paid_at",
    "support_tickets": "opened_at",
    "usage_events": "occurred_at",
}
"""The time by which the rows of an entity are laid out."""

_POSITIVE = 0x7FFFFFFF
_FILES = {"coverages": "profile/coverages.sql"}


@dataclass(frozen=True)
class Relations:
    """The mapped entities as relations with fixed columns, times on the business's clock.

    Attributes
    ----------
    entities : dict of str to MappedEntity
    clocks : Clocks
    one_in : dict of str to int
        Of a big entity, one customer in so many is looked at where each value, or each day, counts.
    """

    entities: Mapping[str, MappedEntity]
    clocks: Clocks
    one_in: Mapping[str, int] = field(default_factory=dict)

    def of(self, entity: str) -> dict[str, str]:
        """Return the relations about one entity: its rows, its cells and the customers that there are."""
        return {
            "entity_rows": self._rows(self.entities[entity]),
            "known_customers": self._known_customers(),
            "cells": self._cells(self.entities[entity]),
        }

    def purchases(self) -> dict[str, str]:
        """Return `activity_days` of the days on which a customer paid."""
        rows = self.entities["payments"].subquery()
        paid = sa.and_(sa.cast(rows.c.status, sa.Text()) == "paid", rows.c.amount > 0)
        return {"activity_days": self._days(self.entities["payments"], rows, paid)}

    def use(self) -> dict[str, str]:
        """Return `activity_days` of the days on which a customer used anything."""
        entity = self.entities["usage_events"]
        return {"activity_days": self._days(entity, entity.subquery(), sa.true())}

    def paid_periods(self) -> dict[str, str]:
        """Return the periods that a customer pays for; an open one ends never."""
        entity = self.entities["subscriptions"]
        rows = entity.subquery()
        started = self._day(entity, rows, "started_at")
        ended = sa.func.coalesce(self._day(entity, rows, "ended_at"), sa.cast(sa.literal("infinity"), sa.Date()))
        query: sa.Select[Any] = sa.select(
            sa.cast(rows.c.customer_id, sa.Text()).label("customer_id"),
            started.label("started_on"),
            ended.label("ended_on"),
        ).where(rows.c.mrr > 0, rows.c.customer_id.is_not(None), ended > started)
        return {"paid_periods": literal_sql(query)}

    # ------------------------------------------------------------ one relation each

    def _rows(self, entity: MappedEntity) -> str:
        rows = entity.subquery()
        key = entity.mapping.entity.key
        query: sa.Select[Any] = sa.select(
            (sa.cast(rows.c[key], sa.Text()) if entity.has(key) else sa.null()).label("row_key"),
            sa.cast(rows.c.customer_id, sa.Text()).label("customer_id"),
            self._local(entity, rows, TIME_COLUMNS[entity.name]).label("happened_at"),
            self._day(entity, rows, TIME_COLUMNS[entity.name]).label("happened_on"),
        )
        return literal_sql(query)

    def _known_customers(self) -> str:
        rows = self.entities["customers"].subquery()
        return literal_sql(sa.select(sa.cast(rows.c.customer_id, sa.Text()).label("customer_id")).distinct())

    def _days(self, entity: MappedEntity, rows: sa.Subquery, is_counted: sa.ColumnElement[bool]) -> str:
        day = self._day(entity, rows, TIME_COLUMNS[entity.name])
        customer = sa.cast(rows.c.customer_id, sa.Text())
        query: sa.Select[Any] = sa.select(customer.label("customer_id"), day.label("day")).distinct()
        query = query.where(is_counted, rows.c.customer_id.is_not(None), day.is_not(None))
        return literal_sql(query.where(self._is_drawn(entity, rows)))

    def _is_drawn(self, entity: MappedEntity, rows: sa.Subquery) -> sa.ColumnElement[bool]:
        """Draw customers by a hash of their id: the same ones in every statement."""
        one_in = self.one_in.get(entity.name, 1)
        if one_in == 1:
            return sa.true()
        number = sa.func.hashtext(sa.func.coalesce(sa.cast(rows.c.customer_id, sa.Text()), "")).op("&")(_POSITIVE)
        return sa.func.mod(number, one_in) == 0

    def _cells(self, entity: MappedEntity) -> str:
        """Return every value of every column as a row of its own: as text, and as a number where it is one."""
        whole = entity.subquery()
        rows = literal_sql(sa.select(whole).where(self._is_drawn(entity, whole)))
        cells = ",\n".join(
            f"({place}, {_literal(name)}, {_literal(kind_of(entity, name))}, "
            f"cast(e.{quoted(name)} as text), {_number(entity, name)})"
            for place, name in enumerate(entity.types)
        )
        return (
            "select c.place, c.column_name, c.kind, c.text_value, c.number_value "  # noqa: S608 # nosec B608 # quoted names
            f"from ({rows}) as e cross join lateral (values {cells}) "
            "as c (place, column_name, kind, text_value, number_value)"
        )

    def _local(self, entity: MappedEntity, rows: sa.Subquery, column: str) -> sa.ColumnElement[Any]:
        local = self.clocks.local_time(rows.c[column], entity.types[column])
        return sa.case((sa.func.isfinite(rows.c[column]), local))

    def _day(self, entity: MappedEntity, rows: sa.Subquery, column: str) -> sa.ColumnElement[Any]:
        return sa.cast(self._local(entity, rows, column), sa.Date())


def kind_of(entity: MappedEntity, column: str) -> str:
    """Say what a column holds: id, time, number, boolean or category."""
    known = entity.mapping.entity.column(column)
    if known is not None and known.kind != "label":
        return known.kind
    if known is None and entity.types[column] in NUMBERS:
        return "number"
    return "boolean" if entity.types[column] == "bool" else "category"


def composed(file: SqlFile, relations: Mapping[str, str], spells: str = "") -> sa.TextClause:
    """Return a statement with the relations that it reads in front of it.

    Parameters
    ----------
    file : SqlFile
        Its header says what it reads.
    relations : mapping of str to str
        SELECTs by name.
    spells : str
        File that the relation `spells` comes from, for a statement that reads it.
    """
    found: dict[str, str] = {}
    _add(file, relations, {**_FILES, **({"spells": spells} if spells else {})}, found)
    front = ",\n".join(f"{name} as (\n{select}\n)" for name, select in found.items())
    rest = re.sub(r"^with\s", ",\n", file.body, count=1) if file.body.startswith("with") else f"\n{file.body}"
    return sa.text(f"with {front}{rest}")


def _add(file: SqlFile, relations: Mapping[str, str], files: Mapping[str, str], found: dict[str, str]) -> None:
    """Put what a statement reads into `found`, each after what it reads itself."""
    for name in (part.strip() for part in file.header["reads"].split(",")):
        if name in found:
            continue
        if name in relations:
            found[name] = re.sub(":", r"\:", relations[name])
        else:
            other = read_sql(files[name])
            _add(other, relations, files, found)
            found[name] = other.body


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _number(entity: MappedEntity, name: str) -> str:
    """Return a column as a number, null where it has none; NaN and infinity are none."""
    if entity.types[name] not in NUMBERS or kind_of(entity, name) != "number":
        return "cast(null as double precision)"
    column = f"e.{quoted(name)}"
    if entity.types[name] in FRACTIONS:
        return f"case when {column} - {column} = 0 then cast({column} as double precision) end"
    return f"cast({column} as double precision)"

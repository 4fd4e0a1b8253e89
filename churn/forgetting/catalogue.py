"""Every place of the warehouse that may name a customer, read from the database itself: a new table is among them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSON, JSONB, aggregate_order_by
from sqlalchemy.engine import Connection

from churn.forgetting.traces import FORGOTTEN, Traces
from churn.sqlfiles import read_sql

MODEL_TEXT = ("ops.models", "artifact")
"""Bound by its SHA-256 and never changed: a model that names a customer is told of."""

SOURCE_WORDS = ("subscription_id", "payment_id", "ticket_id", "plan", "event_type", "status", "severity")
"""Columns of `staging` that hold the source's own keys and labels: another one would be another row."""

_KEYS = ("customer_key", "customer_id")
_OF_VALUES = ("staging", "scores")
_KINDS: dict[str, Any] = {"json": JSON, "jsonb": JSONB, "_text": ARRAY(sa.Text), "_varchar": ARRAY(sa.Text)}
_SUFFIX_SIGNS = 8

Condition = sa.ColumnElement[bool]


@dataclass(frozen=True)
class Column:
    """A column that may name a customer.

    Attributes
    ----------
    name : str
    type : str
        As Postgres calls it: `text`, `_text` (an array), `jsonb`, ….
    is_unique : bool
        Whether it is part of a key.
    may_be_value : bool
        Whether a whole text of it may be the value of an attribute.
    """

    name: str
    type: str
    is_unique: bool
    may_be_value: bool = False

    @property
    def element(self) -> sa.ColumnClause[Any]:
        """The column of the table that a statement is about."""
        return sa.column(self.name, _KINDS.get(self.type, sa.Text))

    def finds(self, traces: Traces) -> Condition:
        """Return the condition that a text of it names the customer."""
        text = self._text()
        likes = sa.cast([f"%{_unlike(needle)}%" for needle in traces.needles], ARRAY(sa.Text))
        return sa.and_(text.like(sa.any_(likes)), text.op("~")(self._pattern(traces)))

    def blanked(self, traces: Traces) -> sa.ColumnElement[Any]:
        """Return the expression of its value without the customer."""
        if self.type in ("_text", "_varchar"):
            each = sa.func.unnest(self.element).table_valued("value", with_ordinality="n", name="e").render_derived()
            replaced = aggregate_order_by(self._replaced(each.c.value, traces), each.c.n)
            return sa.select(sa.func.array_agg(replaced)).select_from(each).scalar_subquery()
        return sa.cast(self._replaced(self._text(), traces), self.element.type)

    def _text(self) -> sa.ColumnElement[str]:
        if isinstance(self.element.type, ARRAY):
            return sa.func.array_to_string(self.element, "\n")
        return sa.cast(self.element, sa.Text)

    def _pattern(self, traces: Traces) -> str:
        if self.type in ("json", "jsonb"):
            return traces.json_value_pattern if self.may_be_value else traces.json_pattern
        return traces.value_pattern if self.may_be_value else traces.pattern

    def _replaced(self, text: sa.ColumnElement[str], traces: Traces) -> sa.ColumnElement[str]:
        instead: sa.ColumnElement[str] = sa.literal(FORGOTTEN)
        if self.is_unique:
            # Within a key no two rows may come to be alike.
            drawn = sa.func.left(sa.func.md5(sa.cast(sa.func.random(), sa.Text)), _SUFFIX_SIGNS)
            instead = instead.concat(drawn)
        return sa.func.regexp_replace(text, self._pattern(traces), instead, "g")


@dataclass(frozen=True)
class Place:
    """A table with the columns of it that may name a customer.

    Attributes
    ----------
    schema, table : str
    columns : tuple of Column
    """

    schema: str
    table: str
    columns: tuple[Column, ...]

    @property
    def name(self) -> str:
        """The table as people write it."""
        return f"{self.schema}.{self.table}"

    def erase_rows(self, connection: Connection, traces: Traces) -> int:
        """Delete the customer's rows; return how many."""
        own = self._own(traces)
        return connection.execute(sa.delete(self._target).where(sa.or_(*own))).rowcount if own else 0

    def blank_texts(self, connection: Connection, traces: Traces) -> int:
        """Take the customer out of the texts of other rows; return how many rows changed."""
        texts = self._texts
        if not texts:
            return 0
        values: dict[str, Any] = {
            text.name: sa.case((text.finds(traces), text.blanked(traces)), else_=text.element) for text in texts
        }
        named = sa.or_(*(text.finds(traces) for text in texts))
        return connection.execute(sa.update(self._target).where(named).values(values)).rowcount

    def count(self, connection: Connection, traces: Traces) -> int:
        """Count the rows that are the customer's or name them."""
        named = [*self._own(traces), *(text.finds(traces) for text in self._texts)]
        if not named:
            return 0
        query = sa.select(sa.func.count()).select_from(self._target).where(sa.or_(*named))
        return int(connection.execute(query).scalar_one())

    def kept(self, connection: Connection, traces: Traces) -> list[str]:
        """Return the columns in which keys and labels of the source name the customer in rows of others."""
        words = [column for column in self.columns if self._is_source_word(column)]
        return [
            f"{self.name}.{column.name}"
            for column in words
            if connection.scalar(sa.select(sa.exists().select_from(self._target).where(column.finds(traces))))
        ]

    def _is_source_word(self, column: Column) -> bool:
        return self.schema == "staging" and column.name in SOURCE_WORDS

    @property
    def _target(self) -> sa.TableClause:
        return sa.table(self.table, *(sa.column(column.name) for column in self.columns), schema=self.schema)

    def _own(self, traces: Traces) -> list[Condition]:
        """Return the conditions that a row is the customer's."""
        has = {column.name for column in self.columns}
        own: list[Condition] = []
        if "customer_key" in has and traces.customer_key is not None:
            own.append(sa.column("customer_key", sa.BigInteger) == traces.customer_key)
        if "customer_id" in has:
            own.append(sa.cast(sa.column("customer_id"), sa.Text) == traces.customer_id)
        return own

    @property
    def _texts(self) -> list[Column]:
        return [
            column
            for column in self.columns
            if column.name not in _KEYS and (self.name, column.name) != MODEL_TEXT and not self._is_source_word(column)
        ]


def places(connection: Connection) -> list[Place]:
    """Return every table of `staging`, `scores` and `ops` with a column that may name a customer."""
    found: dict[tuple[str, str], list[Column]] = {}
    for row in connection.execute(read_sql("forget/columns.sql").statement):
        columns = found.setdefault((row.table_schema, row.table_name), [])
        may_be_value = row.table_schema in _OF_VALUES and not row.is_unique
        columns.append(Column(row.column_name, row.type_name, row.is_unique, may_be_value))
    return [Place(schema, table, tuple(columns)) for (schema, table), columns in found.items()]


def models_naming(connection: Connection, traces: Traces) -> list[str]:
    """Return the versions of models whose text names the customer, such as a value of an attribute."""
    models = sa.table("models", sa.column("model_version", sa.Text), schema="ops")
    # The artifact is a text that holds JSON.
    named = Column("artifact", "json", is_unique=False, may_be_value=True).finds(traces)
    query = sa.select(models.c.model_version).select_from(models).where(named).order_by(models.c.model_version)
    return list(connection.execute(query).scalars())


def _unlike(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")

"""The source contract (DESIGN §5): entities, their columns, and the Postgres types each may have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["id", "time", "number", "boolean", "label"]

_TEXTS = frozenset({"text", "varchar", "bpchar"})
_INTEGERS = frozenset({"int2", "int4", "int8"})
NUMBERS = _INTEGERS | {"numeric", "float4", "float8"}
TIMES = frozenset({"timestamptz", "timestamp", "date"})
LABELS = _TEXTS | _INTEGERS | {"uuid", "name", "bool", "enum"}
FRACTIONS = frozenset({"numeric", "float4", "float8"})
"""Types that have a NaN, and so need a look before they are summed."""

ACCEPTED_TYPES: dict[Kind, frozenset[str]] = {
    "id": _TEXTS | _INTEGERS | {"uuid"},
    "time": TIMES,
    "number": NUMBERS,
    "boolean": frozenset({"bool"}),
    "label": LABELS,
}
"""Names of `pg_type` that a column of each kind may have; `enum` stands for every enumeration."""

SUGGESTED_CASTS: dict[Kind, str] = {
    "id": "text",
    "time": "timestamp",
    "number": "numeric",
    "boolean": "boolean",
    "label": "text",
}

MAX_ID_LENGTH = 200


@dataclass(frozen=True)
class Column:
    """One column of an entity.

    Attributes
    ----------
    name : str
    kind : {"id", "time", "number", "boolean", "label"}
    required : bool
        Whether a mapping must have it; an optional one that is absent is null everywhere.
    """

    name: str
    kind: Kind
    required: bool = True


@dataclass(frozen=True)
class Entity:
    """One kind of source row.

    Attributes
    ----------
    name : str
        Also the name of its mapping file.
    key : str
        Column that identifies a row; of usage events, which need none, the optional `event_id`.
    columns : tuple of Column
    open_ended : bool
        Whether further columns are attributes. Elsewhere an unknown column is an error, since it is nearly
        always a misspelt optional one.
    """

    name: str
    key: str
    columns: tuple[Column, ...]
    open_ended: bool = False

    def column(self, name: str) -> Column | None:
        """Return the column of that name, if the contract has one."""
        return next((column for column in self.columns if column.name == name), None)


_CUSTOMER = Column("customer_id", "id")
_UPDATED = Column("updated_at", "time", required=False)
_CURRENCY = Column("currency", "label", required=False)

CUSTOMERS = Entity(
    "customers",
    "customer_id",
    (_CUSTOMER, Column("signed_up_at", "time"), Column("contactable", "boolean", required=False), _UPDATED),
    open_ended=True,
)
SUBSCRIPTIONS = Entity(
    "subscriptions",
    "subscription_id",
    (
        Column("subscription_id", "id"),
        _CUSTOMER,
        Column("plan", "label", required=False),
        Column("mrr", "number"),
        Column("started_at", "time"),
        Column("ended_at", "time"),
        Column("billing_months", "number", required=False),
        Column("discount_until", "time", required=False),
        _CURRENCY,
        _UPDATED,
    ),
)
PAYMENTS = Entity(
    "payments",
    "payment_id",
    (
        Column("payment_id", "id"),
        _CUSTOMER,
        Column("paid_at", "time"),
        Column("amount", "number"),
        Column("status", "label"),
        _CURRENCY,
        _UPDATED,
    ),
)
SUPPORT_TICKETS = Entity(
    "support_tickets",
    "ticket_id",
    (
        Column("ticket_id", "id"),
        _CUSTOMER,
        Column("opened_at", "time"),
        Column("closed_at", "time", required=False),
        Column("severity", "label", required=False),
        Column("satisfaction", "number", required=False),
        _UPDATED,
    ),
)
USAGE_EVENTS = Entity(
    "usage_events",
    "event_id",
    (
        Column("event_id", "id", required=False),
        _CUSTOMER,
        Column("occurred_at", "time"),
        Column("event_type", "label"),
        Column("quantity", "number", required=False),
    ),
)

ENTITIES = {entity.name: entity for entity in (CUSTOMERS, SUBSCRIPTIONS, PAYMENTS, SUPPORT_TICKETS, USAGE_EVENTS)}
"""In the order in which they are extracted: customers first, since the others refer to them."""

REQUIRED_ENTITIES: dict[Literal["contractual", "inactivity"], tuple[str, ...]] = {
    "contractual": ("customers", "subscriptions"),
    "inactivity": ("customers", "payments"),
}
"""Entities that a mapping must have, by `churn.definition`."""

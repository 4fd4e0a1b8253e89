"""What an extraction did, as values: counts per entity, quarantined rows by reason."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from churn.errors import DataContractError
from churn.extract.mapping import AttributeKind

MENDS = {
    "amount_missing": "give every payment an amount",
    "customer_missing": "give every row a customer_id, or leave such rows out",
    "customer_id_too_long": "shorten customer_id to 200 characters",
    "customer_unknown": "add the customers to customers.sql, or leave their rows out",
    "duplicate_key": "give one row per key, with `distinct on` or a `where`",
    "ends_before_start": "correct the end, or leave such rows out",
    "event_type_missing": "name every event, with `coalesce(…, 'other')`",
    "event_type_too_long": "shorten event_type to 200 characters",
    "key_missing": "give every row a key, or leave such rows out",
    "key_too_long": "shorten the key to 200 characters",
    "mrr_missing": "give every subscription an mrr, 0 where nothing is charged",
    "not_finite": "replace NaN and infinity by null or leave such rows out",
    "status_unknown": "translate the status to paid, failed or refunded",
    "time_in_future": "leave out rows that have not happened yet, or correct source.timezone",
    "time_missing": "give every row a time, or leave such rows out",
    "time_out_of_range": "correct times before 1900 and infinite ones, or leave such rows out",
}
"""Every reason for quarantine, with what a user can do about it in the mapping file."""


@dataclass(frozen=True)
class QuarantineCount:
    """Rows of one entity that could not be used, for one reason.

    Attributes
    ----------
    entity, reason : str
        Reasons are the keys of `MENDS`.
    rows : int
    samples : tuple of str
        Up to five keys of such rows (of usage: customer, day and type).
    """

    entity: str
    reason: str
    rows: int
    samples: tuple[str, ...]

    def __str__(self) -> str:
        """Return the count in words, without samples: errors are kept, and these name customers."""
        return f"{self.rows:,} {self.reason.replace('_', ' ')}"


@dataclass(frozen=True)
class EntityCounts:
    """What happened to one entity's rows; `rows_read = rows_used + rows_quarantined + rows_forgotten`.

    Attributes
    ----------
    entity : str
    mode : {"full", "changed", "recent", "recent and late"}
        `full`: every row was read and compared. `changed`: rows by `updated_at`. `recent`: the last days of
        usage. `recent and late`: and older late events were counted.
    rows_read, rows_used, rows_quarantined : int
        Source rows (events for usage).
    rows_changed, rows_deleted : int
        Staging rows written and closed (for usage: inserted and removed).
    late_rows : int
        Events of the 180 days before the days read that staging lacks; counted in mode `recent and late`,
        else 0.
    quarantine : tuple of QuarantineCount
    rows_forgotten : int
        Source rows (events) of customers whom `churn forget` has erased; nothing else was done with them.
    """

    entity: str
    mode: str
    rows_read: int
    rows_used: int
    rows_quarantined: int
    rows_changed: int
    rows_deleted: int
    late_rows: int = 0
    quarantine: tuple[QuarantineCount, ...] = ()
    rows_forgotten: int = 0


@dataclass(frozen=True)
class ExtractionReport:
    """What an extraction did.

    Attributes
    ----------
    entities : dict of str to EntityCounts
        The mapped entities; only these have features.
    attributes : tuple of (str, {"category", "number"})
        Customer attributes.
    columns : dict of str to tuple of str
        Contract columns that each mapping has.
    mapping_digests : dict of str to str
        SHA-256 of how each entity is read: its SQL, its columns' types, the time zones.
    no_longer_mapped : tuple of str
        Entities that an earlier extraction read; their staging rows stay as they were.
    first_date, last_date : datetime.date or None
        First and last business date of any staged sign-up, start, payment or event; None without any row.
    """

    entities: dict[str, EntityCounts]
    attributes: tuple[tuple[str, AttributeKind], ...]
    columns: dict[str, tuple[str, ...]]
    mapping_digests: dict[str, str]
    no_longer_mapped: tuple[str, ...]
    first_date: date | None
    last_date: date | None


class QuarantineError(DataContractError):
    """More of an entity's rows are unusable than `extract.max_quarantined_share` allows.

    Attributes
    ----------
    quarantine : tuple of QuarantineCount
        Every count of the failed extraction so far, for the ledger: its own transaction is rolled back.
    """

    def __init__(self, message: str, hint: str, quarantine: tuple[QuarantineCount, ...]) -> None:
        super().__init__(message, hint)
        self.quarantine = quarantine

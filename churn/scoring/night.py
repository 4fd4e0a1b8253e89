"""What the scoring stages of a night share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from churn import registry
from churn.columns import write_columns
from churn.config import Settings
from churn.errors import ChurnError
from churn.features.snapshot import Snapshot
from churn.features.store import category_levels
from churn.matrix import FeatureNames
from churn.risk.reference import Reference
from churn.schema import attempt_clv, attempt_risk, attempt_segments
from churn.warehouse import run_ddl

RECENCY_RULE = "recency-rule"
PLAN = "plan"


@dataclass
class ScoredNight:
    """What a night's stages tell one another.

    Attributes
    ----------
    settings : Settings
    run_id : int
    started_at : datetime
    snapshot : Snapshot
        Features of the night.
    segments_version : str
        The segmentation in force.
    outcome_snapshot : tuple of (int, date) or None
        Snapshot whose churn is known by `as_of`, for realised rates.
    churn_version : str
        The champion, or `recency-rule`.
    clv_version, clv_method : str
        The CLV model in force, and what values come from (`clv.method`).
    in_sample : bool
        The champion's training labels end after `as_of`.
    list_run_id : int
        Run whose list the night shows.
    reference : Reference or None
        What the champion learned from, to measure drift by.
    """

    settings: Settings
    run_id: int
    started_at: datetime
    snapshot: Snapshot
    segments_version: str = ""
    outcome_snapshot: tuple[int, date] | None = None
    churn_version: str = RECENCY_RULE
    clv_version: str = ""
    clv_method: str = ""
    in_sample: bool = False
    list_run_id: int = 0
    reference: Reference | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def as_of(self) -> date:
        """Business date of the night."""
        return self.snapshot.as_of

    @property
    def versions(self) -> dict[str, str]:
        """What the night's scores come from, for the ledger."""
        return {
            "churn": self.churn_version,
            "segments": self.segments_version,
            "clv": self.clv_version,
            "clv_method": self.clv_method,
        }

    @property
    def counted_outcomes(self) -> tuple[str, int] | None:
        """The segmentation, and the snapshot on which the churn of its segments was counted."""
        return None if self.outcome_snapshot is None else (self.segments_version, self.outcome_snapshot[0])

    def state(self) -> dict[str, Any]:
        """Return what the stages so far have found out, as JSON."""
        outcome = self.outcome_snapshot
        return {
            "segments_version": self.segments_version,
            "outcome_snapshot": None if outcome is None else [outcome[0], outcome[1].isoformat()],
            "churn_version": self.churn_version,
            "clv_version": self.clv_version,
            "clv_method": self.clv_method,
            "in_sample": self.in_sample,
            "list_run_id": self.list_run_id,
            "notes": list(self.notes),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Know what an earlier try of this run had found out by then; `reference` is read from the champion again."""
        outcome = state["outcome_snapshot"]
        self.outcome_snapshot = None if outcome is None else (outcome[0], date.fromisoformat(outcome[1]))
        for name in ("segments_version", "churn_version", "clv_version", "clv_method", "in_sample", "list_run_id"):
            setattr(self, name, state[name])
        self.notes[:] = state["notes"]

    @property
    def author(self) -> registry.Author:
        """Who is said to have made what this night adds to the registry."""
        return registry.Author(f"churn nightly, run {self.run_id}", self.started_at, self.run_id)


def names_of(connection: Connection, snapshot: Snapshot) -> FeatureNames:
    """Return the names of a snapshot's features, with the levels that its categories have that night."""
    return FeatureNames(
        snapshot.feature_set.numbers, snapshot.feature_set.categories, category_levels(connection, [snapshot])
    )


def plan_place(night: ScoredNight) -> int | None:
    """Return the place of the plan among the categories of the night's features, from 1; None where it is not known."""
    categories = night.snapshot.feature_set.categories
    return categories.index(PLAN) + 1 if PLAN in categories else None


def refill(connection: Connection, table: sa.Table, batches: Iterator[dict[str, Any]]) -> int:
    """Fill this attempt's table with new rows; another attempt's go (the writer lock keeps attempts apart)."""
    name = f"{table.schema}.{table.name}"
    run_ddl(connection, f"truncate {name}")
    rows = write_columns(connection, name, batches)
    run_ddl(connection, f"analyze {name}")
    return rows


@dataclass(frozen=True)
class NightSummary:
    """What a finished night tells the terminal."""

    as_of: date
    run_id: int
    customers: int
    model_version: str
    notes: tuple[str, ...]
    is_new: bool = True


Scorer = Callable[[Connection, Connection, ScoredNight], int]
"""A stage that fills a table of the attempt: (reader, connection, night) → rows."""

_ATTEMPT = {"segments": attempt_segments, "risk": attempt_risk, "clv": attempt_clv}
ATTEMPT_STAGES = tuple(_ATTEMPT)


class AttemptLostError(ChurnError):
    """The tables of the attempt are not what its stages have left: a crash of the server empties them."""

    exit_code = 75


def require_attempt(connection: Connection, night: ScoredNight, *, before: str) -> None:
    """Make sure that what the stages before this one have left is still there.

    Raises
    ------
    AttemptLostError
        A table of the attempt does not hold one row for each customer of the night.
    """
    for stage, table in _ATTEMPT.items():
        if stage == before:
            return
        found = connection.scalar(sa.select(sa.func.count()).select_from(table))
        if found != night.snapshot.customers:
            raise AttemptLostError(
                f"What stage {stage} had made is lost ({found:,} of {night.snapshot.customers:,} customers); a "
                "crash of the server empties such tables. The stages are run again.",
                "Run the same command again.",
            )

"""Why the night's customers may leave: reasons for the list and the riskiest, with their drivers; drivers for all."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.engine import Connection

from churn import registry, risk
from churn.columns import read_numbers, write_columns
from churn.features.store import read_batches
from churn.matrix import Batch, FeatureNames
from churn.risk.behaviours import Grouping, grouping
from churn.risk.contributions import Contributions, contributions, require_sums
from churn.risk.drivers import ALL_CUSTOMERS, Driver, churn_drivers
from churn.risk.facts import Facts, Night, typical_values
from churn.risk.scoring import match_columns, model_inputs
from churn.risk.wording import MOST_REASONS, Reason, reasons_of, recency_reasons
from churn.schema import attempt_reasons, segment_nights
from churn.scoring.explained import Chosen, Scored, choose
from churn.scoring.night import RECENCY_RULE, ScoredNight, names_of, refill
from churn.sqlfiles import read_sql
from churn.warehouse import literal_sql


def explain(connection: Connection, night: ScoredNight, listed: NDArray[np.int64]) -> None:
    """Put reasons beside the night's scores, and its drivers into `scores.churn_drivers`.

    Explained are who could be listed, the riskiest tenth and a sample of the others (`choose`), at most
    `reasons.max_rows`.
    Without a model the reason is the rule's own, days without activity, and there are no drivers.

    Parameters
    ----------
    connection : sqlalchemy.Connection
        In the transaction that wrote the night's scores and segments.
    night : ScoredNight
    listed : ndarray of int64
        Keys of the customers who are or could be on the list, the first to explain first.

    Raises
    ------
    ModelError
        Contributions don't add up to the night's scores.
    """
    scored = _scored(connection, night)
    chosen = choose(scored, listed, night.settings.reasons.max_rows)
    if night.churn_version == RECENCY_RULE:
        told = chosen.places[chosen.is_told]
        reasons = [recency_reasons(days) for days in scored.risk_score[told].tolist()]
    else:
        explained = _explained(connection, night, scored, chosen)
        _write_drivers(connection, night, explained.drivers(scored, chosen))
        reasons = explained.reasons(chosen)
    _write_reasons(connection, night, scored.customer_keys[chosen.places[chosen.is_told]], reasons)
    if chosen.left_out:
        night.notes.append(
            f"{chosen.left_out:,} customers who could be listed or are among the riskiest tenth have no reasons: "
            f"reasons.max_rows is {night.settings.reasons.max_rows:,}."
        )


@dataclass(frozen=True)
class _Explained:
    """The chosen customers' own numbers and what each adds to their scores."""

    names: FeatureNames
    batch: Batch
    measures: dict[str, str]
    currency: str
    contributions: Contributions

    @property
    def grouping(self) -> Grouping:
        return grouping(self.contributions.columns, self.names.numbers)

    def drivers(self, scored: Scored, chosen: Chosen) -> list[Driver]:
        group = self.grouping
        grouped = group.sums(self.contributions.values)
        return churn_drivers(group.behaviours, grouped, chosen.weights, scored.segment_ids[chosen.places])

    def reasons(self, chosen: Chosen) -> list[list[Reason]]:
        typical = typical_values(self.names, self.batch.numbers, chosen.weights)
        night, group = Night(self.names, typical, self.currency, self.measures), self.grouping
        values = self.contributions.values
        grouped = group.sums(values)
        return [
            reasons_of(Facts(night, self.batch.numbers[row], self.batch.codes[row]), group, values[row], grouped[row])
            for row in np.flatnonzero(chosen.is_told).tolist()
        ]


def _scored(connection: Connection, night: ScoredNight) -> Scored:
    query = literal_sql(read_sql("scores/reason_candidates.sql").statement, as_of=night.as_of, run_id=night.run_id)
    kinds: dict[str, type] = dict(
        zip([each.name for each in fields(Scored)], [np.int64, np.int64, np.float64, np.float64], strict=True)
    )
    return Scored(**read_numbers(connection, query, kinds))


def _explained(connection: Connection, night: ScoredNight, scored: Scored, chosen: Chosen) -> _Explained:
    stored = registry.stored(connection, night.churn_version)
    model = risk.RiskModel.from_text(stored.artifact, stored.sha256)
    names = names_of(connection, night.snapshot)
    batch = _rows_of(connection, night, names, scored.customer_keys[chosen.places])
    numbers, codes = model_inputs(model, match_columns(model.names, names), batch, night.as_of)
    found = contributions(model, numbers, codes, weights=chosen.weights)
    require_sums(found.base + found.values.sum(axis=1), scored.risk_score[chosen.places])
    measures = {entry.name: str(entry.measure) for entry in night.settings.features.usage}
    return _Explained(names, batch, measures, night.settings.business.currency, found)


def _rows_of(connection: Connection, night: ScoredNight, names: FeatureNames, keys: NDArray[np.int64]) -> Batch:
    """Read the features of some customers, whose keys ascend; memory is theirs and one batch."""
    parts: list[Batch] = []
    for batch in read_batches(connection, night.snapshot, names):
        mine = np.isin(batch.customer_keys, keys, assume_unique=True)
        parts.append(Batch(batch.customer_keys[mine], batch.numbers[mine], batch.codes[mine]))
    return Batch(
        np.concatenate([part.customer_keys for part in parts]),
        np.concatenate([part.numbers for part in parts]),
        np.concatenate([part.codes for part in parts]),
    )


def _write_reasons(
    connection: Connection, night: ScoredNight, keys: NDArray[np.int64], reasons: list[list[Reason]]
) -> None:
    columns: dict[str, Any] = {"customer_key": keys}
    for place in range(MOST_REASONS):
        said = [each[place] if place < len(each) else None for each in reasons]
        columns[f"reason_{place + 1}"] = np.array([None if one is None else one.text for one in said], dtype=object)
        columns[f"driver_{place + 1}"] = np.array([None if one is None else one.driver for one in said], dtype=object)
    refill(connection, attempt_reasons, iter([columns]))
    connection.execute(read_sql("scores/reasons.sql").statement, {"as_of": night.as_of, "run_id": night.run_id})


def _write_drivers(connection: Connection, night: ScoredNight, drivers: list[Driver]) -> None:
    if not drivers:
        return
    segments = sa.select(segment_nights.c.segment_id, segment_nights.c.segment).where(
        segment_nights.c.as_of_date == night.as_of, segment_nights.c.run_id == night.run_id
    )
    named = {ALL_CUSTOMERS: ""} | {row.segment_id: row.segment for row in connection.execute(segments)}
    columns = {
        "as_of_date": [night.as_of] * len(drivers),
        "run_id": [night.run_id] * len(drivers),
        "segment": [named[each.segment_id] for each in drivers],
        "driver": [each.driver for each in drivers],
        "direction": [each.direction for each in drivers],
        "importance": [each.importance for each in drivers],
        "customers_affected": [each.customers_affected for each in drivers],
        "description": [each.description for each in drivers],
    }
    write_columns(connection, "scores.churn_drivers", iter([columns]))

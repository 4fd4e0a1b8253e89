"""Published nights whose horizon has passed, scored against what happened."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
from sqlalchemy.engine import Connection
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from churn import registry
from churn.config import Settings
from churn.errors import ModelError
from churn.monitoring.months import first_nights
from churn.monitoring.rows import (
    NightCounts,
    PublishedRun,
    RealisedRows,
    days_silent,
    joined,
    learn_outcome,
    read_rows,
    segment_names,
)
from churn.risk import TrainSettings
from churn.risk.business import OfferTerms
from churn.risk.evaluation import REALISED
from churn.risk.expectation import (
    REALISED_FIGURES,
    UNKNOWN,
    Expected,
    Measured,
    interval,
    measured_figures,
    status_of,
)
from churn.risk.judgement import Judgement, judge
from churn.risk.metrics import auc_roc
from churn.risk.scoring import churn_differences, churn_predicted
from churn.sqlfiles import read_sql
from churn.windows import matures_on

NIGHTS_A_RUN = 31
MONTHS_POOLED = 12
# Enough for a variance; the intervals that people read take as many as training's.
NIGHT_REPLICATES = 200


@dataclass(frozen=True)
class FigureFinding:
    """One figure of one night beside what the model's training let expect; None where it is not known."""

    figure: str
    value: float | None
    expected: float | None
    low: float | None
    high: float | None
    status: str


@dataclass(frozen=True)
class NightFinding:
    """What became of one published night; the counts are of all customers, the figures may be of a sample."""

    night: PublishedRun
    counts: NightCounts
    figures: tuple[FigureFinding, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Findings:
    """What a run has found out about nights before it.

    Attributes
    ----------
    nights : tuple of NightFinding
        Evaluated by this run, ascending by date.
    judgements : dict of str to Judgement
        By model version: all that is known of it, where this run has added a month.
    waiting : int
        Nights left for the next run.
    """

    nights: tuple[NightFinding, ...] = ()
    judgements: dict[str, Judgement] = field(default_factory=dict)
    waiting: int = 0


def due_nights(connection: Connection, settings: Settings, as_of: date) -> list[PublishedRun]:
    """List the published nights whose outcome is known as of a date and not evaluated yet, ascending.

    Nights in sample, nights ranked by the recency rule and nights scored for another definition of churn are none.
    """
    wait = _matures(settings, as_of) - as_of
    query = read_sql("monitoring/due_nights.sql").statement
    found = [PublishedRun(*row) for row in connection.execute(query, {"matured_until": as_of - wait})]
    details = {version: _details(connection, version) for version in {night.model_version for night in found}}
    return [night for night in found if _predicts(details[night.model_version], settings)]


def evaluate_matured(connection: Connection, settings: Settings, as_of: date) -> Findings:
    """Score past nights against what happened before `as_of`; nothing is stored.

    At most `NIGHTS_A_RUN` nights are evaluated, the oldest first.

    Parameters
    ----------
    connection : sqlalchemy.Connection
        In a transaction; only temporary tables are made.
    settings : Settings
    as_of : date
        Date of the night that is running: what happened on it or later is not known to it.
    """
    due = due_nights(connection, settings, as_of)
    nights = tuple(_evaluated(connection, settings, night, as_of) for night in due[:NIGHTS_A_RUN])
    judgements: dict[str, Judgement] = {}
    for version in sorted({finding.night.model_version for finding in nights}):
        months = _months_of(connection, version, nights)
        if not months.keys().isdisjoint(finding.night for finding in nights):
            judged = _judged(connection, settings, version, months)
            judgements |= {} if judged is None else {version: judged}
    return Findings(nights, judgements, len(due) - len(nights))


# --- one night ----------------------------------------------------------------------------------------------------


def _evaluated(connection: Connection, settings: Settings, night: PublishedRun, as_of: date) -> NightFinding:
    counts = learn_outcome(connection, settings, night, data_through=as_of)
    share = _share(settings, counts.customers)
    rows = read_rows(connection, night, share=share, seed=settings.train.seed)
    expected, notes = _expected(connection, night.model_version)
    # Threads of small matrix products wait for each other on busy cores.
    with threadpool_limits(limits=1, user_api="blas"):
        measured = measured_figures(rows.predictions(), _train_settings(settings, NIGHT_REPLICATES))
    figures = tuple(_figure(name, measured.get(name), expected.get(name)) for name in REALISED_FIGURES)
    return NightFinding(night, counts, figures, notes)


def _expected(connection: Connection, version: str) -> tuple[dict[str, Expected], tuple[str, ...]]:
    """Return what a model's training let expect, and a note where this release can't read what another one kept."""
    kept, expected, problems = _details(connection, version).get("expected", {}), {}, []
    for figure, values in kept.items() if isinstance(kept, Mapping) else [("all figures", kept)]:
        try:
            expected[figure] = Expected.from_json(values)
        except ModelError as error:
            problems.append(f"{figure}: {error}")
    if not problems:
        return expected, ()
    told = "; ".join(sorted(problems))
    return expected, (f"What {version} let expect of its nights can't be read, so some are not judged: {told}",)


def _figure(name: str, measured: Measured | None, expected: Expected | None) -> FigureFinding:
    """Put a figure beside its prediction interval."""
    value = None if measured is None else measured.value
    if measured is None or expected is None:
        return FigureFinding(name, value, None, None, None, UNKNOWN)
    low, high = interval(expected, measured.variance)
    return FigureFinding(name, value, expected.mean, low, high, status_of(value, (low, high)))


# --- all months of a model ----------------------------------------------------------------------------------------


def _months_of(connection: Connection, version: str, found: Sequence[NightFinding]) -> dict[PublishedRun, int]:
    """Return the first evaluated night of each of a model's last months, tonight's among them, with its customers."""
    query = read_sql("monitoring/evaluated_nights.sql").statement
    known = [(PublishedRun(*row[:3]), row.customers) for row in connection.execute(query)]
    nights = {
        night.as_of: (night, customers)
        for night, customers in [*known, *((finding.night, finding.counts.customers) for finding in found)]
        if night.model_version == version
    }
    return dict([nights[first] for first in first_nights(list(nights))][-MONTHS_POOLED:])


def _judged(
    connection: Connection, settings: Settings, version: str, months: Mapping[PublishedRun, int]
) -> Judgement | None:
    """Judge a model on its months together; None where nobody left, or nobody stayed.

    Every month has matured as of this run, or of the one that evaluated it: a rerun of an older night forgets none.
    Above `train.max_rows` a sample stands for all, so that lists and money are those of whole nights.
    """
    share = _share(settings, sum(months.values()))
    parts = [_month(connection, settings, night, share) for night in months]
    rows = joined(parts)
    if not rows.has_both_classes:
        return None
    details, retention = _details(connection, version), settings.retention
    stake = np.nan_to_num(rows.stake)
    judgement = judge(
        rows.predictions(details.get("method", {}).get("base_rate")),
        _train_settings(settings),
        list_size=retention.list_size,
        stake=stake if stake.any() else None,
        terms=OfferTerms(retention.save_rate, retention.saved_value_share, retention.contact_cost),
        segments=np.concatenate(
            [segment_names(connection, night, part.segment_ids) for night, part in zip(months, parts, strict=True)]
        ),
        evaluation=REALISED,
        threshold=details.get("threshold"),
    )
    silent = [
        days_silent(connection, settings, night.as_of, part.customer_keys, share=share)
        for night, part in zip(months, parts, strict=True)
    ]
    return _beside(judgement, _recency_auc(rows, np.concatenate(silent)))


def _month(connection: Connection, settings: Settings, night: PublishedRun, share: float) -> RealisedRows:
    learn_outcome(connection, settings, night, data_through=_matures(settings, night.as_of))
    return read_rows(connection, night, share=share, seed=settings.train.seed)


def _share(settings: Settings, customers: int) -> float:
    """Return the share of some customers that is read: about `train.max_rows` of them."""
    return min(1.0, settings.train.max_rows / max(customers, 1))


def _recency_auc(rows: RealisedRows, days: np.ndarray) -> float:
    known = ~np.isnan(days)
    return auc_roc(rows.churned[known], days[known], rows.weight[known])


def _beside(judgement: Judgement, baseline_auc: float) -> Judgement:
    """Put the recency rule's AUC on the same rows beside the figures."""
    evaluations = tuple(dataclasses.replace(found, baseline_auc=baseline_auc) for found in judgement.evaluations)
    return dataclasses.replace(judgement, evaluations=evaluations)


# --- what the registry and the configuration say ------------------------------------------------------------------


def _matures(settings: Settings, as_of: date) -> date:
    return matures_on(as_of, settings.churn.horizon_days, settings.grace_days)


def _details(connection: Connection, version: str) -> dict[str, Any]:
    return registry.stored(connection, version).details


def _predicts(details: dict[str, Any], settings: Settings) -> bool:
    """Say whether a model predicts churn as it is defined now; one that did not keep its definition is taken to."""
    return not churn_differences(details.get("churn", {}), churn_predicted(settings))


def _train_settings(settings: Settings, replicates: int = TrainSettings.replicates) -> TrainSettings:
    return TrainSettings(
        replicates=replicates,
        horizon_days=settings.churn.horizon_days,
        grace_days=settings.grace_days,
        seed=settings.train.seed,
        list_size=settings.retention.list_size,
    )

"""Refusing to train on columns that know the outcome: what the warehouse shows of them, judged by `churn.risk`."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.engine import Connection

from churn.config import Settings
from churn.features.snapshot import Snapshot, find_snapshot
from churn.features.store import read_batches
from churn.matrix import Batch, FeatureNames
from churn.risk import Evaluation, RiskModel, TrainingSet
from churn.risk.hindsight import CurrentValues, hindsight
from churn.risk.leakage import Leak, leakage_error, separating_features
from churn.risk.overstatement import Area, Claim, broken_claim, suspect
from churn.risk.vanishing import vanishing_features
from churn.sqlfiles import read_sql
from churn.training.snapshots import awaited_date

MOST_VALUES = 200
MOST_NUMBERS = 20
BINS = 20

_HALVES = ("first", "second")


def refuse_leaks(
    connection: Connection,
    settings: Settings,
    data: TrainingSet,
    snapshots: Sequence[Snapshot],
    until: date,
    *,
    share: float = 1.0,
) -> None:
    """Stop training before it starts if a column knows the outcome.

    Three things are looked at: whether one feature alone separates too well; whether what a feature told of the past
    is gone at scoring time; and whether an attribute, as it is mapped now, tells who has left.

    Parameters
    ----------
    connection : sqlalchemy.Connection
    settings : Settings
    data : TrainingSet
        Labelled rows of `snapshots`.
    snapshots : sequence of Snapshot
        Ascending by date.
    until : date
        What happened before it has been extracted.
    share : float
        Share of the customers that `data` holds, in (0, 1], drawn with `train.seed`.

    Raises
    ------
    LeakageError
        Names every such column, what was seen, and what to do.
    """
    if len(data) == 0:
        return
    leaks = separating_features(data)
    scoring = _scoring_snapshot(connection, settings, until)
    if scoring is None or scoring.customers == 0:
        here = data.customer_keys[(data.as_of == data.as_of[-1]) & ~data.churned]
    else:
        common = _common(data, snapshots[-1], scoring)
        batch = _joined(connection, scoring, common.names, share, settings.train.seed)
        leaks += vanishing_features(common, batch, scoring.as_of)
        here = batch.customer_keys
    leaks += _attribute_leaks(connection, data, here)
    if leaks:
        raise leakage_error(leaks)


def refuse_overstatement(
    connection: Connection,
    data: TrainingSet,
    snapshots: Sequence[Snapshot],
    model: RiskModel,
    tested: Evaluation,
) -> None:
    """Refuse a model whose test promises far more than published nights of the same months came to.

    Parameters
    ----------
    connection : sqlalchemy.Connection
    data : TrainingSet
    snapshots : sequence of Snapshot
        What `data` was read from.
    model : RiskModel
        The new one.
    tested : Evaluation
        Of the new model, out of time.

    Raises
    ------
    LeakageError
        An earlier model promised as much and did not keep it; names the feature that looks the more different.
    """
    found = connection.execute(
        read_sql("training/realised_claims.sql").statement,
        {"from_as_of": tested.first_as_of, "to_as_of": tested.last_as_of},
    )
    claims = [Claim(row.model_version, _area(row, "claimed"), _area(row, "realised")) for row in found]
    promised = Area(tested.auc_roc, tested.auc_roc_low, tested.auc_roc_high)
    broken = broken_claim(promised, claims)
    if broken is None:
        return
    days = [snapshot.as_of.toordinal() for snapshot in snapshots if snapshot.origin == "captured"]
    leak = suspect(data, np.isin(data.as_of, days), model)
    seen = (
        f"{leak.seen}, and the model's AUC of {promised.value:.3f} on past months is far above the "
        f"{broken.realised.value:.3f} (95 % interval {broken.realised.low:.3f} to {broken.realised.high:.3f}) that "
        f"published nights of {broken.model_version} came to, which had promised {broken.claimed.value:.3f}"
    )
    raise leakage_error([Leak(leak.feature, seen)])


# --- the snapshot to score ----------------------------------------------------------------------------------------


def _scoring_snapshot(connection: Connection, settings: Settings, until: date) -> Snapshot | None:
    """Return the latest month-end snapshot whose label is not known yet; on the first of a month the night's own."""
    awaited = awaited_date(settings, until)
    if awaited is not None:
        return find_snapshot(connection, awaited, settings.churn.definition)
    return find_snapshot(connection, until, settings.churn.definition) if until.day == 1 else None


def _common(data: TrainingSet, trained: Snapshot, scoring: Snapshot) -> TrainingSet:
    """Return the data with those columns alone that the snapshot to score computed alike."""
    definitions = scoring.feature_set.definitions
    alike = {name for name, sha in trained.feature_set.definitions.items() if definitions.get(name) == sha}
    numbers = [place for place, name in enumerate(data.names.numbers) if name in alike]
    codes = [place for place, name in enumerate(data.names.categories) if name in alike]
    names = FeatureNames(
        tuple(data.names.numbers[place] for place in numbers),
        tuple(data.names.categories[place] for place in codes),
        tuple(data.names.levels[place] for place in codes),
    )
    return dataclasses.replace(data, names=names, numbers=data.numbers[:, numbers], codes=data.codes[:, codes])


def _joined(connection: Connection, snapshot: Snapshot, names: FeatureNames, share: float, seed: int) -> Batch:
    batches = list(read_batches(connection, snapshot, names, share=share, seed=seed))
    return Batch(
        np.concatenate([batch.customer_keys for batch in batches]),
        np.concatenate([batch.numbers for batch in batches]),
        np.concatenate([batch.codes for batch in batches]),
    )


# --- attributes as they are now -----------------------------------------------------------------------------------


def _attribute_leaks(connection: Connection, data: TrainingSet, here: NDArray[np.int64]) -> list[Leak]:
    """Find the attributes whose current value tells who has left."""
    left = np.setdiff1d(data.customer_keys[data.churned], here)
    rows = connection.execute(
        read_sql("training/attribute_values.sql").statement,
        {
            "left_keys": left.tolist(),
            "here_keys": here.tolist(),
            "most_values": MOST_VALUES,
            "most_numbers": MOST_NUMBERS,
            "bins": BINS,
        },
    ).all()
    everybody = next(row for row in rows if row.name is None)
    named: dict[str, list[Any]] = {}
    for row in rows:
        if row.name is not None:
            named.setdefault(row.name, []).append(row)
    leaks = (hindsight(_current(name, values, everybody)) for name, values in named.items())
    return [leak for leak in leaks if leak is not None]


def _current(name: str, rows: Sequence[Any], everybody: Any) -> CurrentValues:
    """Put the counts of one attribute together; whoever has no value is counted first."""
    counts = {who: _counts(rows, who) for who in ("left", "here")}
    without = {who: _counts([everybody], who) - counts[who].sum(axis=1, keepdims=True) for who in counts}
    left, here = (np.hstack([without[who], counts[who]]) for who in ("left", "here"))
    values = ("missing", *(f"'{row.value_shown}'" for row in rows))
    return CurrentValues(f"attribute_{name}", values, left, here)


def _counts(rows: Sequence[Any], who: str) -> NDArray[np.float64]:
    return np.array([[getattr(row, f"{who}_{half}") for row in rows] for half in _HALVES], dtype=np.float64)


def _area(row: Any, which: str) -> Area:
    """Return an AUC with its interval; NaN, which is above nothing, where it is not known."""
    found = (getattr(row, f"{which}{end}") for end in ("", "_low", "_high"))
    return Area(*(float("nan") if value is None else float(value) for value in found))

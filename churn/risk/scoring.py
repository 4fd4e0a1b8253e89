"""Scoring: a function of a model and an iterator of column batches, with no database in sight."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from churn.config import Settings
from churn.errors import ModelError
from churn.matrix import Batch, FeatureNames
from churn.risk.boosting import Booster, booster_matrix
from churn.risk.data import Floats
from churn.risk.model import RiskModel, ScoredBatch

RawScore = Callable[[NDArray[np.float32], NDArray[np.int32]], Floats]


def score_batches(
    model: RiskModel, names: FeatureNames, batches: Iterable[Batch], *, as_of: date, threads: int = 0
) -> Iterator[ScoredBatch]:
    """Score customers batch by batch; memory is bounded by one batch.

    Parameters
    ----------
    model : RiskModel
    names : FeatureNames
        The night's columns: features that the model does not use are ignored, and a level that it never saw
        is treated as missing.
    batches : iterable of Batch
        Customers of one night.
    as_of : date
        The night: a model that knows the season needs its place in the year.
    threads : int
        Threads of the prediction; 0 uses every core. Changes no value.

    Yields
    ------
    ScoredBatch
        `risk_score` is raw log-odds, `churn_probability` its calibrated probability; same order as the batch.

    Raises
    ------
    ModelError
        At the call, before anything is scored, if the night lacks a feature that the model uses.
    """
    columns = match_columns(model.names, names)
    return _scored(model, columns, as_of, raw_scorer(model, threads), batches)


def _scored(
    model: RiskModel, columns: ColumnMatch, as_of: date, raw_score: RawScore, batches: Iterable[Batch]
) -> Iterator[ScoredBatch]:
    for batch in batches:
        raw = raw_score(*model_inputs(model, columns, batch, as_of))
        yield ScoredBatch(batch.customer_keys, raw, model.probability(raw, as_of))


def model_inputs(
    model: RiskModel, columns: ColumnMatch, batch: Batch, as_of: date
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Return (numbers, codes) of a batch as the model takes them: `model.input_names`, season columns included."""
    numbers, codes = columns.select(batch.numbers, batch.codes)
    return model.season.extend(numbers, as_of, model.settings.horizon_days), codes


def refuse_redefined(model: RiskModel, definitions: Mapping[str, str]) -> None:
    """Refuse a night whose features are not computed as those that the model learned from.

    Parameters
    ----------
    model : RiskModel
        A feature whose definition was not stored with it is not compared.
    definitions : mapping of str to str
        The night's: feature to the SHA-256 of its SQL. A feature that is not there is for `match_columns` to name.

    Raises
    ------
    ModelError
        Naming every feature whose definition differs.
    """
    changed = [
        name
        for name in (*model.names.numbers, *model.names.categories)
        if name in definitions and model.definitions.get(name, definitions[name]) != definitions[name]
    ]
    if changed:
        raise ModelError(
            f"The churn model learned from features that are computed differently now: {', '.join(changed)}.",
            "Train again with `churn train`, or go back to the definitions that it learned from.",
        )


def churn_predicted(settings: Settings) -> dict[str, Any]:
    """Return what is to be predicted, as a model's details keep it under `churn`: names as in `[churn]`."""
    return {
        "definition": settings.churn.definition,
        "horizon_days": settings.churn.horizon_days,
        "grace_days": settings.grace_days,
        "inactivity_days": settings.churn.inactivity_days,
    }


def churn_differences(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Say what one churn differs by from another, each as `churn_predicted` gives it.

    What `then` did not keep is taken to be the same; `inactivity_days` counts by inactivity alone.
    """
    contractual = now["definition"] == "contractual"
    compared = {name: value for name, value in now.items() if not (contractual and name == "inactivity_days")}
    return [
        f"{name} was {then[name]} and is {value} now"
        for name, value in compared.items()
        if then.get(name, value) != value
    ]


def refuse_other_churn(model: RiskModel, kept: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Refuse a model that predicts something else than the configuration asks for.

    Parameters
    ----------
    model : RiskModel
        Its own horizon and grace count, whatever was kept beside it.
    kept : mapping
        The `churn` of the details that the registry keeps with the model; empty where it kept none.
    now : mapping
        As `churn_predicted` gives it.

    Raises
    ------
    ModelError
        Naming everything that differs.
    """
    own = {"horizon_days": model.settings.horizon_days, "grace_days": model.settings.grace_days}
    differences = churn_differences({**kept, **own}, now)
    if differences:
        raise ModelError(
            f"The churn model predicts another churn than `[churn]` defines: {'; '.join(differences)}.",
            "Train again with `churn train`, or set `[churn]` back.",
        )


def raw_scorer(model: RiskModel, threads: int = 0) -> RawScore:
    """Return the model's function from (numbers, codes), as `model_inputs` gives them, to raw log-odds.

    Raises
    ------
    ModelError
        If LightGBM or its OpenMP library is not there, or can't read the model.
    """
    if model.logistic is not None:
        return model.logistic.log_odds
    booster = Booster(model.booster_text)
    return lambda numbers, codes: booster.log_odds(booster_matrix(numbers, codes), threads)


@dataclass(frozen=True)
class ColumnMatch:
    """Where a model's columns stand in a night's, and what the night's category codes mean to the model.

    Attributes
    ----------
    numbers, categories : tuple of int
        Positions of the model's columns among the night's.
    recodes : tuple of ndarray of int32
        Per category: the model's code for each of the night's codes; the last entry, met by -1, is -1.
    """

    numbers: tuple[int, ...]
    categories: tuple[int, ...]
    recodes: tuple[NDArray[np.int32], ...]

    def select(
        self, numbers: NDArray[np.float32], codes: NDArray[np.int32]
    ) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
        """Return (numbers, codes) in the model's order of columns and with its codes."""
        recoded = np.empty((len(codes), len(self.categories)), dtype=np.int32)
        for position, (column, recode) in enumerate(zip(self.categories, self.recodes, strict=True)):
            recoded[:, position] = recode[codes[:, column]]
        return numbers[:, list(self.numbers)], recoded


def match_columns(wanted: FeatureNames, found: FeatureNames) -> ColumnMatch:
    """Find a model's columns by name in a night's.

    Raises
    ------
    ModelError
        If one or more are missing; the message names every one.
    """
    missing = [name for name in wanted.numbers if name not in found.numbers]
    missing += [name for name in wanted.categories if name not in found.categories]
    if missing:
        raise ModelError(
            f"The churn model needs features that this night did not compute: {', '.join(missing)}.",
            "Map the entity they come from, or train again with `churn train`.",
        )
    categories = tuple(found.categories.index(name) for name in wanted.categories)
    recodes = tuple(
        _recode(levels, found.levels[column]) for levels, column in zip(wanted.levels, categories, strict=True)
    )
    return ColumnMatch(tuple(found.numbers.index(name) for name in wanted.numbers), categories, recodes)


def _recode(known: tuple[str, ...], tonight: tuple[str, ...]) -> NDArray[np.int32]:
    codes = {level: code for code, level in enumerate(known)}
    return np.array([codes.get(level, -1) for level in tonight] + [-1], dtype=np.int32)

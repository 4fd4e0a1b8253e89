"""The recipe of a model: the features and the parameters that it is made by, whatever data it learned from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from churn.matrix import FeatureNames
from churn.registry import StoredModel
from churn.risk import Predictions, RiskModel, TrainingSet, TrainSettings
from churn.risk.training import train_model

SEARCHED = ("learning_rate", "num_leaves", "min_child_samples", "feature_fraction", "lambda_l2")
PARAMETERS = (*SEARCHED, "max_trees", "early_stopping_rounds", "default_trees", "logistic_max_rows")


@dataclass(frozen=True)
class Chosen:
    """What to train with.

    Attributes
    ----------
    settings : TrainSettings
    searched : bool
        The parameters come from a search: this one, or the one that the champion's come from.
    notes : tuple of str
        Where they come from, in plain sentences.
    """

    settings: TrainSettings
    searched: bool = False
    notes: tuple[str, ...] = ()


def chosen_settings(
    data: TrainingSet, settings: TrainSettings, trials: int, champion: StoredModel | None, until: date
) -> Chosen:
    """Choose the parameters: by a search where one is asked for, else the champion's if a search found them.

    Parameters
    ----------
    data : TrainingSet
    settings : TrainSettings
        As configured, with the usual parameters.
    trials : int
        Configurations to try; 0 for no search.
    champion : StoredModel or None
    until : date
        What happened before it has been extracted.
    """
    if trials:
        from churn.risk.search import search_settings

        found = search_settings(data, settings, trials, until=until)
        return Chosen(found.settings, found.settings != settings, (found.note,))
    if champion is None or not champion.details.get("searched", False):
        return Chosen(settings)
    kept = champion.details["parameters"]
    note = (
        f"Parameters: those of {champion.model_version}, which come from a search. "
        "`churn train --search N` searches anew, from the usual ones."
    )
    return Chosen(replace(settings, **{name: kept[name] for name in SEARCHED}), True, (note,))


def same_recipe(model: RiskModel, other: RiskModel) -> bool:
    """Say whether two models take the same features and parameters; definitions are `refuse_redefined`'s to compare."""
    return _features(model) == _features(other) and _parameters(model) == _parameters(other)


def walk_recipe(champion: RiskModel, data: TrainingSet, settings: TrainSettings, until: date | None) -> Predictions:
    """Return what the champion's recipe predicts out of time on the data that a challenger was trained on.

    Parameters
    ----------
    champion : RiskModel
        Every feature that it takes is in `data`.
    data : TrainingSet
    settings : TrainSettings
        The challenger's: all but the parameters of the recipe are taken from it, so that months and rows are the same.
    until : date, optional
        As the challenger was trained.

    Raises
    ------
    ModelError
        Nothing can be learned from the data this way.
    """
    settings = replace(settings, **_parameters(champion))
    return train_model(_columns(data, champion.names), settings, until=until).predictions


def _features(model: RiskModel) -> tuple[set[str], set[str]]:
    return set(model.names.numbers), set(model.names.categories)


def _parameters(model: RiskModel) -> dict[str, Any]:
    return {name: getattr(model.settings, name) for name in PARAMETERS}


def _columns(data: TrainingSet, wanted: FeatureNames) -> TrainingSet:
    """Return the data with the wanted columns alone, in the wanted order, with the levels that the data have."""
    numbers = _places(data.names.numbers, wanted.numbers)
    categories = _places(data.names.categories, wanted.categories)
    levels = tuple(data.names.levels[place] for place in categories)
    return replace(
        data,
        names=FeatureNames(wanted.numbers, wanted.categories, levels),
        numbers=data.numbers[:, numbers],
        codes=data.codes[:, categories],
    )


def _places(names: Sequence[str], wanted: Sequence[str]) -> list[int]:
    return [names.index(name) for name in wanted]

"""Labels permuted: a training must refuse when nobody could know who leaves, and must not when somebody can.

The labels change places within their month, so that every month keeps its level and only the customers lose theirs:
a model that follows the level alone is refused too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.companies import Matrix
from benchmarks.place import say
from churn.errors import ModelError
from churn.risk import TrainingSet, TrainSettings, sampled_customers
from churn.risk.training import train_model

ROWS = 15_000
LEAST_REFUSED_SHARE = 0.95
_REFUSAL = "No signal"
_CONTROL_EVERY = 10
_TOLD_EVERY = 10


@dataclass(frozen=True)
class Permuted:
    """What became of the trials.

    Attributes
    ----------
    trials, refused : int
        Trainings on permuted labels, and those refused for want of a signal.
    controls, accepted : int
        Trainings on the same rows with their own labels, and those that gave a model.
    rows : int
        Customer-months of a trial, about.
    """

    trials: int
    refused: int
    controls: int
    accepted: int
    rows: int

    def verdict(self) -> tuple[str, bool]:
        """Return the criterion in words, and whether it holds."""
        words = (
            f"labels permuted {self.trials} times: refused {self.refused} times (at least {LEAST_REFUSED_SHARE:.0%}); "
            f"with their own labels {self.accepted} of {self.controls} trainings gave a model"
        )
        return words, self.refused >= LEAST_REFUSED_SHARE * self.trials


def permuted(matrices: Sequence[Matrix], trials: int, settings: TrainSettings, rows: int = ROWS) -> Permuted:
    """Train `trials` times on permuted labels of about `rows` customer-months, the companies in turn."""
    refused = controls = accepted = 0
    for trial in range(trials):
        data = _sample(matrices[trial % len(matrices)].data, rows, trial)
        refused += not _gives_a_model(with_permuted_labels(data, trial), settings)
        if trial % _CONTROL_EVERY == 0:
            controls += 1
            accepted += _gives_a_model(data, settings)
        if (trial + 1) % _TOLD_EVERY == 0:
            say(f"permuted: {refused} of {trial + 1} refused")
    return Permuted(trials, refused, controls, accepted, rows)


def _sample(data: TrainingSet, rows: int, seed: int) -> TrainingSet:
    return data.take(sampled_customers(data.customer_keys, rows, seed))


def with_permuted_labels(data: TrainingSet, seed: int) -> TrainingSet:
    """Return the same rows with the labels of each month dealt out anew."""
    random = np.random.default_rng(seed)
    churned = data.churned.copy()
    for day in np.unique(data.as_of):
        rows = np.flatnonzero(data.as_of == day)
        churned[rows] = churned[random.permutation(rows)]
    return replace(data, churned=churned)


def _gives_a_model(data: TrainingSet, settings: TrainSettings) -> bool:
    """Train; False where it is refused for want of a signal. Any other refusal says that the trial was none."""
    try:
        train_model(data, settings)
    except ModelError as error:
        if str(error).startswith(_REFUSAL):
            return False
        raise
    return True

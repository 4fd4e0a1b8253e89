"""How far a night has moved away from the rows that its model learned from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import chi2

from churn.errors import ModelError
from churn.matrix import Batch, FeatureNames
from churn.risk.data import Floats
from churn.risk.reference import CategoryShares, NumberShares, Reference

LEAST_SHARE = 1e-4
HALF_A_ROW = 0.5
CHANCE = 0.999


@dataclass(frozen=True)
class Drift:
    """How far one feature, or the score, has moved.

    Attributes
    ----------
    feature : str
    psi : float
        Population stability index against training, at least 0; NaN for a feature that had no value at all in
        training (one without history), which the model can't have learned anything from.
    chance_psi : float
        What it stays below, in 999 of 1,000 nights, where nothing has moved: small samples differ by chance.
    unseen_share : float
        Share of the customers with a category that the model does not know; 0 for numbers.
    missing_share, missing_share_trained : float
        Share without a value, tonight and in training; rare categories beyond the levels kept count as missing.
    """

    feature: str
    psi: float
    chance_psi: float
    unseen_share: float
    missing_share: float
    missing_share_trained: float


def psi(expected: ArrayLike, found: ArrayLike, rows: int) -> float:
    """Return the population stability index of two lists of shares over the same bins.

    Parameters
    ----------
    expected, found : array_like, shape (bins,)
    rows : int
        Rows that `found` was counted on, at least 1.

    Returns
    -------
    float
        Sum of (found - expected) * ln(found / expected). A share below 0.0001, or below half a row's, counts as that.

    References
    ----------
    The symmetric divergence of Jeffreys (1946); as an index of scores: Siddiqi 2006, Credit Risk Scorecards.
    """
    least = max(LEAST_SHARE, HALF_A_ROW / rows)
    was = np.maximum(np.asarray(expected, dtype=np.float64), least)
    now = np.maximum(np.asarray(found, dtype=np.float64), least)
    return float(np.sum((now - was) * np.log(now / was)))


def chance_psi(bins: int, rows: int, customers_trained: int) -> float:
    """Return the 99.9th percentile of `psi` between two samples of one population.

    References
    ----------
    psi / (1 / rows + 1 / customers_trained) is chi-squared with bins - 1 degrees of freedom (Yurdakul & Naranjo 2020,
    Journal of Risk Model Validation 14). A customer's many months in training count as one, to be on the safe side.
    """
    return float(chi2.ppf(CHANCE, max(bins - 1, 1))) * (1 / rows + 1 / max(customers_trained, 1))


def measure_drift(reference: Reference, names: FeatureNames, batches: Iterable[tuple[Batch, Floats]]) -> list[Drift]:
    """Compare a night with the training rows, batch by batch.

    Parameters
    ----------
    reference : Reference
    names : FeatureNames
        The night's columns, with the night's own category levels.
    batches : iterable of (Batch, ndarray of float64, shape (n,))
        Customers with their churn probability.

    Returns
    -------
    list of Drift
        One per feature of the reference, in its order, the score last; empty where there are no customers.

    Raises
    ------
    ModelError
        The night lacks a feature of the reference.
    """
    counts = _Counts(reference, names)
    for batch, probability in batches:
        counts.add(batch, probability)
    return counts.drifts()


class _Counts:
    """Rows by bin of every feature and of the score, over the batches seen so far."""

    def __init__(self, reference: Reference, names: FeatureNames) -> None:
        self.reference = reference
        self.rows = 0
        self.columns = names.number_columns([spread.name for spread in reference.numbers], needed_by="The drift check")
        self.recodes = [_recode(spread, names) for spread in reference.categories]
        self.numbers = [np.zeros(len(spread.shares)) for spread in reference.numbers]
        self.categories = [np.zeros(len(spread.shares) + 1) for spread in reference.categories]
        self.score = np.zeros(len(reference.score.shares))

    def add(self, batch: Batch, probability: Floats) -> None:
        self.rows += len(batch)
        for counts, spread, column in zip(self.numbers, self.reference.numbers, self.columns, strict=True):
            counts += np.bincount(spread.places(batch.numbers[:, column]), minlength=len(counts))
        for counts, (column, recode) in zip(self.categories, self.recodes, strict=True):
            counts += np.bincount(recode[batch.codes[:, column]], minlength=len(counts))
        self.score += np.bincount(self.reference.score.places(probability), minlength=len(self.score))

    def drifts(self) -> list[Drift]:
        if self.rows == 0:
            return []
        numbers = [*zip(self.reference.numbers, self.numbers, strict=True)]
        categories = zip(self.reference.categories, self.categories, strict=True)
        return [
            *(self._drift(spread, counts[:-1], counts[-1], 0.0) for spread, counts in numbers),
            *(self._drift(spread, counts[:-2], counts[-2], counts[-1]) for spread, counts in categories),
            self._drift(self.reference.score, self.score[:-1], self.score[-1], 0.0),
        ]

    def _drift(self, spread: NumberShares | CategoryShares, known: Floats, missing: float, unseen: float) -> Drift:
        """Compare one feature; to the model an unseen value is a missing one, and so it is here."""
        found = np.array([*known, missing + unseen]) / self.rows
        bins = int(np.sum((found > 0) | (np.array(spread.shares) > 0)))
        was_there = any(share > 0 for share in spread.shares[:-1])
        return Drift(
            spread.name,
            psi(spread.shares, found, self.rows) if was_there else float("nan"),
            chance_psi(bins, self.rows, self.reference.customers),
            float(unseen / self.rows),
            float(missing / self.rows),
            spread.shares[-1],
        )


def _recode(spread: CategoryShares, names: FeatureNames) -> tuple[int, NDArray[np.int64]]:
    """Return the night's column and the bin of each of its codes: a level, missing, or (last) unseen."""
    if spread.name not in names.categories:
        raise ModelError(
            f"The drift check needs a feature that this night did not compute: {spread.name}.",
            "Map the entity it comes from, or train again with `churn train`.",
        )
    column = names.categories.index(spread.name)
    known = {level: place for place, level in enumerate(spread.levels)}
    missing, unseen = len(spread.levels), len(spread.levels) + 1
    places = [known.get(level, unseen) for level in names.levels[column]]
    return column, np.array([*places, missing], dtype=np.int64)

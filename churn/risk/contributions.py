"""What each column adds to a customer's raw score: Shapley values of the model's own log-odds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from churn.errors import ModelError
from churn.risk.boosting import booster_matrix, lightgbm
from churn.risk.data import Floats
from churn.risk.logistic import LogisticModel, design_matrix
from churn.risk.model import RiskModel
from churn.risk.scoring import raw_scorer

CHUNK_ROWS = 2_000
TOLERANCE = 1e-6


@dataclass(frozen=True)
class Contributions:
    """Shapley values of some customers' raw scores.

    Attributes
    ----------
    columns : tuple of str, length K + C
        The model's columns: numbers (season columns last), then categories.
    values : ndarray of float64, shape (n, K + C)
        Log-odds that the column adds for the customer; negative where it takes away.
    base : float
        Log-odds of nobody in particular: `base + values.sum(axis=1)` is the raw score.
    """

    columns: tuple[str, ...]
    values: Floats
    base: float


def contributions(
    model: RiskModel,
    numbers: NDArray[np.float32],
    codes: NDArray[np.int32],
    *,
    weights: Floats | None = None,
    threads: int = 0,
) -> Contributions:
    """Explain raw scores, in chunks of rows; memory is the result and one chunk.

    Trees: path-dependent TreeSHAP (Lundberg, Erion & Lee 2018, arXiv:1802.03888, algorithm 2), computed by LightGBM;
    what a column is compared with are the training rows, by the cover of the trees' nodes. Logistic model: linear SHAP
    (Lundberg & Lee 2017, NeurIPS, corollary 1), coefficient times the distance from the mean of the given rows.

    Parameters
    ----------
    model : RiskModel
    numbers, codes : ndarray, shapes (n, K) and (n, C)
        As `model_inputs` gives them.
    weights : ndarray of float64, shape (n,), optional
        How many customers a row stands for in the logistic model's means; 1 without.
    threads : int
        0 uses every core. Changes no value.

    Raises
    ------
    ModelError
        The values of a customer don't add up to the raw score: the explanation would be of something else.
    """
    names = model.input_names
    columns = (*names.numbers, *names.categories)
    if len(numbers) == 0:
        return Contributions(columns, np.empty((0, len(columns))), 0.0)
    if model.logistic is not None:
        values, base = _linear(model.logistic, numbers, codes, np.ones(len(numbers)) if weights is None else weights)
    else:
        values, base = _trees(model.booster_text, numbers, codes, threads)
    require_sums(base + values.sum(axis=1), raw_scorer(model, threads)(numbers, codes))
    return Contributions(columns, values, base)


def require_sums(explained: Floats, raw: Floats) -> None:
    """Refuse contributions that don't add up to the raw scores, both of shape (n,).

    Raises
    ------
    ModelError
        They differ by more than a millionth, absolutely and relatively, for at least one customer.
    """
    wrong = ~(np.abs(explained - raw) <= TOLERANCE * (1 + np.abs(raw)))
    if wrong.any():
        place = int(np.flatnonzero(wrong)[0])
        raise ModelError(
            f"The reasons of {int(wrong.sum())} customers don't add up to their scores "
            f"(the first: {explained[place]:.6g}, score {raw[place]:.6g}).",
            "Train again with `churn train`; if it stays, report it with the versions of churn and lightgbm.",
        )


def _trees(text: str, numbers: NDArray[np.float32], codes: NDArray[np.int32], threads: int) -> tuple[Floats, float]:
    booster = lightgbm().Booster(model_str=text)
    values = np.empty((len(numbers), numbers.shape[1] + codes.shape[1]))
    base = 0.0
    for start in range(0, len(numbers), CHUNK_ROWS):
        rows = slice(start, start + CHUNK_ROWS)
        part = np.asarray(
            booster.predict(booster_matrix(numbers[rows], codes[rows]), pred_contrib=True, num_threads=threads),
            dtype=np.float64,
        )
        values[rows], base = part[:, :-1], float(part[0, -1])
    return values, base


def _linear(
    model: LogisticModel, numbers: NDArray[np.float32], codes: NDArray[np.int32], weights: Floats
) -> tuple[Floats, float]:
    coefficients = np.array(model.coefficients)
    chunks = [slice(start, start + CHUNK_ROWS) for start in range(0, len(numbers), CHUNK_ROWS)]
    means = np.zeros(len(coefficients))
    for rows in chunks:
        means += _design(model, numbers[rows], codes[rows]).T @ weights[rows] / weights.sum()
    width, categories = numbers.shape[1], codes.shape[1]
    column = np.arange(width)
    column_of = np.concatenate([column, column, np.repeat(width + np.arange(categories), model.level_counts)])
    spread = np.zeros((len(coefficients), width + categories))
    spread[np.arange(len(coefficients)), column_of] = coefficients
    values = np.vstack([(_design(model, numbers[rows], codes[rows]) - means) @ spread for rows in chunks])
    return values, float(model.intercept + means @ coefficients)


def _design(model: LogisticModel, numbers: NDArray[np.float32], codes: NDArray[np.int32]) -> Floats:
    return design_matrix(numbers, codes, model.medians, model.spreads, model.level_counts)

"""LightGBM, and the only place that imports it: fits, and predictions from a model's text."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from churn.errors import ModelError
from churn.risk.data import Bools, Floats, TrainSettings

Matrix = NDArray[np.float32]


def lightgbm() -> Any:
    """Import LightGBM, or say which system library it lacks.

    Raises
    ------
    ModelError
        If the system's OpenMP library is missing (LightGBM's wheel does not carry it).
    """
    try:
        import lightgbm as library
    except OSError as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelError(
            f"LightGBM can't load the system's OpenMP library ({reason}).",
            "Install libgomp (Debian, Ubuntu: libgomp1; Fedora: libgomp) or, on macOS, libomp.",
        ) from error
    return library


def booster_matrix(numbers: Matrix, codes: NDArray[np.int32]) -> Matrix:
    """Join features into LightGBM's input, shape (n, K + C): numbers, then codes with -1 made missing."""
    joined = np.empty((len(numbers), numbers.shape[1] + codes.shape[1]), dtype=np.float32)
    joined[:, : numbers.shape[1]] = numbers
    joined[:, numbers.shape[1] :] = np.where(codes < 0, np.float32(np.nan), codes.astype(np.float32))
    return joined


def fit_booster(matrix: Matrix, churned: Bools, categories: int, trees: int, settings: TrainSettings) -> str:
    """Fit `trees` trees and return the model's text.

    Parameters
    ----------
    matrix : ndarray of float32, shape (n, K + C)
        The last `categories` columns are codes.
    churned : ndarray of bool, shape (n,)

    Returns
    -------
    str
        The same for the same data and settings; LightGBM's echo of its parameters is left out.
    """
    library = lightgbm()
    booster = library.train(
        _parameters(settings), _dataset(library, matrix, churned, categories), num_boost_round=trees
    )
    return _plain(booster.model_to_string(num_iteration=-1))


def choose_trees(
    fit: tuple[Matrix, Bools], later: tuple[Matrix, Bools], categories: int, settings: TrainSettings
) -> int:
    """Return the number of trees with the least log loss on a later, purged snapshot.

    Parameters
    ----------
    fit, later : tuple of (matrix, churned)
        Rows to fit on, and the later rows that stop the fit.
    """
    library = lightgbm()
    training = _dataset(library, *fit, categories)
    watched = library.Dataset(later[0], later[1].astype(np.float32), reference=training)
    stop = library.early_stopping(settings.early_stopping_rounds, verbose=False)
    booster = library.train(
        _parameters(settings),
        training,
        num_boost_round=settings.max_trees,
        valid_sets=[watched],
        callbacks=[stop],
    )
    return max(1, int(booster.best_iteration))


class Booster:
    """A fitted model read back from its text.

    Parameters
    ----------
    text : str
        As `fit_booster` returned it.

    Raises
    ------
    ModelError
        If LightGBM can't read the text.
    """

    def __init__(self, text: str) -> None:
        library = lightgbm()
        try:
            self._booster = library.Booster(model_str=text)
        except library.basic.LightGBMError as error:
            raise ModelError(
                f"The stored model can't be read by LightGBM: {error}.", "Train again with `churn train`."
            ) from error

    def log_odds(self, matrix: Matrix, threads: int = 0) -> Floats:
        """Return raw log-odds, shape (n,); `threads` 0 uses every core and changes no value."""
        if len(matrix) == 0:
            return np.empty(0)
        raw: Floats = np.asarray(self._booster.predict(matrix, raw_score=True, num_threads=threads), dtype=np.float64)
        return raw


def _dataset(library: Any, matrix: Matrix, churned: Bools, categories: int) -> Any:
    width = matrix.shape[1]
    return library.Dataset(
        matrix,
        churned.astype(np.float32),
        feature_name=[f"f{column}" for column in range(width)],
        categorical_feature=list(range(width - categories, width)),
    )


def _parameters(settings: TrainSettings) -> dict[str, Any]:
    """Return LightGBM's parameters; one thread, since another number adds floats in another order.

    OpenMP threads that share a busy core also wait for one another: with two, a fit took 25 times as long. Several
    cores are used by fitting several months at once (`walk.raw_predictions`).
    """
    return {
        "objective": "binary",
        "metric": "binary_logloss",
        "learning_rate": settings.learning_rate,
        "num_leaves": settings.num_leaves,
        "min_child_samples": settings.min_child_samples,
        "feature_fraction": settings.feature_fraction,
        "lambda_l2": settings.lambda_l2,
        "seed": settings.seed,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": 1,
        "verbosity": -1,
    }


def _plain(text: str) -> str:
    """Leave out the parameter echo: it differs between versions and prediction does not read it."""
    head, found, rest = text.partition("\nparameters:\n")
    if not found:
        return text
    return head + rest.partition("end of parameters\n")[2]

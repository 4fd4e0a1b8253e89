"""LightGBM, and the only place that imports it: fits, and predictions from a model's text."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit

from churn.errors import ModelError
from churn.risk.data import Bools, Floats, TrainSettings

Matrix = NDArray[np.float32]

_FEWEST_COLUMNS = 20
_EDGE_ROWS = 200_000
_LEAST = 1e-12


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


class Binned:
    """The rows of a walk in LightGBM's bins, made once; every fit takes the rows [0, fit_end) of them.

    Parameters
    ----------
    matrix : ndarray of float32, shape (n, K + C)
        The last `categories` columns are codes.
    churned : ndarray of bool, shape (n,)
    weights : ndarray of float64, shape (n,), or None
    categories : int
    edges_end : int
        The bins' edges are quantiles of the rows [0, edges_end): what comes later moves none.
    settings : TrainSettings

    Notes
    -----
    Making bins takes a quarter of the time of a fit, so all fits share them. Edges come from at most 200,000 rows, as
    LightGBM itself would draw them, every n-th of the known ones.
    """

    def __init__(
        self,
        matrix: Matrix,
        churned: Bools,
        weights: Floats | None,
        categories: int,
        edges_end: int,
        settings: TrainSettings,
    ) -> None:
        self._library, self._settings, self.rows = lightgbm(), settings, len(matrix)
        drawn = slice(0, edges_end, -(-edges_end // _EDGE_ROWS))
        self._edges = self._dataset(matrix, churned, weights, categories, drawn, None)
        self._all = self._edges
        if len(range(self.rows)[drawn]) < self.rows:
            self._all = self._dataset(matrix, churned, weights, categories, slice(0, self.rows), self._edges)

    def fit(self, fit_end: int, trees: int) -> Fitted:
        """Fit `trees` trees on the rows [0, fit_end)."""
        booster = self._train(fit_end, trees, keep_training_booster=True)
        return Fitted(_plain(booster.model_to_string(num_iteration=-1)), _in_sample(booster))

    def choose_trees(self, fit_end: int, later: Bools) -> tuple[int, str]:
        """Fit on the rows [0, fit_end) until the log loss of later, purged rows has stopped falling.

        Parameters
        ----------
        fit_end : int
        later : ndarray of bool, shape (n,)
            The rows that stop the fit.

        Returns
        -------
        trees : int
            With the least log loss on the later rows.
        text : str
            The fit cut to that many trees: what `fit` would return.
        """
        booster = self._stopped(fit_end, later, [])
        trees = max(1, int(booster.best_iteration))
        return trees, _plain(booster.model_to_string(num_iteration=trees))

    def loss_curve(self, fit_end: int, later: Bools) -> Floats:
        """Return the log loss of later rows after every tree of a fit on [0, fit_end), until it has stopped falling."""
        curves: dict[str, dict[str, list[float]]] = {}
        self._stopped(fit_end, later, [self._library.record_evaluation(curves)])
        return np.array(curves["valid_0"]["binary_logloss"])

    def with_settings(self, settings: TrainSettings) -> Binned:
        """Return the same bins for fits with other parameters of trees."""
        other = copy.copy(self)
        other._settings = settings
        return other

    def _stopped(self, fit_end: int, later: Bools, callbacks: list[Any]) -> Any:
        watched = self._all.subset(np.flatnonzero(later).tolist())
        stop = self._library.early_stopping(self._settings.early_stopping_rounds, verbose=False)
        return self._train(fit_end, self._settings.max_trees, valid_sets=[watched], callbacks=[stop, *callbacks])

    def _train(self, fit_end: int, rounds: int, **options: Any) -> Any:
        rows = self._all if fit_end == self.rows else self._all.subset(range(fit_end))
        return self._library.train(
            parameters(self._settings, self._all.num_feature()), rows, num_boost_round=rounds, **options
        )

    def _dataset(
        self,
        matrix: Matrix,
        churned: Bools,
        weights: Floats | None,
        categories: int,
        rows: slice,
        reference: Any,
    ) -> Any:
        width = matrix.shape[1]
        return self._library.Dataset(
            matrix[rows],
            churned[rows].astype(np.float32),
            weight=None if weights is None else weights[rows],
            reference=reference,
            feature_name=[f"f{column}" for column in range(width)],
            categorical_feature=list(range(width - categories, width)),
            params=parameters(self._settings, width),
        ).construct()


@dataclass(frozen=True)
class Fitted:
    """A fit of LightGBM.

    Attributes
    ----------
    text : str
        The model's text, the same for the same data and settings; LightGBM's echo of its parameters is left out.
    log_odds : ndarray of float64, shape (n,), or None
        Raw log-odds of the rows that it was fitted on, where they were at hand.
    """

    text: str
    log_odds: Floats | None


def _in_sample(booster: Any) -> Floats:
    """Return the raw log-odds of the training rows, which LightGBM has at hand after the last tree."""
    seen: list[Floats] = []

    def keep(probability: Floats, _: Any) -> tuple[str, float, bool]:
        seen.append(np.array(probability, dtype=np.float64))
        return "kept", 0.0, False

    booster.eval_train(keep)
    log_odds: Floats = logit(np.clip(seen[0], _LEAST, 1 - _LEAST))
    return log_odds


class Booster:
    """A fitted model read back from its text.

    Parameters
    ----------
    text : str
        As `Fitted` holds it.

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


def parameters(settings: TrainSettings, columns: int) -> dict[str, Any]:
    """Return LightGBM's parameters; one thread, since another number adds floats in another order.

    A share of few columns would leave a tree next to none to choose from, so at least `_FEWEST_COLUMNS` are drawn.

    OpenMP threads that share a busy core also wait for one another: with two, a fit took 25 times as long. Several
    cores are used by fitting several months at once (`walk.fit_all`).
    """
    return {
        "objective": "binary",
        "metric": "binary_logloss",
        "learning_rate": settings.learning_rate,
        "num_leaves": settings.num_leaves,
        "min_child_samples": settings.min_child_samples,
        "feature_fraction": max(settings.feature_fraction, min(1.0, _FEWEST_COLUMNS / columns)),
        "lambda_l2": settings.lambda_l2,
        "feature_pre_filter": False,
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

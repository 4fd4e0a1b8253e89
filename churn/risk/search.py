"""Searching LightGBM's parameters, on months that mature before the first test month begins."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from churn.errors import ConfigError
from churn.risk.boosting import Binned, booster_matrix
from churn.risk.data import Floats, TrainingSet, TrainSettings, sampled_customers
from churn.risk.splits import Fold, boosting_plan, folds_of, snapshots_of
from churn.risk.training import usable_rows
from churn.windows import purge_ok

SEARCH_ROWS = 100_000
SEARCH_MONTHS = 3
_RANGES = {
    "learning_rate": (0.02, 0.2, True),
    "num_leaves": (4, 63, True),
    "min_child_samples": (20, 500, True),
    "feature_fraction": (0.3, 1.0, False),
    "lambda_l2": (0.1, 100.0, True),
}
_WHOLE = ("num_leaves", "min_child_samples")


@dataclass(frozen=True)
class SearchResult:
    """What a search found.

    Attributes
    ----------
    settings : TrainSettings
        The given ones with the best parameters; unchanged where none was better.
    trials : int
        Configurations tried, the given one among them; 0 where history is too short to search.
    gain : float
        Log loss of the given parameters minus that of the best, in nats, on the months inside training.
    note : str
        The same as a plain sentence.
    """

    settings: TrainSettings
    trials: int
    gain: float
    note: str


@dataclass(frozen=True)
class _Arena:
    """The months that configurations are compared on, in bins made once."""

    binned: Binned
    folds: tuple[Fold, ...]
    weight: Floats

    @classmethod
    def of(cls, data: TrainingSet, folds: tuple[Fold, ...], settings: TrainSettings) -> _Arena:
        matrix = booster_matrix(data.numbers, data.codes)
        categories = len(data.names.categories)
        binned = Binned(matrix, data.churned, data.weights, categories, folds[0].fit_end, settings)
        return cls(binned, folds, data.weight)

    def loss(self, settings: TrainSettings) -> float:
        """Return the mean log loss over all months' rows, at the one number of trees that is best for them."""
        binned = self.binned.with_settings(settings)

        def curve(fold: Fold) -> Floats:
            rows = np.zeros(binned.rows, dtype=np.bool_)
            rows[fold.start : fold.end] = True
            return binned.loss_curve(fold.fit_end, rows) * float(self.weight[fold.start : fold.end].sum())

        with ThreadPoolExecutor(settings.threads, thread_name_prefix="search") as pool:
            curves = list(pool.map(curve, self.folds))
        longest = max(len(each) for each in curves)
        total = sum(np.pad(each, (0, longest - len(each)), mode="edge") for each in curves)
        rows = sum(float(self.weight[fold.start : fold.end].sum()) for fold in self.folds)
        return float(np.min(total) / rows)


def search_settings(
    data: TrainingSet, settings: TrainSettings, trials: int, *, until: date | None = None
) -> SearchResult:
    """Look for better parameters of LightGBM, without a look at the test months.

    Parameters
    ----------
    data, settings, until
        As for `train_model`.
    trials : int
        Configurations to try, the given one among them; at least 1.

    Returns
    -------
    SearchResult
        Each configuration is fitted forward in time: up to three months, the last that had matured when the first test
        month began, are each predicted by a fit on what had matured before it. Above 100,000 customer-months customers
        are sampled.

    Raises
    ------
    ConfigError
        Optuna is not installed.
    ModelError
        LightGBM can't be loaded.

    References
    ----------
    Tree-structured Parzen estimator: Bergstra, Bardenet, Bengio & Kegl 2011, NeurIPS 24; as in Optuna (Akiba et al.
    2019, KDD), seeded, in one process, in memory.
    """
    library = optuna()
    data, folds = _inside_training(data, settings, until)
    if not folds:
        return SearchResult(settings, 0, 0.0, "No parameters were searched: history is too short for it.")
    with threadpool_limits(limits=1, user_api="blas"):
        arena = _Arena.of(data, folds, settings)
        study = library.create_study(sampler=library.samplers.TPESampler(seed=settings.seed % 2**32))
        study.enqueue_trial(_tuned(settings))
        study.optimize(lambda trial: arena.loss(_suggested(trial, settings)), n_trials=max(1, trials))
    given, best = float(study.trials[0].value), study.best_trial
    found = replace(settings, **best.params) if best.number else settings
    gain = given - float(best.value)
    return SearchResult(found, len(study.trials), gain, _note(found, len(study.trials), gain, folds))


def optuna() -> Any:
    """Import Optuna, quietly.

    Raises
    ------
    ConfigError
        It is not installed.
    """
    try:
        import optuna as library
    except ImportError as error:
        raise ConfigError(
            "Searching parameters needs Optuna, which is not installed.",
            "Install it with `pip install 'churn[search]'`, or train without `--search`.",
        ) from error
    library.logging.set_verbosity(library.logging.WARNING)
    return library


def _inside_training(
    data: TrainingSet, settings: TrainSettings, until: date | None
) -> tuple[TrainingSet, tuple[Fold, ...]]:
    """Return the rows whose labels had matured when the first test month began, and the months to compare on."""
    data, _ = usable_rows(data, settings, until)
    plan = boosting_plan(snapshots_of(data), settings)
    if plan is None:
        return data, ()
    first_test = plan.tests[0].as_of
    known = [
        each
        for each in snapshots_of(data)
        if purge_ok(each.as_of, first_test, settings.horizon_days, settings.grace_days)
    ]
    data = data.take(np.arange(len(data)) < known[-1].end)
    data = data.take(sampled_customers(data.customer_keys, SEARCH_ROWS, settings.seed))
    folds = [fold for fold in folds_of(snapshots_of(data), settings) if fold.both_classes]
    return data, tuple(folds[-SEARCH_MONTHS:])


def _tuned(settings: TrainSettings) -> dict[str, Any]:
    """Return the parameters that are searched, as they are now."""
    return {name: getattr(settings, name) for name in _RANGES}


def _suggested(trial: Any, settings: TrainSettings) -> TrainSettings:
    now = _tuned(settings)
    found: dict[str, Any] = {}
    for name, (low, high, log) in _RANGES.items():
        suggest = trial.suggest_int if name in _WHOLE else trial.suggest_float
        found[name] = suggest(name, min(low, now[name]), max(high, now[name]), log=log)
    return replace(settings, **found)


def _note(found: TrainSettings, trials: int, gain: float, folds: tuple[Fold, ...]) -> str:
    months = ", ".join(str(fold.as_of) for fold in folds)
    if gain <= 0:
        return f"Searched {trials} configurations on {months}, before the test months: none was better than the usual."
    parameters = ", ".join(f"{name} {value:.4g}" for name, value in _tuned(found).items())
    return (
        f"Searched {trials} configurations on {months}, before the test months: log loss lower by {gain:.5f} nats "
        f"there, which flatters the best of many; the figures are from later months. Chosen: {parameters}."
    )

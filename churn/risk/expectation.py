"""What a model's figures should be on a later night, and how far off they may be before it is news.

A later night differs from the test for three reasons: the test was a sample, the night is one, and months differ. All
three are variances on the scale on which a figure is about normal (`SCALES`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
from scipy.special import expit, logit
from scipy.stats import t as student

from churn.errors import ModelError
from churn.risk.between_months import between_months, error_of_calibration, error_of_ranking, overlap
from churn.risk.bootstrap import Resamples
from churn.risk.data import Floats, Integers, TrainSettings
from churn.risk.evaluation import MODEL, Predictions
from churn.risk.figure_sums import Task
from churn.risk.figures import FIGURES, figures_of

SCALES = {
    "auc_roc": "logit",
    "observed_expected": "log",
    "calibration_slope": "identity",
    "lift_top_decile": "log",
}
REALISED_FIGURES = tuple(SCALES)
MONTHS_A_YEAR = 12
COMPARISONS = len(REALISED_FIGURES) * MONTHS_A_YEAR
INSIDE, OUTSIDE, WARNING, UNKNOWN = "inside", "outside", "warning", "unknown"
_CALIBRATED = ("observed_expected", "calibration_slope")
_FEWEST = 10
_LEAST_RATIO, _LEAST_SHARE = 1e-3, 1e-6


@dataclass(frozen=True)
class Expected:
    """What one figure should be on a later night.

    Attributes
    ----------
    figure : str
        One of `REALISED_FIGURES`.
    mean : float
        Mean of the test months, back on the figure's own scale.
    sampling_variance : float
        Of that mean, because the test was a sample; this and the next two are on the scale of `SCALES`.
    between_month_variance : float
        Of a new month around that mean, because months differ.
    month_sampling_variance : float
        Of one walk-forward month, because it was a sample: what was taken off to leave the one above.
    months : int
        Walk-forward months that the between-month variance was learned from.
    degrees_of_freedom : float
        What they are worth as independent months: less than `months` - 1 where label windows overlap.
    """

    figure: str
    mean: float
    sampling_variance: float
    between_month_variance: float
    month_sampling_variance: float
    months: int
    degrees_of_freedom: float

    def to_json(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: object) -> Expected:
        """Read what `to_json` gave; what a later release may have added is left out.

        Raises
        ------
        ModelError
            A value is missing or no number: another release wrote it.
        """
        kept: dict[str, Any] = dict(values) if isinstance(values, dict) else {}
        names = [field.name for field in fields(cls)]
        unread = [name for name in names[1:] if not isinstance(kept.get(name), int | float)]
        if unread or kept.get("figure") not in SCALES:
            raise ModelError(f"Lacks {', '.join(unread) or 'a known figure'}.", "Train again with `churn train`.")
        return cls(**{name: kept[name] for name in names})


@dataclass(frozen=True)
class Measured:
    """A figure of one night; the value is None, and the variance NaN, where too few churned or stayed.

    Attributes
    ----------
    value : float or None
    variance : float
        Sampling variance on the scale of `SCALES`.
    """

    value: float | None
    variance: float


def expected_figures(tests: Predictions, walk: Predictions, settings: TrainSettings) -> dict[str, Expected]:
    """Return what each of `REALISED_FIGURES` should be on a later night.

    Parameters
    ----------
    tests : Predictions
        The test months, each calibrated on time before it.
    walk : Predictions
        All walk-forward months, the test's among them, under the final calibrator: they tell how much months differ.
    settings : TrainSettings
        `horizon_days` and `grace_days` say which label windows overlap.

    Returns
    -------
    dict of figure to Expected
        Without the figures that fewer than two months tell anything about (a month needs ten churners).
    """
    known, tested = _months(walk, settings), _months(tests, settings)
    found = (_expected(figure, known, tested, settings) for figure in REALISED_FIGURES)
    return {expected.figure: expected for expected in found if expected is not None}


def measured_figures(night: Predictions, settings: TrainSettings) -> dict[str, Measured]:
    """Return each of `REALISED_FIGURES` of one night (or of nights together) with its sampling variance.

    The variance of observed / expected is at least that of outcomes drawn from the probabilities, so that a night on
    which nobody churned can be judged too.
    """
    night = night.take(night.weight > 0)
    unknown = Measured(None, float("nan"))
    found = dict.fromkeys(REALISED_FIGURES, unknown)
    if len(night) == 0:
        return found
    group = np.zeros(len(night), np.int64)
    values, draws = _drawn(night, group, 1, settings)
    if _enough(night):
        for figure in REALISED_FIGURES:
            at = FIGURES.index(figure)
            if np.isfinite(values[0, at]):
                variance = float(_variances(draws[:, :, at], figure)[0])
                found[figure] = Measured(float(values[0, at]), variance)
    p, weight = night.probability[MODEL], night.weight
    if min(float(p.sum()), float((1 - p).sum())) < _FEWEST:
        return found | {"observed_expected": unknown}
    drawn = found["observed_expected"].variance
    under_model = float(weight**2 @ (p * (1 - p))) / float(weight @ p) ** 2
    ratio = float(values[0, FIGURES.index("observed_expected")])
    return found | {"observed_expected": Measured(ratio, float(np.fmax(drawn, under_model)))}


def interval(
    expected: Expected, realised_sampling_variance: float, comparisons: int = COMPARISONS
) -> tuple[float, float]:
    """Return the prediction interval of a figure on a later night: 95 % that none of `comparisons` is outside.

    Parameters
    ----------
    expected : Expected
    realised_sampling_variance : float
        `Measured.variance` of the night.
    comparisons : int
        Bonferroni: figures times months.

    Returns
    -------
    low, high : float
        On the figure's own scale; NaN where the variance is.

    Notes
    -----
    Student's t with the degrees of freedom of the months, as if all of the variance were learned from them. Degrees
    that grow with the part that is known (Satterthwaite 1946) are too many for the tails that Bonferroni asks for where
    months differ much: simulated, up to a fifth of the years had a breach instead of a twentieth. From few months the
    interval is wide, and few departures are news.
    """
    variance = expected.sampling_variance + realised_sampling_variance + expected.between_month_variance
    if not np.isfinite(variance):
        return float("nan"), float("nan")
    reach = float(student.ppf(1 - 0.025 / comparisons, expected.degrees_of_freedom)) * float(np.sqrt(variance))
    scale = SCALES[expected.figure]
    centre = float(_scaled(np.array([expected.mean]), expected.figure)[0])
    return _unscaled(centre - reach, scale), _unscaled(centre + reach, scale)


def status_of(value: float | None, bounds: tuple[float, float]) -> str:
    """Say `inside`, `outside`, or `unknown` where the figure or its interval is not defined."""
    low, high = bounds
    if value is None or not np.isfinite([value, low, high]).all():
        return UNKNOWN
    return INSIDE if low <= value <= high else OUTSIDE


def judge_series(statuses: Sequence[str]) -> list[str]:
    """Turn `outside` into `warning` from the second consecutive breach on.

    Parameters
    ----------
    statuses : sequence of str
        One figure's, one a month of adjoining months, in order of time: nights of the same month share their label
        windows and would breach together. An `unknown` month neither breaches nor ends a run of breaches.
    """
    judged, breaches = [], 0
    for status in statuses:
        breaches = breaches if status == UNKNOWN else breaches + 1 if status in (OUTSIDE, WARNING) else 0
        judged.append(WARNING if status in (OUTSIDE, WARNING) and breaches > 1 else status)
    return judged


@dataclass(frozen=True)
class _Months:
    """Figures of every month, shape (months, figures), NaN where too few churned, and resamples of them."""

    days: Integers
    values: Floats
    draws: Floats


def _months(predictions: Predictions, settings: TrainSettings) -> _Months:
    predictions = predictions.take(predictions.weight > 0)
    days, month = np.unique(predictions.as_of, return_inverse=True)
    values, draws = _drawn(predictions, month.astype(np.int64), len(days), settings)
    for at in range(len(days)):
        if not _enough(predictions.take(month == at)):
            values[at] = np.nan
    return _Months(days, values, draws)


def _expected(figure: str, walk: _Months, tests: _Months, settings: TrainSettings) -> Expected | None:
    at = FIGURES.index(figure)
    months, means = _scaled(walk.values[:, at], figure), _scaled(tests.values[:, at], figure)
    known, meant = np.isfinite(months), np.isfinite(means)
    if known.sum() < 2 or not meant.any():
        return None
    shared = overlap(walk.days, settings.horizon_days)
    sampling = float(np.mean(_variances(walk.draws[:, known, at], figure)))
    between, degrees = between_months(months[known], sampling, shared[np.ix_(known, known)])
    tested = np.isin(walk.days, tests.days)
    calibrated = figure in _CALIBRATED
    history = error_of_calibration(walk.days, tested, settings) if calibrated else error_of_ranking(tested)
    mean_of_tests = float(np.nanvar(np.nanmean(_scaled(tests.draws[:, meant, at], figure), axis=1), ddof=1))
    return Expected(
        figure=figure,
        mean=_unscaled(float(means[meant].mean()), SCALES[figure]),
        sampling_variance=mean_of_tests * float(history @ history) * int(meant.sum()),
        between_month_variance=between * (1 + float(history @ shared @ history)),
        month_sampling_variance=sampling,
        months=int(known.sum()),
        degrees_of_freedom=degrees,
    )


def _drawn(predictions: Predictions, group: Integers, groups: int, settings: TrainSettings) -> tuple[Floats, Floats]:
    resamples = Resamples.of(predictions.customer_keys, seed=settings.seed, replicates=settings.replicates)
    task = Task(predictions, MODEL, group, groups, 1.0, 1.0, None)
    values, draws = figures_of([task], resamples)[0]
    draws[~np.isfinite(draws)] = np.nan
    return values, draws


def _enough(predictions: Predictions) -> bool:
    churners = int((predictions.churned & (predictions.weight > 0)).sum())
    return min(churners, int((predictions.weight > 0).sum()) - churners) >= _FEWEST


def _scaled(values: Floats, figure: str) -> Floats:
    if SCALES[figure] == "log":
        logs: Floats = np.log(np.maximum(values, _LEAST_RATIO))
        return logs
    if SCALES[figure] == "logit":
        scaled: Floats = logit(np.clip(values, _LEAST_SHARE, 1 - _LEAST_SHARE))
        return scaled
    return values


def _unscaled(value: float, scale: str) -> float:
    if scale == "log":
        return float(np.exp(min(value, 700.0)))
    return float(expit(value)) if scale == "logit" else value


def _variances(draws: Floats, figure: str) -> Floats:
    """Return the variance over the resamples, shape (b, m), of each of m months, shape (m,)."""
    variances: Floats = np.nanvar(_scaled(draws, figure), axis=0, ddof=1)
    return variances

"""Features on one robust scale: filled, unskewed, centred on the median, over the IQR, clipped, weighted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from churn.segments.catalogue import LEADING_THEMES, MINOR_WEIGHT, ROLE_OF, FeatureRole, Theme

Floats = NDArray[np.float64]

CLIP = 3.0
"""Scaled values beyond so many robust standard deviations count as that many."""

IQR_OF_NORMAL = 1.349
"""IQR of a standard normal: it makes IQR / 1.349 a robust standard deviation."""


CENTRE_MOVES, SCALE_MOVES = 1.0, 3.0
"""A feature whose centre moves by more scales than this, or whose scale changes by more than this factor, is scaled
anew at a refit. Less is not worth it: of a feature with two humps the IQR jumps when a few customers change sides, and
every segment with it.
"""


@dataclass(frozen=True)
class ScaledFeature:
    """How one feature is scaled.

    Attributes
    ----------
    name : str
    fill : float
        Stands for a missing value, in the feature's unit.
    logarithmic : bool
    centre, scale : float
        Of the (logarithmic) values; scale > 0.
    weight : float
        Weight of its theme / sqrt(number of features of the theme).
    """

    name: str
    fill: float
    logarithmic: bool
    centre: float
    scale: float
    weight: float

    def scaled(self, values: Floats) -> Floats:
        """Return unweighted scaled values in [-3, 3], shaped as the input; NaN and infinity are missing."""
        filled = np.where(np.isfinite(values), values, self.fill)
        return np.clip((unskewed(filled, self.logarithmic) - self.centre) / self.scale, -CLIP, CLIP)

    def unscaled(self, score: float) -> float:
        """Return the value, in the feature's unit, whose scaled value is `score`."""
        value = self.centre + self.scale * score
        return float(np.sign(value) * np.expm1(abs(value))) if self.logarithmic else value


def unskewed(values: Floats, logarithmic: bool) -> Floats:
    """Return sign(x) * ln(1 + |x|) where the feature is logarithmic, else the values."""
    return np.sign(values) * np.log1p(np.abs(values)) if logarithmic else values


def fit_scaling(names: Sequence[str], columns: Floats) -> tuple[ScaledFeature, ...]:
    """Return the scaling of those features that vary, each of `names` a key of `ROLE_OF`.

    Parameters
    ----------
    names : sequence of str, length f
    columns : ndarray of float64, shape (n, f)
        NaN = missing. A feature that is constant or missing throughout says nothing and is left out.
    """
    fitted = [_fit_feature(ROLE_OF[name], columns[:, j]) for j, name in enumerate(names)]
    varying = [feature for feature in fitted if feature is not None]
    themes = Counter(ROLE_OF[feature.name].theme for feature in varying)
    return tuple(
        ScaledFeature(f.name, f.fill, f.logarithmic, f.centre, f.scale, _weight(ROLE_OF[f.name].theme, themes))
        for f in varying
    )


def keep_scaling(fresh: Sequence[ScaledFeature], previous: Sequence[ScaledFeature]) -> tuple[ScaledFeature, ...]:
    """Return the scaling before of each feature that has moved little since, the fresh one of the others.

    A feature has moved where its centre is off by more than its scale, or its scale is three times what it was, or a
    third.
    Weights are always fresh: they depend on which features there are. What stands for a missing value stays too.
    """
    old = {feature.name: feature for feature in previous}
    return tuple(
        replace(old[feature.name], weight=feature.weight)
        if feature.name in old and _moved_little(old[feature.name], feature)
        else feature
        for feature in fresh
    )


def _moved_little(old: ScaledFeature, new: ScaledFeature) -> bool:
    if old.logarithmic != new.logarithmic:
        return False
    spread = max(old.scale, new.scale) / min(old.scale, new.scale)
    return abs(new.centre - old.centre) <= CENTRE_MOVES * old.scale and spread <= SCALE_MOVES


def _weight(theme: Theme, sizes: Counter[Theme]) -> float:
    """Return a feature's weight, so that a theme weighs the same however many features it has."""
    return float((1.0 if theme in LEADING_THEMES else MINOR_WEIGHT) / np.sqrt(sizes[theme]))


def _fit_feature(role: FeatureRole, values: Floats) -> ScaledFeature | None:
    """Return the scaling of one feature with weight 1, or None where it does not vary."""
    known = values[np.isfinite(values)]
    if not len(known):
        return None
    fill = {"zero": 0.0, "median": float(np.median(known)), "largest": float(known.max())}[role.missing]
    filled = unskewed(np.where(np.isfinite(values), values, fill), role.logarithmic)
    # An imputed median says nothing of the spread; a zero or a longest wait is a fact.
    telling = unskewed(known, role.logarithmic) if role.missing == "median" else filled
    low, centre, high = (float(q) for q in np.quantile(telling, [0.25, 0.5, 0.75]))
    smallest = 1e-6 * max(1.0, abs(centre))
    scale = (high - low) / IQR_OF_NORMAL
    if scale <= smallest:  # mostly one value, such as no tickets
        scale = float(telling.std())
    return None if scale <= smallest else ScaledFeature(role.name, fill, role.logarithmic, centre, scale, 1.0)

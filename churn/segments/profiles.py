"""What sets each segment apart: its tiers of value, engagement and direction, and the facts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from churn.segments.catalogue import LEADING_THEMES, ROLE_OF, Theme
from churn.segments.grouping import Positions
from churn.segments.meaning import Meaning
from churn.segments.scaling import Floats, ScaledFeature

RISING_FROM, RISING_MARGIN = 0.1, 0.05
"""A trend of use beyond 0.1 (a fifth more or less than in the window before) has a direction."""

TIER_MARGIN = 0.25
"""A segment changes its tier of value or engagement only this far past the threshold, in robust standard deviations."""

FACTS = 3


@dataclass(frozen=True)
class Profiles:
    """The customers and segments that names are made from.

    Attributes
    ----------
    features : tuple of ScaledFeature, length f
    columns : ndarray of float64, shape (n, f)
        The customers in the features' own units, NaN where missing.
    rows : ndarray of float64, shape (n, f)
        The same, scaled, without weights.
    members : ndarray of intp, shape (n,)
        The segment of each, as a position in `scores`.
    scores : ndarray of float64, shape (k, f)
        Scaled centroids, without weights.
    """

    features: tuple[ScaledFeature, ...]
    columns: Floats
    rows: Floats
    members: Positions
    scores: Floats

    @cached_property
    def overall(self) -> Floats:
        """Return the mean of all customers, shape (f,)."""
        return np.asarray(self.rows.mean(axis=0))

    def order(self) -> list[int]:
        """Return the segments from the most valuable, then the most engaged, then the most rising.

        Values that differ by less than a tenth of a (robust) standard deviation count as equal.
        """
        ranks = np.stack([self._theme_scores(self.scores, theme) for theme in LEADING_THEMES], axis=1).round(1)
        return sorted(range(len(self.scores)), key=lambda i: (*(-ranks[i]).tolist(), *self.scores[i].tolist()))

    def meanings(self, before: Sequence[Meaning | None]) -> list[Meaning]:
        """Return the tiers of each segment; one that had a tier before leaves it only by a clear margin."""
        value = self._tiers("value", [None if old is None else old.value for old in before])
        engagement = self._tiers("engagement", [None if old is None else old.engagement for old in before])
        direction = [
            self._direction(scores, None if old is None else old.direction)
            for scores, old in zip(self.scores, before, strict=True)
        ]
        return [Meaning(*tiers) for tiers in zip(value, engagement, direction, strict=True)]

    def _theme_scores(self, scores: Floats, theme: Theme) -> Floats:
        """Return the mean signed score of a theme's features, shape (len(scores),); 0 where there are none.

        A feature that is unknown of some customers (the value of a repeat purchase, where there was none) counts
        only where the theme has no other: a stand-in for what is unknown must not lift or sink a segment.
        """
        roles = [ROLE_OF[feature.name] for feature in self.features]
        columns = [j for j, role in enumerate(roles) if role.theme == theme]
        columns = [j for j in columns if roles[j].missing != "median"] or columns
        if not columns:
            return np.zeros(len(scores))
        signs = np.array([roles[j].sign for j in columns], dtype=np.float64)
        return np.asarray((scores[:, columns] * signs).mean(axis=1), dtype=np.float64)

    def _tiers(self, theme: Theme, before: Sequence[int | None]) -> list[int | None]:
        """Return for each segment the third (-1, 0, 1) of all customers it falls into; None where no feature tells.

        The mean and the median of its customers must both lie in the upper (lower) third.
        """
        if all(ROLE_OF[feature.name].theme != theme for feature in self.features):
            return [None] * len(self.scores)
        everybody = self._theme_scores(self.rows, theme)
        low, high = (float(q) for q in np.quantile(everybody, [1 / 3, 2 / 3]))
        means = self._theme_scores(self.scores, theme).tolist()
        medians = [float(np.median(everybody[self.members == i])) for i in range(len(means))]
        # Half large and half small customers are on average large, and yet the median customer is small.
        own = [sorted((mean, median, (low + high) / 2))[1] for mean, median in zip(means, medians, strict=True)]
        return [tier(score, low, high, TIER_MARGIN, old) for score, old in zip(own, before, strict=True)]

    def _direction(self, scores: Floats, before: int | None) -> int | None:
        """Return the sign of a segment's typical trend, 0 if slight, None without a trend.

        Everybody's typical trend does not count, as far as it is slight: the season moves all alike.
        """
        for j, feature in enumerate(self.features):
            if ROLE_OF[feature.name].theme == "direction":
                season = feature.unscaled(float(np.median(self.rows[:, j])))
                season = min(max(season, -RISING_FROM), RISING_FROM)
                trend = feature.unscaled(float(scores[j])) - season
                return tier(trend, -RISING_FROM, RISING_FROM, RISING_MARGIN, before)
        return None

    def facts(self, i: int, meaning: Meaning) -> str:
        """Return the (up to) three facts behind a segment's name.

        First come the features behind the name's words, then those that set the segment apart most.
        """
        apart = np.abs(self.scores[i] - self.overall).round(9)
        columns = sorted(range(len(self.features)), key=lambda j: (-apart[j], j))
        best = {ROLE_OF[self.features[j].name].theme: j for j in reversed(columns)}
        themes: dict[Theme, int | None] = {"engagement": meaning.engagement, "direction": meaning.direction}
        said = [j for j, feature in enumerate(self.features) if feature.name == meaning.qualifier]
        wanted = [best.get("value"), *(best.get(theme) for theme, found in themes.items() if found), *said]
        chosen = list(dict.fromkeys(j for j in [*wanted, *columns] if j is not None))[:FACTS]
        return "; ".join(self._fact(j, self.members == i) for j in chosen)

    def _fact(self, j: int, is_member: NDArray[np.bool_]) -> str:
        """Return a feature's median in a segment beside everybody's, or the mean where the medians are the same.

        Both are plain statistics of the customers that the segments were fitted on, so that anybody can recompute
        them.
        """
        feature, values = self.features[j], self.columns[:, j]
        filled = np.where(np.isfinite(values), values, feature.fill)
        own, all_customers = np.median(filled[is_member]), np.median(filled)
        statistic = "median"
        if own == all_customers:
            statistic, own, all_customers = "mean", filled[is_member].mean(), filled.mean()
        label = ROLE_OF[feature.name].label
        return f"{label} {statistic} {_figure(float(own))} (all customers {_figure(float(all_customers))})"


def tier(score: float, low: float, high: float, margin: float, before: int | None) -> int:
    """Return -1 below `low`, 1 above `high`, else 0; to leave the tier of before takes the margin more."""
    if before is not None:
        high += -margin if before > 0 else margin
        low += margin if before < 0 else -margin
    return int(score > high) - int(score < low)


def _figure(value: float) -> str:
    """Return a number with as many digits as a reader needs."""
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    text = f"{value:,.{digits}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text

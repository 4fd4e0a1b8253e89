"""Names and descriptions in a marketer's words: value, engagement, direction, and the facts behind them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from churn.segments.catalogue import LEADING_THEMES, ROLE_OF, Theme
from churn.segments.model import Segment
from churn.segments.scaling import Floats, ScaledFeature

FACTS = 3
RISING_FROM = 0.1
"""A trend of use beyond 0.1 (a fifth more or less than in the window before) has a direction."""


@dataclass(frozen=True)
class Profile:
    """What naming knows of one segment.

    Attributes
    ----------
    scores : ndarray of float64, shape (f,)
        Unweighted scaled centroid.
    facts : tuple of str, length f
        What is typical of its customers, beside everybody's, by feature.
    value, engagement : int or None
        -1, 0 or 1: among the lower third, middle or upper third of customers; None where no feature tells.
    direction : int or None
        -1 falling, 0 steady, 1 rising.
    """

    scores: Floats
    facts: tuple[str, ...]
    value: int | None
    engagement: int | None
    direction: int | None


def describe(
    features: Sequence[ScaledFeature], columns: Floats, scaled: Floats, centroids: Floats
) -> tuple[list[int], tuple[Segment, ...]]:
    """Order and name the segments.

    Parameters
    ----------
    features : sequence of ScaledFeature, length f
    columns : ndarray of float64, shape (n, f)
        The customers in the features' own units, NaN where missing.
    scaled : ndarray of float64, shape (n, f)
        The same, weighted and scaled.
    centroids : ndarray of float64, shape (k, f)

    Returns
    -------
    order : list of int, length k
        Positions of the centroids from the most valuable, then the most engaged, then the most rising; values that
        differ by less than a tenth of a (robust) standard deviation count as equal.
    segments : tuple of Segment, length k
        In that order, with ids 1..k and unique names.
    """
    weights = np.array([feature.weight for feature in features])
    rows, scores = scaled / weights, centroids / weights
    ranks = np.stack([_theme_scores(features, scores, theme) for theme in LEADING_THEMES], axis=1).round(1)
    order = sorted(range(len(centroids)), key=lambda i: (*(-ranks[i]).tolist(), *scores[i].tolist()))
    value, engagement = (_tiers(features, rows, scores, theme) for theme in LEADING_THEMES[:2])
    members = ((scaled[:, None, :] - centroids[None, :, :]) ** 2).sum(axis=2).argmin(axis=1)
    profiles = [
        Profile(
            scores[i],
            tuple(_fact(feature, columns[:, j], members == i) for j, feature in enumerate(features)),
            value[i],
            engagement[i],
            _direction(features, scores[i]),
        )
        for i in order
    ]
    overall = rows.mean(axis=0)
    named = _unique_names(features, profiles, overall)
    segments = [
        Segment(position, name, f"{name}: {_facts(features, profile, qualifier, overall)}.")
        for position, ((name, qualifier), profile) in enumerate(zip(named, profiles, strict=True), start=1)
    ]
    return order, tuple(segments)


def _theme_scores(features: Sequence[ScaledFeature], scores: Floats, theme: Theme) -> Floats:
    """Return the mean signed score of a theme's features, shape (len(scores),); 0 where there are none.

    A feature that is unknown of some customers (the value of a repeat purchase, where there was none) counts only
    where the theme has no other: a stand-in for what is unknown must not lift or sink a segment.
    """
    columns = [j for j, feature in enumerate(features) if ROLE_OF[feature.name].theme == theme]
    columns = [j for j in columns if ROLE_OF[features[j].name].missing != "median"] or columns
    if not columns:
        return np.zeros(len(scores))
    signs = np.array([ROLE_OF[features[j].name].sign for j in columns], dtype=np.float64)
    return np.asarray((scores[:, columns] * signs).mean(axis=1), dtype=np.float64)


def _tiers(features: Sequence[ScaledFeature], rows: Floats, scores: Floats, theme: Theme) -> list[int] | list[None]:
    """Return for each centroid the third (-1, 0, 1) of all customers it falls into by a theme.

    None where no feature tells, or where every segment lies in the middle: then the word sets nobody apart.
    """
    if all(ROLE_OF[feature.name].theme != theme for feature in features):
        return [None] * len(scores)
    low, high = np.quantile(_theme_scores(features, rows, theme), [1 / 3, 2 / 3])
    tiers = [int(score > high) - int(score < low) for score in _theme_scores(features, scores, theme)]
    return tiers if len(set(tiers)) > 1 or any(tiers) else [None] * len(scores)


def _direction(features: Sequence[ScaledFeature], scores: Floats) -> int | None:
    """Return the sign of a segment's typical trend, 0 if slight, None without a trend."""
    for feature, score in zip(features, scores, strict=True):
        if ROLE_OF[feature.name].theme == "direction":
            trend = feature.unscaled(float(score))
            return int(trend > RISING_FROM) - int(trend < -RISING_FROM)
    return None


def _name(profile: Profile) -> str:
    """Return for instance `High value, very active, slipping`; the unremarkable middle is left out."""
    value = {1: "High value", 0: "Medium value", -1: "Low value", None: ""}[profile.value]
    engagement = {1: "very active", 0: "", -1: "quiet", None: ""}[profile.engagement]
    direction = {1: "growing", 0: "", -1: "slipping", None: ""}[profile.direction]
    words = [word for word in (value, engagement, direction) if word]
    if len(words) == (1 if value else 0):
        words.append("steady" if profile.direction == 0 else "fairly active")
    name = ", ".join(words)
    return name[0].upper() + name[1:]


def _unique_names(
    features: Sequence[ScaledFeature], profiles: Sequence[Profile], overall: Floats
) -> list[tuple[str, int | None]]:
    """Return one name per profile, with the column that tells it from its namesakes (None without any)."""
    plain = [_name(profile) for profile in profiles]
    counts = Counter(plain)
    taken = {name for name in plain if counts[name] == 1}
    result: list[tuple[str, int | None]] = []
    for name, profile in zip(plain, profiles, strict=True):
        if counts[name] == 1:
            result.append((name, None))
            continue
        group = np.stack([p.scores for p, other in zip(profiles, plain, strict=True) if other == name])
        candidates = _qualified(features, name, profile.scores - group.mean(axis=0), profile.scores - overall)
        candidates += [(f"{name} ({number})", None) for number in range(1, len(profiles) + 1)]
        result.append(next(candidate for candidate in candidates if candidate[0] not in taken))
        taken.add(result[-1][0])
    return result


def _qualified(
    features: Sequence[ScaledFeature], name: str, from_namesakes: Floats, from_overall: Floats
) -> list[tuple[str, int | None]]:
    """Return names with one more phrase, best first: true against namesakes and against everybody."""
    smaller = np.minimum(np.abs(from_namesakes), np.abs(from_overall))
    strength = np.where(from_namesakes * from_overall > 0, smaller, 0.0).round(9)
    columns = sorted(np.flatnonzero(strength > 0).tolist(), key=lambda j: (-strength[j], j))
    roles = [(j, ROLE_OF[features[j].name]) for j in columns]
    return [(f"{name}, {role.more if from_overall[j] > 0 else role.less}", j) for j, role in roles]


def _facts(features: Sequence[ScaledFeature], profile: Profile, qualifier: int | None, overall: Floats) -> str:
    """Return the (up to) three facts behind a name.

    First come the features behind the name's words, then those that set the segment apart most.
    """
    apart = np.abs(profile.scores - overall).round(9)
    columns = sorted(range(len(features)), key=lambda j: (-apart[j], j))
    best = {ROLE_OF[features[j].name].theme: j for j in reversed(columns)}
    tiers: dict[Theme, int | None] = {"engagement": profile.engagement, "direction": profile.direction}
    wanted = [best.get("value"), *(best[theme] for theme, tier in tiers.items() if tier), qualifier]
    chosen = list(dict.fromkeys(j for j in [*wanted, *columns] if j is not None))[:FACTS]
    return "; ".join(profile.facts[j] for j in chosen)


def _fact(feature: ScaledFeature, values: Floats, is_member: NDArray[np.bool_]) -> str:
    """Return a feature's median in a segment beside everybody's, or the mean where the medians are the same.

    Both are plain statistics of the customers that the segments were fitted on, so that anybody can recompute them.
    """
    filled = np.where(np.isfinite(values), values, feature.fill)
    own, all_customers = np.median(filled[is_member]), np.median(filled)
    statistic = "median"
    if own == all_customers:
        statistic, own, all_customers = "mean", filled[is_member].mean(), filled.mean()
    label = ROLE_OF[feature.name].label
    return f"{label} {statistic} {_figure(float(own))} (all customers {_figure(float(all_customers))})"


def _figure(value: float) -> str:
    """Return a number with as many digits as a reader needs."""
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    text = f"{value:,.{digits}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text

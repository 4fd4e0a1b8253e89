"""What campaigns have measured of each offer's save rate, shrunk, for the next list."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.engine import Connection

from churn.config import Settings
from churn.partitions import ensure_month
from churn.retention.effects import SaveRate, save_rate
from churn.retention.save_rates import Shrunk, shrunk_rate
from churn.schema import save_rates as save_rates_table
from churn.sqlfiles import read_sql

ALL = "all"
SEGMENT = "segment"

_Z95 = 1.959963984540054


@dataclass(frozen=True)
class Counts:
    """Measured members of one campaign, by assignment, and who left of them."""

    treatment: int = 0
    treatment_churned: int = 0
    holdout: int = 0
    holdout_churned: int = 0

    def __add__(self, other: Counts) -> Counts:
        """Return both together."""
        return Counts(
            self.treatment + other.treatment,
            self.treatment_churned + other.treatment_churned,
            self.holdout + other.holdout,
            self.holdout_churned + other.holdout_churned,
        )


@dataclass(frozen=True)
class Rate:
    """A save rate of an offer, for all or for one segment (`dimension`, `value`), with what it rests on."""

    offer: str
    dimension: str
    value: str
    assumed: float
    campaigns: int
    counts: Counts
    shrunk: Shrunk


@dataclass(frozen=True)
class RateTable:
    """Save rates by offer, and by offer and segment where that was measured.

    Attributes
    ----------
    by_offer : dict of str to float
    by_segment : dict of (offer, segment) to float
    """

    by_offer: Mapping[str, float]
    by_segment: Mapping[tuple[str, str], float]

    def of(self, offers: Sequence[str], segments: Sequence[str] | NDArray[np.str_]) -> NDArray[np.float64]:
        """Return the rate of each offer for each customer: the segment's where it was measured, else the offer's.

        Parameters
        ----------
        offers : sequence of str
            Names of configured offers.
        segments : sequence of str, shape (n,)
            The customers' segments.

        Returns
        -------
        ndarray of float64, shape (n, len(offers))
            Below 0: contacting is expected to hurt.
        """
        names, places = np.unique(np.asarray(segments, dtype=np.str_), return_inverse=True)
        known = [[self.by_segment.get((offer, str(name)), self.by_offer[offer]) for offer in offers] for name in names]
        return np.array(known, dtype=np.float64).reshape(len(names), len(offers))[places]


def save_rates(connection: Connection, settings: Settings, as_of: date, run_id: int) -> RateTable:
    """Return the configured offers' save rates as measured by `as_of`, shrunk (methods.md C), and keep them.

    Each campaign measures once, however long it runs. An offer is shrunk towards its configured rate, a segment towards
    its offer's; where harm is shown, the rate is below 0 whatever was assumed. Only outcomes that had matured by
    `as_of` count, so that a rerun of an old night sees what it saw then.

    Parameters
    ----------
    connection : sqlalchemy.Connection
    settings : Settings
    as_of : date
    run_id : int
        The run that the rows in `scores.save_rates` belong to.
    """
    measured = _measured(connection, as_of)
    rates = [
        rate
        for offer in settings.retention.all_offers
        for rate in _rates_of(offer.name, offer.save_rate, measured.get(offer.name, {}))
    ]
    _store(connection, as_of, run_id, rates)
    return RateTable(
        {rate.offer: rate.shrunk.rate for rate in rates if rate.dimension == ALL},
        {(rate.offer, rate.value): rate.shrunk.rate for rate in rates if rate.dimension == SEGMENT},
    )


Measured = dict[str, dict[str, Counts]]
"""By campaign and segment."""


def _measured(connection: Connection, as_of: date) -> dict[str, Measured]:
    found: dict[str, Measured] = defaultdict(lambda: defaultdict(dict))
    for row in connection.execute(read_sql("campaigns/save_rate_counts.sql").statement, {"as_of": as_of}):
        counts = Counts(row.treatment, row.treatment_churned, row.holdout, row.holdout_churned)
        found[row.offer][row.campaign][row.segment] = counts
    return found


def _rates_of(offer: str, assumed: float, campaigns: Measured) -> list[Rate]:
    """Return the rate of an offer, then those of the segments in which it was measured."""
    whole = _rate(offer, ALL, ALL, assumed, (sum(parts.values(), Counts()) for parts in campaigns.values()))
    segments = sorted({name for parts in campaigns.values() for name in parts} - {""})
    by_segment = (
        _rate(offer, SEGMENT, name, whole.shrunk.rate, (parts[name] for parts in campaigns.values() if name in parts))
        for name in segments
    )
    return [whole, *(rate for rate in by_segment if rate.campaigns)]


def _rate(offer: str, dimension: str, value: str, assumed: float, campaigns: Iterable[Counts]) -> Rate:
    """Shrink what campaigns have measured; one without anybody in one of the arms has measured nothing."""
    usable = [counts for counts in campaigns if counts.treatment and counts.holdout]
    found = [
        save_rate(counts.treatment_churned, counts.treatment, counts.holdout_churned, counts.holdout)
        for counts in usable
    ]
    shrunk = shrunk_rate(assumed, [one.rate for one in found], [one.variance for one in found])
    return Rate(
        offer, dimension, value, assumed, len(usable), sum(usable, Counts()), _not_above(_least_harm(found), shrunk)
    )


def _least_harm(found: Sequence[SaveRate]) -> float | None:
    """Return the upper end of the 95 % interval of the measured rate where it lies below 0: harm is shown.

    The variance of ŝ grows with (p_T / p_C)², so that shrinking by it takes little notice of an offer that drives many
    away. On the scale of the logarithm the interval is sound there too (Katz et al. 1978); campaigns are combined by
    inverse variance. This guard is a construction of this project.
    """
    logarithms = np.array([math.log(1 - one.rate) for one in found])
    weights = np.array([(1 - one.rate) ** 2 / one.variance for one in found])
    if not len(found):
        return None
    least = float(weights @ logarithms / weights.sum()) - _Z95 / math.sqrt(float(weights.sum()))
    return 1 - math.exp(least) if least > 0 else None


def _not_above(limit: float | None, shrunk: Shrunk) -> Shrunk:
    if limit is None or shrunk.rate <= limit:
        return shrunk
    return replace(shrunk, rate=limit, probability_harmful=max(shrunk.probability_harmful, 0.975))


def _store(connection: Connection, as_of: date, run_id: int, rates: Sequence[Rate]) -> None:
    ensure_month(connection, "save_rates", as_of)
    connection.execute(
        sa.insert(save_rates_table),
        [
            {
                "as_of_date": as_of,
                "run_id": run_id,
                "offer": rate.offer,
                "dimension": rate.dimension,
                "value": rate.value,
                "assumed": rate.assumed,
                "campaigns": rate.campaigns,
                "treatment": rate.counts.treatment,
                "holdout": rate.counts.holdout,
                "measured": _known(rate.shrunk.measured),
                "variance": _known(rate.shrunk.variance),
                "between_variance": rate.shrunk.between_variance,
                "save_rate": rate.shrunk.rate,
                "probability_harmful": rate.shrunk.probability_harmful,
            }
            for rate in rates
        ],
    )


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value

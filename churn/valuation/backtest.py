"""The backtest of CLV: fitted as of an earlier date, held against what customers then brought (clv_published.md).

Money is undiscounted margin on both sides, so that it can be held against the books.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.engine import Connection

from churn import clv
from churn.clv.backtest import MODEL, MethodScore, best_method, score_methods
from churn.clv.naive import (
    OWN_RATE,
    SEGMENT_AVERAGE,
    Names,
    SegmentAverages,
    own_rate_of_contracts,
    own_rate_of_purchases,
    segment_averages,
)
from churn.config import Settings
from churn.errors import ModelError
from churn.valuation.facts import ByCustomer, read_by_customer
from churn.valuation.fitting import HISTORY_COLUMNS, fit_contracts, fit_purchases, read_histories
from churn.windows import matures_on

MOST_MONTHS, FEWEST_MONTHS = 12, 3
HISTORY_SHARE = 0.4
FEWEST_CUSTOMERS = 10
AVERAGED_MONTHS = (12, 6, 3)

SegmentsAt = Callable[[date], tuple[NDArray[np.int64], Names] | None]
"""Gives customers, ascending, and their segments as of a date; None where they are not known."""


@dataclass(frozen=True)
class Backtest:
    """How CLV did over a period that was known in full.

    Attributes
    ----------
    from_date, to_date : date
        Half-open.
    scores : tuple of MethodScore
    """

    from_date: date
    to_date: date
    scores: tuple[MethodScore, ...]

    @property
    def best(self) -> str:
        """The method that was nearest (`churn.clv.backtest.best_method`)."""
        return best_method(self.scores)


@dataclass(frozen=True)
class Holdout:
    """Customers at the beginning of a period, and what the model and their own rate say of it.

    Attributes
    ----------
    from_date : date
    months : int
    customer_keys : ndarray of int64, shape (n,)
    predicted : dict of str to ndarray of float64, shape (n,)
        Undiscounted margin of the period, by method.
    """

    from_date: date
    months: int
    customer_keys: NDArray[np.int64]
    predicted: dict[str, NDArray[np.float64]]


def no_segments(_as_of: date) -> None:
    """Say that segments are not known: averages are those of everybody."""


def run_backtest(
    connection: Connection,
    settings: Settings,
    as_of: date,
    *,
    panel: clv.Panel | None = None,
    segments_at: SegmentsAt = no_segments,
) -> tuple[Backtest | None, str]:
    """Hold a model that is fitted as of an earlier date, and the naive baselines, against what happened since.

    Parameters
    ----------
    connection : sqlalchemy.Connection
    settings : Settings
    as_of : date
        What happened before it is known.
    panel : Panel, optional
        Where churn is contractual: the walk-forward probabilities decide on the months.
    segments_at : callable
        Gives segments as of past dates.

    Returns
    -------
    Backtest or None
    str
        Why there is none; empty where there is one.
    """
    try:
        if settings.churn.definition == "inactivity":
            holdout = _purchase_holdout(connection, settings, as_of)
        else:
            holdout = _contract_holdout(connection, settings, as_of, panel)
        return _scored(connection, settings, holdout, segments_at), ""
    except ModelError as error:
        return None, f"No backtest of CLV: {error.message}"


def _scored(connection: Connection, settings: Settings, holdout: Holdout, segments_at: SegmentsAt) -> Backtest:
    """Hold the predictions, with the averages by segment among them, against what came.

    Raises
    ------
    ModelError
        Nobody is there to score.
    """
    realised = read_realised(connection, settings, holdout.from_date, holdout.months).of(holdout.customer_keys, 0.0)
    predicted = dict(holdout.predicted)
    averages = read_averages(connection, settings, holdout.from_date, holdout.months, segments_at)
    if averages is not None:
        names = _segments(segments_at, holdout.from_date, holdout.customer_keys)
        predicted[SEGMENT_AVERAGE] = holdout.months * averages.monthly(names, len(holdout.customer_keys))
    until = _months_after(holdout.from_date, holdout.months)
    return Backtest(holdout.from_date, until, score_methods(predicted, realised))


def latest_averages(
    connection: Connection, settings: Settings, as_of: date, segments_at: SegmentsAt
) -> SegmentAverages | None:
    """Average what customers brought in the last 12 months (or 6, or 3), by segment.

    None where nobody was there, or segments are not known.
    """
    for months in AVERAGED_MONTHS:
        if _known_months(as_of, months, segments_at) is None:
            continue
        found = read_averages(connection, settings, as_of, months, segments_at)
        if found is not None:
            return found
    return None


def read_averages(
    connection: Connection, settings: Settings, until: date, months: int, segments_at: SegmentsAt
) -> SegmentAverages | None:
    """Average what customers brought in a period that ends before a date, by the segment they were in when it began.

    The period is shorter, down to three months, where segments are known only so far back. None where fewer than ten
    customers were there.
    """
    length = _known_months(until, months, segments_at) or months
    from_date = _months_before(until, length)
    realised = read_realised(connection, settings, from_date, length)
    if len(realised.keys) < FEWEST_CUSTOMERS:
        return None
    names = _segments(segments_at, from_date, realised.keys)
    return segment_averages(realised.values, names, months=length)


def _known_months(until: date, months: int, segments_at: SegmentsAt) -> int | None:
    """Return the longest period, three months to `months`, at whose beginning segments are known; None without one."""
    lengths = range(months, FEWEST_MONTHS - 1, -1)
    return next((m for m in lengths if segments_at(_months_before(until, m)) is not None), None)


def read_realised(connection: Connection, settings: Settings, from_date: date, months: int) -> ByCustomer:
    """Read the undiscounted margin that the customers active at `from_date` brought in the months after it."""
    if settings.churn.definition == "inactivity":
        found = read_by_customer(
            connection,
            "clv/realised_purchases.sql",
            "revenue",
            from_date=from_date,
            to_date=_months_after(from_date, months),
            inactivity_days=settings.churn.inactivity_days,
        )
    else:
        found = read_by_customer(
            connection, "clv/realised_contracts.sql", "revenue", from_date=from_date, months=months
        )
    return replace(found, values=found.values * settings.clv.gross_margin)


def _contract_holdout(connection: Connection, settings: Settings, as_of: date, panel: clv.Panel | None) -> Holdout:
    """Take the earliest month with out-of-sample probabilities that leaves three months or more.

    Raises
    ------
    ModelError
        There is none.
    """
    known = np.zeros(0, np.int64) if panel is None else np.unique(panel.as_of[~np.isnan(panel.churn_probability)])
    spans = {int(day): _months_between(date.fromordinal(int(day)), as_of) for day in known}
    usable = [day for day, months in spans.items() if months >= FEWEST_MONTHS]
    if panel is None or not usable:
        raise ModelError(
            f"no month with out-of-sample churn probabilities lies {FEWEST_MONTHS} months or more before {as_of}."
        )
    from_date, months = date.fromordinal(usable[0]), min(spans[usable[0]], MOST_MONTHS)
    model = fit_contracts(connection, settings, from_date, _known_by(panel, from_date, settings))
    rows = np.flatnonzero(panel.as_of == usable[0])
    contracts, keys = panel.contracts.take(rows), panel.customer_keys[rows]
    values = clv.contractual_clv(
        model,
        contracts,
        panel.churn_probability[rows],
        economics=_undiscounted(settings, months),
        customer_keys=keys,
        seed=settings.train.seed,
    )
    own_rate = months * own_rate_of_contracts(contracts.mrr, gross_margin=settings.clv.gross_margin)
    return Holdout(from_date, months, keys, {MODEL: values.clv, OWN_RATE: own_rate})


def _purchase_holdout(connection: Connection, settings: Settings, as_of: date) -> Holdout:
    """Go back as many months as 40 % of the history allows, at most twelve.

    Raises
    ------
    ModelError
        They are fewer than three, or too few customers had bought again by then.
    """
    history_days = float(max(read_histories(connection, as_of)["t_days"], default=0.0))
    months = min(int(HISTORY_SHARE * history_days / clv.DAYS_PER_MONTH), MOST_MONTHS)
    if months < FEWEST_MONTHS:
        raise ModelError(
            f"{history_days / clv.DAYS_PER_MONTH:.1f} months of purchases are too short to hold out "
            f"{FEWEST_MONTHS} of them."
        )
    from_date = _months_before(as_of, months)
    histories = read_histories(connection, from_date)
    model = fit_purchases(histories)
    scored = read_realised(connection, settings, from_date, months).keys
    rows = np.flatnonzero(np.isin(histories["customer_key"], scored))
    keys = histories["customer_key"][rows].astype(np.int64)
    x, recency, t, value = (histories[name][rows] for name in HISTORY_COLUMNS)
    bought = clv.inactivity_clv(
        np.full(len(rows), np.nan), x, recency, t, value, model,
        economics=_undiscounted(settings, months), customer_keys=keys, seed=settings.train.seed,
    )  # fmt: skip
    own_rate = months * own_rate_of_purchases(x, t, value, gross_margin=settings.clv.gross_margin)
    return Holdout(from_date, months, keys, {MODEL: bought.values.clv, OWN_RATE: own_rate})


def _known_by(panel: clv.Panel, day: date, settings: Settings) -> clv.Panel:
    """Return the rows of a panel whose labels were known by a day: what training would have had then."""
    wait = (matures_on(day, settings.churn.horizon_days, settings.grace_days) - day).days
    kept = panel.as_of <= day.toordinal() - wait
    return replace(
        panel,
        customer_keys=panel.customer_keys[kept],
        as_of=panel.as_of[kept],
        contracts=panel.contracts.take(kept),
        churn_probability=panel.churn_probability[kept],
        weights=panel.weights[kept],
        churned=None if panel.churned is None else panel.churned[kept],
    )


def _segments(segments_at: SegmentsAt, as_of: date, customer_keys: NDArray[np.int64]) -> Names | None:
    """Return the segments of some customers as of a date, "" where one is not known, or None."""
    found = segments_at(as_of)
    if found is None or not len(found[0]):
        return None
    keys, names = found
    place = np.minimum(np.searchsorted(keys, customer_keys), len(keys) - 1)
    return np.where(keys[place] == customer_keys, names[place], "")


def _undiscounted(settings: Settings, months: int) -> clv.Economics:
    return clv.Economics(settings.churn.horizon_days, months, 0.0, settings.clv.gross_margin)


def _months_between(earlier: date, later: date) -> int:
    return int((later - earlier).days / clv.DAYS_PER_MONTH)


def _months_before(day: date, months: int) -> date:
    return day - timedelta(days=round(months * clv.DAYS_PER_MONTH))


def _months_after(day: date, months: int) -> date:
    return day + timedelta(days=round(months * clv.DAYS_PER_MONTH))

"""What a campaign's figures mean, in plain words: shown or not, at what price, and what spoils the comparison."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

Figures = Mapping[str, Any]


@dataclass(frozen=True)
class Terms:
    """What the words need beside the figures.

    Attributes
    ----------
    as_of : date
        The results are as known then.
    wait_days : int
        Days from entry until an outcome is known: horizon and grace.
    horizon_days : int
    currency : str
    """

    as_of: date
    wait_days: int
    horizon_days: int
    currency: str


def verdict_of(figures: Figures, reached: int, terms: Terms) -> str:
    """Say in a few sentences what the figures of an arm show, and what they don't.

    Parameters
    ----------
    figures : mapping
        A row of `ops.campaign_results`.
    reached : int
        Of those measured who were to be contacted, how many were, within the horizon.
    terms : Terms
    """
    measured = figures["measured_treatment"]
    if figures["contacted_treatment"] and measured and not reached:
        found = [
            f"None of the {measured:,} measured who were to be contacted was, within {terms.horizon_days} days of "
            "entering, so these figures describe no campaign."
        ]
    else:
        found = [_effect(figures, terms), *_money(figures, terms)]
    return " ".join([*found, *_reservations(figures, reached)])


def _effect(figures: Figures, terms: Terms) -> str:
    if figures["assigned_holdout"] == 0:
        return "Nobody was held out, so nobody can say what it did; the next campaign needs a holdout."
    if figures["assigned_treatment"] == 0:
        return "Nobody was to be contacted, so there is nothing to compare the holdout with."
    if figures["incremental_retention"] is None:
        return _too_early(figures, terms)
    effect, low, high = (figures[f"incremental_retention{end}"] for end in ("", "_low", "_high"))
    span = f"95 % interval {points(low)} to {points(high)} points"
    if low > 0:
        return f"It kept customers: {size(effect)} points more stayed than without it ({span})."
    if high < 0:
        return f"It drove customers away: {size(effect)} points fewer stayed than without it ({span})."
    return (
        f"No effect can be shown yet: the interval runs from {points(low)} to {points(high)} points around "
        f"{points(effect)}.{_resolution(figures)}"
    )


def _too_early(figures: Figures, terms: Terms) -> str:
    first = figures["first_as_of_date"] + timedelta(days=terms.wait_days)
    if first > terms.as_of:
        return f"Nothing is measured yet; the first outcomes are known on {first}."
    return "Nothing can be compared yet: nobody is measured on one of the two sides."


def _resolution(figures: Figures) -> str:
    smallest = figures["detectable_effect"]
    if smallest is None:
        return " With so few members not even keeping everyone would be seen reliably."
    return f" With its members to date it shows {size(smallest)} points or more, four times in five."


def _money(figures: Figures, terms: Terms) -> Iterator[str]:
    if figures["incremental_revenue"] is None:
        return
    each, low, high = (figures[f"incremental_revenue_each{end}"] for end in ("", "_low", "_high"))
    revenue = f"Revenue within {terms.horizon_days} days changed by {each:+,.2f} {terms.currency} per treated customer"
    if low is None:
        yield minus(f"{revenue}; with so few measured nobody can say how much of that is chance.")
        return
    if low <= 0 <= high:
        yield minus(f"{revenue} ({low:+,.2f} to {high:+,.2f}): chance explains that, so no return can be told.")
        return
    yield minus(f"{revenue} ({low:+,.2f} to {high:+,.2f}).")
    if figures["roi"] is None:
        yield _no_return(figures)
        return
    roi, low, high = (f"{figures[f'roi{end}']:+.0%}" for end in ("", "_low", "_high"))
    yield minus(
        f"For {figures['cost_measured']:,.2f} {terms.currency} ({figures['cost_basis']}) that is a return of {roi} "
        f"({low} to {high}) within these days; what the customers kept bring later is not in it."
    )


def _no_return(figures: Figures) -> str:
    if figures["cost"] is None:
        return "No cost is known, so there is no return to tell."
    if figures["cost_measured"] is None:
        return "No cost is known of those measured, so there is no return to tell."
    return f"It cost nothing ({figures['cost_basis']}), so there is nothing to set that against."


def _reservations(figures: Figures, reached: int) -> Iterator[str]:
    """Say what spoils the comparison or is missing from it."""
    if figures["contacted_holdout"]:
        yield (
            f"{figures['contacted_holdout']:,} of {figures['assigned_holdout']:,} held out were reached all the same; "
            "they still count as held out, which makes the effect look smaller than it is."
        )
    if figures["contacted_treatment"] == 0:
        yield "No contact is recorded: tell what was sent with `churn campaign record`."
    elif figures["contacted_treatment"] < figures["assigned_treatment"] or reached < figures["measured_treatment"]:
        yield _share_contacted(figures, reached)
    if figures["not_measured"]:
        yield f"{figures['not_measured']:,} were no customers on the day they entered and are not measured."


def _share_contacted(figures: Figures, reached: int) -> str:
    share, measured = figures["contacted_treatment"] / figures["assigned_treatment"], figures["measured_treatment"]
    told = f"{share:.0%} of those to be contacted were"
    if measured and (reached, measured) != (figures["contacted_treatment"], figures["assigned_treatment"]):
        told += f", of those measured {reached / measured:.0%} within the horizon"
    return f"{told}; all of them count."


def points(share: float) -> str:
    """Return a difference of shares in percentage points, signed."""
    return minus(f"{100 * share:+.1f}")


def size(share: float) -> str:
    """Return a difference of shares in percentage points, without its sign."""
    return f"{100 * abs(share):.1f}"


def minus(text: str) -> str:
    """Write signs as print does."""
    return text.replace("-", "−")

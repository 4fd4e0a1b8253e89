"""From the counts and sums of a campaign's strata to its figures: by assignment, with 95 % intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from churn.config import Settings
from churn.retention.effects import Difference, mean_difference, save_rate, stratified_difference
from churn.retention.power import detectable_effect

Stratum = Mapping[str, Any]
"""A row of `sql/campaigns/result_strata.sql`."""

_SIDES = ("treatment", "holdout")
_COUNTS = (
    *(f"{what}_{side}" for what in ("assigned", "contacted", "measured") for side in _SIDES),
    "not_measured",
)


@dataclass(frozen=True)
class Cost:
    """What the treatment group cost.

    Attributes
    ----------
    total : Decimal or None
        To date; None where no cost is known.
    measured : Decimal or None
        Of those who are measured, within the horizon of each; 0 where nobody of them was contacted.
    basis : str or None
        Where it comes from, in words.
    """

    total: Decimal | None
    measured: Decimal | None
    basis: str | None


def summed(strata: Sequence[Stratum], name: str) -> Any:
    """Return the total of a column over the strata."""
    return sum((stratum[name] or 0 for stratum in strata), start=0)


def figures_of(strata: Sequence[Stratum], settings: Settings) -> dict[str, Any]:
    """Return every figure of `ops.campaign_results` for one arm, money in the business's currency; None: unknown.

    Effects are treatment less holdout, over the strata of segment and risk band at entry (methods.md C): shares by
    Newcombe's intervals combined by MOVER, revenue by Welch's. The rates of each side are plain shares. Money is that
    of the treatment group measured so far.

    Parameters
    ----------
    strata : sequence of mapping
        Rows of `campaigns/result_strata.sql` of one campaign and arm.
    settings : Settings
        Gross margin, and what a saved customer is worth beside one who stayed anyway.
    """
    counts: dict[str, Any] = {name: int(summed(strata, name)) for name in _COUNTS}
    dates = {
        "first_as_of_date": min(stratum["first_as_of_date"] for stratum in strata),
        "last_as_of_date": max(stratum["last_as_of_date"] for stratum in strata),
    }
    return counts | dates | _retention(strata) | _activity(strata) | _money(strata, settings)


def _retention(strata: Sequence[Stratum]) -> dict[str, Any]:
    churned = {side: int(summed(strata, f"churned_{side}")) for side in _SIDES}
    measured = {side: int(summed(strata, f"measured_{side}")) for side in _SIDES}
    saved = save_rate(churned["treatment"], measured["treatment"], churned["holdout"], measured["holdout"])
    assigned = [int(summed(strata, f"assigned_{side}")) for side in _SIDES]
    return {
        **{f"retained_rate_{side}": _share(measured[side] - churned[side], measured[side]) for side in _SIDES},
        **_with_interval("incremental_retention", _more_retained(strata)),
        **_with_interval("save_rate", Difference(saved.rate, saved.low, saved.high)),
        "detectable_effect": known(detectable_effect(assigned[0], assigned[1], base_rate(strata))),
    }


def _more_retained(strata: Sequence[Stratum]) -> Difference:
    stayed = {side: [s[f"measured_{side}"] - s[f"churned_{side}"] for s in strata] for side in _SIDES}
    measured = {side: _column(strata, f"measured_{side}") for side in _SIDES}
    return stratified_difference(stayed["treatment"], measured["treatment"], stayed["holdout"], measured["holdout"])


def base_rate(strata: Sequence[Stratum]) -> float:
    """Return the share of an arm expected to leave if left alone; NaN where nobody knows.

    The mean probability at entry; without a model, what became of the holdout.
    """
    expected = _share(summed(strata, "expected_churners"), summed(strata, "expected_customers"))
    realised = _share(summed(strata, "churned_holdout"), summed(strata, "measured_holdout"))
    found = realised if expected is None else expected
    return math.nan if found is None else found


def _activity(strata: Sequence[Stratum]) -> dict[str, Any]:
    active = {side: _column(strata, f"active_{side}") for side in _SIDES}
    seen = {side: _column(strata, f"seen_{side}") for side in _SIDES}
    effect = stratified_difference(active["treatment"], seen["treatment"], active["holdout"], seen["holdout"])
    return {
        **{
            f"active_rate_{side}": _share(summed(strata, f"active_{side}"), summed(strata, f"seen_{side}"))
            for side in _SIDES
        },
        **_with_interval("incremental_active_rate", effect),
    }


def _money(strata: Sequence[Stratum], settings: Settings) -> dict[str, Any]:
    moments = [_moments(strata, side) for side in _SIDES]
    each = mean_difference(*moments[0], *moments[1])
    treated = int(summed(strata, "paying_treatment"))
    total = Difference(each.estimate * treated, each.low * treated, each.high * treated)
    retention = _more_retained(strata)
    worth = _worth_of_one(strata, settings) * int(summed(strata, "measured_treatment"))
    value = Difference(retention.estimate * worth, retention.low * worth, retention.high * worth)
    cost = cost_of(strata)
    return {
        **{
            f"revenue_per_{side}": _amount(_share(summed(strata, f"revenue_{side}"), summed(strata, f"paying_{side}")))
            for side in _SIDES
        },
        **_amounts("incremental_revenue_each", each),
        **_amounts("incremental_revenue", total),
        **_amounts("incremental_value", value),
        "cost": cost.total,
        "cost_measured": cost.measured,
        "cost_basis": cost.basis,
        **_with_interval("roi", _roi(total, cost, settings.clv.gross_margin)),
    }


def _worth_of_one(strata: Sequence[Stratum], settings: Settings) -> float:
    """Return what one customer kept is worth on average: ω (V^S − V^L) of methods.md B; NaN where no value is known."""
    stake = _share(summed(strata, "stake"), summed(strata, "staked"))
    return math.nan if stake is None else stake * settings.retention.saved_value_share


def _roi(revenue: Difference, cost: Cost, gross_margin: float) -> Difference:
    if not cost.measured:  # unknown, or nothing to divide by
        return Difference(math.nan, math.nan, math.nan)
    spent = float(cost.measured)
    estimate, low, high = (
        (gross_margin * end - spent) / spent for end in (revenue.estimate, revenue.low, revenue.high)
    )
    return Difference(estimate, low, high)


def cost_of(strata: Sequence[Stratum]) -> Cost:
    """Return what the treatment group cost: as recorded, else as planned for those contacted, else for all assigned."""
    contacted, priced = summed(strata, "contacted_treatment"), summed(strata, "priced_contacts")
    planned, unpriced = summed(strata, "planned_customers"), summed(strata, "unpriced_contacts")
    if contacted and (priced or planned):
        basis = "as recorded"
        if unpriced:
            basis = "as recorded, and as planned where no cost was recorded" if planned else "as far as recorded"
        if not priced:
            basis = "as planned for each contact recorded"
        measured = _spent(strata, "contact_cost_measured", summed(strata, "contacted_measured"))
        return Cost(_cents(summed(strata, "contact_cost")), measured, basis)
    if not contacted and planned:
        basis = "as planned for everyone assigned, since no contact is recorded"
        measured = _spent(strata, "planned_cost_measured", summed(strata, "measured_treatment"))
        return Cost(_cents(summed(strata, "planned_cost")), measured, basis)
    return Cost(None, None, None)


def _spent(strata: Sequence[Stratum], name: str, customers: int) -> Decimal | None:
    """Return what was spent on so many customers; None where it is known of none of them."""
    is_known = not customers or any(stratum[name] is not None for stratum in strata)
    return _cents(summed(strata, name)) if is_known else None


# --- numbers ------------------------------------------------------------------------------------------------------


def known(value: float) -> float | None:
    """Return a figure, or None for NaN."""
    return None if math.isnan(value) else value


def _column(strata: Sequence[Stratum], name: str) -> list[Any]:
    return [stratum[name] for stratum in strata]


def _share(part: Any, whole: Any) -> float | None:
    return float(part) / float(whole) if whole else None


def _moments(strata: Sequence[Stratum], side: str) -> tuple[list[float], list[float], list[float]]:
    """Return customers, mean and sample variance of a side's revenue by stratum, from exact sums."""
    found = []
    for stratum in strata:
        n, total, squares = (stratum[f"{name}_{side}"] for name in ("paying", "revenue", "revenue_squared"))
        mean = Decimal(total) / n if n else Decimal(0)
        variance = max((Decimal(squares) - mean * total) / (n - 1), Decimal(0)) if n > 1 else Decimal(0)
        found.append((float(n), float(mean), float(variance)))
    counts, means, variances = zip(*found, strict=True)
    return list(counts), list(means), list(variances)


def _with_interval(name: str, found: Difference) -> dict[str, float | None]:
    return {name: known(found.estimate), f"{name}_low": known(found.low), f"{name}_high": known(found.high)}


def _amounts(name: str, found: Difference) -> dict[str, Decimal | None]:
    return {key: _amount(value) for key, value in _with_interval(name, found).items()}


def _amount(value: float | None) -> Decimal | None:
    return None if value is None else Decimal(f"{value:.4f}")


def _cents(value: Any) -> Decimal:
    return Decimal(value).quantize(Decimal("0.01"))

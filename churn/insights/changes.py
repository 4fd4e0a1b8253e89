"""What changed within a week, more than the customers' own changes and earlier weeks let expect."""

from __future__ import annotations

from functools import partial

from churn.insights.chance import change_p_value
from churn.insights.findings import CHANGE, Candidate, Evidence, Finding, Night, Numbers
from churn.insights.wording import money, percent, points

LEAST_CUSTOMERS = 30
LEAST_POINTS = 0.005
LEAST_SHARE_POINTS = 0.01
LEAST_RELATIVE = 0.1
LEAST_OF_MONEY = 0.05
LEAST_OF_FLOW = 0.25

_MONEY = ("value_at_risk", "clv")
_FLOWS = ("arrivals", "departures")
_CALLED = {
    "segment_share": "The share of '{value}' among customers",
    "segment_probability": "The churn probability of those who stayed in '{value}'",
    "churn_probability": "The mean churn probability",
    "value_at_risk": "The value at risk",
    "clv": "Customer lifetime value in total",
    "arrivals": "The share of customers who came",
    "departures": "The share of customers who went",
}
_ADVICE = {
    "segment_share": "bi.segment_migration shows where they come from and go to.",
    "segment_probability": "See bi.churn_drivers for the segment, and bi.feature_drift for what moved.",
    "churn_probability": "See bi.churn_drivers and bi.feature_drift for what moved.",
    "value_at_risk": "See bi.high_value_at_risk, and bi.feature_drift for what moved.",
    "clv": "bi.clv_totals shows in which segments, value tiers and plans.",
    "arrivals": "See new in bi.kpi_monthly; check with `churn doctor` that no load is missing or doubled.",
    "departures": "See churned in bi.kpi_monthly; check with `churn doctor` that no load is missing.",
}


def change_candidates(night: Night) -> list[Candidate]:
    """Test each change since the week before; nothing where too few weeks tell what is ordinary."""
    found = []
    for row in night.rows("week_measures"):
        measure, value = row["measure"], row["value"]
        evidence = night.expect("change", "bi.week_changes", measure=measure, subject=value)
        numbers = evidence.numbers
        p_value = change_p_value(
            numbers["change"], numbers["standard_error"], numbers["weeks"], numbers["ordinary_change"]
        )
        if p_value is not None and numbers["customers"] >= LEAST_CUSTOMERS:
            finding = partial(_changed, night, measure, value, evidence, p_value)
            found.append(
                Candidate(CHANGE, p_value, is_big(measure, numbers["change"], numbers["figure_before"]), finding)
            )
    return found


def is_big(measure: str, change: float, before: float) -> bool:
    """Say whether anybody would act on a change.

    Parameters
    ----------
    measure : str
        As in `bi.week_changes`.
    change, before : float
        In the units of that view: shares and probabilities in points, money in relation to before.
    """
    if measure in _MONEY:
        return abs(change) >= LEAST_OF_MONEY
    relative = LEAST_OF_FLOW if measure in _FLOWS else LEAST_RELATIVE
    least = LEAST_SHARE_POINTS if measure == "segment_share" else LEAST_POINTS
    return abs(change) >= max(least, relative * before)


def _changed(night: Night, measure: str, value: str, evidence: Evidence, p_value: float) -> Finding:
    numbers = evidence.numbers
    direction = "rose" if numbers["change"] > 0 else "fell"
    return Finding(
        f"{measure}_{direction}",
        CHANGE,
        value,
        f"{_CALLED[measure].format(value=value)} {direction} from {_moved(night, measure, numbers)} since "
        f"{numbers['compared_date']}, more than {_ordinary(measure, numbers)} a week that is ordinary.",
        _ADVICE[measure],
        evidence,
        stake=abs(numbers["figure"] - numbers["figure_before"]) if measure in _MONEY else 0.0,
        effect=numbers["change"],
        p_value=p_value,
    )


def _moved(night: Night, measure: str, numbers: Numbers) -> str:
    before, now = numbers["figure_before"], numbers["figure"]
    if measure in _MONEY:
        return f"{money(before, night.currency)} to {money(now, night.currency)}"
    return f"{percent(before)} to {percent(now)}"


def _ordinary(measure: str, numbers: Numbers) -> str:
    scale = max(numbers["ordinary_change"], numbers["standard_error"])
    return f"the {percent(scale)}" if measure in _MONEY else f"the {points(scale).lstrip('+')}"

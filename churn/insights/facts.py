"""Which segments churn most, and what behaviour leads to churn: tested on customers whose churn is known."""

from __future__ import annotations

from functools import partial

from churn.insights.chance import Split, split_p_value
from churn.insights.findings import BEHAVIOUR, SEGMENTS, Candidate, Evidence, Finding, Night, Numbers
from churn.insights.wording import customers, money, percent, points, quoted, times
from churn.retention import newcombe

# Less than this nobody would act on, whatever chance says.
LEAST_RATIO = 1.25
LEAST_DIFFERENCE = 0.01
_LEAST = f"{LEAST_RATIO:g} times and {100 * LEAST_DIFFERENCE:g} point"


def fact_candidates(night: Night) -> list[Candidate]:
    """Test each segment against everybody else, and each behaviour against those who had other reasons."""
    found = []
    for row in night.rows("group_outcomes"):
        split = Split(row["customers"], row["churned"], row["others"], row["others_churned"])
        if split.is_comparable:
            make = _segment_candidate if row["dimension"] == "segment" else _driver_candidate
            found.append(make(night, row["value"], split))
    return found


def _segment_candidate(night: Night, name: str, split: Split) -> Candidate:
    p_value = split_p_value(split)
    told, small = (partial(make, night, name, p_value) for make in (_segment, _small_segment))
    return Candidate(SEGMENTS, p_value, is_big(split), told, small)


def _driver_candidate(night: Night, name: str, split: Split) -> Candidate:
    p_value = split_p_value(split)
    told, small = (partial(make, night, name, p_value) for make in (_driver, _small_driver))
    return Candidate(BEHAVIOUR, p_value, is_big(split), told, small if split.rate > split.others_rate else None)


def is_big(split: Split) -> bool:
    """Say whether anybody would act on how much more often a group leaves."""
    difference = split.rate - split.others_rate
    return difference >= LEAST_DIFFERENCE and split.rate >= LEAST_RATIO * split.others_rate


def _segment(night: Night, name: str, p_value: float) -> Finding:
    evidence = night.expect("segment", "bi.group_outcomes", subject=name)
    numbers = evidence.numbers
    parts = [f"{customers(numbers['customers_tonight'])} tonight"]
    if numbers["mrr"] is not None:
        parts.append(f"{money(numbers['mrr'], night.currency)} of monthly revenue")
    if numbers["value_at_risk"] is not None:
        parts.append(f"{money(numbers['value_at_risk'], night.currency)} at risk")
    return Finding(
        "segment_churns_more",
        SEGMENTS,
        name,
        f"'{name}' churns more than the rest: {_rates(night, numbers, 'all others')}. It holds {_listing(parts)}.",
        "Read what sets the segment apart (description in bi.segments) and give it an offer of its own: "
        f"[[retention.offers]] with when = {{ segment = {quoted(name)} }}.",
        evidence,
        stake=numbers["value_at_risk"] or numbers["mrr"] or 0.0,
        effect=_ratio(numbers),
        p_value=p_value,
    )


def _driver(night: Night, name: str, p_value: float) -> Finding:
    evidence = night.expect("driver", "bi.group_outcomes", subject=name)
    numbers = evidence.numbers
    affected = numbers["customers_affected"]
    tonight = f" Tonight it raises the risk of {customers(affected)}." if affected else ""
    return Finding(
        "behaviour_goes_with_churn",
        BEHAVIOUR,
        name,
        f"Those for whom the model had named '{name}' as a main reason left more often than those for whom it had "
        f"named others: {_rates(night, numbers, 'those with other reasons')}.{tonight}",
        "bi.churn_drivers says what it takes in. It goes with leaving; whether mending it keeps customers, an offer "
        f"with when = {{ driver = {quoted(name)} }} and a holdout will show.",
        evidence,
        stake=numbers["value_at_risk"] or 0.0,
        effect=_ratio(numbers),
        p_value=p_value,
    )


def _rates(night: Night, numbers: Numbers, others: str) -> str:
    ratio = _ratio(numbers)
    return (
        f"{percent(numbers['churn_rate'])} left within {night.horizon_days} days against "
        f"{percent(numbers['others_churn_rate'])} of {others}" + (f" ({times(ratio)})" if ratio is not None else "")
        + f", counted on {customers(numbers['customers'])} of {numbers['outcome_as_of_date']}"
    )  # fmt: skip


def _ratio(numbers: Numbers) -> float | None:
    if not numbers["others_churn_rate"]:
        return None
    return float(numbers["churn_rate"] / numbers["others_churn_rate"])


def _listing(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


# ---------------------------------------------------------------- real, but less than one would act on


def _small_segment(night: Night, name: str, p_value: float) -> Finding:
    evidence = night.expect("segment", "bi.group_outcomes", subject=name)
    numbers = evidence.numbers
    more = numbers["churn_rate"] > numbers["others_churn_rate"]
    return Finding(
        "segment_churns_little_more" if more else "segment_churns_less",
        SEGMENTS,
        name,
        f"No segment churns so much more than the rest that one would act on it ({_LEAST}). "
        f"'{name}' churns {'more' if more else 'less'}: {_rates(night, numbers, 'all others')}; {_span(numbers)}.",
        "Watch realised_churn_rate in bi.segments; choose whom to contact by value_at_risk, not by segment.",
        evidence,
        effect=_ratio(numbers),
        p_value=p_value,
    )


def _small_driver(night: Night, name: str, p_value: float) -> Finding:
    evidence = night.expect("driver", "bi.group_outcomes", subject=name)
    numbers = evidence.numbers
    return Finding(
        "behaviour_goes_little_with_churn",
        BEHAVIOUR,
        name,
        f"No behaviour goes with leaving so much more than others that one would act on it ({_LEAST}). Those for whom "
        f"the model had named '{name}' left more often: {_rates(night, numbers, 'those with other reasons')}; "
        f"{_span(numbers)}.",
        "bi.churn_drivers shows what else the model goes by; look at the customers one by one (reason_1 to reason_3).",
        evidence,
        effect=_ratio(numbers),
        p_value=p_value,
    )


def _span(numbers: Numbers) -> str:
    found = newcombe(numbers["churned"], numbers["customers"], numbers["others_churned"], numbers["others"])
    return f"{points(found.estimate)}, 95 % interval {points(found.low)} to {points(found.high)}"


# ---------------------------------------------------------------- where nothing can be claimed


def riskiest_segment(night: Night) -> Finding:
    """Say what the night knows of its segments where no difference between them is proven."""
    evidence = night.expect("riskiest_segment", "bi.segments")
    numbers = evidence.numbers
    name = numbers["segment"]
    if numbers["segments"] == 1:
        text = f"All {customers(numbers['customers'])} are in one segment, '{name}': there is nothing to compare."
    elif numbers["avg_churn_probability"] is None:
        text = (
            "No segment is known to churn more than the others: no model has been trained, and what was counted so "
            "far chance explains."
        )
    else:
        text = (
            f"The model gives '{name}' the highest churn probability, {percent(numbers['avg_churn_probability'])} on "
            f"average over {customers(numbers['customers'])}. That one segment really churns more than the others is "
            "not shown beyond chance."
        )
    advice = (
        "Train a model with `churn train`; then bi.segments shows how likely each segment is to leave."
        if numbers["avg_churn_probability"] is None
        else "Watch realised_churn_rate in bi.segments; don't move budget between segments on this alone."
    )
    return Finding("segments_not_told_apart", SEGMENTS, "all", text, advice, evidence)


def model_driver(night: Night) -> Finding:
    """Say what the model goes by where no behaviour is proven to go with leaving."""
    evidence = night.evidence("top_driver", "bi.churn_drivers")
    if evidence is None:
        return Finding(
            "no_behaviour_known",
            BEHAVIOUR,
            "all",
            "What behaviour leads to churn cannot be told: no model has been trained.",
            "Train one with `churn train`; bi.churn_drivers then shows what it goes by.",
            night.expect("no_drivers", "bi.churn_drivers"),
        )
    return _weighed(evidence)


def _weighed(evidence: Evidence) -> Finding:
    numbers = evidence.numbers
    affected = numbers["customers_affected"]
    raised = f"It raises the risk of {customers(affected)}" if affected else "It raises nobody's risk by much"
    lowers = ", but lowers that of more" if numbers["direction"] == "lowers" else ""
    return Finding(
        "behaviour_the_model_weighs",
        BEHAVIOUR,
        numbers["driver"],
        f"The model's scores move most with '{numbers['driver']}'. {raised}{lowers}. That is what the model goes by; "
        "that those for whom it is a main reason leave more often than others is not counted yet, or not beyond "
        "chance.",
        "See bi.churn_drivers for the whole list, and ask those who know the customers whether it makes sense.",
        evidence,
    )

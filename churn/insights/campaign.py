"""Whether the campaign worked: claimed where chance does not explain it, and otherwise what would be needed."""

from __future__ import annotations

from functools import partial

from churn.insights.chance import interval_p_value
from churn.insights.findings import CAMPAIGN, FACT, Candidate, Evidence, Finding, Night, Numbers
from churn.insights.wording import money, percent, points

LEAST_EFFECT = 0.005
WHOLE = "all"


def campaign_candidates(night: Night) -> list[Candidate]:
    """Test the incremental retention of every campaign, as a whole and by arm."""
    found = []
    for row in _arms(night):
        effect = row["incremental_retention"]
        p_value = interval_p_value(effect, row["incremental_retention_low"], row["incremental_retention_high"])
        finding = partial(_worked, night, row["campaign"], row["arm"], p_value)
        found.append(Candidate(FACT, p_value, abs(effect) >= LEAST_EFFECT, finding))
    return found


def _arms(night: Night) -> list[Numbers]:
    """Return what is to be tested: a campaign of one arm is tested once."""
    rows = night.rows("campaign_arms")
    arms = [row["campaign"] for row in rows if row["arm"] != WHOLE]
    return [row for row in rows if row["arm"] == WHOLE or arms.count(row["campaign"]) > 1]


def _worked(night: Night, campaign: str, arm: str, p_value: float) -> Finding:
    evidence = night.expect("campaign", "bi.campaign_results", campaign=campaign, arm=arm)
    effect = evidence.numbers["incremental_retention"]
    subject = _subject(campaign, arm)
    kept = "kept customers" if effect > 0 else "drove customers away"
    earned = evidence.numbers["incremental_revenue"]
    advice = (
        "Go on with it; the measured save rate weighs in the next list."
        if effect > 0
        else "Stop it: contacting these customers hurts. The measured save rate keeps them off the next list."
    )
    return Finding(
        "campaign_worked" if effect > 0 else "campaign_hurt",
        CAMPAIGN,
        subject,
        f"{subject} {kept}: {_measured(evidence)}.{_earned(night, evidence.numbers)}",
        f"{advice} `churn campaign results` shows the arms, cost and return.",
        evidence,
        stake=abs(earned or 0.0),
        effect=effect,
        p_value=p_value,
    )


def _subject(campaign: str, arm: str) -> str:
    return f"Campaign '{campaign}'" if arm == WHOLE else f"'{arm}' in campaign '{campaign}'"


def _measured(evidence: Evidence) -> str:
    numbers = evidence.numbers
    low, high = numbers["incremental_retention_low"], numbers["incremental_retention_high"]
    return (
        f"{percent(numbers['retained_rate_treatment'])} of {numbers['measured_treatment']:,} assigned stayed against "
        f"{percent(numbers['retained_rate_holdout'])} of {numbers['measured_holdout']:,} held out, "
        f"{points(numbers['incremental_retention'])} at equal segment and risk (95 % interval {points(low)} to "
        f"{points(high)})"
    )


def _earned(night: Night, numbers: Numbers) -> str:
    if numbers["incremental_revenue"] is None or numbers["cost"] is None:
        return ""
    return (
        f" It brought {money(numbers['incremental_revenue'], night.currency)} of revenue more than no campaign, at a "
        f"cost of {money(numbers['cost'], night.currency)}."
    )


# ---------------------------------------------------------------- where nothing can be claimed


def campaigns_untold(night: Night) -> list[Finding]:
    """Say of each measured campaign that its effect cannot be told yet, or that none has matured."""
    told = [_untold(night, row["campaign"]) for row in _arms(night) if row["arm"] == WHOLE]
    return told or [_none_matured(night)]


def _untold(night: Night, campaign: str) -> Finding:
    evidence = night.expect("campaign", "bi.campaign_results", campaign=campaign, arm=WHOLE)
    smallest = evidence.numbers["detectable_effect"]
    needed = "" if smallest is None else f" So many customers show effects of {points(smallest)} or more."
    return Finding(
        "campaign_not_told_yet",
        CAMPAIGN,
        _subject(campaign, WHOLE),
        f"Whether campaign '{campaign}' kept customers cannot be told yet: {_measured(evidence)}.{needed}",
        "Let more customers enter and mature, or hold out a larger share in the next campaign; judge nothing by "
        "the point in the middle.",
        evidence,
    )


def _none_matured(night: Night) -> Finding:
    return Finding(
        "no_campaign_matured",
        CAMPAIGN,
        "all",
        "No campaign has matured yet: the churn of its members is not known before the horizon and the grace after it "
        "have passed.",
        "Tell what was sent with `churn campaign record`, and hold some out (retention.holdout_share); "
        "`churn campaign results` then tells what it earned.",
        night.expect("no_campaign", "bi.campaign_results"),
    )

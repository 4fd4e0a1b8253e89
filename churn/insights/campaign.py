"""Whether the campaigns worked: claimed where chance does not explain it, and otherwise what is missing."""

from __future__ import annotations

from functools import partial

from churn.insights.chance import interval_p_value
from churn.insights.findings import CAMPAIGN, Candidate, Evidence, Finding, Night, Numbers, real_but_small
from churn.insights.wording import money, percent, points

LEAST_EFFECT = 0.005
WHOLE = "all"


def campaign_candidates(night: Night) -> list[Candidate]:
    """Test the incremental retention of the campaigns that the night speaks of, as a whole and by arm."""
    return [_candidate(night, row) for row in _arms(night) if _is_measured(row)]


def _candidate(night: Night, row: Numbers) -> Candidate:
    effect = row["incremental_retention"]
    p_value = interval_p_value(effect, row["incremental_retention_low"], row["incremental_retention_high"])
    told, small = (partial(make, night, row["campaign"], row["arm"], p_value) for make in (_worked, _worked_little))
    return Candidate(CAMPAIGN, p_value, abs(effect) >= LEAST_EFFECT, told, small if row["arm"] == WHOLE else None)


def _arms(night: Night) -> list[Numbers]:
    """Return what is to be told: a campaign of one arm is told once."""
    rows = night.rows("campaign_arms")
    arms = [row["campaign"] for row in rows if row["arm"] != WHOLE]
    return [row for row in rows if row["arm"] == WHOLE or arms.count(row["campaign"]) > 1]


def _is_measured(numbers: Numbers) -> bool:
    ends = ("", "_low", "_high")
    return all(numbers[f"incremental_retention{end}"] is not None for end in ends)


def _worked(night: Night, campaign: str, arm: str, p_value: float) -> Finding:
    evidence = _evidence(night, campaign, arm)
    effect = evidence.numbers["incremental_retention"]
    subject = _subject(campaign, arm)
    kept = "kept customers" if effect > 0 else "drove customers away"
    advice = (
        "Go on with it where what it keeps is worth what it costs; the measured save rate weighs in the next list."
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
        stake=at_stake(evidence.numbers),
        effect=effect,
        p_value=p_value,
    )


def _worked_little(night: Night, campaign: str, arm: str, p_value: float) -> Finding:
    evidence = _evidence(night, campaign, arm)
    effect = evidence.numbers["incremental_retention"]
    did = "kept customers" if effect > 0 else "drove customers away"
    return Finding(
        "campaign_did_little",
        CAMPAIGN,
        _subject(campaign, arm),
        f"{_subject(campaign, arm)} {did}, but fewer than one would act on ({100 * LEAST_EFFECT:g} points): "
        f"{_measured(evidence)}.{_earned(night, evidence.numbers)}",
        "Try another offer, or other customers; more of the same shows the same.",
        evidence,
        effect=effect,
        p_value=p_value,
    )


def _evidence(night: Night, campaign: str, arm: str) -> Evidence:
    return night.expect("campaign", "bi.campaign_results", campaign=campaign, arm=arm)


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


# ---------------------------------------------------------------- money


def _earned(night: Night, numbers: Numbers) -> str:
    """Put the revenue of those measured into words; an amount is earned or lost only where its interval excludes 0."""
    low, high = numbers["incremental_revenue_low"], numbers["incremental_revenue_high"]
    if low is None or high is None:
        return ""
    cost = numbers["cost_measured"]
    at = "" if cost is None else f" What was spent on those measured: {money(cost, night.currency)}."
    span = f"95 % interval {money(low, night.currency)} to {money(high, night.currency)}"
    within = f"within {night.horizon_days} days"
    if low <= 0 <= high:
        return f" Whether it changed their revenue {within} is not shown ({span}).{at}"
    amount = money(abs(numbers["incremental_revenue"]), night.currency)
    less = "more" if low > 0 else "less"
    return f" They brought {amount} {less} revenue {within} than without it ({span}).{at}"


def at_stake(numbers: Numbers) -> float:
    """Return the money that is shown to be about it: the revenue, or the value of those kept, at its cautious end."""
    return max(_at_least(numbers, "incremental_revenue"), _at_least(numbers, "incremental_value"))


def _at_least(numbers: Numbers, name: str) -> float:
    low, high = numbers[f"{name}_low"], numbers[f"{name}_high"]
    if low is None or high is None:
        return 0.0
    return float(max(low, -high, 0.0))


# ---------------------------------------------------------------- where nothing can be claimed


def campaigns_told(night: Night, proved: list[Candidate], told: set[str]) -> list[Finding]:
    """Say of each campaign that no claim is about what else is known of it, or that there is none.

    Parameters
    ----------
    night : Night
    proved : list of Candidate
        What the night's tests prove.
    told : set of str
        Subjects of the claims made.
    """
    found = real_but_small(proved, CAMPAIGN)
    told = told | {finding.subject for finding in found}
    campaigns = [row["campaign"] for row in _arms(night) if row["arm"] == WHOLE]
    found += [_untold(night, campaign) for campaign in campaigns if _subject(campaign, WHOLE) not in told]
    return found if campaigns else [_no_campaign(night)]


def _untold(night: Night, campaign: str) -> Finding:
    evidence = _evidence(night, campaign, WHOLE)
    numbers = evidence.numbers
    if _is_measured(numbers):
        return _not_shown(campaign, evidence)
    if numbers["assigned_holdout"] == 0 or numbers["assigned_treatment"] == 0:
        return _nobody_to_compare_with(campaign, evidence)
    return _not_matured(night, campaign, evidence)


def _not_shown(campaign: str, evidence: Evidence) -> Finding:
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


def _nobody_to_compare_with(campaign: str, evidence: Evidence) -> Finding:
    numbers = evidence.numbers
    measured = numbers["measured_treatment"] + numbers["measured_holdout"]
    nobody = "nobody was held out" if numbers["assigned_holdout"] == 0 else "everybody was held out"
    return Finding(
        "campaign_without_comparison",
        CAMPAIGN,
        _subject(campaign, WHOLE),
        f"What campaign '{campaign}' did cannot be told: {nobody}, so there is nobody to compare its members with, "
        f"of whom {measured:,} have matured.",
        "Hold some out in the next campaign (retention.holdout_share with a new retention.campaign): without them "
        "nobody knows who would have stayed anyway.",
        evidence,
    )


def _not_matured(night: Night, campaign: str, evidence: Evidence) -> Finding:
    numbers = evidence.numbers
    known = numbers["first_known_date"]
    why = (
        f"the first outcome is known on {known}, {night.wait_days} days after entry"
        if known > night.as_of.isoformat()
        else f"of those assigned {numbers['measured_treatment']:,}, of those held out {numbers['measured_holdout']:,} "
        "have matured, too few to compare"
    )
    return Finding(
        "campaign_not_matured",
        CAMPAIGN,
        _subject(campaign, WHOLE),
        f"What campaign '{campaign}' did is not known yet: {why}.",
        "Tell what was sent with `churn campaign record`; `churn campaign results` then tells what it earned.",
        evidence,
    )


def _no_campaign(night: Night) -> Finding:
    return Finding(
        "no_campaign",
        CAMPAIGN,
        "all",
        "There is no campaign yet, so none can have worked.",
        "Publish a list that names somebody, or tell of a campaign drawn elsewhere with `churn campaign record`; hold "
        "some out (retention.holdout_share).",
        night.expect("no_campaign", "bi.campaign_results"),
    )

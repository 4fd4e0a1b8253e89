"""Who is valuable and at risk, and whom to contact first: plain figures of the night, without a claim."""

from __future__ import annotations

from churn.insights.findings import CONTACT, VALUE, Finding, Night
from churn.insights.wording import customers, money, percent

_LEFT_OFF = {
    "over budget": "Raise retention.budget as far as it pays; bi.customer_scores shows who is waiting.",
    "over capacity": "Raise retention.list_size, or capacity of the offer, as far as your people can follow.",
    "below minimum": "Lower retention.minimum_value if so little is worth a contact.",
    "not contactable": "Ask for consent where you may; nobody is contacted without.",
    "open severe ticket": "Close their tickets first: that may keep them without an offer.",
    "list frozen": "The list was there first; a rerun with --replace-list takes them in, before anything is sent.",
}


def value_at_risk(night: Night) -> Finding:
    """Say how many valuable customers are at risk, and what hangs on them."""
    evidence = night.expect("value", "bi.customer_scores")
    numbers = evidence.numbers
    total, theirs = numbers["value_at_risk"], numbers["value_at_risk_of_these"]
    count = numbers["valuable_at_risk"]
    advice = "Begin with bi.high_value_at_risk: each with reasons and what to do."
    if numbers["valuable"] == 0:
        text = (
            f"{customers(numbers['at_risk'])} of {numbers['customers']:,} are in the riskiest tenth; which of them are "
            "valuable cannot be told, as no customer lifetime value sets any apart."
        )
        advice = "Take them by risk from bi.customer_scores; `churn train` brings values where the data allow them."
    elif count == 0:
        text = f"None of the {customers(numbers['valuable'])} of high value is in the riskiest tenth."
        advice = "Nothing is urgent; bi.customer_scores shows who comes next by value_at_risk."
    elif total:
        text = (
            f"{customers(count)} of high value {_are(count)} in the riskiest tenth. With them "
            f"{money(theirs or 0.0, night.currency)} is at risk, {percent((theirs or 0.0) / total)} of the "
            f"{money(total, night.currency)} at risk with all {numbers['customers']:,}."
        )
    else:
        text = (
            f"{customers(count)} of high value {_are(count)} in the riskiest tenth by the recency rule; what is at "
            "risk with them no model has estimated."
        )
        advice += " Train a model with `churn train`."
    return Finding("valuable_at_risk", VALUE, "all", text, advice, evidence, stake=theirs or 0.0)


def whom_to_contact(night: Night) -> Finding:
    """Say whom tonight's list names, with what, and what that is expected to earn."""
    evidence = night.expect("contact", "bi.at_risk_customers")
    numbers = evidence.numbers
    if numbers["treatment"] == 0:
        return Finding(
            "contact_nobody",
            CONTACT,
            "all",
            "Tonight's list names nobody to contact: no offer is expected to pay, or those for whom one would are left "
            "out for now.",
            "See cost and save_rate of [[retention.offers]], minimum_value, budget and cooldown_days in churn.toml.",
            evidence,
        )
    named = f": {numbers['actions']}" if numbers["actions"] else ""
    expected = numbers["expected_net_value"]
    worth = f" Contacting them is expected to earn {money(expected, night.currency)} net." if expected else ""
    return Finding(
        "contact_the_list",
        CONTACT,
        numbers["campaign"],
        f"Contact {customers(numbers['treatment'])} tonight{named}, in the order of the list.{worth} "
        f"{customers(numbers['holdout'])} of the list {_are(numbers['holdout'])} held out to measure against."
        + (f" {numbers['statement']}" if numbers["statement"] else ""),
        "bi.at_risk_customers says why each is there, in order of priority_rank. `churn export at-risk` gives the list "
        "without the holdout; afterwards tell what was sent with `churn campaign record`.",
        evidence,
        stake=max(expected or 0.0, 0.0),
    )


def left_off(night: Night) -> list[Finding]:
    """Say for which reason the list leaves off most of what offers would earn, if it leaves off anything."""
    evidence = night.evidence("left_off", "bi.list_exclusions")
    if evidence is None:
        return []
    numbers = evidence.numbers
    reason = numbers["list_status"]
    return [
        Finding(
            "value_left_off_the_list",
            CONTACT,
            reason,
            f"{customers(numbers['customers'])} {_are(numbers['customers'])} not on the list ({reason}), though an "
            f"offer to each is expected to earn {money(numbers['expected_net_value'], night.currency)} net in all.",
            _LEFT_OFF.get(reason, "They wait until it no longer holds; bi.customer_scores shows them by list_status."),
            evidence,
            stake=numbers["expected_net_value"],
        )
    ]


def _are(count: int) -> str:
    return "is" if count == 1 else "are"

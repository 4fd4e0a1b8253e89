"""One customer: who they are, how likely they are to leave and why, what to do, and what led up to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field

from churn.dashboard.blocks import Answer, Ask, Block, Column, Row
from churn.dashboard.charts import Chart, Colour, axis, bars, line
from churn.dashboard.marks import ABOVE, nights
from churn.dashboard.pages.page import Page, Query

_LONGEST_SHOWN = 60

TONIGHT = Block(
    name="customer",
    title="Tonight",
    view="customer_scores",
    columns=(
        Column("customer_id", "Customer", "id"),
        Column("segment", "Segment"),
        Column("segment_since_date", "In the segment since", "date"),
        Column("previous_segment", "Segment before"),
        Column("lifecycle_stage", "Stage"),
        Column("plan", "Plan"),
        Column("mrr", "MRR", "money"),
        Column("value_tier", "Value tier"),
        Column("churn_probability", "Churn probability", "share"),
        Column("risk_band", "Risk band"),
        Column("risk_percentile", "Customers at lower risk, of 100", "number"),
        Column("reason_1", "First reason"),
        Column("reason_2", "Second reason"),
        Column("reason_3", "Third reason"),
        Column("clv", "CLV", "money"),
        Column("clv_low", "CLV, low end", "money"),
        Column("clv_high", "CLV, high end", "money"),
        Column("clv_if_retained", "CLV if kept", "money"),
        Column("value_at_risk", "Value at risk", "money"),
        Column("p_alive", "Chance of still being a customer", "share"),
        Column("list_status", "On the list?"),
        Column("offer", "Offer that fits best"),
        Column("expected_net_value", "Expected net value", "money"),
        Column("priority_rank", "Place on the list", "integer", "1 is the customer to contact first."),
        Column("campaign", "Campaign", note="Campaign that tonight's list belongs to."),
        Column("campaign_group", "Group", note="treatment = contact; holdout = leave alone."),
        Column("recommended_action", "What to do", note="The offer to make, or hold out = do not contact."),
        Column("why", "Why on the list", note="Why the customer is on the list and what for."),
        Column("entered_as_of_date", "In the campaign since", "date", "Night with whose list the customer entered it."),
        Column("model_version", "Model"),
        Column("as_of_date", "Night", "date"),
    ),
    empty="This customer has no score tonight: only who is a customer on the night is scored.",
)
NIGHTS = Block(
    name="customer-nights",
    title="Scores night by night",
    view="customer_scores_history",
    columns=(
        Column("as_of_date", "Night", "date"),
        Column("churn_probability", "Churn probability", "share"),
        Column("risk_percentile", "Customers at lower risk, of 100", "number"),
        Column("risk_band", "Risk band"),
        Column("segment", "Segment"),
        Column("plan", "Plan"),
        Column("mrr", "MRR", "money"),
        Column("clv", "CLV", "money"),
        Column("clv_low", "CLV, low end", "money"),
        Column("clv_high", "CLV, high end", "money"),
        Column("value_at_risk", "Value at risk", "money"),
        Column("model_version", "Model"),
        Column("reason_1", "First reason"),
    ),
    empty="No published night has scored this customer yet.",
)
LISTS = Block(
    name="customer-lists",
    title="Lists that the customer was on",
    view="campaign_lists",
    columns=(
        Column("as_of_date", "Night", "date"),
        Column("campaign", "Campaign"),
        Column("offer", "Offer chosen", note="On that night; not made where held out."),
        Column("expected_net_value", "Expected net value", "money", "What the offer was expected to earn with them."),
        Column("churn_probability", "Churn probability", "share", "As of that night."),
        Column("listed", "Customers on the list", "integer"),
        Column("is_rehearsal", "Rehearsal", "boolean"),
    ),
    empty="The customer has been on no published list.",
)
ACTIVITY = Block(
    name="customer-activity",
    title="What the customer did, week by week",
    view="customer_activity",
    columns=(
        Column("week", "Week from", "date"),
        Column("is_whole_week", "Whole week", "boolean"),
        Column("usage_events", "Uses", "integer"),
        Column("usage_quantity", "Quantity used", "number"),
        Column("active_days", "Active days", "integer"),
        Column("payments", "Payments", "integer"),
        Column("amount_paid", "Paid", "money"),
        Column("amount_refunded", "Refunded", "money"),
        Column("payments_failed", "Failed payments", "integer"),
        Column("tickets_opened", "Tickets", "integer"),
    ),
    empty="No use, payment or support ticket of this customer is known.",
)
FEATURES = Block(
    name="customer-features",
    title="What the model knew",
    view="customer_features",
    columns=(
        Column("feature", "Feature", note="As in docs/features.md."),
        Column("value", "Value", note="As the model was given it; a dash where nothing is known."),
        Column("meaning", "What it means", note="The feature in words."),
    ),
    empty="No features are kept of this customer for tonight.",
)


class CustomerQuery(Query):
    """Which customer."""

    id: str = Field("", description="The customer's id in the source, in full.")


def _asks(query: CustomerQuery) -> Sequence[Ask]:
    return [Ask(block, {"id": query.id}) for block in (TONIGHT, NIGHTS, LISTS, ACTIVITY, FEATURES)]


def _missing(answers: Mapping[str, Answer], query: CustomerQuery) -> str | None:
    if not query.id or any(answers[block.name].rows for block in (TONIGHT, NIGHTS, ACTIVITY)):
        return None
    shown = query.id if len(query.id) <= _LONGEST_SHOWN else f"{query.id[:_LONGEST_SHOWN]}…"
    return (
        f"No customer with the id “{shown}” is known. It has to be written as in the source, capitals included. "
        "Who came today is known from the next night on."
    )


# --- charts -------------------------------------------------------------------------------------------------------


def _charts(answers: Mapping[str, Answer]) -> Sequence[Chart]:
    return [*_score_charts(answers[NIGHTS.name]), *_activity_charts(answers[ACTIVITY.name])]


def _score_charts(scored: Answer) -> list[Chart]:
    """Draw what two nights or more know; one alone makes no line."""
    drawers = {"churn_probability": _risk_chart, "clv": _clv_chart}
    return [
        draw(scored) for name, draw in drawers.items() if sum(value is not None for value in scored.column(name)) > 1
    ]


def _risk_chart(scored: Answer) -> Chart:
    dates = scored.column("as_of_date")
    return Chart(
        name="score",
        title="Churn probability, night by night",
        block=NIGHTS.name,
        summary=_risk_summary(scored.rows),
        traces=[_dotted("Churn probability", dates, scored.column("churn_probability"), "bad")],
        layout={"xaxis": nights(dates), "yaxis": axis(form="share", rangemode="tozero")},
        height=260,
    )


def _clv_chart(scored: Answer) -> Chart:
    dates = scored.column("as_of_date")
    return Chart(
        name="clv",
        title="CLV with its 80 % interval, night by night",
        block=NIGHTS.name,
        summary=_clv_summary(scored.rows),
        traces=[
            line("High end", dates, scored.column("clv_high"), "muted", dashed=True),
            _dotted("CLV", dates, scored.column("clv"), "accent"),
            line("Low end", dates, scored.column("clv_low"), "muted", dashed=True),
        ],
        layout={"xaxis": nights(dates), "yaxis": axis(form="money", rangemode="tozero"), **ABOVE},
        height=260,
    )


def _dotted(name: str, dates: Sequence[Any], values: Sequence[Any], colour: Colour) -> dict[str, Any]:
    return line(name, dates, values, colour, mode="lines+markers", marker={"color": colour, "size": 6})


def _risk_summary(rows: Sequence[Row]) -> str:
    known = [row for row in rows if row["churn_probability"] is not None]
    first, last = known[0], known[-1]
    return (
        f"From {first['churn_probability']:.1%} on {first['as_of_date']} to {last['churn_probability']:.1%} on "
        f"{last['as_of_date']}; {max(row['churn_probability'] for row in known):.1%} at the highest, "
        f"over {_many(len(known), 'night')}."
    )


def _clv_summary(rows: Sequence[Row]) -> str:
    last = [row for row in rows if row["clv"] is not None][-1]
    between = (
        f", between ¤{last['clv_low']:,.0f} and ¤{last['clv_high']:,.0f} with a chance of 80 %"
        if last["clv_low"] is not None and last["clv_high"] is not None
        else ""
    )
    return f"¤{last['clv']:,.0f} on {last['as_of_date']}{between}."


def _activity_charts(activity: Answer) -> list[Chart]:
    weeks = activity.column("week")
    uses, paid = activity.column("usage_events"), activity.column("amount_paid")
    refunded, failed = activity.column("amount_refunded"), activity.column("payments_failed")
    tickets = activity.column("tickets_opened")
    drawn = []
    if any(uses):
        summary = f"{sum(uses):,} uses in {_many(len(weeks), 'week')} with anything, {uses[-1]:,} in the last of them."
        drawn.append(("usage", "Use by week", summary, [bars("Uses", weeks, uses)], axis(form="integer")))
    if any(paid) or any(refunded):
        summary = (
            f"¤{sum(paid):,.0f} paid and ¤{sum(refunded):,.0f} refunded; {_many(sum(failed), 'payment')} failed. "
            "What was refunded points down."
        )
        back = [-amount if amount else None for amount in refunded]
        traces = [bars("Paid", weeks, paid, "good"), bars("Refunded", weeks, back, "bad")]
        drawn.append(("payments", "Payments by week", summary, traces, axis(form="money")))
    if any(failed) or any(tickets):
        summary = f"{_many(sum(failed), 'payment')} failed and {_many(sum(tickets), 'ticket')} opened."
        traces = [bars("Failed payments", weeks, failed, "bad"), bars("Tickets", weeks, tickets, "second")]
        whole = axis(form="integer", rangemode="tozero", dtick=1 if max(*failed, *tickets, 0) < 10 else None)
        drawn.append(("trouble", "Failed payments and support tickets by week", summary, traces, whole))
    return [
        Chart(
            name=name,
            title=title,
            block=ACTIVITY.name,
            summary=summary,
            traces=traces,
            layout={
                "xaxis": axis(form="date"),
                "yaxis": upright,
                "barmode": "relative",
                **(ABOVE if len(traces) > 1 else {}),
            },
            height=240,
        )
        for name, title, summary, traces, upright in drawn
    ]


def _many(number: int, word: str) -> str:
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"


# --- words --------------------------------------------------------------------------------------------------------


def _facts(answers: Mapping[str, Answer], _query: CustomerQuery) -> Mapping[str, Any]:
    customer = answers[TONIGHT.name].first
    columns = {column.name: column for column in TONIGHT.columns}
    nights = answers[NIGHTS.name].rows
    return {
        "customer": customer,
        "columns": columns,
        "reasons": [customer[name] for name in ("reason_1", "reason_2", "reason_3") if customer[name]]
        if customer
        else [],
        "last_seen": nights[-1]["as_of_date"] if nights else None,
    }


CUSTOMER = Page(
    name="customer",
    title="Customer",
    question="Why might this customer leave, what are they worth, and what should be done?",
    asks=_asks,
    query=CustomerQuery,
    charts=_charts,
    facts=_facts,
    missing=_missing,
    in_menu=False,
)

"""Campaigns: whether contacting customers kept them, at what price, and whether the comparison can be trusted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field

from churn.dashboard.blocks import Answer, Ask, Row
from churn.dashboard.charts import Chart, Colour, axis, bars, points
from churn.dashboard.marks import ranges, upright
from churn.dashboard.pages.campaign_blocks import ARMS, BALANCE, CAMPAIGNS, LISTS, SAVE_RATES
from churn.dashboard.pages.narrowing import narrowed
from churn.dashboard.pages.page import Page, Query

_TOLD = ("campaign", "first_as_of_date", "last_as_of_date", "as_of_date", "verdict")
SHOWN = 20
"""Campaigns that a chart holds; the table has all of them."""

_NO_CHANCE = 0.001  # as the statement of bi.campaign_lists does, and the check
_RARE = 0.05


class CampaignsQuery(Query):
    """Which campaign is looked at."""

    campaign: str | None = Field(None, description="Name of the campaign; by default the one entered last.")


def _asks(query: CampaignsQuery) -> Sequence[Ask]:
    return [
        Ask(CAMPAIGNS),
        Ask(ARMS, {"campaign": query.campaign}),
        Ask(BALANCE),
        Ask(SAVE_RATES),
        Ask(LISTS),
    ]


def _missing(answers: Mapping[str, Answer], query: CampaignsQuery) -> str | None:
    if query.campaign is None or answers["campaign-arms"].rows:
        return None
    return f"There is no campaign {query.campaign!r}. Leave the name out to see the last one."


def _charts(answers: Mapping[str, Answer]) -> Sequence[Chart]:
    found = [
        _effects("arms", "Stayed because of the campaign, by offer", "campaign-arms", answers, "arm"),
        _effects("effects", "Stayed because of each campaign", "campaigns", answers, "campaign"),
        _balance(answers["campaign-balance"].rows),
        _save_rates(answers["save-rates"].rows),
    ]
    return [chart for chart in found if chart is not None]


def _effects(name: str, title: str, block: str, answers: Mapping[str, Answer], label: str) -> Chart | None:
    """Draw effects as ranges beside zero; None where none is known."""
    known = [row for row in answers[block].rows if row["incremental_retention"] is not None][:SHOWN]
    if not known:
        return None
    labels = ["whole campaign" if row[label] == "all" and label == "arm" else row[label] for row in known]
    ends = {end: [100 * row[f"incremental_retention{end}"] for row in known] for end in ("", "_low", "_high")}
    told = [
        f"{who}: {middle:+.1f} points, from {low:+.1f} to {high:+.1f}"
        for who, middle, low, high in zip(labels, ends[""], ends["_low"], ends["_high"], strict=True)
    ]
    return Chart(
        name=name,
        title=title,
        block=block,
        summary="Percentage points with their 95 % interval; one that spans zero shows no effect yet. "
        + "; ".join(told[:6])
        + ("; and more in the table." if len(told) > 6 else "."),
        traces=[
            points(
                "Effect",
                ends[""],
                labels,
                marker={"size": 11},
                error_x=ranges(ends[""], ends["_low"], ends["_high"]),
                hovertemplate="%{y}: %{x:+.1f} points<extra></extra>",
            )
        ],
        layout={
            "xaxis": axis("Percentage points; right of zero it kept customers", zeroline=False),
            "yaxis": axis(type="category", autorange="reversed"),
            "shapes": [upright(0)],
            "showlegend": False,
        },
        height=130 + 34 * len(known),
    )


def _balance(rows: Sequence[Row]) -> Chart | None:
    if not rows:
        return None
    labels = ["everybody" if row["dimension"] == "all" else row["value"] for row in rows]
    everybody = rows[0]
    return Chart(
        name="balance",
        title="Held out, beside how many it should be",
        block="campaign-balance",
        summary=f"{everybody['holdout']:,} of {everybody['treatment'] + everybody['holdout']:,} in the campaign are "
        f"held out; {everybody['expected_holdout']:,.0f} were to be expected. {_oddest(rows)}",
        traces=[
            bars("Held out", labels, [row["holdout"] for row in rows], lying=True),
            points(
                "Expected",
                [row["expected_holdout"] for row in rows],
                labels,
                "second",
                marker={"size": 12, "symbol": "diamond"},
            ),
        ],
        layout={
            "xaxis": axis("Customers", "integer", rangemode="tozero"),
            "yaxis": axis(type="category", autorange="reversed"),
        },
        height=130 + 34 * len(rows),
    )


def _oddest(rows: Sequence[Row]) -> str:
    """Say how odd the most uneven group of a draw is; looking at many groups is allowed for."""
    chances = [row["p_value"] for row in rows if row["p_value"] is not None]
    if not chances:
        return "How likely such a draw is isn't known."
    smallest = min(chances) * len(chances)
    if smallest < _NO_CHANCE:
        return "Chance does not explain how uneven it lies: find out who was left out of the draw before you trust it."
    if smallest < _RARE:
        return f"The most uneven group would lie so in {100 * smallest:.1f} of 100 fair draws: rare, and no proof."
    return "Every group lies within what a fair draw does."


def _save_rates(rows: Sequence[Row]) -> Chart | None:
    if not rows:
        return None
    labels = [row["offer"] if row["value"] == "all" else f"{row['offer']}, {row['value']}" for row in rows]
    measured = sum(row["measured"] is not None for row in rows)
    marks: tuple[tuple[str, str, Colour, str], ...] = (
        ("assumed", "Assumed", "muted", "circle"),
        ("measured", "Measured", "second", "diamond"),
    )
    return Chart(
        name="save-rates",
        title="Share of those about to leave whom an offer keeps",
        block="save-rates",
        summary=f"{measured} of {len(rows)} rates rest on a measurement so far; the bars are what the list goes by, "
        f"from {min(row['save_rate'] for row in rows):.1%} to {max(row['save_rate'] for row in rows):.1%}.",
        traces=[
            bars("The list goes by", labels, [row["save_rate"] for row in rows], lying=True),
            *(
                points(said, [row[name] for row in rows], labels, colour, marker={"size": 12, "symbol": symbol})
                for name, said, colour, symbol in marks
                if any(row[name] is not None for row in rows)
            ),
        ],
        layout={
            "xaxis": axis(form="share", rangemode="tozero"),
            "yaxis": axis(type="category", autorange="reversed"),
        },
        height=140 + 34 * len(rows),
    )


def _facts(answers: Mapping[str, Answer], _query: CampaignsQuery) -> Mapping[str, Any]:
    balance = answers["campaign-balance"].rows
    return {
        "whole": answers["campaign-arms"].first,
        "arms": narrowed(answers["campaign-arms"], _TOLD),
        "offers": answers["campaign-arms"].rows[1:],
        "lists": narrowed(answers["campaign-lists"], ("statement",)),
        "names": answers["campaigns"].column("campaign"),
        "fairness": _oddest(balance) if balance else None,
    }


CAMPAIGNS_PAGE = Page(
    name="campaigns",
    title="Campaigns",
    question="Did contacting customers keep them, and was it worth its cost?",
    asks=_asks,
    query=CampaignsQuery,
    charts=_charts,
    facts=_facts,
    missing=_missing,
)

"""Who is at risk: tonight's list, the valuable ones, or everybody; filtered, sorted and read page by page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal, get_args

from pydantic import Field

from churn.dashboard.blocks import Answer, Ask, Block, Column, Paging
from churn.dashboard.charts import Chart, bars
from churn.dashboard.pages.overview_blocks import LIST_FIGURES
from churn.dashboard.pages.overview_charts import LEGEND_BELOW
from churn.dashboard.pages.page import Page, Query

Population = Literal["list", "valuable", "all"]
Sort = Literal[
    "priority_rank",
    "customer_id",
    "churn_probability",
    "risk_percentile",
    "value_at_risk",
    "expected_net_value",
    "clv_if_retained",
    "mrr",
    "segment",
    "plan",
]
SORTABLE: tuple[Sort, ...] = get_args(Sort)
SIZES = (25, 50, 100, 200)
_NO_OFFER = "no offer"
_CELLS: tuple[tuple[str, ...], ...] = (
    ("customer_id",),
    ("recommended_action",),
    ("churn_probability", "risk_percentile"),
    ("value_at_risk",),
    ("expected_net_value",),
    ("clv_if_retained",),
    ("mrr",),
    ("segment", "plan"),
)
_FIRST_THE_LEAST = ("priority_rank", "customer_id", "segment", "plan")

LISTED = Block(
    name="customers",
    title="Tonight's list",
    view="at_risk_customers",
    file="at_risk_listed",
    columns=(
        Column("priority_rank", "Place", "integer"),
        Column("customer_id", "Customer", "id"),
        Column("campaign_group", "Group"),
        Column("recommended_action", "What to do"),
        Column("churn_probability", "Churn probability", "share"),
        Column("risk_band", "Risk"),
        Column("risk_percentile", "Riskier than, of 100", "number"),
        Column("value_at_risk", "Value at risk", "money"),
        Column("expected_net_value", "Expected net value", "money"),
        Column("clv_if_retained", "CLV if kept", "money"),
        Column("mrr", "MRR", "money"),
        Column("segment", "Segment"),
        Column("plan", "Plan"),
        Column("value_tier", "Value tier"),
        Column("list_status", "On the list?", "text", "listed, or why not; null where no offer is expected to pay."),
        Column("why", "Why"),
        Column("reason_1", "First reason"),
        Column("reason_2", "Second reason"),
        Column("reason_3", "Third reason"),
        Column("offer", "Offer"),
    ),
    empty=LIST_FIGURES.empty,
    sortable=SORTABLE,
)
VALUABLE = replace(
    LISTED,
    title="Valuable customers at high risk",
    view="high_value_at_risk",
    file="at_risk_valuable",
    empty="Nobody of the highest value tier is in the riskiest tenth tonight, or no CLV is known.",
)
SCORED = replace(
    LISTED,
    title="All scored customers",
    view="customer_scores",
    file="at_risk_scored",
    empty="Nobody is scored yet: churn nightly scores all customers.",
)
FILTER_SEGMENTS = Block(
    name="filter-segments",
    title="Segments to choose from",
    view="segments",
    columns=(Column("segment", "Segment"),),
    empty="There are no segments yet.",
)
FILTER_PLANS = Block(
    name="filter-plans",
    title="Plans to choose from",
    view="kpi_monthly_by",
    columns=(Column("plan", "Plan", "text", "A plan that customers had in the last months."),),
    empty="There are no plans.",
)


@dataclass(frozen=True)
class _Listing:
    """A choice of customers, and how it is sorted where nobody says how."""

    label: str
    block: Block
    sort: Sort


_LISTINGS: dict[Population, _Listing] = {
    "list": _Listing("Tonight's list", LISTED, "priority_rank"),
    "valuable": _Listing("Valuable at high risk", VALUABLE, "value_at_risk"),
    "all": _Listing("All scored customers", SCORED, "risk_percentile"),
}
_LABELS = {
    "segment": "Segment",
    "plan": "Plan",
    "risk_band": "Risk",
    "value_tier": "Value tier",
    "action": "What to do",
    "campaign_group": "Group",
    "min_probability": "Churn probability at least",
    "min_value_at_risk": "Value at risk at least",
    "customer": "Customer begins with",
}

Words = Annotated[str, Field(min_length=1, max_length=200)]
Level = Literal["high", "medium", "low"]


class AtRiskQuery(Query):
    """Which customers, in which order, which page of them."""

    population: Population = Field("list", description="Tonight's list, the valuable at high risk, or all scored.")
    segment: Words | None = Field(None, description="Name of a segment.")
    plan: Words | None = Field(None, description="Name of a plan.")
    risk_band: Level | None = Field(None, description="high is the riskiest tenth, medium the next two.")
    value_tier: Level | None = Field(None, description="Tier by CLV.")
    action: Words | None = Field(None, description="What is to be done, as the list says it.")
    campaign_group: Literal["treatment", "holdout"] | None = Field(
        None, description="treatment is to be contacted, holdout is not."
    )
    min_probability: float | None = Field(None, ge=0, le=1, description="Least churn probability, 0 to 1.")
    min_value_at_risk: float | None = Field(None, ge=0, le=1e12, description="Least value at risk.")
    customer: Words | None = Field(None, description="What the customer's id begins with, or all of it.")
    sort: Sort | None = Field(None, description="Column to sort by.")
    descending: bool | None = Field(None, description="Largest first; by default what is more urgent is first.")
    page: int = Field(1, ge=1, le=1_000_000, description="Page, from 1.")
    size: int = Field(50, ge=1, le=200, description="Customers a page.")

    @property
    def paging(self) -> Paging:
        """Which part is read, in which order."""
        sort = self.sort or _LISTINGS[self.population].sort
        descending = sort not in _FIRST_THE_LEAST if self.descending is None else self.descending
        return Paging(self.page, self.size, sort, descending)

    @property
    def filters(self) -> dict[str, Any]:
        """What the statement is given."""
        return {name: getattr(self, name) for name in _LABELS}


def _asks(query: AtRiskQuery) -> Sequence[Ask]:
    customers = Ask(_LISTINGS[query.population].block, query.filters, query.paging)
    return [customers, Ask(LIST_FIGURES), Ask(FILTER_SEGMENTS), Ask(FILTER_PLANS)]


def _charts(answers: Mapping[str, Answer]) -> Sequence[Chart]:
    rows = answers[LIST_FIGURES.name].rows
    if not rows:
        return []
    counts = {(row["offer"] or _NO_OFFER, row["campaign_group"]): row["customers"] for row in rows}
    offers = sorted({offer for offer, _ in counts})
    groups = {"treatment": ("Contact", "accent"), "holdout": ("Hold out: do not contact", "muted")}
    totals = {group: sum(count for (_, one), count in counts.items() if one == group) for group in groups}
    return [
        Chart(
            name="list-actions",
            title="Tonight's list by offer",
            block=LIST_FIGURES.name,
            summary=f"{totals['treatment']:,} customers to contact, {totals['holdout']:,} held out, "
            f"with {len(offers)} {'offer' if len(offers) == 1 else 'offers'}.",
            traces=[
                bars(label, offers, [counts.get((offer, group)) for offer in offers], colour, lying=True)  # type: ignore[arg-type]
                for group, (label, colour) in groups.items()
            ],
            layout={"barmode": "stack", "yaxis": {"type": "category"}, "bargap": 0.35, "legend": LEGEND_BELOW},
            height=110 + 44 * len(offers),
        )
    ]


# --- words and links ----------------------------------------------------------------------------------------------


def _given(query: AtRiskQuery, **changes: Any) -> dict[str, Any]:
    """Return what stands after `?` for this page with changes; what is as by default is left out, and the page."""
    asked = query.model_dump(exclude_defaults=True) | {"page": None} | changes
    return {name: value for name, value in asked.items() if value is not None}


def _facts(answers: Mapping[str, Answer], query: AtRiskQuery) -> Mapping[str, Any]:
    found = answers[LISTED.name]
    paging = query.paging
    first = (paging.page - 1) * paging.size + 1
    return {
        "listings": [
            {"label": listing.label, "chosen": name == query.population, "asked": _given(query, **_elsewhere(name))}
            for name, listing in _LISTINGS.items()
        ],
        "customers": found,
        "heads": _heads(answers, query),
        "filters": [
            {"name": name, "label": _LABELS[name], "value": value, "asked": _given(query, **{name: None})}
            for name, value in query.filters.items()
            if value is not None
        ],
        "choices": _choices(answers, query),
        "asked": _given(query),
        "nothing_chosen": {"population": query.population} if query.population != "list" else {},
        "sizes": sorted({*SIZES, query.size}),
        "span": (first, first + len(found.rows) - 1),
        "steps": _steps(query, found.pages),
        "has_model": any(row["churn_probability"] is not None for row in found.rows) or not found.rows,
    }


def _elsewhere(name: Population) -> dict[str, Any]:
    """Return what changes where another choice of customers is looked at: it is sorted its own way."""
    return {"population": None if name == "list" else name, "sort": None, "descending": None}


def _heads(answers: Mapping[str, Answer], query: AtRiskQuery) -> list[list[dict[str, Any]]]:
    """Return the columns that the table shows, some with another one beneath, and where a click on each leads."""
    found = answers[LISTED.name]
    columns = {column.name: column for column in found.block.columns}
    unknown = {name for name in ("mrr", "plan") if all(row[name] is None for row in found.rows)}  # by inactivity
    place = [("priority_rank",)] if query.population == "list" else []
    cells = [[name for name in cell if name not in unknown] for cell in (*place, *_CELLS)]
    return [[_head(columns[name], query) for name in cell] for cell in cells if cell]


def _head(column: Column, query: AtRiskQuery) -> dict[str, Any]:
    paging = query.paging
    is_sorted = column.name == paging.sort
    turned = not paging.descending if is_sorted else column.name not in _FIRST_THE_LEAST
    return {
        "column": column,
        "sortable": column.name in SORTABLE,
        "sorted": ("descending" if paging.descending else "ascending") if is_sorted else None,
        "asked": _given(query, sort=column.name, descending=turned),
    }


def _choices(answers: Mapping[str, Answer], query: AtRiskQuery) -> dict[str, list[str]]:
    """Return what a reader may choose; what is chosen is among it, even where nothing has it tonight."""
    known = {
        "segment": answers[FILTER_SEGMENTS.name].column("segment"),
        "plan": answers[FILTER_PLANS.name].column("plan"),
        "action": answers[LIST_FIGURES.name].column("recommended_action"),
        "risk_band": ["high", "medium", "low"],
        "value_tier": ["high", "medium", "low"],
        "campaign_group": ["treatment", "holdout"],
    }
    return {
        name: list(dict.fromkeys([*values, *([chosen] if (chosen := getattr(query, name)) else [])]))
        for name, values in known.items()
    }


def _steps(query: AtRiskQuery, pages: int) -> list[dict[str, Any]]:
    """Return links to the first and last page, to those beside this one, and null for what is left out between."""
    here = min(query.page, pages)
    shown = sorted({1, *range(max(1, here - 2), min(pages, here + 2) + 1), pages})
    steps: list[dict[str, Any]] = []
    for before, page in zip([0, *shown], shown, strict=False):
        if page > before + 1:
            steps.append({"page": None, "here": False, "asked": {}})
        steps.append(
            {"page": page, "here": page == query.page, "asked": _given(query, page=page if page > 1 else None)}
        )
    return steps


AT_RISK = Page(
    name="at-risk",
    title="At risk",
    question="Whom should we contact, with what, and whom not?",
    asks=_asks,
    query=AtRiskQuery,
    charts=_charts,
    facts=_facts,
)

"""The first page: how the business does, what tonight found, and whether the figures can be trusted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from churn.dashboard.blocks import Answer, Ask, Kind, Row
from churn.dashboard.pages.overview_blocks import (
    CHAMPION,
    DRIFT,
    FINDINGS,
    KPIS,
    LAST_RUNS,
    LIST_FIGURES,
    MRR_MOVEMENT,
    RISK_BANDS,
)
from churn.dashboard.pages.overview_charts import overview_charts
from churn.dashboard.pages.page import Page, Query

_LEAST_CHANGE = 0.0005  # less is shown as 0.0


@dataclass(frozen=True)
class Measure:
    """A figure of the business in its last month, beside the month before.

    Attributes
    ----------
    label : str
    value : number
    kind : Kind
    month : date
        First day of the month that it is of.
    change : float or None
        A difference of shares, or of anything else as a share of the month before; None where that is not known.
    before : date or None
        The month compared with.
    meaning : str
        What the change means for the business: better, worse, or nothing.
    """

    label: str
    value: Any
    kind: Kind
    month: date
    change: float | None
    before: date | None
    meaning: Literal["better", "worse", ""]

    @property
    def direction(self) -> Literal["up", "down", "same"]:
        """Where it went; what would be shown as 0.0 is the same."""
        if self.change is None or abs(self.change) < _LEAST_CHANGE:
            return "same"
        return "up" if self.change > 0 else "down"


@dataclass(frozen=True)
class _Wanted:
    """A figure to show: which months it is taken from, and whether more of it is better."""

    label: str
    column: str
    kind: Kind
    months: Literal["settled", "any"]
    more_is_better: bool


_CUSTOMERS = _Wanted("Customers", "customers_end", "integer", "settled", True)
_CHURN = _Wanted("Churn rate", "churn_rate", "share", "settled", False)
_RETENTION = _Wanted("Retention rate", "retention_rate", "share", "settled", True)
_MRR = _Wanted("MRR", "mrr_end", "money", "settled", True)
_NRR = _Wanted("Net revenue retention", "nrr", "share", "settled", True)
_REVENUE = _Wanted("Revenue", "revenue", "money", "settled", True)
_ARPA = _Wanted("Revenue per customer", "arpa", "money", "settled", True)
_CLV = _Wanted("Average CLV", "avg_clv", "money", "any", True)


def measures(months: Sequence[Row]) -> list[Measure]:
    """Return the figures of the last months for which each is known; by inactivity revenue stands for MRR."""
    has_mrr = any(row["mrr_end"] is not None for row in months)
    wanted = (_CUSTOMERS, _CHURN, _RETENTION, *((_MRR, _NRR) if has_mrr else (_REVENUE,)), _ARPA, _CLV)
    found = [_measure(months, one) for one in wanted]
    return [measure for measure in found if measure is not None]


def _measure(months: Sequence[Row], wanted: _Wanted) -> Measure | None:
    fits = [place for place, row in enumerate(months) if _counts(row, wanted)]
    if not fits:
        return None
    place = fits[-1]
    row = months[place]
    before = months[place - 1] if place > 0 else None
    value, earlier = row[wanted.column], None if before is None else before[wanted.column]
    change = _change(value, earlier, wanted.kind)
    is_small = change is None or abs(change) < _LEAST_CHANGE
    meaning: Literal["better", "worse", ""] = (
        "" if is_small or change is None else "better" if (change > 0) is wanted.more_is_better else "worse"
    )
    compared = before["month"] if before is not None and change is not None else None
    return Measure(wanted.label, value, wanted.kind, row["month"], change, compared, meaning)


def _counts(row: Row, wanted: _Wanted) -> bool:
    return (wanted.months == "any" or not row["is_provisional"]) and row[wanted.column] is not None


def _change(value: Any, before: Any, kind: Kind) -> float | None:
    if before is None:
        return None
    if kind == "share":
        return float(value - before)
    return float(value - before) / float(before) if before else None


def _sum(rows: Sequence[Row], column: str) -> Any:
    """Return the sum of what is known; None where nothing is."""
    known = [row[column] for row in rows if row[column] is not None]
    return sum(known) if known else None


def _list(rows: Sequence[Row]) -> dict[str, Any]:
    """Return tonight's list in a few figures."""
    treated = [row for row in rows if row["campaign_group"] == "treatment"]
    return {
        "customers": sum(row["customers"] for row in rows),
        "to_contact": sum(row["customers"] for row in treated),
        "held_out": sum(row["customers"] for row in rows if row["campaign_group"] == "holdout"),
        "value_at_risk": _sum(rows, "value_at_risk"),
        "expected_net_value": _sum(treated, "expected_net_value"),
        "cost": _sum(treated, "cost"),
    }


def _drift(rows: Sequence[Row]) -> dict[str, Any]:
    """Return what moved tonight: how many features by status, and the one that moved most."""
    counts = {row["status"]: row["features"] for row in rows}
    moved = [row for row in rows if row["status"] != "ok"]
    return {
        "known": bool(rows),
        "features": sum(counts.values()),
        "fail": counts.get("fail", 0),
        "warn": counts.get("warn", 0),
        "most_moved": moved[0] if moved else None,
    }


def _asks(_query: Query) -> Sequence[Ask]:
    blocks = (KPIS, MRR_MOVEMENT, FINDINGS, RISK_BANDS, LIST_FIGURES, CHAMPION, DRIFT, LAST_RUNS)
    return [Ask(block) for block in blocks]


def _facts(answers: Mapping[str, Answer], _query: Query) -> Mapping[str, Any]:
    evaluations = {row["evaluation"]: row for row in answers[CHAMPION.name].rows}
    bands = answers[RISK_BANDS.name].rows
    return {
        "measures": measures(answers[KPIS.name].rows),
        "listed": _list(answers[LIST_FIGURES.name].rows),
        "at_risk": {
            "customers": sum(row["customers"] for row in bands),
            "high": sum(row["customers"] for row in bands if row["risk_band"] == "high"),
            "value": _sum(bands, "value_at_risk"),
        },
        "tested": evaluations.get("out_of_time"),
        "realised": evaluations.get("realised"),
        "drift": _drift(answers[DRIFT.name].rows),
        "last_run": answers[LAST_RUNS.name].first,
    }


OVERVIEW = Page(
    name="overview",
    title="Overview",
    question="How many customers are leaving, what does it cost, and what should be done tonight?",
    asks=_asks,
    charts=overview_charts,
    facts=_facts,
)

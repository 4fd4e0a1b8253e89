"""The model: how well it ranks, whether its probabilities mean what they say, and where to draw the line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import Field

from churn.dashboard.blocks import Answer, Ask, Row
from churn.dashboard.pages.model_blocks import (
    CALIBRATION,
    CLV,
    CLV_DECILES,
    CURVES,
    FIGURES,
    MODELS,
    PERFORMANCE,
    REALISED,
    SEGMENTS,
    TRADEOFF,
)
from churn.dashboard.pages.model_charts import charts_of
from churn.dashboard.pages.narrowing import latest, narrowed
from churn.dashboard.pages.page import Page, Query

EVERYBODY = "all"
LATEST = 14
"""Past nights in a table; the charts have more."""

_COUNTS = ("customers", "churners", "treated_left_out")
EVALUATIONS = {
    "out_of_time": "months it had not seen",
    "realised": "past nights, by outcome",
}


class ModelQuery(Query):
    """Which model is looked at, judged on what, and where the line is drawn."""

    version: str | None = Field(None, description="Version of the churn model; by default the one in use.")
    evaluation: Literal["out_of_time", "realised"] = Field(
        "out_of_time", description="Judged on the months of its test, or on published nights whose outcome is known."
    )
    segment: str = Field(EVERYBODY, min_length=1, description="Segment, or all.")
    contacted: float | None = Field(
        None, ge=0, le=1e9, description="Customers to contact a month; the nearest is marked."
    )
    threshold: float | None = Field(None, ge=0, le=1, description="Probability to contact from; the nearest is marked.")


def _asks(query: ModelQuery) -> Sequence[Ask]:
    version = {"version": query.version}
    test = version | {"evaluation": query.evaluation}
    group = test | {"segment": query.segment}
    return [
        Ask(MODELS),
        Ask(PERFORMANCE, version),
        Ask(FIGURES, group),
        Ask(SEGMENTS, test),
        *(Ask(curve, group | {"curve": curve.name}) for curve in CURVES),
        Ask(CALIBRATION, group),
        Ask(TRADEOFF, group | {"contacted": query.contacted, "threshold": query.threshold}),
        *(Ask(block, {"figure": figure}) for figure, block in REALISED.items()),
        Ask(CLV),
        Ask(CLV_DECILES),
    ]


def _missing(answers: Mapping[str, Answer], query: ModelQuery) -> str | None:
    if query.version is not None and query.version not in answers["models"].column("model_version"):
        return f"There is no model {query.version!r}. `churn models list` names those that there are."
    segments = answers["model-segments"].column("segment")
    if segments and query.segment not in segments:
        return f"The model was not judged on a segment {query.segment!r}: there are {', '.join(segments)}."
    return None


def _facts(answers: Mapping[str, Answer], query: ModelQuery) -> Mapping[str, Any]:
    judged = {row["evaluation"]: row for row in answers["model-performance"].rows}
    nearest = {row["kind"]: row for row in answers["threshold-tradeoff"].rows if row["is_nearest"]}
    return {
        "model": judged.get(query.evaluation) or answers["model-performance"].first,
        "compared": narrowed(answers["model-figures"], ("figure",)),
        "figures": {row["figure"]: row for row in answers["model-figures"].rows},
        "evaluations": EVALUATIONS,
        "judged": list(judged),
        "segments": answers["model-segments"].column("segment"),
        "nearest": [nearest[kind] for kind in ("list_size", "threshold") if kind in nearest],
        "past": {block.name: latest(answers[block.name], LATEST, _COUNTS) for block in REALISED.values()},
        "latest": LATEST,
        "tables": {curve.name: narrowed(answers[curve.name], (), _every_fifth) for curve in CURVES},
        "warned": [
            {"figure": figure.replace("_", " "), **row}
            for figure, block in REALISED.items()
            for row in answers[block.name].rows[-1:]
            if row["status"] == "warning"
        ],
    }


def _every_fifth(row: Row) -> bool:
    return bool(row["point"] % 5 == 0)


MODEL = Page(
    name="model",
    title="Model",
    question="Can its probabilities be trusted, and how many customers are worth contacting?",
    asks=_asks,
    query=ModelQuery,
    charts=charts_of,
    facts=_facts,
    missing=_missing,
)

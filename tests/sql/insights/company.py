"""Nights of a company of some hundred customers, and what they have to say."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa

from churn.config import Settings
from churn.insights import store_insights
from tests.sql.nights import Nights
from tests.sql.staging_tables import AS_OF, Staging

SETTINGS = Settings(business={"currency": "EUR"})
CUSTOMERS = 400
WEEK = timedelta(days=7)

_SCORES = """
    insert into scores.customer_scores (
        as_of_date, run_id, customer_key, segment_id, risk_score, churn_probability, risk_percentile, risk_band, mrr,
        clv, clv_if_retained, value_at_risk, value_tier, lifecycle_stage
    )
    select
        :as_of, :run_id, k, 1 + k % :segments, 0, p, 50, case when k % 10 = 0 then 'high' else 'low' end, 50,
        case when p is not null then 1000 * (1 - p) end, case when p is not null then 1000 end,
        round(cast(1000 * p * :stake as numeric), 2), case when p is not null and k % 4 = 0 then 'high' end, 'mature'
    from (
        select
            g as k,
            case when :has_model then
                0.1 + 0.0001 * ((g * 7 + :noise) % 100) + case when 1 + g % :segments = 1 then :raised else 0 end
            end as p
        from generate_series(1, :customers) as g
    ) as scored
"""


class Company:
    """Writes nights and lets them speak."""

    def __init__(self, staging: Staging) -> None:
        self.staging = staging
        self.connection = staging.connection
        self.nights = Nights(staging)
        staging.connection.execute(
            sa.text(
                "insert into staging.customer_keys (customer_id, customer_key) overriding system value "
                "select 'c' || g, g from generate_series(1, :customers) as g"
            ),
            {"customers": CUSTOMERS},
        )

    def night(
        self,
        as_of: date = AS_OF,
        *,
        segments: int = 4,
        has_model: bool = True,
        raised: float = 0.0,
        stake: float = 1.0,
        is_published: bool = True,
        versions: dict[str, str] | None = None,
    ) -> int:
        """Score everybody on a night; `raised` is added to the probability in the first segment."""
        run_id = self.nights.run(as_of, is_published=is_published, segments="segments-x")
        if versions is not None:
            self.connection.execute(
                sa.text("update ops.runs set versions = versions || cast(:v as jsonb) where run_id = :run_id"),
                {"v": json.dumps(versions), "run_id": run_id},
            )
        params = {
            "as_of": as_of, "run_id": run_id, "segments": segments, "has_model": has_model, "raised": raised,
            "stake": stake, "customers": CUSTOMERS, "noise": (as_of - date(2024, 1, 1)).days,
        }  # fmt: skip
        self.connection.execute(sa.text(_SCORES), params)
        for place in range(1, segments + 1):
            self.nights.segment(
                as_of, run_id, place, f"Segment {place}", customers=CUSTOMERS // segments, share=1 / segments,
                avg_churn_probability=0.1 if has_model else None, mrr=5000,
            )  # fmt: skip
        return run_id

    def realised(self, run_id: int, churned: list[int], *, customers: int = 200, as_of: date = AS_OF) -> None:
        """Say how many of each segment left, of a past month end."""
        before = as_of - timedelta(days=60)
        snapshot_id = self.nights.snapshot({1: {"x": 1.0}}, as_of=before)
        for place, left in enumerate(churned, start=1):
            row = {
                "model_version": "segments-x", "snapshot_id": snapshot_id, "segment_id": place,
                "customers": customers, "churned": left,
            }  # fmt: skip
            self.nights.insert("ops.segment_outcomes", row)
        self.connection.execute(
            sa.text("update scores.segment_nights set realised_as_of_date = :before where run_id = :run_id"),
            {"before": before, "run_id": run_id},
        )

    def speak(self, run_id: int, as_of: date = AS_OF) -> list[dict[str, Any]]:
        """Store the run's insights, and return them in order."""
        stored = store_insights(self.connection, SETTINGS, as_of, run_id, run_id)
        rows = self.connection.execute(
            sa.text("select * from scores.insights where run_id = :run_id order by priority"), {"run_id": run_id}
        )
        found = [dict(row) for row in rows.mappings()]
        assert len(found) == stored
        return found

    def weeks(self, count: int, *, until: date = AS_OF, **night: Any) -> None:
        """Publish quiet nights, a week apart, the last of them a week before `until`."""
        for back in range(count, 0, -1):
            as_of = until - back * WEEK
            self.speak(self.night(as_of, **night), as_of)


def claims(found: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """What is claimed: kind and subject."""
    return [(row["insight"], row["subject"]) for row in found if row["p_value"] is not None]


def the(found: list[dict[str, Any]], insight: str) -> dict[str, Any]:
    """The one finding of a kind."""
    (row,) = [row for row in found if row["insight"] == insight]
    return row

"""Whom a campaign touched: whose list overlaps a label window, and who stands for whom."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

from churn import exposure
from churn.partitions import ensure_month
from churn.schema import at_risk_list, campaign_contacts, campaign_lists, campaign_members, campaigns, published
from churn.sqlfiles import read_sql
from tests.sql.staging_tables import AS_OF, Staging

HORIZON = 30
RUN = 7


def freeze(staging: Staging, offset: int, treated: list[int], held_out: list[int], campaign: str = "nightly") -> None:
    """A published list of the night `offset` days from as_of."""
    night = AS_OF + timedelta(days=offset)
    ensure_month(staging.connection, "at_risk_list", night)
    staging.connection.execute(
        sa.dialects.postgresql.insert(published)
        .values(
            as_of_date=night,
            run_id=RUN,
            list_run_id=RUN,
            published_at=datetime(2025, 7, 1, tzinfo=UTC),
            in_sample=False,
        )
        .on_conflict_do_nothing()
    )
    add_list(staging, night, RUN, treated, held_out, campaign)


def add_list(
    staging: Staging, night: date, run_id: int, treated: list[int], held_out: list[int], campaign: str
) -> None:
    arms = [(key, "treatment") for key in treated] + [(key, "holdout") for key in held_out]
    staging.connection.execute(
        sa.insert(at_risk_list),
        [
            {
                "as_of_date": night,
                "run_id": run_id,
                "priority_rank": rank,
                "customer_key": key,
                "segment_id": 1,
                "risk_score": 0,
                "risk_percentile": 99,
                "risk_band": "high",
                "segment": "all",
                "campaign": campaign,
                "campaign_group": arm,
            }
            for rank, (key, arm) in enumerate(arms, 1)
        ],
    )


def weights(staging: Staging) -> dict[int, Any]:
    exposure.assigned_weights(staging.connection, AS_OF, HORIZON)
    rows = staging.connection.execute(sa.text("select customer_key, weight from pg_temp.campaign_weights"))
    return {row.customer_key: pytest.approx(row.weight) for row in rows}


def test_the_treated_weigh_nothing_and_the_held_out_stand_for_all_who_were_listed(staging: Staging) -> None:
    freeze(staging, 0, [1, 2, 3], [4])
    assert weights(staging) == {1: 0, 2: 0, 3: 0, 4: 4}


@pytest.mark.parametrize(
    ("offset", "is_touched"), [(-31, False), (-30, False), (-29, True), (0, True), (29, True), (30, False), (31, False)]
)
def test_a_list_touches_the_label_windows_that_overlap_its_own(staging: Staging, offset: int, is_touched: bool) -> None:
    freeze(staging, offset, [1], [2])
    assert weights(staging) == ({1: 0, 2: 2} if is_touched else {})


def test_a_list_that_no_night_shows_touches_nobody(staging: Staging) -> None:
    freeze(staging, 0, [1], [2])
    add_list(staging, AS_OF, RUN + 1, [5], [6], "nightly")
    assert weights(staging) == {1: 0, 2: 2}


def test_a_list_of_a_night_that_is_not_kept_any_more_still_counts(staging: Staging) -> None:
    freeze(staging, -3, [1], [2])
    freeze(staging, -2, [3], [4])
    values = {"before": AS_OF - timedelta(days=2), "withdrawn_at": datetime(2025, 7, 1, tzinfo=UTC)}
    staging.connection.execute(read_sql("keeping/withdraw_nights.sql").statement, values)
    assert staging.connection.scalar(sa.text("select count(*) from ops.published")) == 1
    assert weights(staging) == {1: 0, 3: 0, 2: 2, 4: 2}


@pytest.mark.parametrize("is_rehearsal", [True, False])
def test_a_rehearsal_touches_nobody(staging: Staging, is_rehearsal: bool) -> None:
    freeze(staging, -3, [1], [2])
    night = AS_OF - timedelta(days=3)
    ensure_month(staging.connection, "campaign_lists", night)
    counts = dict.fromkeys(("listed", "treatment", "holdout", "entering", "members_to_date"), 0)
    row = {"as_of_date": night, "run_id": RUN, "campaign": "nightly", "statement": "", "is_rehearsal": is_rehearsal}
    staging.connection.execute(sa.insert(campaign_lists), row | counts)
    assert weights(staging) == ({} if is_rehearsal else {1: 0, 2: 2})


def test_a_customer_on_many_lists_of_a_campaign_counts_once(staging: Staging) -> None:
    for offset in (-1, 0, 1):
        freeze(staging, offset, [1, 2, 3], [4])
    freeze(staging, 2, [5], [6])
    assert weights(staging) == {1: 0, 2: 0, 3: 0, 5: 0, 4: 3, 6: 3}


def test_whoever_was_treated_by_any_campaign_is_left_out(staging: Staging) -> None:
    freeze(staging, 0, [1, 2], [3], "spring")
    freeze(staging, 1, [3, 4], [1], "summer")
    assert weights(staging) == {1: 0, 2: 0, 3: 0, 4: 0}


def test_the_draws_of_two_campaigns_multiply(staging: Staging) -> None:
    freeze(staging, 0, [1], [2], "spring")
    freeze(staging, 1, [4, 5], [2], "summer")
    assert weights(staging) == {1: 0, 4: 0, 5: 0, 2: 6}


def test_a_campaign_that_held_nobody_out_leaves_everyone_out_and_says_so(staging: Staging) -> None:
    freeze(staging, 0, [1, 2], [], "spring")
    freeze(staging, 1, [3, 4], [5], "summer")
    found = exposure.assigned_weights(staging.connection, AS_OF, HORIZON)
    assert found == exposure.Exposure(treated=4, held_out=1, unrepresented=2)


def test_weights_are_given_in_the_order_of_the_customers(staging: Staging) -> None:
    freeze(staging, 0, [3, 9], [4])
    exposure.assigned_weights(staging.connection, AS_OF, HORIZON)
    keys = np.array([9, 1, 4, 3, 99], dtype=np.int64)
    assert exposure.weights_of(staging.connection, keys) == pytest.approx([0, 1, 3, 0, 1])


def test_without_a_list_everyone_weighs_one(staging: Staging) -> None:
    found = exposure.assigned_weights(staging.connection, AS_OF, HORIZON)
    assert found == exposure.Exposure(0, 0, 0)
    assert exposure.weights_of(staging.connection, np.arange(3)).tolist() == [1, 1, 1]


# ------------------------------------------------------------ campaigns drawn elsewhere, and contacts


def enter(staging: Staging, key: int, group: str, offset: int, campaign: str = "spring") -> None:
    """A member of a campaign that was drawn elsewhere."""
    statement = sa.dialects.postgresql.insert(campaigns).on_conflict_do_nothing()
    at = datetime(2025, 7, 1, tzinfo=UTC)
    row = {"campaign": campaign, "kind": "recorded", "started_as_of_date": AS_OF, "created_at": at, "run_id": RUN}
    staging.connection.execute(statement, row)
    member = {"campaign": campaign, "customer_key": key, "campaign_group": group}
    staging.connection.execute(sa.insert(campaign_members), {**member, "as_of_date": AS_OF + timedelta(days=offset)})


def contact(staging: Staging, key: int, offset: int, campaign: str = "nightly") -> None:
    row = {"campaign": campaign, "customer_key": key, "sent_date": AS_OF + timedelta(days=offset), "recording_id": 1}
    staging.connection.execute(sa.insert(campaign_contacts), row)


@pytest.mark.parametrize(("offset", "is_touched"), [(-30, False), (-29, True), (0, True), (29, True), (30, False)])
def test_a_campaign_drawn_elsewhere_touches_like_a_list(staging: Staging, offset: int, is_touched: bool) -> None:
    for key, group in [(1, "treatment"), (2, "treatment"), (3, "holdout")]:
        enter(staging, key, group, offset)
    assert weights(staging) == ({1: 0, 2: 0, 3: 3} if is_touched else {})


def test_who_entered_with_a_list_that_was_replaced_later_is_still_touched(staging: Staging) -> None:
    for key, group in [(1, "treatment"), (2, "holdout")]:
        enter(staging, key, group, -2, "nightly")
    staging.connection.execute(sa.update(campaigns).values(kind="list"))
    assert weights(staging) == {1: 0, 2: 2}


@pytest.mark.parametrize(("offset", "is_touched"), [(-30, False), (-29, True), (29, True), (30, False)])
def test_a_recorded_contact_touches_from_the_day_it_was_sent(staging: Staging, offset: int, is_touched: bool) -> None:
    contact(staging, 1, offset)
    assert weights(staging) == ({1: 0} if is_touched else {})


def test_who_was_held_out_and_contacted_all_the_same_stands_for_nobody(staging: Staging) -> None:
    freeze(staging, 0, [1, 2], [3, 4])
    contact(staging, 3, 1)
    assert weights(staging) == {1: 0, 2: 0, 3: 0, 4: 4}

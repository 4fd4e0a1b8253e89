"""What earlier models promised beside what their nights came to, where the months overlap."""

from __future__ import annotations

from datetime import date

import pytest
import sqlalchemy as sa

from churn.schema import model_performance


def add(staging, version, evaluation, first, last, auc):
    staging.connection.execute(
        sa.insert(model_performance).values(
            model_version=version,
            evaluation=evaluation,
            from_as_of_date=first,
            to_as_of_date=last,
            customer_months=1000,
            churners=100,
            auc_roc=auc,
            auc_roc_low=auc - 0.02,
            auc_roc_high=auc + 0.02,
        )
    )


@pytest.mark.parametrize(
    ("first", "last", "overlaps"),
    [
        (date(2025, 1, 1), date(2025, 3, 31), False),
        (date(2025, 1, 1), date(2025, 4, 1), True),
        (date(2025, 6, 1), date(2025, 9, 1), True),
        (date(2025, 6, 2), date(2025, 9, 1), False),
    ],
)
def test_a_model_is_compared_where_its_nights_lie_in_the_tested_months(staging, first, last, overlaps):
    add(staging, "churn-1", "out_of_time", date(2024, 9, 1), date(2024, 11, 1), 0.9)
    add(staging, "churn-1", "realised", first, last, 0.7)
    add(staging, "churn-2", "out_of_time", first, last, 0.8)
    found = staging.run("training/realised_claims.sql", from_as_of=date(2025, 4, 1), to_as_of=date(2025, 6, 1))
    assert [(row["model_version"], row["claimed"], row["realised"]) for row in found] == (
        [("churn-1", 0.9, 0.7)] if overlaps else []
    )

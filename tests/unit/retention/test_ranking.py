"""Who is in which band, with what at stake."""

from __future__ import annotations

import numpy as np
import pytest

from churn.errors import ModelError
from churn.retention import risk_band, value_at_risk

NAN = float("nan")


def test_value_at_risk_is_what_churn_would_cost_and_not_p_times_clv() -> None:
    assert value_at_risk([0.9, 0.1, NAN], [100, 100, 100], [10, 0, 0])[:2] == pytest.approx([81, 10])
    assert np.isnan(value_at_risk([NAN, 0.5], [100, NAN], [10, 0])).all()


def test_the_top_decile_is_high_and_the_next_two_are_medium() -> None:
    bands = risk_band([0, 69.9, 70, 89.9, 90, 100])
    assert bands.tolist() == ["low", "low", "medium", "medium", "high", "high"]
    assert risk_band([]).tolist() == []


@pytest.mark.parametrize("percentile", [NAN, -1, 101])
def test_a_percentile_that_is_none_is_refused(percentile: float) -> None:
    with pytest.raises(ModelError, match="percentile"):
        risk_band([50, percentile])

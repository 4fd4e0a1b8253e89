"""The shifted beta geometric on its authors' data: Fader & Hardie 2007, Journal of Interactive Marketing 21(1)."""

from __future__ import annotations

import numpy as np
import pytest

from churn.clv import BdwParams, fit_bdw

CUSTOMERS = 1_000
REGULAR = (100, 63.1, 46.8, 38.2, 32.6, 28.9, 26.2, 24.1)
HIGH_END = (100, 86.9, 74.3, 65.3, 59.3, 55.1, 51.7, 49.1)


def life(survivors):
    """Renewals, contracts at risk and contracts that ended, of the survivors in % by year."""
    alive = np.array(survivors) / 100 * CUSTOMERS
    return np.arange(len(alive) - 1), alive[:-1], alive[:-1] - alive[1:]


def log_likelihood(params, survivors):
    renewals, at_risk, churned = life(survivors)
    hazard = params.hazards(renewals.astype(float))
    return float(churned @ np.log(hazard) + (at_risk - churned) @ np.log1p(-hazard))


@pytest.mark.parametrize(
    ("survivors", "alpha", "beta", "published"),
    [(REGULAR, 0.704, 1.182, -1680.3), (HIGH_END, 0.668, 3.806, -1611.2)],
    ids=["regular", "high end"],
)
def test_the_published_parameters_and_likelihood_come_out(survivors, alpha, beta, published):
    fit = fit_bdw(*life(survivors))
    found = fit.geometric
    assert found.alpha == pytest.approx(alpha, rel=1e-3, abs=5e-4)
    assert found.beta == pytest.approx(beta, rel=1e-3, abs=5e-4)
    assert found.c == 1.0
    assert fit.geometric_log_likelihood == pytest.approx(published, abs=0.05)
    assert fit.geometric_log_likelihood >= log_likelihood(BdwParams(alpha, beta), survivors)
    assert fit.geometric_log_likelihood == pytest.approx(log_likelihood(found, survivors))

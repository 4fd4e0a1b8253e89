"""The tests behind the claims, by hand."""

from __future__ import annotations

from math import comb, sqrt

import pytest
from scipy.stats import fisher_exact, t

from churn.insights.chance import Split, adjusted, change_p_value, interval_p_value, proven, split_p_value
from churn.insights.findings import BEHAVIOUR, CAMPAIGN, SEGMENTS

# Benjamini & Hochberg (1995), table of section 3.2: fifteen p-values, of which four are rejected at 5 %.
PAPER = [
    0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0,
]  # fmt: skip


def test_the_adjustment_rejects_the_four_of_the_paper() -> None:
    assert [value <= 0.05 for value in adjusted(PAPER)] == [True] * 4 + [False] * 11
    assert adjusted(PAPER)[:4] == pytest.approx([0.0015, 0.003, 0.0095, 0.035625])


def test_the_adjustment_is_that_of_a_hand_example_in_any_order() -> None:
    # Sorted: 0.01 × 4/1 = 0.04, 0.02 × 4/2 = 0.04, 0.03 × 4/3 = 0.04, 0.5 × 4/4 = 0.5.
    assert adjusted([0.5, 0.03, 0.01, 0.02]) == pytest.approx([0.5, 0.04, 0.04, 0.04])
    # The second would be 0.06 by itself; the third's 0.045 counts, since a smaller p-value is never less proven.
    assert adjusted([0.001, 0.04, 0.045]) == pytest.approx([0.003, 0.045, 0.045])
    assert adjusted([]).tolist() == []


def test_facts_that_are_proven_lend_no_campaign_their_proof() -> None:
    facts, campaigns = [1e-9] * 15, [0.04, 0.3, 0.5, 0.6, 0.9]
    assert adjusted(facts + campaigns)[15] <= 0.05
    kinds = [SEGMENTS] * 7 + [BEHAVIOUR] * 8 + [CAMPAIGN] * 5
    assert proven(facts + campaigns, kinds).tolist() == [True] * 15 + [False] * 5


def test_facts_that_are_proven_do_not_lower_the_bar_for_changes() -> None:
    facts, changes = [1e-9] * 10, [0.03, 0.9]
    assert adjusted(facts + changes)[10] <= 0.05
    assert proven(facts + changes, ["fact"] * 10 + ["change"] * 2).tolist() == [True] * 10 + [False] * 2


def test_what_passes_among_its_kind_must_pass_among_all() -> None:
    assert proven([0.04] + [0.9] * 9, ["change"] + ["fact"] * 9).tolist() == [False] * 10


@pytest.mark.parametrize(
    "table", [(20, 8, 80, 12), (5, 5, 20, 0), (10, 0, 10, 0), (10, 10, 10, 10), (300, 40, 900, 90)]
)
def test_groups_are_compared_by_fisher_s_exact_test(table: tuple[int, int, int, int]) -> None:
    customers, churned, others, others_churned = table
    expected = fisher_exact([[churned, customers - churned], [others_churned, others - others_churned]])[1]
    assert split_p_value(Split(*table)) == pytest.approx(expected)


def test_the_exact_test_by_hand() -> None:
    # Tea tasting: of 8 cups 4 and 4; three right or better on either side has probability 2 × 17/70.
    assert split_p_value(Split(4, 3, 4, 1)) == pytest.approx(2 * (4 * 4 + 1) / comb(8, 4))


def test_an_interval_that_touches_zero_has_a_p_value_of_a_twentieth() -> None:
    assert interval_p_value(0.04, 0.0, 0.09) == pytest.approx(0.05)
    assert interval_p_value(-0.04, -0.09, 0.0) == pytest.approx(0.05)
    assert interval_p_value(0.04, 0.001, 0.09) < 0.05 < interval_p_value(0.04, -0.001, 0.05)
    assert interval_p_value(0.0, 0.0, 0.0) == 1.0


def test_a_change_is_judged_by_the_larger_of_both_scales() -> None:
    by_customers = change_p_value(0.02, 0.01, 12, 0.004)
    by_weeks = change_p_value(0.02, 0.001, 12, 0.01)
    assert by_customers == by_weeks == pytest.approx(2 * t.sf(2.0, 8))


def test_without_weeks_or_scale_nothing_is_tested() -> None:
    assert change_p_value(0.02, 0.001, 7, 0.001) is None
    assert change_p_value(0.0, 0.0, 20, 0.0) is None
    assert change_p_value(0.02, 0.001, 8, sqrt(2) / 1000) is not None

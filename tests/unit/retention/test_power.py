"""What a list can show is said before it goes out."""

from __future__ import annotations

import math

import numpy as np
import pytest

from churn.retention import detectable_effect, needed_list, power_of, statement


def test_the_power_of_methods_md() -> None:
    assert power_of(450, 50, 0.3 * 0.85, 0.3) == pytest.approx(0.10, abs=0.005)
    assert power_of(8_100, 900, 0.3 * 0.85, 0.3) == pytest.approx(0.80, abs=0.005)
    assert needed_list(0.1, 0.3, 0.15) == pytest.approx(9_000, rel=0.01)


def test_power_is_the_share_of_simulated_campaigns_that_show_an_effect() -> None:
    random = np.random.default_rng(5)
    treated, control = random.binomial(1800, 0.2, 20_000) / 1800, random.binomial(200, 0.3, 20_000) / 200
    sd = np.sqrt(treated * (1 - treated) / 1800 + control * (1 - control) / 200)
    shown = np.abs(treated - control) > 1.959964 * sd

    assert power_of(1800, 200, 0.2, 0.3) == pytest.approx(shown.mean(), abs=0.02)


def test_no_effect_is_shown_as_often_as_the_level_says() -> None:
    assert power_of(500, 500, 0.3, 0.3) == pytest.approx(0.05)


def test_the_detectable_effect_is_the_one_that_the_power_is_asked_of() -> None:
    effect = detectable_effect(450, 50, 0.3)

    assert effect == pytest.approx(0.186, abs=0.001)
    assert power_of(450, 50, 0.3 - effect, 0.3) == pytest.approx(0.8)
    assert detectable_effect(4_500, 500, 0.3) < effect < detectable_effect(450, 50, 0.3, power=0.9)


@pytest.mark.parametrize(
    ("treatment", "holdout", "rate"), [(45, 5, 0.3), (0, 50, 0.3), (450, 0, 0.3), (450, 50, 0.0), (9, 9, math.nan)]
)
def test_where_not_even_saving_everybody_would_be_seen_there_is_no_detectable_effect(
    treatment: int, holdout: int, rate: float
) -> None:
    assert math.isnan(detectable_effect(treatment, holdout, rate))


def test_no_list_is_long_enough_for_an_effect_of_nothing() -> None:
    assert needed_list(0.1, 0.3, 0.0) == needed_list(0.0, 0.3, 0.1) == math.inf


def test_the_statement_says_what_can_be_shown_and_what_it_takes() -> None:
    text = statement(450, 50, 0.3, 0.15)

    assert "450 customers to contact and 50 held out" in text
    assert "keeping 62% of them (18.6 percentage points)" in text
    assert "15% assumed would be seen with a chance of 10% only" in text
    assert "about 9,000 customers" in text


def test_the_statement_promises_no_more_where_the_list_is_long_enough() -> None:
    assert statement(9_000, 1_000, 0.3, 0.15).endswith("The 15% assumed would be seen with a chance of 84%.")


def test_the_statement_says_when_a_list_is_too_small_to_learn_from() -> None:
    assert "too small to learn from: not even keeping everyone would be seen" in statement(45, 5, 0.3, 0.1)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((10, 0, 0.3, 0.1), "nobody is held out to compare with"),
        ((0, 10, 0.3, 0.1), "nobody is contacted to compare with"),
        ((10, 10, math.nan, 0.1), "how many will leave is unknown"),
    ],
)
def test_the_statement_says_why_nothing_can_be_shown(arguments: tuple[int, int, float, float], words: str) -> None:
    assert words in statement(*arguments)


@pytest.mark.parametrize("save_rate", [-0.1, 0.0, math.nan])
def test_an_effect_that_nobody_hopes_for_is_not_spoken_of(save_rate: float) -> None:
    assert "assumed" not in statement(450, 50, 0.3, save_rate)

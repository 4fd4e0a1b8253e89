"""What campaigns have measured feeds the next list, shrunk; what was not known yet does not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.sql.campaigns.office import RUN, Marketing
from tests.sql.nights import Nights
from tests.sql.staging_tables import AS_OF, Staging

OFFERS = [{"name": "call", "cost": 5, "save_rate": 0.2}, {"name": "mail", "cost": 1, "save_rate": 0.1}]


@pytest.fixture
def office(staging: Staging) -> Marketing:
    made = Marketing(staging, retention={"offers": OFFERS})
    made.campaign("nightly")
    return made


def stored(office: Marketing, offer: str = "call", value: str = "all") -> dict[str, Any]:
    (row,) = [row for row in office.rows("scores.save_rates") if (row["offer"], row["value"]) == (offer, value)]
    return row


def test_before_any_campaign_the_rates_are_the_configured_ones(office: Marketing) -> None:
    table = office.rates()
    assert table.of(["mail", "call"], ["a", "b", "a"]).tolist() == [[0.1, 0.2]] * 3
    assert table.of(["call"], []).shape == (0, 1)
    assert {row["offer"] for row in office.rows("scores.save_rates")} == {"call", "mail"}
    assert (stored(office)["campaigns"], stored(office)["measured"], stored(office)["save_rate"]) == (0, None, 0.2)


def test_a_measured_rate_is_weighed_against_the_assumed_one_by_their_variances(office: Marketing) -> None:
    """60 of 200 and 60 of 100 left: the ratio is 0.5, of variance 0.25 × (0.7 / 60 + 0.4 / 60)."""
    after = office.outcomes("nightly", 1, 60, 200, group="treatment")
    office.outcomes("nightly", after, 60, 100, group="holdout")
    office.rates()
    row = stored(office)
    variance, between = 0.25 * (0.7 / 60 + 0.4 / 60), 0.01
    assert (row["treatment"], row["holdout"], row["campaigns"]) == (200, 100, 1)
    assert (row["measured"], row["variance"], row["between_variance"]) == pytest.approx((0.5, variance, between))
    assert row["save_rate"] == pytest.approx((0.2 / between + 0.5 / variance) / (1 / between + 1 / variance))
    assert stored(office, "mail")["save_rate"] == 0.1, "the other offer was not measured"


def test_a_campaign_is_one_measurement_however_long_it_runs(office: Marketing) -> None:
    key = 1
    for entered in range(-400, -60, 30):
        key = office.outcomes("nightly", key, 3, 10, group="treatment", entered=entered)
        key = office.outcomes("nightly", key, 4, 10, group="holdout", entered=entered)
    office.rates()
    assert stored(office)["campaigns"] == 1


def test_from_five_campaigns_on_it_is_measured_how_far_they_differ(office: Marketing) -> None:
    key = 1
    for number in range(5):
        office.campaign(f"c{number}")
        key = office.outcomes(f"c{number}", key, 40 + 4 * number, 100, group="treatment")
        key = office.outcomes(f"c{number}", key, 50, 100, group="holdout")
    office.rates()
    assert stored(office)["campaigns"] == 5
    assert stored(office)["between_variance"] >= 0.01


def test_a_segment_that_contacting_hurts_goes_by_its_own_rate(office: Marketing) -> None:
    key = 1
    for segment, treated, held in [("grateful", 20, 60), ("annoyed", 60, 30), ("", 10, 10)]:
        key = office.outcomes("nightly", key, treated, 100, group="treatment", segment=segment)
        key = office.outcomes("nightly", key, held, 100, group="holdout", segment=segment)
    rates = office.rates().of(["call", "mail"], ["grateful", "annoyed", "unheard of"])
    whole = stored(office)["save_rate"]
    assert rates[0, 0] > whole > 0 > rates[1, 0]
    assert rates[2, 0] == whole
    assert rates[:, 1].tolist() == [0.1] * 3
    assert stored(office, value="annoyed")["probability_harmful"] > 0.5
    assert stored(office, value="annoyed")["assumed"] == whole
    assert "" not in {row["value"] for row in office.rows("scores.save_rates")}


def test_an_offer_that_is_shown_to_drive_customers_away_is_harmful_whatever_was_assumed(office: Marketing) -> None:
    """90 of 100 left, of the holdout 10: so far above 1 the ratio's variance alone would hide it."""
    after = office.outcomes("nightly", 1, 90, 100, group="treatment")
    office.outcomes("nightly", after, 10, 100, group="holdout")
    office.rates()
    row = stored(office)
    assert row["measured"] == pytest.approx(-8)
    assert row["save_rate"] == pytest.approx(1 - 9 * np.exp(-1.96 * np.sqrt(0.1 / 90 + 0.9 / 10)), abs=1e-3)
    assert row["probability_harmful"] >= 0.975


def test_a_rerun_of_an_old_night_does_not_see_what_matured_after_it(office: Marketing) -> None:
    after = office.outcomes("nightly", 1, 90, 100, group="treatment", entered=-44, matured=0)
    office.outcomes("nightly", after, 10, 100, group="holdout", entered=-44, matured=0)
    assert office.rates(-1).by_offer["call"] == 0.2
    assert office.rates(0).by_offer["call"] < 0


def test_an_arm_without_anybody_measures_nothing(office: Marketing) -> None:
    office.outcomes("nightly", 1, 90, 100, group="treatment", segment="s")
    office.rates()
    assert stored(office)["campaigns"] == 0
    assert {row["dimension"] for row in office.rows("scores.save_rates")} == {"all"}


def test_the_holdout_of_a_campaign_drawn_elsewhere_stands_against_each_offer(office: Marketing) -> None:
    office.campaign("spring", "recorded")
    after = office.outcomes("spring", 1, 10, 50, group="treatment", offer="call")
    after = office.outcomes("spring", after, 20, 50, group="treatment", offer="mail")
    office.outcomes("spring", after, 25, 50, group="holdout", offer=None)
    office.rates()
    assert [stored(office, offer)["holdout"] for offer in ("call", "mail")] == [50, 50]
    assert stored(office)["measured"] == pytest.approx(0.6)


def test_the_view_shows_the_rates_of_the_published_night(office: Marketing) -> None:
    nights = Nights(office.staging)
    run_id = nights.run(AS_OF)
    office.rates()
    assert nights.shown("save_rates", "offer") == []
    office.connection.exec_driver_sql(f"update scores.save_rates set run_id = {run_id} where run_id = {RUN}")
    assert nights.shown("save_rates", "offer", "save_rate", "measured") == [("call", 0.2, None), ("mail", 0.1, None)]


def test_rates_are_found_for_every_customer_in_order(office: Marketing) -> None:
    segments = np.array(["b", "a", "c"] * 5)
    table = office.rates()
    assert table.of(["call"], segments).shape == (15, 1)

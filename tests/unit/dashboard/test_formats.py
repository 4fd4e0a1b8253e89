"""Values stand on the pages as the business writes them."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from churn.dashboard.charts import Chart, axis
from churn.dashboard.formats import Formats
from churn.dashboard.rendering import data, environment, words
from churn.errors import ConfigError

POUNDS = Formats("GBP", "Europe/London")


@pytest.mark.parametrize(
    ("value", "kind", "shown"),
    [
        (None, "money", "–"),
        (float("nan"), "number", "–"),
        (float("inf"), "seconds", "–"),
        (1234567, "integer", "1,234,567"),
        (1207, "run", "1207"),
        (0.7853, "number", "0.785"),
        (28532.887, "number", "28,533"),
        (0.0417, "share", "4.2%"),
        (0.0125, "points", "+1.2 pp"),
        (-0.013, "points", "-1.3 pp"),
        (Decimal("457.82"), "money", "£457.82"),
        (Decimal("457.00"), "money", "£457"),
        (Decimal("51234.56"), "money", "£51,235"),
        (date(2025, 11, 3), "date", "3 Nov 2025"),
        (date(2025, 11, 1), "month", "Nov 2025"),
        (datetime(2025, 7, 1, 23, 30, tzinfo=UTC), "timestamp", "2 Jul 2025, 00:30"),
        (75.0, "seconds", "1 min 15 s"),
        (False, "boolean", "no"),
    ],
)
def test_a_value_is_written_by_its_kind(value, kind, shown):
    assert POUNDS.show(value, kind) == shown


def test_another_country_writes_otherwise():
    euros = Formats("EUR", "Europe/Berlin", "de_DE")
    assert euros.show(Decimal("51234.56"), "money").replace("\xa0", " ") in ("51.235 €", "€51.235")
    assert euros.show(0.0417, "share").startswith("4,2")


def test_a_country_that_is_not_there_is_refused_with_what_to_write():
    with pytest.raises(ConfigError, match="there is no xx_YY"):
        Formats("GBP", "Europe/London", "xx_YY")


def test_what_stands_between_backticks_is_code_and_everything_is_escaped():
    assert words("run `churn <b>` & wait") == "run <code>churn &lt;b&gt;</code> &amp; wait"


def test_data_can_not_end_its_script():
    assert "</script" not in data(["</script><script>alert(1)</script>", "<!--"])
    assert "<!--" not in data(["<!--"])


def test_a_chart_and_its_summary_show_the_currency_s_sign():
    chart = Chart("x", "X", "kpis", "¤5 in all", [], {"yaxis": axis(form="money")})
    templates = environment(POUNDS)
    assert json.loads(templates.filters["data"](chart))["layout"]["yaxis"]["tickprefix"] == "£"
    assert templates.filters["signed"](chart.summary) == "£5 in all"
